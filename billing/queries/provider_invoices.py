"""Which bills have their provider's invoice, and what waits for one before it is paid."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import QuerySet

from billing.models import Bill, ProviderInvoice, Settlement
from billing.queries.bills import law_when_sent
from billing.queries.traced import Paid, parts_open
from common.days import day_of
from common.errors import NotFound
from common.money import is_currency
from vouchers.models import Programme
from vouchers.queries import laws_of

REQUIRED = "REQUIRED"


def provider_invoice_of(bill: Bill) -> ProviderInvoice | None:
    """Return the invoice that is attached to a bill, without its bytes."""
    return ProviderInvoice.objects.filter(bill=bill).defer("content").first()


def provider_invoice_file(bill: Bill) -> ProviderInvoice:
    """Return the invoice that is attached to a bill, as it came.

    :raises NotFound: if there is none.
    """
    found = ProviderInvoice.objects.filter(bill=bill).first()
    if found is None:
        raise NotFound(what=bill.number)
    return found


def takes_invoice(bill: Bill) -> bool:
    """Say whether an invoice can be attached to a bill: it is in money and has none yet."""
    return is_currency(bill.unit) and provider_invoice_of(bill) is None


def waits_for_invoice(bill: Bill) -> bool:
    """Say whether a bill is paid only after its provider's invoice is attached, and has none."""
    is_required = law_when_sent(bill).settlement.invoice == REQUIRED
    return is_required and provider_invoice_of(bill) is None


def bills_without_invoice(programme: Programme) -> QuerySet[Bill]:
    """Return the settled bills of a programme that are not paid for want of an invoice.

    The law of the day on which a bill was sent says whether it needs one.
    """
    laws, found = laws_of(programme), Bill.objects.none()
    if all(law.settlement.invoice != REQUIRED for _day, law in laws.by_day()):
        return found
    settled = Bill.objects.filter(
        programme=programme, status=Bill.Status.SETTLED, provider_invoice=None
    )
    wanting = [
        pk
        for pk, sent_at in settled.values_list("pk", "sent_at")
        if laws.on(day_of(sent_at, programme.zone))[1].settlement.invoice == REQUIRED
    ]
    return settled.filter(pk__in=wanting)


def held_back(programme: Programme, owed: Mapping[str, int]) -> dict[str, int]:
    """Return how much of each payable waits for an invoice, in minor units.

    A payable is a queue, of which the oldest is paid first: a bill without its invoice holds back
    itself and what was settled after it.

    :param owed: what is owed on each ledger account.
    """
    payees = set(bills_without_invoice(programme).values_list("payee__code", flat=True))
    asked = {one: owed[one] for one in owed if one.rpartition(":")[2] in payees}
    if not asked:
        return {}
    held: defaultdict[str, int] = defaultdict(int)
    parts = parts_open(asked)
    behind = bills_behind(programme, parts)
    for part in parts:
        if part.settlement in behind.get(part.payable, {}):
            held[part.payable] += part.amount
    return dict(held)


def bills_behind(
    programme: Programme, parts: Sequence[Paid]
) -> dict[str, dict[int, tuple[str, bool]]]:
    """Return, by payable, which settlements are held back, oldest first.

    Each with the number of the bill that holds it back, and whether that is its own.

    :param parts: open parts of settlements, as `parts_open` gives them.
    """
    wanting = dict(bills_without_invoice(programme).values_list("pk", "number"))
    if not wanting:
        return {}
    bills = dict(
        Settlement.objects.filter(pk__in={one.settlement for one in parts}).values_list(
            "pk", "bill"
        )
    )
    first: dict[str, str] = {}
    found: defaultdict[str, dict[int, tuple[str, bool]]] = defaultdict(dict)
    for part in parts:
        own = wanting.get(bills[part.settlement], "")
        holding = first.setdefault(part.payable, own) if own else first.get(part.payable, "")
        if holding:
            found[part.payable][part.settlement] = (own or holding, bool(own))
    return found
