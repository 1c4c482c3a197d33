"""The invoices that we write for a bill: what its vouchers bear, and what was taken back of it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from django.db import connection

from billing.invoices.model import (
    CREDIT_NOTE,
    DEBIT_NOTE,
    INVOICE,
    Allowance,
    Invoice,
    Line,
    Party,
    Period,
    Property,
    Subtotal,
    TaxCategory,
    TaxTotal,
    Totals,
)
from billing.invoices.writing import HOUR, SELF_BILLED
from billing.models import Bill, CorrectionNote, Settlement
from common.days import day_of
from common.errors import NotFound
from common.money import exponent, is_currency, major
from ledger.queries.reversals import reversals_of
from parties.models import Organisation
from vouchers.models import Order, OrderChange
from vouchers.queries import policy_in_force

SPECIFICATION = "urn:cen.eu:en16931:2017"
# ISO/IEC 6523: the only register of ours that has a number there.
_SCHEMES = {Organisation.IdentifierScheme.LEI: "0199"}
# The vouchers' part carries no tax of its own: what is taxed is the sale, and its invoice is the
# provider's. VATEX-EU-O is the published code of "not subject to VAT".
OUTSIDE = TaxCategory(
    "O",
    exemption_code="VATEX-EU-O",
    exemption_reason=(
        "Part of the price borne by a public voucher; tax stands on the provider's own invoice "
        "/ 公共算力券承担的价款部分，税额以服务商自开发票为准"
    ),
)
# A paper says the same whoever fetches it, so its words are in both languages.
OWN_SHARE = "Borne by the voucher's holder / 持券单位自付"
NOT_ACCEPTED = "Billed and not accepted / 已列账未认定"
ROUNDED = "Rounded line by line / 逐行取整差额"
_SIX_DECIMALS = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class InvoicePart:
    """One paper of a bill: what one act made payable for its vouchers, or took back of it.

    `covered` is in minor units, below 0 for what was taken back. `of_act` is the settlement's
    act where another one reversed it, and `orders` are those whose value came back. `number` is
    the bill's own for the first; of a correction it is its note's, and `original` the paper's
    that it corrects.
    """

    position: int
    act_id: int
    at: datetime
    covered: int
    number: str
    original: str = ""
    of_act: int | None = None
    orders: tuple[int, ...] = ()
    note: CorrectionNote | None = None

    @property
    def kind(self) -> str:
        """What its root says: INVOICE, or CREDIT_NOTE for what was taken back."""
        return INVOICE if self.covered > 0 else CREDIT_NOTE

    @property
    def paper(self) -> str:
        """INVOICE, CREDIT_NOTE, or DEBIT_NOTE for a correction upwards with a number of its own."""
        return DEBIT_NOTE if self.note and self.covered > 0 else self.kind


class _Sums(NamedTuple):
    """Lines of one order at one rate on as many devices of a class: what an act changed."""

    voucher: str
    order: str
    order_id: int
    title: str
    resource_class: str
    count_thousandths: int | None
    rate: Decimal
    quantity_ms: int
    billed: int
    accepted: int
    covered: int


def has_invoice(bill: Bill) -> bool:
    """Say whether papers can be written for a bill: a provider's, in money, and settled."""
    is_of_provider = bill.kind == Bill.Kind.BILL
    return is_of_provider and bill.status == Bill.Status.SETTLED and is_currency(bill.unit)


def invoice_parts(bill: Bill) -> list[InvoicePart]:
    """Return the papers of a bill, oldest first: its settlement, and all that followed."""
    if not has_invoice(bill):
        return []
    covered: dict[int, tuple[datetime, int]] = {}
    for one in Settlement.objects.filter(bill=bill):
        before = covered.get(one.act_id, (one.at, 0))[1]
        covered[one.act_id] = (one.at, before + one.covered)
    parts = [(act, at, total, None, ()) for act, (at, total) in covered.items() if total]
    taken_back = [
        (one.act_id, one.at, -one.amount, one.reversed_act_id, (one.hold,))
        for one in reversals_of(covered)
    ]
    notes = {one.act_id: one for one in CorrectionNote.objects.filter(bill=bill)}
    numbers: dict[int, str] = {}
    papers = []
    for position, (act, at, total, of, holds) in enumerate(
        sorted([*parts, *taken_back], key=lambda part: (part[1], part[0])), start=1
    ):
        note = notes.get(act)
        # What was written before notes had numbers keeps the one that it was given then.
        own = bill.number if position == 1 else f"{bill.number}/{position}"
        number = note.number if note else own
        numbers[act] = number
        original = "" if position == 1 else numbers.get(of or 0, bill.number)
        orders = _orders_of(holds)
        papers.append(InvoicePart(position, act, at, total, number, original, of, orders, note))
    return papers


def _orders_of(holds: Iterable[int | None]) -> tuple[int, ...]:
    """Return the orders whose value was held, now or before a change, by these holds."""
    asked = [hold for hold in holds if hold is not None]
    if not asked:
        return ()
    now = Order.objects.filter(hold__in=asked).values_list("pk", flat=True)
    before = OrderChange.objects.filter(hold_before__in=asked).values_list(
        "order_id", flat=True
    )
    return tuple(sorted({*now, *before}))


def invoice_parts_seen(bill: Bill, holders: Collection[int] | None) -> list[InvoicePart]:
    """Return the papers of a bill in which something is of the vouchers of some holders.

    :param holders: organisations, by their number; None for all.
    """
    parts = invoice_parts(bill)
    if holders is None:
        return parts
    settled = Settlement.objects.filter(
        bill=bill, voucher__organisation__in=holders, covered__gt=0
    )
    own = set(settled.values_list("act", "order"))
    acts = {act for act, _order in own}
    return [
        one
        for one in parts
        if one.act_id in acts
        or any((one.of_act, order) in own for order in one.orders)
        or (one.of_act in acts and not one.orders)
    ]


def invoice_part_of(
    bill: Bill, position: int, holders: Collection[int] | None = None
) -> InvoicePart:
    """Return one paper of a bill, with something of the vouchers of some holders, or of all.

    :raises NotFound: if there is none at this position.
    """
    for one in invoice_parts_seen(bill, holders):
        if one.position == position:
            return one
    raise NotFound(what=f"{bill.number}/{position}")


# What an act changed of each line is what its verdict says, less what the one before it said.
# Hours stand on the paper on which a line is accepted for the first time.
_SUMS = """
    with changed as materialized (
        select w.line_id, w.accepted, w.covered, coalesce(e.accepted, 0) as accepted_before,
            coalesce(e.covered, 0) as covered_before,
            (w.accepted > 0)::int - (coalesce(e.accepted, 0) > 0)::int as times
        from billing_verdict w
        left join lateral (select accepted, covered from billing_verdict
            where line_id = w.line_id and id < w.id order by id desc limit 1) e on true
        where w.act_id = %(act)s
    )
    select v.code, o.code, o.id, f.title, coalesce(u.resource_class, f.resource_class),
        u.count_thousandths, l.rate, sum(l.quantity_ms * c.times), sum(l.amount * c.times),
        sum(c.accepted - c.accepted_before), sum(c.covered - c.covered_before)
    from changed c
    join billing_billline l on l.id = c.line_id and l.bill_id = %(bill)s
    join vouchers_voucher v on v.id = l.voucher_id
    join vouchers_order o on o.id = l.order_id
    join providers_offer f on f.id = o.offer_id
    left join billing_usageline u on u.id = l.usage_line_id
    where (%(holders)s::bigint[] is null or v.organisation_id = any(%(holders)s))
        and (%(orders)s::bigint[] is null or o.id = any(%(orders)s))
    group by v.code, o.code, o.id, f.title, 5, 6, l.rate
    having sum(c.covered - c.covered_before) <> 0 or sum(c.accepted - c.accepted_before) <> 0
    order by v.code, o.code, 5, 6, l.rate
"""


def invoice_for(
    bill: Bill, part: InvoicePart, holders: Collection[int] | None = None
) -> Invoice:
    """Return one paper of a bill: what the programme bears, at the price and for the hours.

    A line stands for all use of an order at one rate on as many devices of a class; what was
    rounded, not accepted, or is the holder's to bear is taken off it, so that its net amount is
    what the voucher covers, to the minor unit.

    :param holders: the organisations whose vouchers alone may be seen; None for all.
    :raises NotFound: if nothing of the paper is theirs.
    """
    rows = _sums(bill, part, holders)
    if not rows:
        raise NotFound(what=part.number)
    sign = 1 if part.covered > 0 else -1
    lines = tuple(
        _line(number, row, sign * (-1 if part.of_act else 1), bill.unit)
        for number, row in enumerate(rows, start=1)
    )
    total = sum((line.net or Decimal(0) for line in lines), Decimal(0))
    return _document(bill, part, lines, total, is_extract=holders is not None)


def _sums(bill: Bill, part: InvoicePart, holders: Collection[int] | None) -> list[_Sums]:
    parameters = {
        "act": part.of_act or part.act_id,
        "bill": bill.pk,
        "holders": None if holders is None else sorted(holders),
        "orders": list(part.orders) if part.of_act else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, parameters)
        return [_Sums(*row) for row in cursor.fetchall()]


def _line(number: int, row: _Sums, sign: int, unit: str) -> Line:
    def money(amount: int) -> Decimal:
        return major(sign * int(amount), unit)

    hours = (Decimal(sign * int(row.quantity_ms)) / 3_600_000).quantize(
        _SIX_DECIMALS, ROUND_HALF_UP
    )
    priced = (hours * row.rate).quantize(Decimal(1).scaleb(-exponent(unit)), ROUND_HALF_UP)
    differences = (
        (priced - money(row.billed), ROUNDED),
        (money(row.billed - row.accepted), NOT_ACCEPTED),
        (money(row.accepted - row.covered), OWN_SHARE),
    )
    return Line(
        number=str(number),
        quantity=hours,
        unit=HOUR,
        net=money(row.covered),
        name=row.title,
        price=row.rate,
        category=TaxCategory(OUTSIDE.code),
        allowances=tuple(
            Allowance(amount < 0, abs(amount), reason=reason)
            for amount, reason in differences
            if amount
        ),
        properties=_properties(row),
        order_reference=row.order,
        object_reference=row.voucher,
    )


def _properties(row: _Sums) -> tuple[Property, ...]:
    model = (Property("Card model / 加速卡型号", row.resource_class),)
    if row.count_thousandths is None:
        return model  # the use lies in the archive
    count = f"{Decimal(row.count_thousandths) / 1000:f}"
    if "." in count:
        count = count.rstrip("0").rstrip(".")
    return (*model, Property("Card count / 加速卡数量", count))


def _document(
    bill: Bill, part: InvoicePart, lines: tuple[Line, ...], total: Decimal, *, is_extract: bool
) -> Invoice:
    programme, zone = bill.programme, bill.programme.zone
    _version, rules = policy_in_force(programme, day_of(bill.sent_at, zone))
    issued_on = day_of(part.at, zone)
    vouchers = {line.object_reference for line in lines}
    holder = f"-{sorted(vouchers)[0]}" if is_extract else ""
    nothing = Decimal(0).scaleb(-exponent(bill.unit))
    tax = TaxTotal(bill.unit, nothing, (Subtotal(total, nothing, OUTSIDE),))
    before = (part.original,) if part.original else ()
    seller, buyer = parties_of(bill, part.note)
    return Invoice(
        kind=part.kind,
        specification=SPECIFICATION,
        number=part.number + holder,
        type_code=SELF_BILLED[part.paper],
        issued_on=issued_on,
        currency=bill.unit,
        seller=seller,
        buyer=buyer,
        totals=Totals(
            lines=total,
            allowances=None,
            charges=None,
            without_tax=total,
            with_tax=total,
            prepaid=None,
            rounding=None,
            payable=total,
        ),
        lines=lines,
        tax_totals=(tax,),
        period=Period(
            day_of(bill.period_from, zone),
            day_of(bill.period_until - timedelta(seconds=1), zone),
        ),
        due_on=issued_on + timedelta(days=rules.settlement.payment_days),
        payment_terms="" if part.kind == INVOICE else "Taken off what is due / 自应付款中扣减",
        order_reference=vouchers.pop() if len(vouchers) == 1 else "",
        contract_reference=programme.code,
        preceding=(bill.invoice_number, *before),
    )


def parties_of(bill: Bill, note: CorrectionNote | None = None) -> tuple[Party, Party]:
    """Return the seller and the buyer of a bill's papers: as a note was given them, else as now."""
    if note is not None:
        return Party(**note.seller), Party(**note.buyer)
    return _party(bill.provider.organisation), _party(bill.programme.authority)


def _party(organisation: Organisation) -> Party:
    return Party(
        name=organisation.name,
        legal_id=organisation.identifier,
        legal_id_scheme=_SCHEMES.get(
            Organisation.IdentifierScheme(organisation.identifier_scheme), ""
        ),
        country=organisation.country,
    )
