"""Finance settles bills and decides what was withheld of their lines."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries
from billing.forms.deciding import DecideForm
from billing.models import Bill, BillLine
from billing.queries.archive import with_archived
from billing.queries.oddities import odd_lines
from billing.queries.queues import queue_of
from billing.views.bill_states import BillState, states_of
from billing.views.bills import why
from billing.views.deadlines import deadline_rows
from billing.views.shown import figure, page_of, query_of, sentence_cell, table, tag
from common.formatting import gpu_hours, instant, money
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import require_role
from parties.roles import Role

SETTLERS = (Role.FINANCE, Role.OFFICER)


@login_required
@require_GET
def settle_queue(request: HttpRequest) -> HttpResponse:
    """Show finance what waits: bills to settle, lines withheld, batches to approve or send."""
    person = signed_in(request)
    require_role(person, *SETTLERS, Role.REGULATOR)
    programmes = queries.programmes_overseen(person)
    waiting = (
        queries.bills_to_settle()
        .filter(programme__in=programmes)
        .select_related("programme", "provider__organisation", "payee")
    )
    page = page_of(request, waiting)
    states = states_of(list(page), timezone.now())
    batches = queries.batches_visible_to(person).filter(status__in=queries.UNRELEASED)
    context = {
        "figures": [
            {"value": page.paginator.count, "label": _("Bills to settle")},
            {
                "value": queries.lines_withheld(person).count(),
                "label": _("Lines withheld"),
                "url": reverse("lines_withheld"),
            },
            {
                "value": queries.proofs_waiting(programmes).count(),
                "label": _("Proofs of own shares"),
                "url": reverse("work_queue", args=["own-shares"]),
            },
            {
                "value": batches.count(),
                "label": _("Batches to approve or send"),
                "url": reverse("batches"),
            },
            {
                "value": odd_lines(person).count(),
                "label": _("Entries of the bank to look at"),
                "url": reverse("bank_queue"),
            },
            *_recoveries(person),
        ],
        "list": table(
            _("Bills to settle"),
            [
                _("Number"),
                _("Kind"),
                _("Paid to"),
                _("Programme"),
                _("Sent"),
                figure(_("Total")),
                _("Status"),
            ],
            [_row(bill, states[bill.pk]) for bill in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/settle_queue.html", context)


def _recoveries(person: User) -> list[dict[str, Any]]:
    """Return how many recoveries wait for a decision, and how many are overdue."""
    now = timezone.now()
    to_decide = queue_of(person, "recoveries-to-decide")
    late = [one for one in queue_of(person, "recoveries-owed") if one.due and one.due <= now]
    found = (
        (len(to_decide), _("Recoveries to decide"), "recoveries-to-decide"),
        (len(late), _("Recoveries overdue"), "recoveries-owed"),
    )
    return [
        {"value": count, "label": label, "url": reverse("work_queue", args=[code])}
        for count, label, code in found
    ]


def _row(bill: Bill, state: BillState) -> list[Any]:
    return [
        {"text": bill.number, "url": reverse("bill", args=[bill.number])},
        _("Claim") if bill.kind == Bill.Kind.CLAIM else _("Bill"),
        bill.payee.name_here,
        bill.programme.title_here,
        instant(bill.sent_at, bill.programme.zone),
        money(bill.total, bill.unit),
        tag(state.status, is_staff=True),
    ]


@login_required
@require_http_methods(["GET", "POST"])
def bill_settle(request: HttpRequest, number: str) -> HttpResponse:
    """Settle a bill: a verdict a line, and what the vouchers cover becomes payable."""
    person = signed_in(request)
    bill = queries.bill_of(person, number)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def settle() -> HttpResponse:
        settlements = actions.settle_bill(
            bill=bill, actor=person, at=timezone.now(), key=form.act_key
        )
        covered = sum(one.covered for one in settlements)
        withheld = sum(one.withheld for one in settlements)
        messages.success(
            request,
            _("Bill %(number)s is settled: %(covered)s covered, %(withheld)s withheld.")
            % {
                "number": number,
                "covered": money(covered, bill.unit),
                "withheld": money(withheld, bill.unit),
            },
        )
        return redirect("bill", number)

    context = {
        "title": _("Settle bill %(number)s") % {"number": number},
        "caption": bill.payee.name_here,
        "back": reverse("bill", args=[number]),
        "submit": _("Settle"),
        "intro": _("Each line is checked against meter, catalogue, voucher and earlier bills."),
        "rows": [{"key": _("Total"), "value": money(bill.total, bill.unit)}],
    }
    return answer_form(request, form, "form_page.html", settle, context)


@login_required
@require_GET
def lines_withheld(request: HttpRequest) -> HttpResponse:
    """List the settled lines on which something waits for a decision, oldest bill first."""
    person = signed_in(request)
    require_role(person, *SETTLERS)
    page = page_of(request, queries.lines_withheld(person))
    context = {
        "list": table(
            _("Lines withheld"),
            [
                _("Line"),
                _("Usage"),
                figure(_("Amount")),
                figure(_("Withheld")),
                _("Why"),
            ],
            [_withheld_row(line) for line in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/lines_withheld.html", context)


def _withheld_row(line: BillLine) -> list[Any]:
    verdict: Any = line
    number = line.bill.number
    return [
        {
            "text": _("%(bill)s, line %(row)s") % {"bill": number, "row": line.row},
            "url": reverse("line_decide", args=[number, line.row]),
        },
        f"{line.source}/{line.key}",
        money(line.amount, line.bill.unit),
        money(verdict.withheld, line.bill.unit),
        sentence_cell(why(line)),
    ]


@login_required
@require_http_methods(["GET", "POST"])
def line_decide(request: HttpRequest, number: str, row: int) -> HttpResponse:
    """Accept what is withheld of a line, or a part, or decline it for good, with a word why."""
    person = signed_in(request)
    require_role(person, *SETTLERS)
    line = queries.line_of(person, number, row)
    posted = request.POST if request.method == "POST" else None
    form = DecideForm(posted, unit=line.bill.unit)

    def decide() -> HttpResponse:
        given = form.cleaned_data
        actions.decide_line(
            line=line,
            accept=given["accept"] != form.NOTHING,
            amount=given["amount"],
            note=given["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        said = {
            form.ALL: _("accepted"),
            form.PART: _("accepted in part"),
            form.NOTHING: _("not accepted"),
        }[given["accept"]]
        messages.success(request, _("Line %(row)s is %(said)s.") % {"row": row, "said": said})
        return redirect("bill", number)

    context = {
        "title": _("Decide a withheld line"),
        "caption": _("Bill %(number)s, line %(row)s") % {"number": number, "row": row},
        "back": reverse("bill", args=[number]),
        "submit": _("Decide"),
        "rows": _line_facts(line),
    }
    return answer_form(request, form, "form_page.html", decide, context)


def _line_facts(line: BillLine) -> list[dict[str, Any]]:
    verdict: Any = line
    unit = line.bill.unit
    with_archived([line])
    metered = line.usage_line
    return [
        {"key": _("Provider"), "value": line.bill.provider.organisation.name_here},
        {"key": _("Usage"), "value": f"{line.source}/{line.key}"},
        {
            "key": _("Voucher and order"),
            "value": " ".join(
                part.code
                for part in (
                    line.voucher,
                    line.order,
                )
                if part is not None
            ),
        },
        {"key": _("Billed hours"), "value": gpu_hours(line.quantity_ms)},
        {
            "key": _("Metered hours of this usage"),
            "value": gpu_hours(metered.quantity_ms if metered else None),
        },
        {"key": _("Amount"), "value": money(line.amount, unit)},
        {"key": _("Accepted so far"), "value": money(verdict.accepted, unit)},
        {"key": _("Withheld"), "value": money(verdict.withheld, unit)},
        {"key": _("Why"), "value": why(line)},
        *deadline_rows(line, timezone.now()),
    ]
