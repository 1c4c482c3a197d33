"""The cases to take back what was paid, as its finance officers and its debtors may see them."""

from django.db.models import Q, QuerySet

from billing.models import (
    BankLine,
    Batch,
    BillLine,
    Collection,
    CollectionProposal,
    Payment,
    Recovery,
    RecoveryPart,
)
from billing.queries.funding import payer_code
from billing.queries.payments import payables_due
from common.errors import NotFound
from ledger.kinds import Flow
from ledger.queries import transfers_of
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from vouchers.queries import programme_scope


def recoveries_visible_to(person: User) -> QuerySet[Recovery]:
    """Return the cases that a person may see, those that wait for longest first."""
    own = organisations_of(person, Role.PROVIDER, Role.APPLICANT, Role.FINANCE)
    return (
        Recovery.objects.filter(programme_scope(person) | Q(debtor__in=own))
        .select_related("programme__authority", "debtor", "opened_by", "decided_by")
        .select_related("payment__batch", "line__bill", "voucher")
        .order_by("-opened_at", "-pk")
    )


def recovery_of(person: User, code: str) -> Recovery:
    """Return one case that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    case = recoveries_visible_to(person).filter(code=code).first()
    if case is None:
        raise NotFound(what=code)
    return case


def named_case(line: BankLine, person: User) -> str:
    """Return the number of the owed case that an entry of the bank names, or nothing."""
    told = f"{line.end_to_end_id} {line.reference} {line.remittance}".upper()
    owed = recoveries_visible_to(person).filter(status=Recovery.Status.UPHELD)
    codes = owed.values_list("code", flat=True) if line.is_credit else []
    return next((code for code in codes if code in told), "")


def recovery_origin(person: User, words: str) -> Payment | BillLine:
    """Return the payment of a reference, or the line of "bill/row", of a person's programmes.

    :raises NotFound: if there is none, or it is not this person's.
    """
    roles = (Role.OFFICER, Role.FINANCE)
    words = words.strip()
    payment = Payment.objects.filter(
        programme_scope(person, "batch__programme", roles=roles), end_to_end_id=words
    )
    if (found := payment.select_related("batch__programme", "payee").first()) is not None:
        return found
    number, _slash, row = words.partition("/")
    lines = BillLine.objects.filter(
        programme_scope(person, "bill__programme", roles=roles), bill__number=number
    ).select_related("bill__programme", "bill__payee", "voucher")
    line = lines.filter(row=int(row)).first() if row.isdecimal() and len(row) < 9 else None
    if line is None:
        raise NotFound(what=words)
    return line


def parts_of(recovery: Recovery) -> list[RecoveryPart]:
    """Return what a case takes back for each payer, in the order in which they were written."""
    return list(recovery.parts.select_related("payer").order_by("pk"))


def due_against(recovery: Recovery) -> int:
    """Return what the payers of a case owe its debtor and no batch holds, in minor units."""
    payables = {part.payable for part in parts_of(recovery)}
    return sum(
        one.amount for one in payables_due(recovery.programme) if one.address in payables
    )


def set_off_before(batch: Batch) -> list[tuple[Collection, int]]:
    """Return what set itself off when a batch was prepared, and is not in its payments.

    Each with the amount that was set off against what the batch's payer owed, in minor units.
    """
    found = Collection.objects.filter(
        kind=Collection.Kind.OFFSET,
        recorded_by__isnull=True,
        recovery__programme=batch.programme_id,
        at=batch.prepared_at,
    ).select_related("recovery__debtor", "recovery__programme")
    taken = [(one, _set_off_of(one, batch)) for one in found.order_by("pk")]
    return [(one, amount) for one, amount in taken if amount]


def _set_off_of(collection: Collection, batch: Batch) -> int:
    """Return how much of it the ledger took off what the payer of a batch owed."""
    return sum(
        one.amount
        for one in transfers_of(collection.act_id)
        if one.flow == Flow.OFFSET
        and payer_code(one.debit.address, batch.programme) == batch.debtor.code
    )


def proposals_waiting(recovery: Recovery) -> QuerySet[CollectionProposal]:
    """Return what was proposed on a case and nobody has confirmed, oldest first."""
    waiting = recovery.proposals.filter(collections__isnull=True)
    return waiting.select_related("proposed_by").order_by("proposed_at", "pk")
