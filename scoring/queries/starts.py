"""Where a trace can be taken up: each kind of thing, by the name that people know it by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Sum

from billing.models import BankLine, Batch, Bill, BillLine, Payment, Settlement, UsageLine
from billing.queries import NEVER_SENT
from common.errors import NotFound
from ledger import queries as ledger
from ledger.kinds import Flow
from scoring.models import Outcome
from scoring.queries.sight import NOTHING, Sight
from vouchers.models import Application, Decision, Order, Programme, Round, Standing, Voucher

# More digits than any number has are no number.
_DIGITS_MAX = 18


@dataclass(frozen=True)
class Start:
    """Where a trace is taken up: one of payments, settlements or vouchers, as conditions.

    `lines` narrows the bill lines, `orders` the orders; `usage` is a usage line to begin with,
    `bill` a bill, `round` a round, `bank_line` one that matches no payment.
    """

    payments: Q | None = None
    settlements: Q | None = None
    vouchers: Q | None = None
    lines: Q | None = None
    orders: Q | None = None
    usage: UsageLine | None = None
    bill: Bill | None = None
    round: Round | None = None
    application: Application | None = None
    programme: Programme | None = None
    fiscal_year: int | None = None
    bank_line: BankLine | None = None


def start_of(sight: Sight, kind: str, name: str) -> Start:
    """Return where a thing stands in its chain.

    :raises NotFound: if there is no such thing, or it is not the reader's to see.
    """
    read = KINDS.get(kind)
    if read is None:
        raise NotFound(what=f"{kind}:{name}")
    return read(sight, name)


# Kinds whose things have a name that people can hold in hand.
_NAMED = (
    "bill",
    "batch",
    "voucher",
    "order",
    "application",
    "appropriation",
    "round",
    "programme",
)


def kind_of(sight: Sight, name: str) -> tuple[str, str] | None:
    """Return the kind and name of what somebody types, or None if it is nothing to be seen.

    `kind:name`, as acts and accounts name things, says the kind itself.
    """
    said, colon, rest = name.partition(":")
    if colon and rest and said in KINDS and _is_there(sight, said, rest.replace(":", "/")):
        return said, rest.replace(":", "/")
    seen = payments_seen(sight)
    if Payment.objects.filter(seen, end_to_end_id=name).exists():
        return "payment", name
    for kind in _NAMED:
        if _is_there(sight, kind, name):
            return kind, name
    return None


def _is_there(sight: Sight, kind: str, name: str) -> bool:
    try:
        start_of(sight, kind, name)
    except NotFound:
        return False
    return True


def _one(found: QuerySet[Any], name: str, **condition: Any) -> Any:
    one = found.filter(**condition).first()
    if one is None:
        raise NotFound(what=name)
    return one


def _number(name: str) -> int:
    if not name.isascii() or not name.isdecimal() or len(name) > _DIGITS_MAX:
        raise NotFound(what=name)
    return int(name)


# --- who may see which rows ------------------------------------------------------------------


def payments_seen(sight: Sight) -> Q:
    """Return the condition for payments: staff see all, payees what was sent to them."""
    sent = ~Q(status__in=NEVER_SENT)
    own = Q(payee__in=[*sight.sells, *sight.holds])
    return sight.oversees("batch__programme") | (own & sent)


def settlements_seen(sight: Sight) -> Q:
    """Return the condition for settlements: of one's bills, and of one's vouchers."""
    return (
        sight.oversees("bill__programme")
        | Q(bill__provider__organisation__in=sight.sells)
        | Q(voucher__organisation__in=sight.holds)
    )


def bill_lines_seen(sight: Sight) -> Q:
    """Return the condition for bill lines: those of one's bills, and on one's vouchers."""
    return (
        sight.oversees("bill__programme")
        | Q(bill__provider__organisation__in=sight.sells)
        | Q(bill__payee__in=sight.holds)
        | Q(voucher__organisation__in=sight.holds)
    )


def totals_seen(sight: Sight, bills: Sequence[Bill]) -> dict[int, int]:
    """Return what is seen of the totals of bills, by their key, in their minor units.

    A holder sees the sum of the lines on the holder's own vouchers, everybody else all.
    """
    totals = {bill.pk: bill.total for bill in bills}
    if bills and sight.holds:
        seen_whole = (
            sight.oversees("bill__programme")
            | Q(bill__provider__organisation__in=sight.sells)
            | Q(bill__payee__in=sight.holds)
        )
        own = BillLine.objects.filter(bill__in=totals, voucher__organisation__in=sight.holds)
        sums = own.exclude(seen_whole).order_by().values_list("bill")
        totals |= dict(sums.annotate(sum=Sum("amount")))
    return totals


def vouchers_seen(sight: Sight) -> Q:
    """Return the condition for vouchers: a provider sees none, it is shown orders."""
    return sight.oversees() | Q(organisation__in=sight.holds)


def orders_seen(sight: Sight) -> Q:
    """Return the condition for orders: as vouchers, and those of one's own offers."""
    return (
        sight.oversees("voucher__programme")
        | Q(voucher__organisation__in=sight.holds)
        | Q(offer__provider__organisation__in=sight.sells)
    )


# --- the kinds -------------------------------------------------------------------------------


def _bank_line(sight: Sight, name: str) -> Start:
    lines = BankLine.objects.select_related("statement").defer("statement__content")
    # Of a statement nobody but an authority's people sees anything.
    line = _one(
        lines.filter(sight.oversees("payment__batch__programme")), name, pk=_number(name)
    )
    return Start(payments=Q(pk=line.payment_id)) if line.payment_id else Start(bank_line=line)


def _payment(_sight: Sight, name: str) -> Start:
    # Whether it may be seen is asked as it is read.
    return Start(payments=Q(end_to_end_id=name))


def _batch(sight: Sight, name: str) -> Start:
    batch = _one(Batch.objects.filter(sight.oversees()), name, code=name)
    return Start(payments=Q(batch=batch))


def _bill(sight: Sight, name: str) -> Start:
    seen = (
        sight.oversees()
        | Q(provider__organisation__in=sight.sells)
        | Q(payee__in=sight.holds)
        | Q(pk__in=_bills_of_holders(sight))
    )
    bill = _one(Bill.objects.filter(seen).select_related("programme"), name, number=name)
    return Start(settlements=Q(bill=bill), bill=bill, lines=Q(bill=bill))


def _bills_of_holders(sight: Sight) -> QuerySet[Any]:
    lines = BillLine.objects.filter(voucher__organisation__in=sight.holds)
    return lines.order_by().values("bill")


def _bill_line(sight: Sight, name: str) -> Start:
    number, _slash, row = name.rpartition("/")
    lines = BillLine.objects.filter(bill_lines_seen(sight)).select_related("bill__programme")
    return _of_lines([_one(lines, name, bill__number=number, row=_number(row))])


def _of_lines(lines: Sequence[BillLine]) -> Start:
    # What a line was settled by is the settlement of its order, or of its voucher in a claim.
    own = NOTHING
    for line in lines:
        if line.voucher_id is not None:
            own |= Q(bill=line.bill_id, order=line.order_id, voucher=line.voucher_id)
    return Start(
        settlements=own, bill=lines[0].bill, lines=Q(pk__in=[line.pk for line in lines])
    )


def _usage_line(sight: Sight, name: str) -> Start:
    number = _number(name)
    seen = (
        sight.oversees("voucher__programme")
        | Q(provider__organisation__in=sight.sells)
        | Q(voucher__organisation__in=sight.holds)
    )
    line = UsageLine.objects.filter(seen, pk=number).first()
    billed = BillLine.objects.filter(bill_lines_seen(sight), usage_line=number)
    # A line that the archive keeps is known by the bills that it stands on.
    lines = list(billed.select_related("bill__programme").order_by("-pk"))
    if lines:
        return _of_lines(lines)
    if line is None:
        raise NotFound(what=name)
    return Start(
        vouchers=Q(pk=line.voucher_id),
        orders=Q(pk=line.order_id),
        settlements=NOTHING,
        usage=line,
    )


def _settlement(sight: Sight, name: str) -> Start:
    found = Settlement.objects.filter(settlements_seen(sight)).select_related("bill__programme")
    one = _one(found, name, pk=_number(name))
    return Start(settlements=Q(pk=one.pk), bill=one.bill)


def _voucher(sight: Sight, name: str) -> Start:
    return Start(
        vouchers=Q(pk=_one(Voucher.objects.filter(vouchers_seen(sight)), name, code=name).pk)
    )


def _order(sight: Sight, name: str) -> Start:
    order = _one(Order.objects.filter(orders_seen(sight)), name, code=name)
    return Start(
        vouchers=Q(pk=order.voucher_id), orders=Q(pk=order.pk), settlements=Q(order=order)
    )


def _application(sight: Sight, name: str) -> Start:
    seen = sight.oversees("round__programme") | Q(organisation__in=sight.holds)
    found = Application.objects.filter(seen).exclude(status=Application.Status.DRAFT)
    return _of_application(_one(found.select_related("round__programme"), name, reference=name))


def _of_application(application: Application) -> Start:
    return Start(
        vouchers=Q(decision__application=application)
        | Q(parent__decision__application=application),
        round=application.round,
        application=application,
        programme=application.round.programme,
    )


def _decision(sight: Sight, name: str) -> Start:
    seen = sight.oversees("application__round__programme")
    seen |= Q(application__organisation__in=sight.holds)
    found = Decision.objects.filter(seen).select_related("application__round__programme")
    return _of_application(_one(found, name, pk=_number(name)).application)


def _round(sight: Sight, name: str) -> Start:
    code, _slash, own = name.partition("/")
    found = Round.objects.filter(sight.oversees()).select_related("programme")
    one = _one(found, name, programme__code=code, code=own)
    decided = Q(decision__application__round=one)
    return Start(
        vouchers=decided | Q(parent__decision__application__round=one),
        round=one,
        programme=one.programme,
    )


def _appropriation(sight: Sight, name: str) -> Start:
    code, _slash, year = name.partition("/")
    rounds = Round.objects.filter(sight.oversees()).select_related("programme")
    one = _one(rounds.order_by("pk"), name, programme__code=code, fiscal_year=_year(year))
    path = "decision__application__round__"
    own = {"programme": one.programme, "fiscal_year": one.fiscal_year}
    vouchers = Q(**{path + key: value for key, value in own.items()})
    vouchers |= Q(**{f"parent__{path}{key}": value for key, value in own.items()})
    return Start(vouchers=vouchers, programme=one.programme, fiscal_year=one.fiscal_year)


def _year(text: str) -> int:
    if len(text) != 4:
        raise NotFound(what=text)
    return _number(text)


def _programme(sight: Sight, name: str) -> Start:
    one = _one(Programme.objects.filter(sight.oversees("")), name, code=name)
    return Start(vouchers=Q(programme=one), programme=one)


def _outcome(sight: Sight, name: str) -> Start:
    seen = sight.oversees("voucher__programme") | Q(voucher__organisation__in=sight.holds)
    outcome = _one(Outcome.objects.filter(seen), name, pk=_number(name))
    return Start(vouchers=Q(pk=outcome.voucher_id))


def _standing(sight: Sight, name: str) -> Start:
    seen = Q(organisation__in=sight.holds)
    # Whoever oversees a voucher of an organisation reads what it was scored by.
    overseen = Voucher.objects.filter(sight.oversees()).order_by().values("organisation")
    found = Standing.objects.filter(seen | Q(organisation__in=overseen))
    standing = _one(found, name, pk=_number(name))
    return Start(vouchers=Q(organisation=standing.organisation_id))


def _transfer(sight: Sight, name: str) -> Start:
    transfer = ledger.transfer_found(_number(name))
    if transfer is None:
        raise NotFound(what=name)
    kind, _colon, rest = transfer.debit.address.partition(":")
    if transfer.flow in (Flow.INSTRUCT, Flow.PAY, Flow.RETURN_PAYMENT):
        return start_of(sight, "payment", transfer.ref)
    if kind == "appropriation":
        return start_of(sight, kind, rest.replace(":", "/"))
    made = Settlement.objects.filter(act=transfer.act_id)
    held = made.filter(order__hold=transfer.hold_id) if transfer.hold_id else made
    settlement = held.first() or made.first()
    if settlement is not None:
        return start_of(sight, "settlement", str(settlement.pk))
    for address in (transfer.credit.address, transfer.debit.address):
        if address.startswith("voucher:"):
            return start_of(sight, "voucher", address.rpartition(":")[2])
    raise NotFound(what=name)


def _act(sight: Sight, name: str) -> Start:
    act = ledger.act_found(_number(name))
    if act is None:
        raise NotFound(what=name)
    kind, _colon, rest = act.about.partition(":")
    if kind in KINDS and kind != "act":
        return start_of(sight, kind, rest)
    raise NotFound(what=name)


KINDS: dict[str, Callable[[Sight, str], Start]] = {
    "appropriation": _appropriation,
    "programme": _programme,
    "round": _round,
    "application": _application,
    "decision": _decision,
    "voucher": _voucher,
    "order": _order,
    "usage_line": _usage_line,
    "bill": _bill,
    "bill_line": _bill_line,
    "settlement": _settlement,
    "transfer": _transfer,
    "act": _act,
    "batch": _batch,
    "payment": _payment,
    "bank_line": _bank_line,
    "outcome": _outcome,
    "standing": _standing,
}
