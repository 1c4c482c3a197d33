"""What the bank sent: reading a file, and what each of its entries was matched to."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, bank_statuses, queries
from billing.bank.amounts import amount_of_any
from billing.bank.codes import code_words
from billing.bank.statement import WARNINGS
from billing.forms.pages import StatementForm
from billing.models import BankLine, BankStatement
from billing.reasons import sentence
from billing.views.shown import by_words, figure, page_of, query_of, sentence_cell, table, tag
from common.downloads import file_answer
from common.formatting import day, money
from common.forms import answer_form
from common.money import is_currency
from parties.authentication import signed_in
from parties.queries import has_role, require_role
from parties.roles import Role

READERS = (Role.FINANCE, Role.INVESTIGATOR, Role.REGULATOR)


@login_required
@require_GET
def statements(request: HttpRequest) -> HttpResponse:
    """List what the bank sent and was read, each with what a person has to look at."""
    person = signed_in(request)
    require_role(person, *READERS)
    found = (
        queries.statements_visible_to(person)
        .defer("content")
        .annotate(entries=Count("lines"), odd=Count("lines", filter=~Q(lines__oddity="")))
    )
    page = page_of(request, found)
    context = {
        "may_upload": has_role(person, Role.FINANCE),
        "list": table(
            _("Bank statements"),
            [
                _("Statement"),
                _("Kind"),
                _("Of account"),
                _("Read"),
                figure(_("Entries")),
                figure(_("To look at")),
            ],
            [_row(one) for one in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/statements.html", context)


def _row(statement: Any) -> list[Any]:
    return [
        {"text": statement.name, "url": reverse("statement", args=[statement.pk])},
        _recognised(statement),
        statement.account,
        by_words(statement.read_at, statement.read_by.name),
        statement.entries,
        {"text": statement.odd, "error": bool(statement.odd)},
    ]


def _recognised(statement: BankStatement) -> str:
    """Return the kind of file, and the message that it was recognised as."""
    kind = str(bank_statuses.BANK_FORMAT[statement.format])
    return f"{kind} ({statement.message})" if statement.message else kind


@login_required
@require_http_methods(["GET", "POST"])
def statement_upload(request: HttpRequest) -> HttpResponse:
    """Read what the bank sent, and do what it says about our payments."""
    person = signed_in(request)
    require_role(person, Role.FINANCE)
    form = StatementForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
    )

    def read() -> HttpResponse:
        file, now = form.cleaned_data["file"], timezone.now()
        statement = actions.read_statement(
            name=file.name, data=file.read(), actor=person, at=now, key=form.act_key
        )
        if statement.read_at != now:
            messages.info(
                request,
                _("This file was read before, on %(day)s. Nothing was done again.")
                % {"day": f"{statement.read_at:%Y-%m-%d}"},
            )
        return redirect("statement", statement.pk)

    return answer_form(request, form, "billing/statement_upload.html", read)


@login_required
@require_GET
def statement(request: HttpRequest, pk: int) -> HttpResponse:
    """Show each entry of a statement, what it was matched to, or why it matches nothing."""
    person = signed_in(request)
    require_role(person, *READERS)
    found = queries.statement_of(person, pk)
    lines = BankLine.objects.filter(statement=found).select_related("payment__batch")
    counts = dict(lines.order_by().values_list("match").annotate(Count("pk")))
    page = page_of(request, lines.order_by("position"))
    context = {
        "name": found.name,
        "rows": _facts(found),
        "figures": [
            {
                "value": counts.get(match, 0),
                "label": status.label,
                "problem": match in ("UNMATCHED", "RETURNED") and bool(counts.get(match)),
            }
            for match, status in bank_statuses.BANK_LINE.items()
            if match != "TAKEN" or found.format == BankStatement.Format.REPORT
        ],
        "warnings": [
            f"{one['place']}: {_warning(one['code'], one['values'])}" for one in found.warnings
        ],
        "others": [
            {
                "text": one.statement_id or one.account,
                "url": reverse("statement", args=[one.pk]),
            }
            for one in queries.statements_visible_to(person)
            .filter(sha256=found.sha256)
            .exclude(pk=found.pk)
            .order_by("number")
        ],
        "list": table(
            _("Entries"),
            [
                _("Entry"),
                _("Booked"),
                _("End-to-end id"),
                _("Other party"),
                figure(_("Amount")),
                _("Match"),
                _("Why"),
                _("Where it stands"),
            ],
            [_line_row(line) for line in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/statement.html", context)


@login_required
@require_GET
def statement_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the file that a statement came in, byte for byte."""
    person = signed_in(request)
    require_role(person, *READERS)
    found = queries.statement_of(person, pk)
    first = BankStatement.objects.get(sha256=found.sha256, number=1)
    answer = file_answer("statement", bytes(first.content), "application/octet-stream")
    # The name is somebody's own: whatever a header can't carry is written another way.
    named = content_disposition_header(as_attachment=True, filename=first.name)
    answer.headers["Content-Disposition"] = named or "attachment"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _facts(found: BankStatement) -> list[dict[str, Any]]:
    return [
        {"key": _("Recognised as"), "value": _recognised(found)},
        {"key": _("The bank's name for it"), "value": found.statement_id or "–"},
        {"key": _("Account"), "value": found.account},
        {"key": _("Currency"), "value": found.unit},
        {"key": _("Read"), "value": by_words(found.read_at, found.read_by.name)},
        {
            "key": _("File"),
            "value": found.name,
            "url": reverse("statement_file", args=[found.pk]),
            "action": _("Download"),
        },
        {
            "key": _("Act"),
            "value": found.act_id,
            "url": reverse("ledger_act", args=[found.act_id]),
            "action": _("Open"),
        },
    ]


def _warning(code: str, values: dict[str, Any]) -> str:
    return str(WARNINGS[code]) % values


def signed_amount(line: BankLine) -> str:
    """Return what came in, or with a minus went out, in whatever currency."""
    amount = line.amount if line.is_credit else -line.amount
    return (
        money(amount, line.unit) if is_currency(line.unit) else amount_of_any(amount, line.unit)
    )


def why(line: BankLine) -> str:
    """Return why an entry was matched as it was, with what the bank's code means."""
    words = (sentence(line.reason, line.reason_values), code_words(line.bank_code))
    return " ".join(one for one in words if one)


def _where(line: BankLine) -> str:
    """Return where an entry leads: its payment's trace, or the page on which it is looked at."""
    if line.payment is None:
        return reverse("bank_line", args=[line.pk])
    return reverse("trace", args=["bank_line", line.pk])


def _line_row(line: BankLine) -> list[Any]:
    identity: Any = line.end_to_end_id or "–"
    if line.payment is not None:
        identity = {
            "text": line.payment.end_to_end_id,
            "url": reverse("batch", args=[line.payment.batch.code]),
        }
    return [
        {"text": line.position, "url": _where(line)},
        day(line.booked_on),
        identity,
        line.counterparty or "–",
        signed_amount(line),
        tag(bank_statuses.BANK_LINE[line.match]),
        sentence_cell(why(line)),
        {"text": _("Open"), "url": reverse("bank_line", args=[line.pk])},
    ]
