"""Get back what is owed: set off against what is due, paid back, or given up by two people."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.line_acts import checked_note
from billing.actions.recoveries import accounts_of, locked_case
from billing.models import BankLine, Collection, CollectionProposal, Recovery
from billing.queries import payables_due
from common.days import day_of
from common.errors import Refused
from common.formatting import money
from ledger import actions as ledger
from ledger.actions import Act, Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import User
from parties.queries import address_of, require_apart, require_role
from parties.roles import Role
from vouchers.models import Programme, Voucher
from vouchers.queries import policy_in_force

Kind = CollectionProposal.Kind


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

    The payable falls, so the next batch pays that much less: payable → receivable. What is got
    back returns to the voucher or the budget in the same act.

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
    # With the batches of the programme, so that none pays what is set off.
    Programme.objects.select_for_update(no_key=True).get(pk=recovery.programme_id)
    recovery = locked_case(recovery)
    _require_owed(recovery)
    due = {one.address: one.amount for one in payables_due(recovery.programme)}
    amount = min(recovery.left, due.get(recovery.payable, 0))
    if not amount:
        raise NothingToSetOff(debtor=recovery.debtor.name_here)
    owed, _back = accounts_of(recovery)
    ledger.post(
        act,
        [
            Move(Flow.OFFSET, recovery.payable, owed, amount, recovery.code),
            _home(recovery, amount, at),
        ],
    )
    person = actor if isinstance(actor, User) else None
    return _collected(recovery, act, Collection.Kind.OFFSET, amount, recorded_by=person)


def offset_before_batch(programme: Programme, *, at: datetime, key: str) -> list[Collection]:
    """Set off, before a batch is made, what the law lets set itself off; the oldest first.

    Belongs inside the batch's transaction, which holds the programme.
    """
    done = []
    for case in cases_set_off(programme):
        due = {one.address for one in payables_due(programme)}
        if case.payable in due:
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

    Paid back: paid → receivable, and from recovered to the voucher or the budget. What was paid
    beyond what is still owed is due to the debtor again: paid → payable. Given up: recovered →
    receivable, and nothing returns.

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
    recovery = locked_case(recovery)
    if Collection.objects.filter(proposal=proposal).exists():
        raise CollectionRecorded
    programme = recovery.programme
    _version, law = policy_in_force(programme, day_of(at, programme.zone))
    earlier = {"propose_collection": proposal.proposed_by.address}
    require_apart("record_collection", actor, earlier, law)
    if not is_repayment and proposal.amount > recovery.left:
        raise WriteOffTooMuch(left=money(recovery.left, programme.unit))
    _require_owed(recovery)
    amount = min(proposal.amount, recovery.left)
    beyond = proposal.amount - amount
    post = _repaid if is_repayment else _given_up
    if is_repayment:
        ledger.open_account(act, _paid(recovery), AccountKind.PAID, programme.unit)
    ledger.post(act, post(recovery, amount, beyond, at))
    return _collected(
        recovery,
        act,
        proposal.kind,
        amount,
        beyond,
        proposal=proposal,
        recorded_by=actor,
        bank_line=bank_line,
    )


def _repaid(recovery: Recovery, amount: int, beyond: int, at: datetime) -> list[Move]:
    owed, _back = accounts_of(recovery)
    paid = _paid(recovery)
    moves = []
    if amount:
        moves = [
            Move(Flow.REPAY, paid, owed, amount, recovery.code),
            _home(recovery, amount, at),
        ]
    if beyond:
        moves.append(Move(Flow.REFUND, paid, recovery.payable, beyond, recovery.code))
    return moves


def _paid(recovery: Recovery) -> str:
    """Return where it was paid from: the payable's own address, of another kind."""
    return ":".join(["paid", *recovery.payable.split(":")[1:]])


def _given_up(recovery: Recovery, amount: int, _beyond: int, _at: datetime) -> list[Move]:
    owed, back = accounts_of(recovery)
    return [Move(Flow.WRITE_OFF, back, owed, amount, recovery.code)]


def _home(recovery: Recovery, amount: int, at: datetime) -> Move:
    """Return the move that brings what was got back to the voucher while valid, or the budget."""
    programme, voucher = recovery.programme, recovery.voucher
    _owed, back = accounts_of(recovery)
    target = programme.account("available")
    if recovery.returns_to == Recovery.Home.VOUCHER and voucher is not None:
        # Its end waits for us, so that what returns to it is not forgotten there.
        voucher = Voucher.objects.select_for_update(of=("self",), no_key=True).get(
            pk=voucher.pk
        )
        is_valid = voucher.valid_until_on >= day_of(at, programme.zone)
        if voucher.status == Voucher.Status.ACTIVE and is_valid:
            target = programme.account("voucher", voucher.code)
    return Move(Flow.REALLOT, back, target, amount, recovery.code)


def _collected(
    recovery: Recovery,
    act: Act,
    kind: str,
    amount: int,
    beyond: int = 0,
    *,
    proposal: CollectionProposal | None = None,
    recorded_by: User | None,
    bank_line: BankLine | None = None,
) -> Collection:
    if kind == Collection.Kind.WRITE_OFF:
        recovery.written_off_amount += amount
    else:
        recovery.recovered_amount += amount
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
