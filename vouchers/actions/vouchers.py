"""Suspend and resume vouchers, and end them by return, revocation or expiry."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from common.formatting import money
from ledger import actions as ledger
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from vouchers.actions.decisions import NoteMissing, require_no_sender
from vouchers.actions.reviews import require_no_conflict
from vouchers.models import Programme, Revocation, Voucher
from vouchers.queries import (
    has_claim_undecided,
    parts_of,
    pays_supply_side,
    require_officer,
    supply_side,
    value_ends_on,
    voucher_account,
    voucher_balance,
)

OVER = (Voucher.Status.EXPIRED, Voucher.Status.RETURNED, Voucher.Status.REVOKED)


class VoucherOver(Refused):
    """The voucher was returned, was revoked or has expired."""

    code = "voucher_over"
    sentence = _("The voucher %(voucher)s has expired, was returned or was revoked.")


class OtherSideIsPaid(Refused):
    """The value of a target is the other side's."""

    code = "other_side_is_paid"
    sentence = _(
        "For the target %(voucher)s %(payee)s is paid, and only %(payee)s: supply and demand "
        "never both."
    )


class ClaimUndecided(Refused):
    """A claim on the voucher waits; what it may be worth is not given back."""

    code = "claim_undecided"
    sentence = _(
        "A claim on the voucher %(voucher)s waits for its verdict. Decide that first, then end "
        "the voucher."
    )


class VoucherNotActive(Refused):
    """Only an active voucher can be suspended."""

    code = "voucher_not_active"
    sentence = _("The voucher %(voucher)s is not active, so there is nothing to suspend.")


class VoucherNotSuspended(Refused):
    """Only a suspended voucher can be resumed."""

    code = "voucher_not_suspended"
    sentence = _("The voucher %(voucher)s is not suspended, so there is nothing to resume.")


class NotExpiredYet(Refused):
    """The voucher's last day is not over."""

    code = "not_expired_yet"
    sentence = _("The voucher %(voucher)s is valid until %(until)s, that day included.")


class ReturnTooMuch(Refused):
    """More would be returned than is free."""

    code = "return_too_much"
    sentence = _(
        "The voucher %(voucher)s has %(free)s that is not held. Return that or less; "
        "%(amount)s was asked."
    )


def locked_voucher(voucher: Voucher) -> Voucher:
    """Return a voucher as it is now, and keep it from changing until the action ends."""
    return (
        Voucher.objects.select_for_update(of=("self",), no_key=True)
        .select_related("programme__authority", "organisation")
        .get(pk=voucher.pk)
    )


@transaction.atomic
def suspend_voucher(
    *, voucher: Voucher, note: str, actor: User, at: datetime, key: str
) -> Voucher:
    """Let a voucher take no new holds for a time; open holds stay.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises VoucherNotActive: if it is not active.
    """
    return _switch(voucher, Voucher.Status.SUSPENDED, note=note, actor=actor, at=at, key=key)


@transaction.atomic
def resume_voucher(
    *, voucher: Voucher, note: str, actor: User, at: datetime, key: str
) -> Voucher:
    """Let a suspended voucher take holds again; its last day stays what it was.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises VoucherNotSuspended: if it is not suspended.
    """
    return _switch(voucher, Voucher.Status.ACTIVE, note=note, actor=actor, at=at, key=key)


def locked_parts(voucher: Voucher) -> list[Voucher]:
    """Return the parts of a voucher that are not over, kept from changing until the action ends."""
    return list(
        parts_of(voucher)
        .exclude(status__in=OVER)
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )


def _switch(
    voucher: Voucher, to: str, *, note: str, actor: User, at: datetime, key: str
) -> Voucher:
    programme = voucher.programme
    require_officer(actor, programme)
    is_pause = to == Voucher.Status.SUSPENDED
    act = ledger.begin(
        kind=ActKind.SUSPEND_VOUCHER if is_pause else ActKind.RESUME_VOUCHER,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={"note": note},
        reason=note,
    )
    row = locked_voucher(voucher)
    if act.is_replay:
        return row
    require_no_conflict(actor, voucher.award.application)
    if is_pause and row.status != Voucher.Status.ACTIVE:
        raise VoucherNotActive(voucher=row.code)
    if not is_pause and row.status != Voucher.Status.SUSPENDED:
        raise VoucherNotSuspended(voucher=row.code)
    row.status = to
    row.save(update_fields=["status"])
    # A part goes with its whole.
    other = Voucher.Status.ACTIVE if is_pause else Voucher.Status.SUSPENDED
    parts_of(row).filter(status=other).update(status=to)
    return row


@transaction.atomic
def revoke_voucher(
    *,
    voucher: Voucher,
    note: str,
    may_apply_again: bool,
    actor: User,
    at: datetime,
    key: str,
) -> Revocation:
    """End a voucher by decision: what is free goes back to the programme, and what is held stays.

    What a hold frees later goes back too, by expiring the voucher. A revoked voucher is never
    made active again; who is to have one applies again, where that is allowed.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises SamePerson: if the person sent the application.
    :raises NoteMissing: without a reason.
    :raises VoucherOver: if it has expired, was returned or revoked.
    :raises ClaimUndecided: if a claim on it waits.
    """
    programme = voucher.programme
    require_officer(actor, programme)
    if not note.strip():
        raise NoteMissing
    act = ledger.begin(
        kind=ActKind.REVOKE_VOUCHER,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={"note": note, "may_apply_again": may_apply_again},
        reason=note.strip(),
        details={"may_apply_again": may_apply_again},
    )
    if act.is_replay:
        return Revocation.objects.get(act_id=act.id)
    require_no_sender("undo_decision", voucher.award.application, actor)
    require_no_conflict(actor, voucher.award.application)
    row = locked_voucher(voucher)
    if row.status in OVER:
        raise VoucherOver(voucher=row.code)
    if has_claim_undecided(row):
        raise ClaimUndecided(voucher=row.code)
    for one in (row, *locked_parts(row)):
        free = voucher_balance(one).free
        if free:
            give_back(act, one, free)
        one.status = Voucher.Status.REVOKED
        one.save(update_fields=["status"])
    return Revocation.objects.create(
        voucher=row,
        note=note.strip(),
        may_apply_again=may_apply_again,
        revoked_by=actor,
        revoked_at=at,
        act_id=act.id,
    )


@transaction.atomic
def return_voucher(
    *, voucher: Voucher, amount: int | None, actor: User, at: datetime, key: str
) -> Voucher:
    """Give a voucher's free value back to the programme, in part or, without an amount, all.

    What is held stays. A voucher that is left with nothing is over.

    :raises NotAllowed: if the person does not act for the holder.
    :raises OtherSideIsPaid: if it is a target that pays the provider.
    :raises VoucherOver: if it has expired or was returned.
    :raises ReturnTooMuch: if the amount is nothing or more than is free.
    """
    require_role(actor, Role.APPLICANT, organisation=voucher.organisation)
    if voucher.programme.mode == Programme.Mode.M7 and pays_supply_side(voucher):
        supply = supply_side(voucher)
        payee = supply.organisation.name_here if supply else _("the provider")
        raise OtherSideIsPaid(voucher=voucher.code, payee=payee)
    act = ledger.begin(
        kind=ActKind.RETURN_VOUCHER,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={"amount": amount},
    )
    row = locked_voucher(voucher)
    if act.is_replay:
        return row
    if row.status in OVER:
        raise VoucherOver(voucher=row.code)
    balance = voucher_balance(row)
    asked = balance.free if amount is None else amount
    if not 0 < asked <= balance.free:
        raise ReturnTooMuch(
            voucher=row.code,
            free=money(balance.free, row.unit),
            amount=money(asked, row.unit),
        )
    give_back(act, row, asked)
    if asked == balance.net:
        row.status = Voucher.Status.RETURNED
        row.save(update_fields=["status"])
    return row


def give_back(act: ledger.Act, voucher: Voucher, amount: int) -> None:
    """Move a voucher's value over `expired` back to what the programme has available.

    :raises NotEnough: if the voucher has less free.
    """
    programme = voucher.programme
    account, expired = voucher_account(voucher), programme.account("expired")
    available = programme.account("available")
    ledger.open_account(act, expired, AccountKind.EXPIRED, voucher.unit)
    ledger.post(
        act,
        [
            ledger.Move(Flow.EXPIRE, account, expired, amount, voucher.code),
            ledger.Move(Flow.DECOMMIT, expired, available, amount, voucher.code),
        ],
    )


@transaction.atomic
def expire_voucher(*, voucher: Voucher, at: datetime, key: str) -> Voucher:
    """End a voucher whose last day is over; its free value is available to the programme again.

    A revoked one gives back what its holds freed since, whatever day it is. Open holds keep
    theirs until they are settled or lapse. What they free then is given back by expiring the
    voucher once more, with another key.

    :raises NotExpiredYet: if its last day is not over in the programme's time zone.
    :raises ClaimUndecided: if a claim on it waits.
    :raises VoucherOver: if it was returned, or nothing is left to give back.
    """
    act = ledger.begin(
        kind=ActKind.EXPIRE_VOUCHER,
        key=key,
        actor=ledger.SYSTEM,
        about=voucher.address,
        at=at,
        payload={},
    )
    row = locked_voucher(voucher)
    if act.is_replay:
        return row
    is_revoked = row.status == Voucher.Status.REVOKED
    until = value_ends_on(row)
    if not is_revoked and until >= day_of(at, row.programme.zone):
        raise NotExpiredYet(voucher=row.code, until=until)
    if has_claim_undecided(row):
        raise ClaimUndecided(voucher=row.code)
    free = voucher_balance(row).free
    if row.status in OVER and not free:
        raise VoucherOver(voucher=row.code)
    if free:
        give_back(act, row, free)
    if row.status not in OVER:
        row.status = Voucher.Status.EXPIRED
        row.save(update_fields=["status"])
    return row
