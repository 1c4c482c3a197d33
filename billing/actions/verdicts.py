"""Weigh each line of a bill: what is accepted, what is withheld, and why. Values, no writing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from billing.models import Bill, BillLine, Objection, Verdict
from billing.queries import (
    UNCONFIRMED,
    is_unconfirmed,
    open_objection,
    price_of,
    scale_of,
    withholds_silence,
)
from billing.queries.increments import Increments, increments_of
from common.money import is_currency
from ledger.actions import Act
from safeguards.actions import LineAnswer, LineFacts, check_lines

# Why a whole claim waits that the rules have not cut yet: nobody has proven the own share.
OWN_SHARE = "own_share_not_proven"


class LineRow(NamedTuple):
    """One line with what the meter, the order and earlier bills say about it.

    `metered_ms` is the part of the usage inside the bill's period, `valid_ms` that of it on
    the voucher's valid days; both up to the programme's increment, where it has one.
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
    is_unconfirmed: bool = False
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


# Whatever the statistics say of a bill that has just come in, nothing here can be planned as a
# loop in a loop: what is looked up a line at a time is materialized, or has its key.
_FOUND = """
    with {orders}spans as materialized (
        select id, valid_from_on, valid_until_on,
            greatest(%(from)s, valid_from_on::timestamp at time zone %(zone)s) as from_at,
            least(%(until)s, (valid_until_on + 1)::timestamp at time zone %(zone)s) as until_at
        from vouchers_voucher where programme_id = %(programme)s
    ), repeated as materialized (
        select usage_line_id from billing_billline
        where bill_id = %(bill)s and usage_line_id is not null
        group by usage_line_id having count(*) > 1
    ), earlier as materialized (
        select other.usage_line_id, min(b.id) as bill_id
        from billing_bill b join billing_billline other on other.bill_id = b.id
        where b.provider_id = %(provider)s and b.id <> %(bill)s
            and b.period_from < %(until)s and b.period_until > %(from)s
            and other.usage_line_id is not null
            -- Accepted, or disputed and not yet decided for it: no other line gets round it.
            and (exists (select 1 from billing_verdict w where w.line_id = other.id
                    and (w.accepted > 0 or w.reason = 'objected' or w.outcome = 'DECLINED'))
                or exists (select 1 from billing_objection o where o.line_id = other.id
                    and not exists (select from billing_objectionwithdrawal x
                        where x.objection_id = o.id)))
        group by other.usage_line_id
    ), silent as materialized ({unconfirmed}
    ), found as (
        select l.id, l.row, l.voucher_id, l.order_id, l.source, l.key, l.quantity_ms, l.rate,
            l.amount, l.usage_line_id, {metered} as metered_ms, {valid} as valid_ms,
            u.rate as catalogue_rate, s.valid_from_on, s.valid_until_on,
            not coalesce(l.quantity_ms = {quantity} and l.amount <= {price}
                and u.started_at >= s.from_at and u.ended_at <= s.until_at
                and l.usage_line_id not in (select usage_line_id from repeated)
                and l.usage_line_id not in (select usage_line_id from earlier)
                and l.id <> all (%(objected)s::bigint[]), false) as is_doubtful
        from billing_billline l
        left join billing_usageline u on u.id = l.usage_line_id
        left join spans s on s.id = l.voucher_id
        {join}
        where l.bill_id = %(bill)s
    )
    select f.id, f.row, f.voucher_id, f.order_id, f.source, f.key, f.quantity_ms, f.rate,
        f.amount, f.usage_line_id,
        coalesce(f.metered_ms, 0), coalesce(f.valid_ms, 0),
        f.catalogue_rate, f.valid_from_on, f.valid_until_on,
        case when exists (select from billing_billline before where before.bill_id = %(bill)s
                and before.row < f.row and before.usage_line_id = f.usage_line_id)
            then %(number)s else b.number end,
        f.id in (select id from silent)
    from found f
    left join earlier e on e.usage_line_id = f.usage_line_id
    left join billing_bill b on b.id = e.bill_id
    where {which} order by f.row
"""


def doubtful_rows(bill: Bill) -> list[LineRow]:
    """Return the lines of a bill that its rules, its meter or its holder may have a word on.

    All others are billed as metered, at the order's price, on valid days within the period,
    for the first time and undisputed: no rule can withhold anything of those, so they need not
    be read one by one.
    """
    every = "true" if earlier_invoice(bill) else "f.is_doubtful"
    return _rows(bill, every, {})


def row_of(line: BillLine) -> LineRow:
    """Return one line with all that its verdict depends on."""
    (row,) = _rows(line.bill, "f.id = %(line)s", {"line": line.pk})
    return row


def _rows(bill: Bill, which: str, more: Mapping[str, Any]) -> list[LineRow]:
    objections = objections_to(bill)
    increments = increments_of(bill.programme)
    asked: dict[str, Any] = {
        **increments.parameters,
        "is_money": is_currency(bill.unit),
        "scale": scale_of(bill.unit),
        "bill": bill.pk,
        "number": bill.number,
        "provider": bill.provider_id,
        "programme": bill.programme_id,
        "from": bill.period_from,
        "until": bill.period_until,
        "zone": bill.programme.zone,
        "objected": list(objections),
        "silence": withholds_silence(bill),
        **more,
    }
    with connection.cursor() as cursor:
        cursor.execute(_words(which, increments), asked)
        found = [LineRow(*row) for row in cursor.fetchall()]
    return [row._replace(objection=objections.get(row.id)) for row in found]


def _words(which: str, increments: Increments) -> str:
    """Return the statement; without increments a line's quantity and price are its usage's own."""
    billed = increments.billed("s.from_at", "s.until_at")
    price = f"""case when {billed} = u.quantity_ms then u.amount when %(is_money)s
                    then billing_price(u.rate, {billed}, %(scale)s) else {billed} end"""
    return _FOUND.format(
        which=which,
        unconfirmed=UNCONFIRMED,
        orders=increments.orders,
        join=increments.join,
        metered=increments.billed("%(from)s", "%(until)s"),
        valid=billed,
        quantity=billed if increments.join else "u.quantity_ms",
        price=price if increments.join else "u.amount",
    )


def objections_to(bill: Bill) -> dict[int, str]:
    """Return what the holder says against lines of a bill, by the line's number."""
    objected = Objection.objects.filter(line__bill=bill, withdrawal=None).order_by("pk")
    return dict(objected.values_list("line", "text"))


def claim_row(line: BillLine, metered_ms: int) -> LineRow:
    """Return a claim's line as it is weighed: it has no usage line of its own."""
    objection = open_objection(line)
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
        is_unconfirmed=is_unconfirmed(line),
        objection=objection.text if objection else None,
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


def weigh(
    bill: Bill,
    lines: Sequence[LineRow],
    act: Act,
    at: datetime,
    *,
    lines_total: int | None = None,
) -> list[Weighed]:
    """Return the verdict of each line, in the order of the lines.

    Lines without a meter are withheld before the rules are asked. A line with an objection, or
    one that had to be confirmed and was not, is withheld whole; the rules still look at it, so
    that it is told what else is wrong with it.
    `lines_total` counts those with it that are in no doubt.
    """
    invoice_before = earlier_invoice(bill)
    asked = [line for line in lines if line.usage_line is not None]
    facts = [_facts(line, bill.unit, invoice_before) for line in asked]
    answers = check_lines(
        facts,
        about=bill.address,
        unit=bill.unit,
        act=act,
        at=at,
        lines_total=lines_total,
    )
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
    if is_kept_back(line):
        return kept_back(line)
    if answer is None:
        return Weighed(line, 0, "no_meter", {})
    most, reason, values = _most(line, bill, is_ruled=bool(answer.rule))
    rest = line.amount - answer.withheld
    accepted = min(rest, most)
    if answer.rule:
        told = {**answer.values, "invoice_number": bill.invoice_number}
        return Weighed(line, accepted, answer.rule, told)
    return Weighed(line, accepted, reason, values) if accepted < rest else Weighed(line, rest)


def is_kept_back(line: LineRow) -> bool:
    """Say whether a line waits for a person because its holder disputes or did not confirm it."""
    return line.objection is not None or line.is_unconfirmed


def kept_back(line: LineRow) -> Weighed:
    """Return the verdict of a line that waits for a person for its holder's sake: all of it."""
    if line.objection is not None:
        return Weighed(line, 0, "objected", {"note": line.objection})
    return Weighed(line, 0, "not_confirmed")


def overruled(line: LineRow) -> LineRow:
    """Return a line as the rules weigh it once its holder's word was settled."""
    return line._replace(objection=None, is_unconfirmed=False)


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
