"""Bills, claims and their lines, with what was decided on each, and what a quantity costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import (
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce

from billing.models import (
    Bill,
    BillLine,
    LineConfirmation,
    Objection,
    Settlement,
    Verdict,
)
from common.days import day_of
from common.errors import NotFound
from common.money import CURRENCY_EXPONENTS, is_currency
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from policy.rules import Programme as Rules
from providers.models import Offer, Price, Provider
from vouchers.models import Programme, Voucher
from vouchers.queries import policy_in_force, programme_scope, programmes_visible_to

# What a rate is counted in: ten-thousandths of a currency unit for an hour of milliseconds.
_RATE_SCALE = 10_000
_RATE_HOUR = 3_600_000 * _RATE_SCALE


@dataclass(frozen=True, slots=True)
class BillLineInput:
    """One line as a provider bills it: which usage, how much of it, at what rate, for how much.

    What is left out is taken from the meter (quantity in GPU-ms, within the bill's period), the
    order (rate in currency units an hour) and the two of them (amount in minor units).
    """

    source: str
    key: str
    quantity_ms: int | None = None
    rate: Decimal | None = None
    amount: int | None = None


def scale_of(unit: str) -> int:
    """Return how many minor units make one unit of a currency; 1 for hours in kind."""
    return int(10 ** CURRENCY_EXPONENTS[unit]) if is_currency(unit) else 1


def price_of(rate: Decimal, quantity_ms: int, unit: str) -> int:
    """Return what a quantity costs, in minor units: rate x quantity / hour.

    Rounded half up to the minor unit, once a line; the arithmetic is of whole numbers. In a
    unit of hours the quantity is its own price. The function `billing_price` of the database
    says the same.
    """
    return pricer(rate, unit)(quantity_ms)


def pricer(rate: Decimal, unit: str) -> Callable[[int], int]:
    """Return `price_of` for one rate and unit, for many quantities."""
    if not is_currency(unit):
        return lambda quantity_ms: quantity_ms
    twice = 2 * int(rate * _RATE_SCALE) * scale_of(unit)
    return lambda quantity_ms: (twice * quantity_ms + _RATE_HOUR) // (2 * _RATE_HOUR)


def prices_published_within(
    provider: Provider, currency: str, from_at: datetime, until_at: datetime
) -> list[Price]:
    """Return a provider's published prices that were in force at some time in [from, until)."""
    prices = Price.objects.filter(
        offer__provider=provider,
        offer__status=Offer.Status.PUBLISHED,
        currency=currency,
        from_at__lt=until_at,
        withdrawal__isnull=True,
    )
    followed = prices.filter(
        offer=OuterRef("offer"), from_at__gt=OuterRef("from_at"), from_at__lte=from_at
    )
    return list(prices.filter(~Exists(followed)).select_related("offer").order_by("pk"))


def programmes_overseen(person: User, *roles: Role) -> QuerySet[Programme]:
    """Return the programmes in which a person has one of the roles for the authority.

    Without roles: any role of an authority.
    """
    if not roles:
        return programmes_visible_to(person)
    scope = programme_scope(person, "", roles=roles)
    return Programme.objects.filter(scope).select_related("authority").order_by("code")


def bills_visible_to(person: User) -> QuerySet[Bill]:
    """Return the bills and claims that a person may see, newest first.

    Those of the person's own provider, those with a line on a voucher of the person's
    organisation, and those of the programmes that the person oversees.
    """
    holders = organisations_of(person, Role.APPLICANT)
    lines = BillLine.objects.filter(bill=OuterRef("pk"), voucher__organisation__in=holders)
    visible = (
        Q(provider__organisation__in=organisations_of(person, Role.PROVIDER))
        | Q(payee__in=holders)
        | Q(pk__in=lines.values("bill"))
        | programme_scope(person)
    )
    return (
        Bill.objects.filter(visible)
        .select_related("programme", "provider__organisation", "payee")
        .order_by("-sent_at", "-pk")
    )


def bill_of(person: User, number: str) -> Bill:
    """Return one bill or claim that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    bill = bills_visible_to(person).filter(number=number).first()
    if bill is None:
        raise NotFound(what=number)
    return bill


def bills_to_settle() -> QuerySet[Bill]:
    """Return the bills and claims that were sent and not settled, oldest first."""
    waiting = Bill.objects.filter(status=Bill.Status.SENT)
    waiting = waiting.select_related("programme", "provider")
    return waiting.order_by("sent_at", "pk")


def is_own_claim(bill: Bill) -> bool:
    """Say whether a bill is a claim of the holder itself, which nobody else has to confirm."""
    return bill.kind == Bill.Kind.CLAIM and bill.payee_id != bill.provider.organisation_id


def open_to(bill: Bill) -> datetime:
    """Return until when a holder may confirm a bill's lines or object to them.

    :raises NoPolicyInForce: if the programme had no policy on the day when it was sent.
    """
    return bill.sent_at + timedelta(days=law_when_sent(bill).settlement.objection_days)


def law_when_sent(bill: Bill) -> Rules:
    """Return the law under which a bill is confirmed and disputed: that of the day it was sent.

    :raises NoPolicyInForce: if the programme had no policy on that day.
    """
    zone = bill.programme.zone
    _version, rules = policy_in_force(bill.programme, day_of(bill.sent_at, zone))
    return rules


def lines_visible_to(person: User, bill: Bill) -> QuerySet[BillLine]:
    """Return the lines of a bill that a person may see, in order, each with its last verdict.

    A holder sees the lines on the holder's own vouchers; the payee, the provider and the
    authority see all. `outcome`, `accepted`, `withheld`, `covered`, `co_payment`, `reason` and
    `reason_values` are the last verdict's, or None before one.
    """
    lines = lines_with_verdicts().filter(bill=bill).order_by("row")
    limits = holders_limited_to(person, bill)
    return lines if limits is None else lines.filter(voucher__organisation__in=limits)


def holders_limited_to(person: User, bill: Bill) -> list[int] | None:
    """Return the holders on whose vouchers a person may see lines of a bill; None for all.

    The payee, the provider and the authority see every line, a holder its own.
    """
    own = list(
        organisations_of(person, Role.PROVIDER, Role.APPLICANT).values_list("pk", flat=True)
    )
    sees_all = (
        bill.payee_id in own
        or bill.provider.organisation_id in own
        or programmes_visible_to(person).filter(pk=bill.programme_id).exists()
    )
    return None if sees_all else own


def totals_seen_by(person: User, bills: Sequence[Bill]) -> dict[int, int]:
    """Return what a person may see of the totals of bills, by their key, in their minor units.

    A holder sees the sum of the lines on the holder's own vouchers, everybody else all.
    """
    own = organisations_of(person, Role.PROVIDER, Role.APPLICANT)
    numbers = set(own.values_list("pk", flat=True))
    overseen = set(programmes_visible_to(person).values_list("pk", flat=True))
    limited = [
        bill.pk
        for bill in bills
        if not {bill.payee_id, bill.provider.organisation_id} & numbers
        and bill.programme_id not in overseen
    ]
    totals = {bill.pk: bill.total for bill in bills} | dict.fromkeys(limited, 0)
    if limited:
        lines = BillLine.objects.filter(bill__in=limited, voucher__organisation__in=numbers)
        totals |= dict(lines.order_by().values_list("bill").annotate(sum=Sum("amount")))
    return totals


def with_words(lines: QuerySet[BillLine]) -> QuerySet[BillLine]:
    """Return bill lines, each with whether its holder `confirmed` it, or `disputed` it."""
    newest = LineConfirmation.objects.filter(line=OuterRef("pk")).order_by("-pk")
    return lines.annotate(
        confirmed=Coalesce(Subquery(newest.values("is_confirmed")[:1]), False),
        disputed=Exists(Objection.objects.filter(line=OuterRef("pk"), withdrawal=None)),
    )


def lines_with_verdicts() -> QuerySet[BillLine]:
    """Return bill lines, each with the fields of its last verdict, and what its holder said."""
    last = Verdict.objects.filter(line=OuterRef("pk")).order_by("-pk")
    names = ("outcome", "accepted", "withheld", "covered", "co_payment", "reason")
    fields = {name: Subquery(last.values(name)[:1]) for name in (*names, "reason_values")}
    lines = BillLine.objects.select_related(
        "bill__programme", "voucher__organisation", "order__offer", "usage_line"
    )
    return with_words(lines).annotate(**fields)


def line_verdict(line: BillLine) -> Verdict | None:
    """Return what was last decided on a line, or None before anything was."""
    return Verdict.objects.filter(line=line).order_by("-pk").first()


def verdicts_of(line: BillLine) -> QuerySet[Verdict]:
    """Return all that was decided on a line, oldest first."""
    return Verdict.objects.filter(line=line).order_by("pk")


def settlements_of(bill: Bill) -> QuerySet[Settlement]:
    """Return the settlements of a bill, one a voucher or order, oldest first."""
    return (
        Settlement.objects.filter(bill=bill)
        .select_related("voucher__organisation", "order", "policy_version")
        .order_by("pk")
    )


def lines_withheld(person: User) -> QuerySet[BillLine]:
    """Return the settled lines on which something is withheld and that a person may decide."""
    later = Verdict.objects.filter(line=OuterRef("line"), pk__gt=OuterRef("pk"))
    waiting = Verdict.objects.filter(
        ~Exists(later), outcome__in=[Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD]
    )
    return (
        lines_with_verdicts()
        .filter(
            programme_scope(person, "bill__programme", roles=(Role.OFFICER, Role.FINANCE)),
            bill__status=Bill.Status.SETTLED,
            pk__in=waiting.values("line"),
        )
        .order_by("bill__sent_at", "row")
    )


def line_of(person: User, number: str, row: int) -> BillLine:
    """Return one line of a bill that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    line = lines_visible_to(person, bill_of(person, number)).filter(row=row).first()
    if line is None:
        raise NotFound(what=f"{number}/{row}")
    return line


def claims_accepted_in(voucher: Voucher, year: int) -> int:
    """Return what an organisation's earlier claims of a calendar year came to, in minor units."""
    found = Settlement.objects.filter(
        voucher__organisation=voucher.organisation_id,
        voucher__programme=voucher.programme_id,
        bill__kind=Bill.Kind.CLAIM,
        at__year=year,
    ).aggregate(total=Sum(F("accepted")))
    return int(found["total"] or 0)
