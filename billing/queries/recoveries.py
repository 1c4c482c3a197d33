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
)
from common.errors import NotFound
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


def set_off_before(batch: Batch) -> QuerySet[Collection]:
    """Return what set itself off when a batch was prepared, and is not in its payments."""
    found = Collection.objects.filter(
        kind=Collection.Kind.OFFSET,
        recorded_by__isnull=True,
        recovery__programme=batch.programme_id,
        at=batch.prepared_at,
    )
    return found.select_related("recovery__debtor", "recovery__programme").order_by("pk")


def proposals_waiting(recovery: Recovery) -> QuerySet[CollectionProposal]:
    """Return what was proposed on a case and nobody has confirmed, oldest first."""
    waiting = recovery.proposals.filter(collections__isnull=True)
    return waiting.select_related("proposed_by").order_by("proposed_at", "pk")
