"""What is owed, the batches that pay it, and what the bank answered."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db.models import (
    Q,
    QuerySet,
    Sum,
)

from billing.models import (
    BankStatement,
    Batch,
    Payment,
)
from billing.models.payments import NEVER_SENT
from billing.queries.funding import payer_code
from billing.queries.provider_invoices import held_back
from common.errors import NotFound
from ledger import queries as ledger
from parties.models import BankDetail, Organisation, User
from parties.queries import bank_details_paid, organisations_of
from parties.roles import Role
from vouchers.models import Programme
from vouchers.queries import programme_scope, programmes_visible_to

PAYABLE_KINDS = ("provider_payable", "beneficiary_payable")


class Payable(NamedTuple):
    """What is owed to one party from one ledger account, in minor units."""

    payee: Organisation
    address: str
    amount: int


def payables_due(programme: Programme, payer: Organisation | None = None) -> list[Payable]:
    """Return what a programme owes now and no waiting batch pays, by payee, in minor units.

    With a payer, what that one owes alone; else what all of them do. Without what waits for its
    provider's invoice, where the law asks for one.
    """
    owed = _owed(programme, payer)
    waiting = dict(
        Payment.objects.filter(payable__in=list(owed), status=Payment.Status.PREPARED)
        .values_list("payable")
        .annotate(amount=Sum("amount"))
    )
    held = held_back(programme, owed)
    return _payables({one: owed[one] - waiting.get(one, 0) - held.get(one, 0) for one in owed})


def payables_held(programme: Programme, payer: Organisation | None = None) -> list[Payable]:
    """Return what a programme owes and does not pay yet, for want of a provider's invoice."""
    return _payables(held_back(programme, _owed(programme, payer)))


def _owed(programme: Programme, payer: Organisation | None) -> dict[str, int]:
    """Return what is owed on each payable of a programme, in minor units; only where it is some."""
    prefixes = tuple(programme.account(kind, "") for kind in PAYABLE_KINDS)
    accounts = ledger.accounts_found(f"payable:{programme.code}:")
    addresses = [
        one.address
        for one in accounts
        if one.address.startswith(prefixes)
        and (payer is None or payer_code(one.address, programme) == payer.code)
    ]
    found = sorted(ledger.balances(addresses).items())
    return {address: one.free for address, one in found if one.free > 0}


def _payables(amounts: Mapping[str, int]) -> list[Payable]:
    payees = Organisation.objects.in_bulk(
        {address.rpartition(":")[2] for address in amounts}, field_name="code"
    )
    return [
        Payable(payees[address.rpartition(":")[2]], address, amount)
        for address, amount in sorted(amounts.items())
        if amount > 0
    ]


def due_by_payer(programme: Programme) -> list[tuple[Organisation, list[Payable]]]:
    """Return what is due in a programme, by who pays it; the authority first, though it owes none.

    A payer who owes nothing is left out.
    """
    due: defaultdict[str, list[Payable]] = defaultdict(list)
    for one in payables_due(programme):
        due[payer_code(one.address, programme)].append(one)
    own = due.pop(programme.authority.code, [])
    others = Organisation.objects.filter(code__in=due).order_by("name", "pk")
    return [(programme.authority, own), *((one, due[one.code]) for one in others)]


def bank_details_in_force(
    payees: QuerySet[Organisation] | list[int], at: datetime
) -> dict[int, BankDetail]:
    """Return where many organisations are paid at an instant, by their key."""
    details = bank_details_paid(at).filter(organisation__in=payees)
    return {detail.organisation_id: detail for detail in details}


def payables_without_bank_detail(
    programme: Programme, at: datetime, payer: Organisation | None = None
) -> list[Payable]:
    """Return what is due to parties that nobody can pay yet, for want of a bank detail."""
    due = payables_due(programme, payer)
    known = bank_details_in_force([payable.payee.pk for payable in due], at)
    return [payable for payable in due if payable.payee.pk not in known]


def batches_visible_to(person: User) -> QuerySet[Batch]:
    """Return the payment batches of the programmes that a person oversees, newest first."""
    return (
        Batch.objects.filter(programme_scope(person))
        .select_related(
            "programme", "payer", "prepared_by", "approved_by", "authorised_by", "released_by"
        )
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


def payment_in(batch: Batch, end_to_end_id: str) -> Payment:
    """Return a payment of a batch by its id.

    :raises NotFound: if it is not of this batch.
    """
    found = Payment.objects.filter(batch=batch, end_to_end_id=end_to_end_id).first()
    if found is None:
        raise NotFound(what=end_to_end_id)
    return found


def returned_and_not_followed(batch: Batch) -> QuerySet[Payment]:
    """Return the payments of a batch that came back and that no later batch pays anew."""
    followed = (
        Payment.objects.filter(follows__batch=batch)
        .exclude(status__in=[Payment.Status.REMOVED, Payment.Status.CANCELLED])
        .values("follows")
    )
    return payments_of(batch).filter(status=Payment.Status.RETURNED).exclude(pk__in=followed)


def payments_to(person: User) -> QuerySet[Payment]:
    """Return the payments to the organisations of a person, newest first."""
    return (
        Payment.objects.filter(
            payee__in=organisations_of(person, Role.PROVIDER, Role.APPLICANT)
        )
        .exclude(status__in=NEVER_SENT)
        .select_related("batch__programme", "payee")
        .order_by("-batch__released_at", "end_to_end_id")
    )


def statements_visible_to(person: User) -> QuerySet[BankStatement]:
    """Return the bank statements that a person may see, newest first."""
    programmes = programmes_visible_to(person)
    authorities = Organisation.objects.filter(
        Q(pk__in=programmes.values("authority"))
        | Q(pk__in=organisations_of(person, Role.FINANCE).values("pk"))
    )
    # A proposed account is nobody's yet, nor a stopped one: they open no statement.
    accounts = (
        BankDetail.objects.filter(approved_at__isnull=False)
        .exclude(status=BankDetail.Status.STOPPED)
        .filter(organisation__in=authorities)
        .values("number")
    )
    return (
        BankStatement.objects.filter(account__in=accounts)
        .select_related("read_by")
        .order_by("-read_at", "-pk")
    )


def file_of(person: User, statement: BankStatement) -> BankStatement | None:
    """Return the statement that keeps the bytes of a statement's file, if a person may have it.

    A file with a statement of an account that is not this person's to see is nobody's part of it.
    """
    of_file = BankStatement.objects.filter(sha256=statement.sha256)
    if of_file.count() != statements_visible_to(person).filter(pk__in=of_file).count():
        return None
    return of_file.get(number=1)


def statement_of(person: User, number: int) -> BankStatement:
    """Return one bank statement that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    statement = statements_visible_to(person).filter(pk=number).first()
    if statement is None:
        raise NotFound(what=number)
    return statement
