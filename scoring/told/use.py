"""The steps of a trace from use to what is owed: order, usage, bill, verdict, settlement."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from billing import reasons, statuses
from billing.models import BillLine, Settlement
from common.formatting import gpu_hours, money
from scoring.queries.traces import Trace
from scoring.told.rows import Row, Step, step
from vouchers import statuses as voucher_statuses
from vouchers.models import Order


def orders(found: Trace) -> Step:
    """Return the step “orders” of a trace."""
    known = found.programme
    rows = [_order(one, known.unit if known else one.voucher.unit) for one in found.orders.rows]
    return step("order", _("Order and hold"), rows, found.orders.count)


def _order(one: Order, unit: str) -> Row:
    return Row(
        "order",
        one.code,
        f"{one.code}, {one.offer.provider.organisation.name_here}",
        at=one.placed_at,
        amount=one.hold_amount,
        unit=unit,
        status=voucher_statuses.ORDER[one.status],
        how=_("Set aside of the voucher for %(hours)s at offer %(offer)s, priced %(price)s.")
        % {
            "hours": gpu_hours(one.quantity_ms),
            "offer": one.offer.code,
            "price": money(one.price_total, unit),
        },
        url=reverse("order", args=[one.code]),
        act=one.act_id,
        working=one.working,
    )


def usage(found: Trace) -> Step:
    """Return the step “usage” of a trace."""
    rows = [_usage_of_line(one) for one in found.lines.rows if one.usage_line_id is not None]
    usage = found.usage
    if usage is not None:
        rows.append(_usage_row(usage.pk, f"{usage.source}/{usage.key}", usage))
    return step("usage_line", _("Usage line"), rows, max(found.lines.count, len(rows)))


def _usage_of_line(line: BillLine) -> Row:
    assert line.usage_line_id is not None, "it was asked for"
    return _usage_row(line.usage_line_id, f"{line.source}/{line.key}", line.usage_line)


def _usage_row(number: int, label: str, usage: Any) -> Row:
    if usage is None:
        return Row(
            "usage_line", str(number), label, how=_("Its file in the archive is not here.")
        )
    return Row(
        "usage_line",
        str(number),
        label,
        at=usage.started_at,
        amount=usage.quantity_ms,
        unit=f"{usage.resource}:{usage.resource_class}",
        how=_("Metered: so many accelerators, times from start to end."),
        url=reverse("usage_line", args=[number]),
        act=usage.act_id,
    )


def lines(found: Trace) -> Step:
    """Return the step “lines” of a trace."""
    rows = [_line(one) for one in found.lines.rows]
    return step("bill_line", _("Bill line and verdict"), rows, found.lines.count)


def _line(line: BillLine) -> Row:
    verdict: Mapping[str, Any] | None = line.verdict_told  # type: ignore[attr-defined]
    bill = line.bill
    how = _("%(hours)s at %(rate)s an hour.") % {
        "hours": gpu_hours(line.quantity_ms),
        "rate": f"{line.rate:f}",
    }
    status = statuses.LINE["WAITING"]
    if verdict is not None:
        status = statuses.line_status(verdict["outcome"], verdict["accepted"])
        how += " " + _("Accepted %(accepted)s, covered %(covered)s.") % {
            "accepted": money(verdict["accepted"], bill.unit),
            "covered": money(verdict["covered"], bill.unit),
        }
        how += " " + reasons.sentence(verdict["reason"], verdict["reason_values"])
    return Row(
        "bill_line",
        f"{bill.number}/{line.row}",
        _("%(bill)s, line %(row)s") % {"bill": bill.number, "row": line.row},
        amount=line.amount,
        unit=bill.unit,
        status=status,
        how=how.strip(),
        url=reverse("bill", args=[bill.number]),
    )


def bills(found: Trace) -> Step:
    """Return the step “bills” of a trace."""
    rows = [
        Row(
            "bill",
            one.number,
            f"{one.number} ({one.invoice_number})",
            at=one.sent_at,
            amount=one.total,
            unit=one.unit,
            how=_("The sum of its lines."),
            url=reverse("bill", args=[one.number]),
            act=one.act_id,
        )
        for one in found.bills
    ]
    return step("bill", _("Bill"), rows)


def settlements(found: Trace) -> Step:
    """Return the step “settlements” of a trace."""
    rows = [_settlement(one) for one in found.settlements.rows]
    return step("settlement", _("Settlement"), rows, found.settlements.count)


def _settlement(one: Settlement) -> Row:
    unit = one.bill.unit
    return Row(
        "settlement",
        str(one.pk),
        _("%(bill)s, order %(order)s") % {"bill": one.bill.number, "order": one.order.code}
        if one.order
        else one.bill.number,
        at=one.at,
        amount=one.covered,
        unit=unit,
        how=_(
            "Covered of %(accepted)s accepted; %(withheld)s withheld, %(co_payment)s co-payment, "
            "%(beyond)s beyond the hold. Policy version %(number)s."
        )
        % {
            "accepted": money(one.accepted, unit),
            "withheld": money(one.withheld, unit),
            "co_payment": money(one.co_payment, unit),
            "beyond": money(one.beyond_hold, unit),
            "number": one.policy_version.number,
        },
        url=reverse("bill", args=[one.bill.number]),
        act=one.act_id,
        working=one.working,
    )
