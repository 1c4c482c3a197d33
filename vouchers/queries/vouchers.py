"""Vouchers, what they hold, their orders, and what a sweep has to do."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from common.days import day_of
from ledger import queries as ledger
from ledger.queries import Balance
from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import Role
from policy.process_rules import VoucherRule
from providers.models import Provider, Suspension
from providers.queries import suspensions_in_force
from vouchers.models import (
    Extension,
    ExtensionVerdict,
    Order,
    Programme,
    Revocation,
    Voucher,
)
from vouchers.queries.programmes import find_one, programme_scope, read_policy


def voucher_account(voucher: Voucher) -> str:
    """Return the address of a voucher's ledger account."""
    return voucher.programme.account("voucher", voucher.code)


def vouchers_visible_to(person: User) -> QuerySet[Voucher]:
    """Return the vouchers that a person may see, newest first.

    The holder's people see their own, an authority's people those of their programmes, a
    regulator all. A provider sees none: it is shown a redemption code.
    """
    own = Q(organisation__in=organisations_of(person, Role.APPLICANT))
    return (
        Voucher.objects.filter(own | programme_scope(person))
        .select_related("programme__authority", "organisation", "decision", "parent__decision")
        .order_by("-issued_at", "-pk")
    )


def voucher_of(person: User, code: str) -> Voucher:
    """Return one voucher that a person may see.

    :raises NotFound: if it doesn't exist or is not this person's to see.
    """
    voucher: Voucher = find_one(vouchers_visible_to(person), what=code, code=code)
    return voucher


def voucher_by_redemption_code(text: str) -> Voucher | None:
    """Return the voucher that a redemption code opens, however it was typed, or None."""
    letters = "".join(character for character in text.upper() if character.isalnum())
    code = "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
    return (
        Voucher.objects.filter(redemption_code=code)
        .select_related("programme__authority", "organisation")
        .first()
    )


def voucher_balance(voucher: Voucher) -> Balance:
    """Return what a voucher holds now: `free` may be used, `pending` is held."""
    return ledger.balance(voucher_account(voucher))


def voucher_balances(vouchers: Iterable[Voucher]) -> dict[str, Balance]:
    """Return the balances of many vouchers now, by voucher code."""
    addresses = {voucher_account(voucher): voucher.code for voucher in vouchers}
    found = ledger.balances(addresses)
    return {addresses[address]: balance for address, balance in found.items()}


def revocation_that_bars(organisation: Organisation, programme: Programme) -> Revocation | None:
    """Return the revocation that bars an organisation from a programme for good, or None."""
    return (
        Revocation.objects.filter(
            voucher__organisation=organisation,
            voucher__programme=programme,
            may_apply_again=False,
        )
        .select_related("voucher")
        .first()
    )


def has_claim_undecided(voucher: Voucher) -> bool:
    """Say whether a claim on a voucher waits for a verdict, or for one on what was withheld."""
    return Voucher.objects.filter(_has_claim_undecided(), pk=voucher.pk).exists()


def _has_claim_undecided() -> Exists:
    lines = Voucher.objects.filter(pk=OuterRef("pk"), bill_lines__bill__kind="CLAIM")
    decided = Count(
        "bill_lines__verdicts", filter=Q(bill_lines__verdicts__outcome__in=_DECIDED)
    )
    return Exists(lines.values("bill_lines").annotate(decided=decided).filter(decided=0))


# A target is assessed when its time is over; its value waits so long for assessment and claim.
TARGET_CLAIMED_WITHIN = timedelta(days=90)


def value_ends_on(voucher: Voucher) -> date:
    """Return the last day on which a voucher's value can still be claimed or used."""
    is_target = voucher.programme.mode == Programme.Mode.M7
    return voucher.valid_until_on + (TARGET_CLAIMED_WITHIN if is_target else timedelta(0))


def holding_rule(voucher: Voucher) -> VoucherRule:
    """Return what a voucher's law lets its holder do beside using it."""
    return read_policy(voucher.award.policy_version.text).holding


def parts_of(voucher: Voucher) -> QuerySet[Voucher]:
    """Return the parts of a voucher that were set apart for teams, by their names."""
    return (
        Voucher.objects.filter(parent=voucher)
        .select_related("programme__authority", "organisation")
        .order_by("label", "pk")
    )


def extension_open(voucher: Voucher) -> Extension | None:
    """Return the request for more days that waits for its answer, or None."""
    return extensions_of(voucher).filter(verdict__isnull=True).first()


def extensions_of(voucher: Voucher) -> QuerySet[Extension]:
    """Return all requests for more days, newest first."""
    return (
        Extension.objects.filter(voucher=voucher)
        .select_related("asked_by", "verdict__decided_by", "voucher__programme__authority")
        .order_by("-pk")
    )


def extensions_left(voucher: Voucher) -> int:
    """Return how many times a voucher's law still gives it more days."""
    granted = ExtensionVerdict.objects.filter(
        extension__voucher=voucher, outcome=ExtensionVerdict.Outcome.GRANTED
    )
    return holding_rule(voucher).extensions_max - granted.count()


def extensions_waiting(person: User) -> QuerySet[Extension]:
    """Return the requests for more days that wait for an officer, oldest first."""
    return (
        Extension.objects.filter(
            programme_scope(person, "voucher__programme", roles=(Role.OFFICER,)),
            verdict__isnull=True,
        )
        .select_related("voucher__programme__authority", "voucher__organisation", "asked_by")
        .order_by("pk")
    )


def orders_of(voucher: Voucher) -> QuerySet[Order]:
    """Return all orders of a voucher, newest first."""
    return (
        Order.objects.filter(voucher=voucher)
        .select_related("offer__provider__organisation", "price", "placed_by_user")
        .order_by("-placed_at", "-pk")
    )


def orders_visible_to(person: User) -> QuerySet[Order]:
    """Return the orders that a person may see, newest first: as vouchers, and a provider's own."""
    return (
        Order.objects.filter(
            Q(voucher__organisation__in=organisations_of(person, Role.APPLICANT))
            | Q(offer__provider__organisation__in=organisations_of(person, Role.PROVIDER))
            | programme_scope(person, "voucher__programme")
        )
        .select_related(
            "voucher__programme__authority",
            "voucher__organisation",
            "offer__provider__organisation",
            "price",
        )
        .order_by("-placed_at", "-pk")
    )


def order_of(person: User, code: str) -> Order:
    """Return one order that a person may see.

    :raises NotFound: if it doesn't exist or is not this person's to see.
    """
    order: Order = find_one(orders_visible_to(person), what=code, code=code)
    return order


def orders_with(provider: Provider) -> QuerySet[Order]:
    """Return all orders of a provider's offers, newest first."""
    return (
        Order.objects.filter(offer__provider=provider)
        .select_related("voucher__programme", "voucher__organisation", "offer", "price")
        .order_by("-placed_at", "-pk")
    )


def order_by_reference(provider: Provider, reference: str) -> Order | None:
    """Return a provider's order by its code or the provider's own reference, open ones first.

    Case is ignored: a batch system such as Slurm writes account names in small letters.
    """
    named = Q(code__iexact=reference) | Q(provider_reference__iexact=reference)
    found = list(orders_with(provider).filter(named)[:20]) if reference else []
    still_open = [order for order in found if order.status == Order.Status.OPEN]
    return next(iter(still_open or found), None)


def orders_lapsed_by(at: datetime) -> QuerySet[Order]:
    """Return the orders whose hold's time has passed at an instant, oldest first.

    So are those that their provider has not accepted in time. An order on a bill that is not
    decided yet is left out: its hold has to cover that bill.
    """
    is_over = Q(status=Order.Status.OPEN, lapses_at__lte=at)
    is_unanswered = Q(status=Order.Status.PLACED, accept_by__lte=at)
    passed = Order.objects.filter(is_over | is_unanswered)
    return passed.exclude(_has_line_undecided()).order_by("lapses_at", "pk")


def orders_of_suspended(at: datetime) -> QuerySet[Order]:
    """Return what holds at providers suspended so that holds go back, oldest order first."""
    suspended = suspensions_in_force(at).filter(holds=Suspension.Holds.RELEASE)
    return (
        Order.objects.filter(
            status__in=Order.HOLDING, offer__provider__in=suspended.values("provider")
        )
        .select_related("voucher__programme__authority", "offer__provider__organisation")
        .order_by("placed_at", "pk")
    )


# Billing stands above this app: what it wrote about an order is asked for by the names under
# which its rows belong to the order.
_DECIDED = ("ACCEPTED", "DECLINED")


def _has_line_undecided() -> Exists:
    # A line of a bill that was sent has no verdict or an objection; what settlement withheld
    # is open until it is accepted or declined, and neither is ever taken back.
    lines = Order.objects.filter(pk=OuterRef("pk"), bill_lines__isnull=False)
    decided = Count(
        "bill_lines__verdicts", filter=Q(bill_lines__verdicts__outcome__in=_DECIDED)
    )
    return Exists(lines.values("bill_lines").annotate(decided=decided).filter(decided=0))


def has_line_undecided(order: Order) -> bool:
    """Return whether an order is on a bill not settled yet, or has a withheld line still open."""
    return Order.objects.filter(_has_line_undecided(), pk=order.pk).exists()


def has_bill_unsettled(order: Order) -> bool:
    """Return whether an order is on a bill that was sent and is not settled yet."""
    return Order.objects.filter(pk=order.pk, bill_lines__bill__status="SENT").exists()


def has_use_unbilled(order: Order) -> bool:
    """Return whether an order has metered use that no settled bill has a line for."""
    settled = Order.objects.filter(
        pk=order.pk,
        bill_lines__bill__status="SETTLED",
        bill_lines__usage_line__isnull=False,
    )
    # What a provider took back was no use.
    used = Order.objects.filter(
        pk=order.pk, usage__quantity_ms__gt=0, usage__correction__isnull=True
    ).values_list("usage")
    return used.difference(settled.values_list("bill_lines__usage_line")).exists()


def vouchers_expired_by(at: datetime) -> list[Voucher]:
    """Return the vouchers whose last day is over, in their programme's zone, with value to free.

    Those are the vouchers not marked as expired yet, but for those with a claim still open, and
    the ended ones to which a hold gave value back since.
    """
    over = Voucher.objects.filter(valid_until_on__lte=day_of(at)).select_related("programme")
    live = over.filter(
        ~_has_claim_undecided(), status__in=[Voucher.Status.ACTIVE, Voucher.Status.SUSPENDED]
    )
    had_holds = over.filter(status=Voucher.Status.EXPIRED, orders__isnull=False).distinct()
    revoked = Voucher.objects.filter(status=Voucher.Status.REVOKED, orders__isnull=False)
    returned = [*had_holds, *revoked.select_related("programme").distinct()]
    balances = voucher_balances(returned)
    due = [*live, *(one for one in returned if balances[one.code].free > 0)]
    return [one for one in due if _is_over(one, at)]


def _is_over(voucher: Voucher, at: datetime) -> bool:
    is_late = value_ends_on(voucher) < day_of(at, voucher.programme.zone)
    return is_late or voucher.status == Voucher.Status.REVOKED
