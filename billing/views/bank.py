"""Bank statements: reading one, and what each of its entries was matched to."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries, statuses
from billing.bank.statement import WARNINGS
from billing.forms.pages import StatementForm
from billing.models import BankLine
from billing.reasons import sentence
from billing.views.shown import by_words, figure, page_of, query_of, sentence_cell, table, tag
from common.formatting import day, money
from common.forms import answer_form
from common.money import CURRENCY_EXPONENTS
from parties.authentication import signed_in
from parties.queries import has_role, require_role
from parties.roles import Role

READERS = (Role.FINANCE, Role.INVESTIGATOR, Role.REGULATOR)
Match = BankLine.Match


@login_required
@require_GET
def statements(request: HttpRequest) -> HttpResponse:
    """List the bank statements that were read, each with what matched nothing."""
    person = signed_in(request)
    require_role(person, *READERS)
    found = (
        queries.statements_visible_to(person)
        .defer("content")
        .annotate(
            entries=Count("lines"), odd=Count("lines", filter=Q(lines__match=Match.UNMATCHED))
        )
    )
    page = page_of(request, found)
    context = {
        "may_upload": has_role(person, Role.FINANCE),
        "list": table(
            _("Bank statements"),
            [
                _("Statement"),
                _("Of account"),
                _("Read"),
                figure(_("Entries")),
                figure(_("Match nothing")),
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
        statement.account,
        by_words(statement.read_at, statement.read_by.name),
        statement.entries,
        {"text": statement.odd, "error": bool(statement.odd)},
    ]


@login_required
@require_http_methods(["GET", "POST"])
def statement_upload(request: HttpRequest) -> HttpResponse:
    """Read a bank's statement, and do what it says about our payments."""
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
        "rows": [
            {"key": _("Account"), "value": found.account},
            {"key": _("Currency"), "value": found.unit},
            {"key": _("Read"), "value": by_words(found.read_at, found.read_by.name)},
            {
                "key": _("Act"),
                "value": found.act_id,
                "url": reverse("ledger_act", args=[found.act_id]),
                "action": _("Open"),
            },
        ],
        "figures": [
            {
                "value": counts.get(match, 0),
                "label": statuses.BANK_LINE[match].label,
                "problem": match in ("UNMATCHED", "RETURNED") and bool(counts.get(match)),
            }
            for match in ("PAID", "RETURNED", "UNMATCHED", "ANSWERED")
        ],
        "warnings": [
            f"{one['place']}: {_warning(one['code'], one['values'])}" for one in found.warnings
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
            ],
            [_line_row(line) for line in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/statement.html", context)


def _warning(code: str, values: dict[str, Any]) -> str:
    return str(WARNINGS[code]) % values


def _line_row(line: BankLine) -> list[Any]:
    amount = line.amount if line.is_credit else -line.amount
    unit = line.unit
    identity: Any = line.end_to_end_id or "–"
    if line.payment is not None:
        identity = {
            "text": line.end_to_end_id,
            "url": reverse("batch", args=[line.payment.batch.code]),
        }
    return [
        {"text": line.position, "url": reverse("trace", args=["bank_line", line.pk])},
        day(line.booked_on),
        identity,
        line.counterparty or "–",
        money(amount, unit) if unit in CURRENCY_EXPONENTS else f"{amount} {unit}",
        tag(statuses.BANK_LINE[line.match]),
        sentence_cell(sentence(line.reason, line.reason_values)),
    ]
