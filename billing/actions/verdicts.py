"""Weigh each line of a bill: what is accepted, what is withheld, and why. Values, no writing."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from billing.models import Bill, BillLine, Verdict
from billing.queries import price_of
from common.money import is_currency
from ledger.actions import Act
from safeguards.actions import LineAnswer, LineFacts, check_lines

USAGE_NAME_CHARACTERS_MAX = 300


class LineRow(NamedTuple):
    """One line with what the meter, the order and earlier bills say about it.

    `metered_ms` is the part of the usage inside the bill's period, `valid_ms` that of it on
    the voucher's valid days.
    """

    id: int
    row: int
    voucher: int | None
    order: int | None
    source: str
    key: str
    quantity_ms: int
    rate: Decimal
    amount: int
    usage_line: int | None
    metered_ms: int
    valid_ms: int
    catalogue_rate: Decimal | None
    valid_from_on: Any
    valid_until_on: Any
    billed_before: str | None = None
    objection: str | None = None


@dataclass(slots=True)
class Weighed:
    """A line with its verdict so far; settlement fills in how the accepted part is split."""

    line: LineRow
    accepted: int
    reason: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    covered: int = 0
    co_payment: int = 0

    @property
    def withheld(self) -> int:
        """What is kept back: accepted and withheld make the line's amount."""
        return self.line.amount - self.accepted

    @property
    def outcome(self) -> str:
        """The verdict in one word."""
        if not self.withheld:
            return str(Verdict.Outcome.ACCEPTED)
        return str(Verdict.Outcome.REDUCED if self.accepted else Verdict.Outcome.WITHHELD)


# Three plain statements joined here rather than one in the database: whatever its statistics
# say of a bill that has just come in, none of these can be planned as a loop in a loop.
_ROWS = """
    select l.id, l.row, l.voucher_id, l.order_id, l.source, l.key, l.quantity_ms, l.rate, l.amount,
        u.id, coalesce(billing_clipped_ms(u.count_thousandths, u.started_at, u.ended_at,
            %(from)s, %(until)s), 0),
        coalesce(billing_clipped_ms(u.count_thousandths, u.started_at, u.ended_at,
            greatest(%(from)s, v.valid_from_on::timestamp at time zone %(zone)s),
            least(%(until)s, (v.valid_until_on + 1)::timestamp at time zone %(zone)s)), 0),
        p.rate, v.valid_from_on, v.valid_until_on
    from billing_billline l
    left join billing_usageline u on u.id = l.usage_line_id
    left join vouchers_voucher v on v.id = l.voucher_id
    left join vouchers_order o on o.id = l.order_id
    left join providers_price p on p.id = o.price_id
    where l.bill_id = %(bill)s order by l.row
"""
_OBJECTIONS = """
    select w.line_id, w.reason_values ->> 'note' from billing_billline l
    join billing_verdict w on w.line_id = l.id and w.reason = 'objected'
    where l.bill_id = %(bill)s order by w.id
"""
# Accepted, or disputed and not yet decided for it: either way no other line gets round it.
_EARLIER = """
    select other.usage_line_id, b.number from billing_bill b
    join billing_billline other on other.bill_id = b.id
    where b.provider_id = %(provider)s and b.id <> %(bill)s
        and b.period_from < %(until)s and b.period_until > %(from)s
        and other.usage_line_id is not null
        and exists (select 1 from billing_verdict w where w.line_id = other.id
            and (w.accepted > 0 or w.reason in ('objected', 'not_accepted')))
    order by b.id desc
"""


def rows_of(bill: Bill) -> list[LineRow]:
    """Return a bill's lines with all that their verdicts depend on, in a few statements.

    A repeat in the same bill counts as billed before: the lowest row is the first.
    """
    parameters: dict[str, Any] = {
        "bill": bill.pk,
        "provider": bill.provider_id,
        "from": bill.period_from,
        "until": bill.period_until,
        "zone": bill.programme.zone,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OBJECTIONS, parameters)
        objections: dict[int, str] = dict(cursor.fetchall())
        cursor.execute(_EARLIER, parameters)
        earlier: dict[int | None, str] = dict(cursor.fetchall())
        cursor.execute(_ROWS, parameters)
        rows = cursor.fetchall()
    lines = []
    seen: set[tuple[int | None, str, str]] = set()
    for row in rows:
        line = LineRow(*row)
        usage = (line.usage_line, line.source, line.key)
        before = bill.number if usage in seen else earlier.get(line.usage_line)
        seen.add(usage)
        lines.append(line._replace(billed_before=before, objection=objections.get(line.id)))
    return lines


def claim_row(line: BillLine, metered_ms: int) -> LineRow:
    """Return a claim's line as it is weighed: it has no usage line of its own."""
    objection = line.verdicts.filter(reason="objected").order_by("pk").last()
    return LineRow(
        id=line.pk,
        row=line.row,
        voucher=line.voucher_id,
        order=None,
        source=line.source,
        key=line.key,
        quantity_ms=line.quantity_ms,
        rate=line.rate,
        amount=line.amount,
        usage_line=None,
        metered_ms=metered_ms,
        valid_ms=metered_ms,
        catalogue_rate=None,
        valid_from_on=None,
        valid_until_on=None,
        objection=objection.reason_values["note"] if objection else None,
    )


def earlier_invoice(bill: Bill) -> str:
    """Return the number of an earlier bill with this one's invoice number, or nothing.

    A provider's invoice counts once, whoever claims it: two holders can't both be paid for it.
    """
    earlier = Bill.objects.filter(
        provider=bill.provider_id,
        kind=bill.kind,
        invoice_number__iexact=bill.invoice_number,
        pk__lt=bill.pk,
    )
    return earlier.order_by("pk").values_list("number", flat=True).first() or ""


def weigh(bill: Bill, lines: Sequence[LineRow], act: Act, at: datetime) -> list[Weighed]:
    """Return the verdict of each line, in the order of the lines.

    Lines without a meter are withheld before the rules are asked. A line with an objection is
    withheld whole; the rules still look at it, so that it is told what else is wrong with it.
    """
    invoice_before = earlier_invoice(bill)
    asked = [line for line in lines if line.usage_line is not None]
    facts = [_facts(line, bill.unit, invoice_before) for line in asked]
    answers = check_lines(facts, about=bill.address, unit=bill.unit, act=act, at=at)
    by_row = {answer.row: answer for answer in answers}
    return [_weighed(line, by_row.get(line.row), bill) for line in lines]


def _facts(line: LineRow, unit: str, invoice_before: str) -> LineFacts:
    return LineFacts(
        row=line.row,
        billed_ms=line.quantity_ms,
        metered_ms=line.metered_ms,
        amount=line.amount,
        amount_metered=price_of(line.rate, line.metered_ms, unit),
        billed_before=line.billed_before or "",
        invoice_before=invoice_before,
    )


def _weighed(line: LineRow, answer: LineAnswer | None, bill: Bill) -> Weighed:
    if line.objection is not None:
        return objected(line)
    if answer is None:
        return Weighed(line, 0, "no_meter", {})
    most, reason, values = _most(line, bill, is_ruled=bool(answer.rule))
    rest = line.amount - answer.withheld
    accepted = min(rest, most)
    if answer.rule:
        told = {**answer.values, "invoice_number": bill.invoice_number}
        return Weighed(line, accepted, answer.rule, told)
    return Weighed(line, accepted, reason, values) if accepted < rest else Weighed(line, rest)


def objected(line: LineRow) -> Weighed:
    """Return the verdict of a line that its holder disputes: all of it waits for a person."""
    return Weighed(line, 0, "objected", {"note": line.objection})


def _most(line: LineRow, bill: Bill, *, is_ruled: bool) -> tuple[int, str, dict[str, Any]]:
    """Return the most that validity and catalogue allow, and what to say if that cuts.

    Where no rule spoke, what was billed above the meter lies within the rule's tolerance.
    """
    quantity = line.metered_ms if is_ruled else line.quantity_ms
    values = {
        "billed_rate": rate_text(line.rate),
        "catalogue_rate": rate_text(line.catalogue_rate),
    }
    reason = "price_above_catalogue"
    if line.valid_ms < min(line.quantity_ms, line.metered_ms):
        quantity, reason = line.valid_ms, "outside_validity"
        values = {
            "valid_from_on": str(line.valid_from_on),
            "valid_until_on": str(line.valid_until_on),
        }
    if not is_currency(bill.unit):
        return quantity, reason, values
    return price_of(line.catalogue_rate or Decimal(0), quantity, bill.unit), reason, values


def rate_text(rate: Decimal | None) -> str:
    """Return a rate as it is told, without zeros that say nothing."""
    return f"{rate or Decimal(0):f}".rstrip("0").rstrip(".")


def usage_keys(bill: Bill) -> Callable[[str, str], str]:
    """Return what names a bill's usage, by source and key, such that it is accepted once.

    The same provider's usage is accepted once for a period, which is named by its first day
    in the programme's time zone (with the time of day where that is not midnight).
    """
    first = bill.period_from.astimezone(ZoneInfo(bill.programme.zone)).replace(tzinfo=None)
    period = first.date().isoformat() if first.time() == time() else first.isoformat()
    provider = bill.provider.organisation.code
    return lambda source, key: _usage_name(provider, source, key, period)


def _usage_name(*parts: str) -> str:
    """Return one name for several parts, never that of other parts; long ones as a digest."""
    name = json.dumps(parts, ensure_ascii=False)
    is_long = len(name) > USAGE_NAME_CHARACTERS_MAX
    return f"sha256:{sha256(name.encode()).hexdigest()}" if is_long else name
