"""What was metered, billed, settled and paid, as far as each person may see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from billing.models import (
    BankStatement,
    Batch,
    Bill,
    BillLine,
    Payment,
    Settlement,
    UsageFile,
    UsageLine,
    Verdict,
)
from common.errors import NotFound
from common.money import CURRENCY_EXPONENTS, is_currency
from ledger import queries as ledger
from parties.models import BankDetail, Organisation, User
from parties.queries import organisations_of
from parties.roles import Role
from vouchers.models import Order, Programme, Voucher
from vouchers.queries import programme_scope, programmes_visible_to

PAYABLE_KINDS = ("provider_payable", "beneficiary_payable")
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


class Payable(NamedTuple):
    """What is owed to one party from one ledger account, in minor units."""

    payee: Organisation
    address: str
    amount: int


class DayOfUse(NamedTuple):
    """What was metered on one day, in resource-milliseconds."""

    day: date
    quantity_ms: int


def scale_of(unit: str) -> int:
    """Return how many minor units make one unit of a currency; 1 for hours in kind."""
    return int(10 ** CURRENCY_EXPONENTS[unit]) if is_currency(unit) else 1


def price_of(rate: Decimal, quantity_ms: int, unit: str) -> int:
    """Return what a quantity costs, in minor units: rate x quantity / hour.

    Rounded half up to the minor unit, once a line; the arithmetic is of whole numbers. In a
    unit of hours the quantity is its own price. The function `billing_price` of the database
    says the same.
    """
    if not is_currency(unit):
        return quantity_ms
    exact = int(rate * _RATE_SCALE) * scale_of(unit) * quantity_ms
    return (2 * exact + _RATE_HOUR) // (2 * _RATE_HOUR)


# --- who sees what --------------------------------------------------------------------------


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
    return Bill.objects.filter(status=Bill.Status.SENT).order_by("sent_at", "pk")


def lines_visible_to(person: User, bill: Bill) -> QuerySet[BillLine]:
    """Return the lines of a bill that a person may see, in order, each with its last verdict.

    A holder sees the lines on the holder's own vouchers; the payee, the provider and the
    authority see all. `outcome`, `accepted`, `withheld`, `covered`, `co_payment`, `reason` and
    `reason_values` are the last verdict's, or None before one.
    """
    lines = lines_with_verdicts().filter(bill=bill).order_by("row")
    own = organisations_of(person, Role.PROVIDER, Role.APPLICANT)
    sees_all = (
        own.filter(pk__in=[bill.payee_id, bill.provider.organisation_id]).exists()
        or programmes_visible_to(person).filter(pk=bill.programme_id).exists()
    )
    return lines if sees_all else lines.filter(voucher__organisation__in=own)


def lines_with_verdicts() -> QuerySet[BillLine]:
    """Return bill lines, each with the fields of its last verdict."""
    last = Verdict.objects.filter(line=OuterRef("pk")).order_by("-pk")
    names = ("outcome", "accepted", "withheld", "covered", "co_payment", "reason")
    fields = {name: Subquery(last.values(name)[:1]) for name in (*names, "reason_values")}
    return BillLine.objects.select_related(
        "bill__programme", "voucher__organisation", "order__offer", "usage_line"
    ).annotate(**fields)


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


# --- usage ----------------------------------------------------------------------------------


def usage_visible_to(person: User) -> QuerySet[UsageLine]:
    """Return the usage lines that a person may see, newest first."""
    visible = (
        Q(provider__organisation__in=organisations_of(person, Role.PROVIDER))
        | Q(voucher__organisation__in=organisations_of(person, Role.APPLICANT))
        | programme_scope(person, "voucher__programme")
    )
    return (
        UsageLine.objects.filter(visible)
        .select_related("voucher", "order", "provider__organisation")
        .order_by("-started_at", "-pk")
    )


def usage_files_visible_to(person: User) -> QuerySet[UsageFile]:
    """Return the usage files that a person may see, newest first."""
    visible = Q(provider__organisation__in=organisations_of(person, Role.PROVIDER))
    if programmes_visible_to(person).exists():
        visible = Q()
    return (
        UsageFile.objects.filter(visible)
        .select_related("provider__organisation")
        .order_by("-received_at", "-pk")
    )


def usage_file_of(person: User, number: int) -> UsageFile:
    """Return one usage file that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    file = usage_files_visible_to(person).filter(pk=number).first()
    if file is None:
        raise NotFound(what=number)
    return file


def metered_ms(used: Order | Voucher, from_at: datetime, until_at: datetime) -> int:
    """Return what was metered under an order or a voucher within [from, until), in GPU-ms."""
    return metered_within(Q(**_used(used)), from_at, until_at)


def metered_within(lines: Q, from_at: datetime, until_at: datetime) -> int:
    """Return what some usage lines come to within [from, until), in GPU-ms, exactly."""
    found = UsageLine.objects.filter(lines, started_at__lt=until_at, ended_at__gt=from_at)
    sql = (
        "select coalesce(sum(billing_clipped_ms(count_thousandths, started_at, ended_at, "
        "%s, %s)), 0) from billing_usageline where id = any(%s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [from_at, until_at, list(found.values_list("pk", flat=True))])
        return int(cursor.fetchone()[0])


_DAILY = """
    select day::date, sum(billing_clipped_ms(u.count_thousandths, u.started_at, u.ended_at,
        day at time zone %s, (day + interval '1 day') at time zone %s))
    from billing_usageline u cross join lateral generate_series(
        date_trunc('day', u.started_at at time zone %s),
        date_trunc('day', u.ended_at at time zone %s), interval '1 day') as day
    where case when %s then u.order_id else u.voucher_id end = %s
    group by day having sum(billing_clipped_ms(u.count_thousandths, u.started_at, u.ended_at,
        day at time zone %s, (day + interval '1 day') at time zone %s)) > 0
    order by day
"""


def daily_usage(used: Voucher | Order) -> list[DayOfUse]:
    """Return what was metered each day, in the programme's time zone; days without are left out."""
    voucher = used.voucher if isinstance(used, Order) else used
    zone = voucher.programme.zone
    parameters = [zone] * 4 + [isinstance(used, Order), used.pk] + [zone] * 2
    with connection.cursor() as cursor:
        cursor.execute(_DAILY, parameters)
        return [DayOfUse(day, int(quantity)) for day, quantity in cursor.fetchall()]


def _used(used: Order | Voucher) -> Mapping[str, Any]:
    return {"order": used} if isinstance(used, Order) else {"voucher": used}


# --- payments -------------------------------------------------------------------------------


def payables_due(programme: Programme) -> list[Payable]:
    """Return what a programme owes now and no waiting batch pays, by payee, in minor units."""
    prefixes = tuple(programme.account(kind, "") for kind in PAYABLE_KINDS)
    accounts = ledger.accounts_found(f"payable:{programme.code}:")
    addresses = [one.address for one in accounts if one.address.startswith(prefixes)]
    waiting = dict(
        Payment.objects.filter(payable__in=addresses, status=Payment.Status.PREPARED)
        .values_list("payable")
        .annotate(amount=Sum("amount"))
    )
    payees = Organisation.objects.in_bulk(
        {address.rpartition(":")[2] for address in addresses}, field_name="code"
    )
    due = [
        Payable(payees[address.rpartition(":")[2]], address, one.free - waiting.get(address, 0))
        for address, one in sorted(ledger.balances(addresses).items())
    ]
    return [payable for payable in due if payable.amount > 0]


def bank_details_in_force(payees: QuerySet[Organisation] | list[int]) -> dict[int, BankDetail]:
    """Return where many organisations are paid now, by their key."""
    details = BankDetail.objects.filter(
        organisation__in=payees, status=BankDetail.Status.APPROVED
    )
    return {detail.organisation_id: detail for detail in details}


def payables_without_bank_detail(programme: Programme) -> list[Payable]:
    """Return what is due to parties that nobody can pay yet, for want of a bank detail."""
    due = payables_due(programme)
    known = bank_details_in_force([payable.payee.pk for payable in due])
    return [payable for payable in due if payable.payee.pk not in known]


def batches_visible_to(person: User) -> QuerySet[Batch]:
    """Return the payment batches of the programmes that a person oversees, newest first."""
    return (
        Batch.objects.filter(programme_scope(person))
        .select_related("programme", "prepared_by", "approved_by", "released_by")
        .order_by("-prepared_at", "-pk")
    )


def batch_of(person: User, code: str) -> Batch:
    """Return one batch that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    batch = batches_visible_to(person).filter(code=code).first()
    if batch is None:
        raise NotFound(what=code)
    return batch


def payments_of(batch: Batch) -> QuerySet[Payment]:
    """Return the payments of a batch, by end-to-end id."""
    return (
        Payment.objects.filter(batch=batch)
        .select_related("payee", "bank_detail")
        .order_by("end_to_end_id")
    )


def payments_to(person: User) -> QuerySet[Payment]:
    """Return the payments to the organisations of a person, newest first."""
    return (
        Payment.objects.filter(
            payee__in=organisations_of(person, Role.PROVIDER, Role.APPLICANT)
        )
        .exclude(status=Payment.Status.PREPARED)
        .select_related("batch__programme", "payee")
        .order_by("-batch__released_at", "end_to_end_id")
    )


def statements_visible_to(person: User) -> QuerySet[BankStatement]:
    """Return the bank statements that a person may see, newest first."""
    authorities = programmes_visible_to(person).values("authority")
    accounts = BankDetail.objects.filter(organisation__in=authorities).values("number")
    return (
        BankStatement.objects.filter(account__in=accounts)
        .select_related("read_by")
        .order_by("-read_at", "-pk")
    )


def statement_of(person: User, number: int) -> BankStatement:
    """Return one bank statement that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    statement = statements_visible_to(person).filter(pk=number).first()
    if statement is None:
        raise NotFound(what=number)
    return statement


def claims_accepted_in(voucher: Voucher, year: int) -> int:
    """Return what an organisation's earlier claims of a calendar year came to, in minor units."""
    found = Settlement.objects.filter(
        voucher__organisation=voucher.organisation_id,
        voucher__programme=voucher.programme_id,
        bill__kind=Bill.Kind.CLAIM,
        at__year=year,
    ).aggregate(total=Sum(F("accepted")))
    return int(found["total"] or 0)
