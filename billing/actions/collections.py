"""Get back what is owed: set off against what is due, paid back, or given up by two people."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.line_acts import checked_note
from billing.actions.recoveries import accounts_of, locked_case, locked_cases
from billing.models import BankLine, Collection, CollectionProposal, Recovery, RecoveryPart
from billing.queries import payables_due
from billing.queries.recoveries import parts_of
from common.days import day_of
from common.errors import Refused
from common.formatting import money
from ledger import actions as ledger
from ledger.actions import Act, Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import User
from parties.queries import address_of, require_apart, require_role
from parties.roles import Role
from policy.funding import among_first
from vouchers.models import Programme, Voucher
from vouchers.queries import policy_in_force

Kind = Collection.Kind


class NothingOwed(Refused):
    """Nothing of the case is owed any more, or yet."""

    code = "nothing_owed"
    sentence = _("Nothing of case %(case)s is owed, so there is nothing to get back.")


class NothingToSetOff(Refused):
    """The debtor has nothing to get that a batch does not hold."""

    code = "nothing_to_set_off"
    sentence = _(
        "Nothing is due to %(debtor)s that is not in a batch already, so nothing can be set off. "
        "Wait for its next settlement, or for its payment."
    )


class WriteOffTooMuch(Refused):
    """More is given up than is owed."""

    code = "write_off_too_much"
    sentence = _("Only %(left)s is still owed. Write off that at most.")


class CollectionRecorded(Refused):
    """The proposal was confirmed already."""

    code = "collection_recorded"
    sentence = _("This was confirmed already. Nothing was done now.")


@transaction.atomic
def offset_recovery(
    *, recovery: Recovery, actor: User | str, at: datetime, key: str
) -> Collection:
    """Set what is owed off against what is due to the debtor and in no batch, as far as it goes.

    Each payer's part is set off against what that payer owes, whose next batch pays that much
    less: payable → receivable. What is got back returns to the voucher or the budget in the same
    act.

    :raises NotAllowed: if a person asks who is no finance officer of the programme.
    :raises NothingOwed: if nothing of it is owed.
    :raises NothingToSetOff: if nothing is due.
    :raises KeyReused: if the key was used for another case.
    """
    if isinstance(actor, User):
        _require_finance(recovery.programme, actor)
    act = begin(
        kind=ActKind.OFFSET_RECOVERY,
        key=key,
        actor=address_of(actor),
        about=recovery.address,
        at=at,
        payload={},
    )
    if act.is_replay:
        return Collection.objects.get(act_id=act.id)
    (recovery,) = locked_cases(recovery.programme, [recovery.pk])
    _require_owed(recovery)
    parts = parts_of(recovery)
    due = {one.address: one.amount for one in payables_due(recovery.programme)}
    amounts = [min(part.left, due.get(part.payable, 0)) for part in parts]
    amount = sum(amounts)
    if not amount:
        raise NothingToSetOff(debtor=recovery.debtor.name_here)
    owed, _back = accounts_of(recovery)
    moves = [
        Move(Flow.OFFSET, part.payable, owed, one, recovery.code)
        for part, one in zip(parts, amounts, strict=True)
        if one
    ]
    ledger.post(act, [*moves, _home(recovery, amount, at)])
    person = actor if isinstance(actor, User) else None
    return _collected(recovery, parts, amounts, act, Kind.OFFSET, recorded_by=person)


def offset_before_batch(programme: Programme, *, at: datetime, key: str) -> list[Collection]:
    """Set off, before a batch is made, what the law lets set itself off; the oldest first.

    Belongs inside the batch's transaction, which holds the programme.
    """
    done = []
    waiting = [case.pk for case in cases_set_off(programme)]
    for case in locked_cases(programme, waiting) if waiting else []:
        due = {one.address for one in payables_due(programme)}
        owed = {part.payable for part in parts_of(case) if part.left}
        if case.status == Recovery.Status.UPHELD and owed & due:
            key_of_case = f"{key}/{case.code}"
            done.append(
                offset_recovery(recovery=case, actor=ledger.SYSTEM, at=at, key=key_of_case)
            )
    return done


def cases_set_off(programme: Programme) -> list[Recovery]:
    """Return the cases of a programme that set themselves off, the oldest first."""
    cases = Recovery.objects.filter(
        programme=programme, status=Recovery.Status.UPHELD, is_offset=True
    )
    return list(cases.order_by("decided_at", "pk"))


@transaction.atomic
def propose_collection(
    *,
    recovery: Recovery,
    kind: str,
    amount: int,
    note: str,
    actor: User,
    at: datetime,
    key: str,
) -> CollectionProposal:
    """Say that a debtor paid back, as the bank has it, or that what is owed be given up.

    :param note: by what the bank's entry is known; or why it is given up.
    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NoteMissing: if there are no words, or too many.
    :raises NothingOwed: if nothing of it is owed, or the amount is nothing.
    :raises WriteOffTooMuch: if more is given up than is owed.
    :raises KeyReused: if the key was used for another proposal.
    """
    _require_finance(recovery.programme, actor)
    note = checked_note(note)
    act = begin(
        kind=ActKind.PROPOSE_COLLECTION,
        key=key,
        actor=actor.address,
        about=recovery.address,
        at=at,
        payload={"kind": kind, "amount": amount, "note": note},
        reason=note,
        details={"kind": kind, "amount": amount},
    )
    if act.is_replay:
        return CollectionProposal.objects.get(act_id=act.id)
    recovery = locked_case(recovery)
    _require_owed(recovery)
    if amount <= 0:
        raise NothingOwed(case=recovery.code)
    if kind == Kind.WRITE_OFF and amount > recovery.left:
        raise WriteOffTooMuch(left=money(recovery.left, recovery.programme.unit))
    return CollectionProposal.objects.create(
        recovery=recovery,
        kind=kind,
        amount=amount,
        note=note,
        proposed_by=actor,
        proposed_at=at,
        act_id=act.id,
    )


@transaction.atomic
def record_collection(
    *,
    proposal: CollectionProposal,
    actor: User,
    at: datetime,
    key: str,
    bank_line: BankLine | None = None,
) -> Collection:
    """Confirm, as another person, that a debtor paid back or that what is owed is given up.

    Paid back: paid → receivable, and from recovered to the voucher or the budget, of each payer
    in proportion to what is left of its part. What was paid beyond what is still owed is due to
    the debtor again: paid → payable. Given up: recovered → receivable, and nothing returns.

    :param bank_line: the entry of the bank that a repayment is; it is used once.
    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person proposed it.
    :raises CollectionRecorded: if it was confirmed before, under another key.
    :raises WriteOffTooMuch: if less is owed by now.
    :raises NothingOwed: if nothing is owed by now: what then came is no repayment of this case.
    :raises KeyReused: if the key was used for another proposal.
    """
    recovery = proposal.recovery
    _require_finance(recovery.programme, actor)
    is_repayment = proposal.kind == Kind.REPAYMENT
    act = begin(
        kind=ActKind.RECORD_REPAYMENT if is_repayment else ActKind.WRITE_OFF_RECOVERY,
        key=key,
        actor=actor.address,
        about=recovery.address,
        at=at,
        payload={"proposal": proposal.pk},
        reason=proposal.note,
    )
    if act.is_replay:
        return Collection.objects.get(act_id=act.id)
    (recovery,) = locked_cases(recovery.programme, [recovery.pk])
    if Collection.objects.filter(proposal=proposal).exists():
        raise CollectionRecorded
    programme = recovery.programme
    _version, law = policy_in_force(programme, day_of(at, programme.zone))
    earlier = {"propose_collection": proposal.proposed_by.address}
    require_apart("record_collection", actor, earlier, law)
    if not is_repayment and proposal.amount > recovery.left:
        raise WriteOffTooMuch(left=money(recovery.left, programme.unit))
    _require_owed(recovery)
    parts = parts_of(recovery)
    amount = min(proposal.amount, recovery.left)
    amounts = among_first(amount, [part.left for part in parts])
    beyond = proposal.amount - amount
    if is_repayment:
        paid = sorted(part.paid for part in parts)
        ledger.open_accounts(act, paid, AccountKind.PAID, programme.unit)
        ledger.post(act, _repaid(recovery, parts, amounts, beyond, at))
    else:
        owed, back = accounts_of(recovery)
        ledger.post(act, [Move(Flow.WRITE_OFF, back, owed, amount, recovery.code)])
    return _collected(
        recovery,
        parts,
        amounts,
        act,
        Kind(proposal.kind),
        beyond=beyond,
        proposal=proposal,
        recorded_by=actor,
        bank_line=bank_line,
    )


def _repaid(
    recovery: Recovery,
    parts: Sequence[RecoveryPart],
    amounts: Sequence[int],
    beyond: int,
    at: datetime,
) -> list[Move]:
    """Return the moves of a repayment; what is beyond is due of each payer as it was upheld."""
    owed, _back = accounts_of(recovery)
    # Of any amount the same proportions, however much beyond it is.
    again = among_first(beyond, [part.upheld_amount * beyond for part in parts])
    repaid = [
        Move(Flow.REPAY, part.paid, owed, one, recovery.code)
        for part, one in zip(parts, amounts, strict=True)
        if one
    ]
    refunds = [
        Move(Flow.REFUND, part.paid, part.payable, one, recovery.code)
        for part, one in zip(parts, again, strict=True)
        if one
    ]
    return [*repaid, _home(recovery, sum(amounts), at), *refunds]


def _home(recovery: Recovery, amount: int, at: datetime) -> Move:
    """Return the move that brings what was got back to the voucher while valid, or the budget."""
    programme, voucher = recovery.programme, recovery.voucher
    _owed, back = accounts_of(recovery)
    target = programme.account("available")
    if recovery.returns_to == Recovery.Home.VOUCHER and voucher is not None:
        is_valid = voucher.valid_until_on >= day_of(at, programme.zone)
        if voucher.status == Voucher.Status.ACTIVE and is_valid:
            target = programme.account("voucher", voucher.code)
    return Move(Flow.REALLOT, back, target, amount, recovery.code)


def _collected(
    recovery: Recovery,
    parts: Sequence[RecoveryPart],
    amounts: Sequence[int],
    act: Act,
    kind: str,
    *,
    beyond: int = 0,
    proposal: CollectionProposal | None = None,
    recorded_by: User | None,
    bank_line: BankLine | None = None,
) -> Collection:
    amount = sum(amounts)
    column = "written_off_amount" if kind == Kind.WRITE_OFF else "recovered_amount"
    for one, taken in ((recovery, amount), *zip(parts, amounts, strict=True)):
        setattr(one, column, getattr(one, column) + taken)
    RecoveryPart.objects.bulk_update(parts, [column])
    if not recovery.left:
        recovery.status = Recovery.Status.CLOSED
    recovery.save(update_fields=["written_off_amount", "recovered_amount", "status"])
    return Collection.objects.create(
        recovery=recovery,
        kind=kind,
        amount=amount,
        refund_amount=beyond,
        proposal=proposal,
        proposed_by=proposal.proposed_by if proposal else None,
        recorded_by=recorded_by,
        bank_line=bank_line,
        at=act.at,
        act_id=act.id,
    )


def _require_owed(recovery: Recovery) -> None:
    if recovery.status != Recovery.Status.UPHELD:
        raise NothingOwed(case=recovery.code)


def _require_finance(programme: Programme, actor: User) -> None:
    require_role(
        actor, Role.FINANCE, organisation=programme.authority, programme_code=programme.code
    )
