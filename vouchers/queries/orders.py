"""What became of an order: how much was used and billed, and who may use it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Q, QuerySet, Sum, When

from parties.models import User
from vouchers.models import Order, OrderUser, UseQuestion
from vouchers.queries.vouchers import orders_visible_to


@dataclass(frozen=True, slots=True)
class OrderUse:
    """How much of an order was used and billed: time in ms, amounts in the voucher's unit.

    `used` is what was metered at the order's price, nothing in kind. What is billed stands on
    bills that were sent, but for what was declined for good; `covered` is what settled bills
    took from the voucher, `own` what the holder pays beside it.
    """

    ordered_ms: int
    used_ms: int
    used: int
    billed_ms: int
    billed: int
    covered: int
    own: int

    @property
    def left_ms(self) -> int:
        """What was ordered and not used; nothing where more was used than ordered."""
        return max(self.ordered_ms - self.used_ms, 0)


def order_use(order: Order) -> OrderUse:
    """Return how much of one order was used and billed."""
    return order_uses([order])[order.pk]


def order_uses(orders: Iterable[Order]) -> dict[int, OrderUse]:
    """Return how much of many orders was used and billed, by the order's number.

    Billing stands above this app: its rows are asked for by the names under which they belong
    to an order.
    """
    found = {order.pk: order for order in orders}
    rows = Order.objects.filter(pk__in=found)
    # Of a line that was declined in part something is paid: it stays billed.
    declined = rows.filter(
        bill_lines__verdicts__outcome="DECLINED", bill_lines__verdicts__accepted=0
    )
    used = _sums(rows, "usage__quantity_ms", "usage__amount")
    archived = _sums(rows, "archived_sums__quantity_ms", "archived_sums__amount")
    billed = _sums(rows, "bill_lines__quantity_ms", "bill_lines__amount")
    taken_out = _sums(declined, "bill_lines__quantity_ms", "bill_lines__amount")
    settled = _sums(rows, "settlements__covered", "settlements__co_payment")
    uses = {}
    for pk, order in found.items():
        (on_bills_ms, on_bills), (out_ms, out) = billed[pk], taken_out[pk]
        used_ms, used_for = (a + b for a, b in zip(used[pk], archived[pk], strict=True))
        parts = (used_ms, used_for, on_bills_ms - out_ms, on_bills - out, *settled[pk])
        uses[pk] = OrderUse(order.quantity_ms, *parts)
    return uses


def _sums(rows: QuerySet[Order], first: str, second: str) -> dict[int, tuple[int, int]]:
    """Return two sums over the rows of one relation, by the order's number; nothing is 0."""
    sums: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    found = rows.values_list("pk").annotate(one=Sum(first), other=Sum(second))
    sums.update((pk, (int(one or 0), int(other or 0))) for pk, one, other in found)
    return sums


def has_use(order: Order) -> bool:
    """Return whether anything was metered under an order."""
    used = Order.objects.filter(pk=order.pk)
    return (
        used.filter(usage__quantity_ms__gt=0).exists()
        or used.filter(archived_sums__quantity_ms__gt=0).exists()
    )


def has_used_line(order: Order, source: str, key: str) -> bool:
    """Return whether a meter recorded a line of a source and name under an order."""
    return Order.objects.filter(
        pk=order.pk, usage__source=source, usage__key=key, usage__quantity_ms__gt=0
    ).exists()


@dataclass(frozen=True, slots=True)
class UsedLine:
    """One metered interval under an order, as its holder may ask about it."""

    source: str
    key: str
    started_at: datetime
    ended_at: datetime
    quantity_ms: int
    pk: int


def lines_used(order: Order, most: int) -> list[UsedLine]:
    """Return the newest lines of use under an order, at most so many; not those archived."""
    names = ("source", "key", "started_at", "ended_at", "quantity_ms", "pk")
    found = (
        Order.objects.filter(pk=order.pk, usage__isnull=False)
        .order_by("-usage__started_at", "usage__key")
        .values_list(*(f"usage__{name}" for name in names))
    )
    return [UsedLine(*row) for row in found[:most]]


def lines_archived(order: Order) -> int:
    """Return how many lines of use under an order lie in the archive, of decided months."""
    found = Order.objects.filter(pk=order.pk).aggregate(count=Sum("archived_sums__lines"))
    return int(found["count"] or 0)


def questions_of(order: Order) -> QuerySet[UseQuestion]:
    """Return what was asked about the use of an order, newest first, each with its answer."""
    return (
        UseQuestion.objects.filter(order=order)
        .select_related("asked_by", "answer", "order")
        .order_by("-pk")
    )


def users_of(order: Order) -> QuerySet[OrderUser]:
    """Return who may use an order now, in the order they were named."""
    return OrderUser.objects.filter(order=order, ended_at__isnull=True).order_by("pk")


def users_named(orders: Iterable[Order]) -> dict[int, list[OrderUser]]:
    """Return who may use many orders now, by the order's number."""
    found: dict[int, list[OrderUser]] = {}
    named = OrderUser.objects.filter(order__in=list(orders), ended_at__isnull=True)
    for one in named.order_by("pk"):
        found.setdefault(one.order_id, []).append(one)
    return found


def orders_matching(person: User, *, words: str = "", status: str = "") -> QuerySet[Order]:
    """Return the orders that a person may see, those that wait for an answer first, then newest.

    `words` are looked for in the codes of order and voucher, the provider's reference, and the
    names of holder and provider.
    """
    found = orders_visible_to(person)
    if status:
        found = found.filter(status=status)
    if words:
        found = found.filter(
            Q(code__iexact=words)
            | Q(voucher__code__iexact=words)
            | Q(provider_reference__icontains=words)
            | Q(voucher__organisation__name__icontains=words)
            | Q(voucher__organisation__name_zh__icontains=words)
            | Q(offer__provider__organisation__name__icontains=words)
        )
    waits = Case(When(status=Order.Status.PLACED, then=0), default=1)
    return found.order_by(waits, "-placed_at", "-pk")
