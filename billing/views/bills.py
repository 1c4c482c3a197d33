"""Bills: the list, and one with its lines, what was said of them and paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries, statuses
from billing.forms.pages import BillFilter
from billing.models import Bill, BillLine, Payment
from billing.queries.focus import has_focus
from billing.reasons import sentence
from billing.usage.evidence import LineEvidence
from billing.views.bill_states import OPEN, BillState, state_of, states_of
from billing.views.bill_sums import adding_up, figures
from billing.views.confirming import deadline_words
from billing.views.evidence import beside, names_gpus
from billing.views.invoices import invoice_rows, notes_table
from billing.views.own_shares import own_share_shown
from billing.views.provider_invoices import invoice_facts
from billing.views.shown import (
    acts_of,
    days_words,
    figure,
    is_reader,
    page_of,
    query_of,
    sentence_cell,
    table,
    tag,
    timeline,
)
from common.days import day_of
from common.formatting import gpu_hours, instant, money
from common.forms import KeyedForm
from common.money import is_currency
from common.statuses import Status
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role, organisations_of
from parties.roles import Role
from providers.queries import providers_of, suspension_in_force
from providers.told import suspension_told
from vouchers.queries import targets_supplied_by
from vouchers.views.decisions_shown import working_lines


@login_required
@require_GET
def bills(request: HttpRequest) -> HttpResponse:
    """List the bills and claims that a person may see, and where each stands."""
    person = signed_in(request)
    form = BillFilter(request.GET)
    page = page_of(request, _filtered(queries.bills_visible_to(person), form))
    states = states_of(list(page), timezone.now())
    is_staff = is_reader(person)
    context = {
        "form": form,
        "is_filtered": bool(query_of(request)),
        "is_provider": has_role(person, Role.PROVIDER),
        "has_targets": targets_supplied_by(person).exists(),
        "has_fees": queries.vouchers_to_claim(*providers_of(person)).exists(),
        "page": page,
        "query": query_of(request),
        "list": table(
            _("Bills and claims"),
            [
                _("Number"),
                _("Invoice number"),
                _("Provider"),
                _("Programme"),
                _("Sent"),
                figure(_("Total")),
                _("Status"),
            ],
            [_bill_row(bill, states[bill.pk], is_staff=is_staff) for bill in page],
        ),
    }
    return render(request, "billing/bills.html", context)


def _filtered(found: QuerySet[Bill], form: BillFilter) -> QuerySet[Bill]:
    if not form.is_valid():
        return found
    words, status = form.cleaned_data["words"], form.cleaned_data["status"]
    if words:
        found = found.filter(Q(number__iexact=words) | Q(invoice_number__icontains=words))
    return found.filter(status=status) if status else found


def _bill_row(bill: Bill, state: BillState, *, is_staff: bool) -> list[Any]:
    return [
        {"text": bill.number, "url": reverse("bill", args=[bill.number])},
        bill.invoice_number,
        bill.provider.organisation.name_here,
        bill.programme.title_here,
        instant(bill.sent_at, bill.programme.zone),
        money(bill.total, bill.unit),
        tag(state.status, is_staff=is_staff),
    ]


@login_required
@require_GET
def bill(request: HttpRequest, number: str) -> HttpResponse:
    """Show a bill: its totals, each line with verdict and reason, the working, what happened."""
    person = signed_in(request)
    found = queries.bill_of(person, number)
    lines = queries.lines_visible_to(person, found)
    page = page_of(request, lines)
    shown = list(page)
    said = queries.evidence_of_bill(shown)
    totals = queries.totals_of(lines)
    now = timezone.now()
    state = state_of(found, now)
    is_stopped = state.status is statuses.BILL["STOPPED"]
    suspension = suspension_in_force(found.provider, now) if is_stopped else None
    steps = Steps.of(person, found)
    is_staff = is_reader(person)
    is_sent = found.status == Bill.Status.SENT
    may_settle = is_sent and steps.may_decide and not is_stopped
    papers = invoice_rows(found)
    context = {
        "bill": found,
        "kind": _("Claim") if found.kind == Bill.Kind.CLAIM else _("Bill"),
        "tag": tag(state.status, is_staff=is_staff),
        "status": state.status,
        "suspension": suspension_told(suspension) if suspension else None,
        "figures": figures(totals, found),
        "adding_up": adding_up(totals, found),
        "rows": [*_facts(found, state, is_staff=is_staff), *invoice_facts(person, found)],
        "lines": _lines_table(shown, steps, said),
        "has_evidence": names_gpus(said),
        "page": page,
        "query": query_of(request),
        "said": _said(person, found, now),
        "own_share": own_share_shown(person, found, now),
        "settlements": _settlements(found, lines),
        "events": timeline(acts_of(found.address, found.act_id), leads_on=is_staff),
        "zone": found.programme.zone,
        "is_settled": not is_sent,
        "has_focus": has_focus(found),
        "invoices": papers,
        "notes": _notes(person, found, papers),
        "settle_form": KeyedForm() if may_settle else None,
    }
    return render(request, "billing/bill.html", context)


def _notes(person: User, found: Bill, papers: list[dict[str, Any]]) -> Any:
    """Return the notes of a bill; a holder's are in the papers alone, without others' amounts."""
    is_limited = queries.holders_limited_to(person, found) is not None
    return None if is_limited else notes_table(found, papers)


def _said(person: User, found: Bill, now: datetime) -> dict[str, Any] | None:
    """Return what holders said of a bill and until when they may, where it has holders."""
    if queries.is_own_claim(found):
        return None
    said = queries.said_by_holders(found)
    own = set(queries.holders_of(person).values_list("pk", flat=True))
    is_holder = any(one.holder.pk in own for one in said)
    if is_holder and not is_reader(person):
        said = [one for one in said if one.holder.pk in own]
    return {
        "may_confirm": is_holder and queries.may_speak(found, now),
        "is_holder": is_holder,
        "deadline": deadline_words(found),
        "until": queries.open_to(found),
        "list": table(
            _("What the holders say"),
            [
                _("Holder"),
                figure(_("Lines")),
                figure(_("Confirmed")),
                figure(_("Disputed")),
                figure(_("Nothing said yet")),
            ],
            [
                [
                    one.holder.name_here,
                    one.lines,
                    money(one.confirmed_amount, found.unit),
                    money(one.disputed_amount, found.unit),
                    money(one.unsaid_amount, found.unit),
                ]
                for one in said
            ],
        ),
    }


def _facts(found: Bill, state: BillState, *, is_staff: bool) -> list[dict[str, Any]]:
    zone = found.programme.zone
    rows: list[dict[str, Any]] = [
        {"key": _("Invoice number"), "value": found.invoice_number},
        {"key": _("Provider"), "value": found.provider.organisation.name_here},
        {"key": _("Paid to"), "value": found.payee.name_here},
        {"key": _("Programme"), "value": found.programme.title_here},
        {
            "key": _("Period"),
            "value": days_words(
                day_of(found.period_from, zone),
                day_of(found.period_until - timedelta(seconds=1), zone),
            ),
        },
        {"key": _("Sent"), "value": instant(found.sent_at, zone)},
    ]
    if found.kind == Bill.Kind.CLAIM:
        rows += _claim_facts(found, is_staff=is_staff)
    if found.settled_at:
        rows.append({"key": _("Settled"), "value": instant(found.settled_at, zone)})
    if state.payment and state.payment.status != Payment.Status.PREPARED:
        rows.append(_payment_fact(state.payment, is_staff=is_staff))
    return rows


def _claim_facts(found: Bill, *, is_staff: bool) -> list[dict[str, Any]]:
    facts = found.facts
    if "target" in facts:
        page = "voucher" if is_staff else "target_claim"
        url = reverse(page, args=[facts["voucher"]])
        return [{"key": _("Target"), "value": facts["voucher"], "url": url, "action": _("See")}]
    return [
        {"key": _("Not for compute"), "value": money(facts["fee_excluded"], found.unit)},
        {
            "key": _("Contract"),
            "value": days_words(
                date.fromisoformat(facts["contract_from_on"]),
                date.fromisoformat(facts["contract_until_on"]),
            ),
        },
    ]


def _payment_fact(payment: Payment, *, is_staff: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "key": _("Payment"),
        "value": f"{payment.end_to_end_id}, {statuses.PAYMENT[payment.status].label}",
    }
    if is_staff:
        row |= {
            "url": reverse("batch", args=[payment.batch.code]),
            "action": _("Open the batch"),
        }
    return row


@dataclass(frozen=True)
class Steps:
    """What a person may do about the lines of one bill."""

    may_decide: bool
    holds: frozenset[int]

    @classmethod
    def of(cls, person: User, found: Bill) -> "Steps":
        """Return the steps of a person on a bill."""
        overseen = queries.programmes_overseen(person, Role.OFFICER, Role.FINANCE)
        holds = organisations_of(person, Role.APPLICANT)
        return cls(
            overseen.filter(pk=found.programme_id).exists(),
            frozenset(holds.values_list("pk", flat=True)),
        )

    def cell(self, line: BillLine) -> Any:
        """Return the link to what can be done about a line, or None."""
        verdict: Any = line
        bill = line.bill
        args = [bill.number, line.row]
        if bill.status == Bill.Status.SENT:
            is_own = bill.kind == Bill.Kind.CLAIM and bill.payee_id in self.holds
            is_said = verdict.confirmed or verdict.disputed
            may_object = not (is_said or is_own)
            if may_object and line.voucher and line.voucher.organisation_id in self.holds:
                return {"text": _("Object"), "url": reverse("line_object", args=args)}
        elif self.may_decide and verdict.outcome in OPEN:
            return {"text": _("Decide"), "url": reverse("line_decide", args=args)}
        return None


def _columns() -> list[Any]:
    return [
        _("Line"),
        _("Usage"),
        _("Voucher"),
        figure(_("Hours")),
        figure(_("Rate")),
        figure(_("Amount")),
        figure(_("Accepted")),
        _("Verdict"),
        _("Why"),
    ]


def _lines_table(
    lines: Sequence[BillLine], steps: Steps, said: Sequence[LineEvidence | None]
) -> Any:
    """Return lines as a table; evidence and what can be done stand in it where there is any."""
    columns, rows = beside(_columns(), [_line(line) for line in lines], said)
    found = [steps.cell(line) for line in lines]
    if any(step is not None for step in found):
        columns = [*columns, _("What you can do")]
        rows = [[*row, step or "–"] for row, step in zip(rows, found, strict=True)]
    return table(_("Lines"), columns, rows)


def _line(line: BillLine) -> list[Any]:
    verdict: Any = line
    unit = line.bill.unit
    return [
        {"text": line.row, "url": reverse("bill_line", args=[line.bill.number, line.row])},
        f"{line.source}/{line.key}",
        line.voucher.code if line.voucher else "–",
        gpu_hours(line.quantity_ms),
        _rate(line) if is_currency(unit) else "–",
        money(line.amount, unit),
        money(verdict.accepted, unit),
        tag(line_status(line)),
        sentence_cell(why(line)),
    ]


def line_status(line: Any) -> Status:
    """Return where a line stands: its verdict or, before one, what its holder said of it."""
    if line.outcome:
        return statuses.line_status(line.outcome, line.accepted)
    if line.disputed:
        return statuses.SAID["DISPUTED"]
    return statuses.SAID["CONFIRMED"] if line.confirmed else statuses.LINE["WAITING"]


def _rate(line: BillLine) -> str:
    whole, _point, part = f"{line.rate:,.4f}".partition(".")
    return f"{whole}.{part.rstrip('0'):0<2}"


def why(line: BillLine) -> str:
    """Return why a line was not accepted whole, in words; nothing where it was."""
    verdict: Any = line
    return sentence(verdict.reason or "", verdict.reason_values or {})


def _settlements(found: Bill, lines: QuerySet[BillLine]) -> list[dict[str, Any]]:
    own = set(lines.order_by().values_list("voucher", flat=True).distinct())
    return [
        {
            "title": _("Voucher %(voucher)s%(order)s")
            % {
                "voucher": one.voucher.code,
                "order": f", {one.order.code}" if one.order else "",
            },
            "lines": working_lines(one.working),
            "policy": _("Policy version %(number)s, worked out on %(day)s")
            % {
                "number": one.policy_version.number,
                "day": f"{day_of(one.at, found.programme.zone):%Y-%m-%d}",
            },
        }
        for one in queries.settlements_of(found)
        if one.voucher_id in own
    ]
