"""A holder says of each line of a bill that it is right or wrong, one by one or many at once."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries, statuses
from billing.forms.answers import AnswersForm, ConfirmForm, SaidFilter
from billing.models import Bill, BillLine
from billing.views.shown import figure, page_of, query_of, table, tag
from common.downloads import csv_answer
from common.errors import NotFound
from common.formatting import gpu_hours, instant, money
from common.forms import answer_form
from common.money import major
from common.statuses import Status
from parties.authentication import signed_in
from parties.models import User


@login_required
@require_http_methods(["GET", "POST"])
def bill_confirm(request: HttpRequest, number: str) -> HttpResponse:
    """Show a holder's lines of a bill, to be confirmed all at once or as chosen."""
    person = signed_in(request)
    bill, lines = _own(person, number)
    listing = SaidFilter(request.GET)
    found = _filtered(lines, listing)
    page = page_of(request, found)
    shown = list(page)
    form = ConfirmForm(
        request.POST if request.method == "POST" else None,
        rows=[line.row for line in shown],
    )

    def say() -> HttpResponse:
        given = form.cleaned_data
        rows: list[int] | None = given["row"]
        if given["act"] == ConfirmForm.MATCHING:
            is_all = not query_of(request)
            rows = None if is_all else list(_open(found).values_list("row", flat=True))
        asked: dict[str, Any] = {
            "bill": bill,
            "rows": rows,
            "actor": person,
            "at": timezone.now(),
            "key": form.act_key,
        }
        if given["act"] == ConfirmForm.TAKE_BACK:
            count = actions.take_back_confirmation(**asked)
            said = ngettext(
                "The confirmation of %(count)s line is taken back.",
                "The confirmation of %(count)s lines is taken back.",
                count,
            )
        else:
            count = actions.confirm_lines(**asked)
            said = ngettext(
                "%(count)s line is confirmed.", "%(count)s lines are confirmed.", count
            )
        messages.success(request, said % {"count": count})
        return redirect(request.get_full_path())

    may_speak = queries.may_speak(bill, timezone.now())
    context = {
        "bill": bill,
        "listing": listing,
        "is_filtered": bool(query_of(request)),
        "deadline": deadline_words(bill),
        "may_speak": may_speak,
        "figures": _figures(lines, bill),
        "list": _table(shown, may_speak=may_speak),
        "open_count": _open(found).count() if may_speak else 0,
        "page": page,
        "query": query_of(request),
    }
    return answer_form(request, form, "billing/bill_confirm.html", say, context)


def _own(person: User, number: str) -> tuple[Bill, QuerySet[BillLine]]:
    """Return a bill and the lines of it that a person may speak of.

    :raises NotFound: if there are none.
    """
    bill = queries.bill_of(person, number)
    lines = queries.lines_to_confirm(person, bill)
    if queries.is_own_claim(bill) or not lines.exists():
        raise NotFound(what=number)
    return bill, lines


def _filtered(lines: QuerySet[BillLine], form: SaidFilter) -> QuerySet[BillLine]:
    if not form.is_valid():
        return lines
    words, said = form.cleaned_data["words"], form.cleaned_data["said"]
    if words:
        lines = lines.filter(
            Q(key__icontains=words)
            | Q(source__icontains=words)
            | Q(voucher__code__iexact=words)
            | Q(order__code__iexact=words)
        )
    states = {
        "nothing": {"confirmed": False, "disputed": False},
        "confirmed": {"confirmed": True},
        "disputed": {"disputed": True},
    }
    return lines.filter(**states[said]) if said else lines


def _open(lines: QuerySet[Any]) -> QuerySet[BillLine]:
    """Return the lines of which nothing was said yet."""
    return lines.filter(confirmed=False, disputed=False)


def deadline_words(bill: Bill) -> str:
    """Return until when holders may speak, and what their silence means, in words."""
    until = instant(queries.open_to(bill), bill.programme.zone)
    if queries.withholds_silence(bill):
        words = _(
            "Say of each line until {until} whether it is right. By the programme's law a line "
            "that you say nothing of is withheld then, until an officer has looked."
        )
    else:
        words = _(
            "Say of each line until {until} whether it is right. By the programme's law a line "
            "that you say nothing of counts as accepted then."
        )
    return format_html(words, until=until)


def _figures(lines: QuerySet[BillLine], bill: Bill) -> list[dict[str, Any]]:
    states = [
        (_("Confirmed"), Q(confirmed=True)),
        (_("Disputed"), Q(disputed=True)),
        (_("Nothing said yet"), Q(confirmed=False, disputed=False)),
    ]
    figures = []
    for label, state in states:
        found = lines.filter(state)
        count = found.count()
        amount = found.aggregate(total=Sum("amount"))["total"] or 0
        note = ngettext("%(count)s line", "%(count)s lines", count) % {"count": count}
        figures.append({"value": money(amount, bill.unit), "label": label, "note": note})
    return figures


def _table(lines: Sequence[BillLine], *, may_speak: bool) -> Any:
    columns: list[Any] = [
        _("Line"),
        _("Usage"),
        _("Voucher and order"),
        figure(_("Hours")),
        figure(_("Amount")),
        _("You said"),
    ]
    rows = [_row(line) for line in lines]
    if may_speak:
        columns = [*columns, _("Choose"), _("What you can do")]
        rows = [[*row, _box(line), _step(line)] for row, line in zip(rows, lines, strict=True)]
    return table(_("Your lines"), columns, rows)


def _row(line: Any) -> list[Any]:
    codes = [one.code for one in (line.voucher, line.order) if one is not None]
    return [
        line.row,
        f"{line.source}/{line.key}",
        " ".join(codes),
        gpu_hours(line.quantity_ms),
        money(line.amount, line.bill.unit),
        tag(said_of(line)),
    ]


def said_of(line: Any) -> Status:
    """Return what a line's holder said of it, of a line that `with_words` returned."""
    if line.disputed:
        return statuses.SAID["DISPUTED"]
    return statuses.SAID["CONFIRMED" if line.confirmed else "NOTHING"]


def _box(line: Any) -> str:
    if line.disputed:
        return "–"
    return format_html(
        '<div class="govuk-checkboxes govuk-checkboxes--small"><div class="govuk-checkboxes__item">'
        '<input class="govuk-checkboxes__input" type="checkbox" id="row-{row}" name="row" '
        'value="{row}"><label class="govuk-label govuk-checkboxes__label" for="row-{row}">'
        '<span class="govuk-visually-hidden">{words}</span></label></div></div>',
        row=line.row,
        words=_("Line %(row)s") % {"row": line.row},
    )


def _step(line: Any) -> Any:
    if line.disputed or line.confirmed:
        return "–"
    url = reverse("line_object", args=[line.bill.number, line.row])
    return {"text": _("Object"), "url": url}


@login_required
@require_http_methods(["GET", "POST"])
def bill_answers(request: HttpRequest, number: str) -> HttpResponse:
    """Take a file of answers to many lines: all of it counts, or nothing."""
    person = signed_in(request)
    bill, lines = _own(person, number)
    is_sent = request.method == "POST"
    form = AnswersForm(
        request.POST if is_sent else None,
        request.FILES if is_sent else None,
        rows=set(lines.values_list("row", flat=True)) if is_sent else set(),
    )

    def answer() -> HttpResponse:
        given, at = form.cleaned_data["answers"], timezone.now()
        with transaction.atomic():
            if given.disputed:
                actions.object_to_lines(
                    bill=bill,
                    notes=given.disputed,
                    actor=person,
                    at=at,
                    key=f"{form.act_key}:object",
                )
            if given.confirmed:
                actions.confirm_lines(
                    bill=bill,
                    rows=given.confirmed,
                    actor=person,
                    at=at,
                    key=f"{form.act_key}:confirm",
                )
        messages.success(
            request,
            _("We have your answers: %(confirmed)s confirmed, %(disputed)s disputed.")
            % {"confirmed": len(given.confirmed), "disputed": len(given.disputed)},
        )
        return redirect("bill_confirm", number)

    context = {
        "title": _("Answer many lines at once"),
        "caption": _("Bill %(number)s") % {"number": number},
        "back": reverse("bill_confirm", args=[number]),
        "submit": _("Send the answers"),
        "deadline": deadline_words(bill),
        "number": number,
        "rows": [
            {"key": _("Your lines"), "value": lines.count()},
            {"key": _("Nothing said yet"), "value": _open(lines).count()},
        ],
    }
    return answer_form(request, form, "billing/bill_answers.html", answer, context)


@login_required
@require_GET
def bill_answers_csv(request: HttpRequest, number: str) -> HttpResponse:
    """Give a holder's lines of a bill as a CSV in which answers can be written."""
    bill, lines = _own(signed_in(request), number)
    header = ["line", "source", "key", "voucher", "order", "hours", "amount", "unit"]

    def row(line: Any) -> list[object]:
        return [
            line.row,
            line.source,
            line.key,
            line.voucher.code,
            line.order.code if line.order else "",
            major(line.quantity_ms, "GPU"),
            major(line.amount, bill.unit),
            bill.unit,
            "object" if line.disputed else "confirm" if line.confirmed else "",
            "",
            "",
        ]

    return csv_answer(
        f"{number}-answers.csv",
        [*header, "said", "answer", "note"],
        (row(one) for one in lines),
    )
