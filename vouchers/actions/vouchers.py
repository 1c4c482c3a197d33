"""Issue vouchers, suspend and resume them, and end them by return or expiry."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.codes import random_letters
from common.days import day_of
from common.errors import Refused
from common.formatting import money
from ledger import actions as ledger
from ledger.actions import NotEnough
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import User
from parties.queries import NotAllowed, address_of, require_apart, require_role
from parties.roles import Role
from policy import approval
from vouchers.actions.applications import locked_application
from vouchers.actions.decisions import NotDecided, NothingToAward, VoucherIssued
from vouchers.models import Application, Decision, Programme, Voucher
from vouchers.queries import (
    budget_available,
    decision_in_force,
    pays_supply_side,
    read_policy,
    supply_side,
    unused_code,
    voucher_account,
    voucher_balance,
)

REDEMPTION_CODE_GROUPS = 4
_OVER = (Voucher.Status.EXPIRED, Voucher.Status.RETURNED)


class BudgetSpent(Refused):
    """The programme has less to give than the award."""

    code = "budget_spent"
    sentence = _(
        "%(programme)s has %(available)s left and this award needs %(amount)s. "
        "Ask finance for more budget, or undo the decision and award less."
    )


class VoucherOver(Refused):
    """The voucher was returned or has expired."""

    code = "voucher_over"
    sentence = _("The voucher %(voucher)s has expired or was returned.")


class OtherSideIsPaid(Refused):
    """The value of a target is the other side's."""

    code = "other_side_is_paid"
    sentence = _(
        "For the target %(voucher)s %(payee)s is paid, and only %(payee)s: supply and demand "
        "never both."
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


@transaction.atomic
def issue_voucher(*, decision: Decision, actor: User | str, at: datetime, key: str) -> Voucher:
    """Commit an award to its beneficiary, out of what the programme has available.

    An award that the policy gives to two people is decided by one officer and issued by
    another. One that needs no person may be issued by an address that is no person's. The
    voucher lasts the decision's days from today; its last day belongs to it.

    :raises NotAllowed: if the person is no officer of the programme, or a person is needed.
    :raises SamePerson: if the award needs two people and this one decided it or applied.
    :raises NotDecided: if the decision was undone or replaced.
    :raises NothingToAward: if the decision awards nothing.
    :raises VoucherIssued: if a voucher was issued on it.
    :raises BudgetSpent: if the programme has less available; nothing has moved.
    """
    application = decision.application
    programme = application.round.programme
    _require_issuer(decision, programme, actor)
    code = unused_code(Voucher, "V")
    act = ledger.begin(
        kind=ActKind.ISSUE_VOUCHER,
        key=key,
        actor=address_of(actor),
        about=application.address,
        at=at,
        payload={"decision": decision.pk},
        details={"voucher": code},
    )
    if act.is_replay:
        return _fresh(Voucher.objects.get(act_id=act.id))
    row = locked_application(application)
    _require_award(row, decision)
    today = day_of(at, programme.zone)
    voucher = Voucher.objects.create(
        code=code,
        redemption_code=redemption_code(),
        decision=decision,
        programme=programme,
        organisation=row.organisation,
        amount=decision.awarded,
        unit=programme.unit,
        valid_from_on=today,
        valid_until_on=today + timedelta(days=decision.validity_days),
        status=Voucher.Status.ACTIVE,
        issued_at=at,
        act_id=act.id,
    )
    commit(act, programme, {code: voucher.amount})
    return voucher


def _require_issuer(decision: Decision, programme: Programme, actor: User | str) -> None:
    rules = read_policy(decision.policy_version.text)
    people = approval.tier(decision.awarded, rules).people
    if isinstance(actor, str):
        if people or decision.decided_by_id:
            raise NotAllowed(roles=Role.OFFICER.label, where="")
        return
    require_role(
        actor, Role.OFFICER, organisation=programme.authority, programme_code=programme.code
    )
    if people < 2:
        return
    sent = decision.application.act
    earlier = {
        "submit_application": sent.actor if sent else (),
        "decide_application": f"user:{decision.decided_by_id}",
    }
    require_apart("confirm_decision", actor, earlier, rules)


def _require_award(application: Application, decision: Decision) -> None:
    newest = decision_in_force(application)
    if newest is None or newest.pk != decision.pk:
        raise NotDecided(reference=application.reference)
    if hasattr(newest, "voucher"):
        raise VoucherIssued(voucher=newest.voucher.code)
    if newest.outcome != Decision.Outcome.PASS:
        raise NothingToAward(reasons=newest.note)


def redemption_code() -> str:
    """Return a fresh code that a holder gives to a provider."""
    # 16 of 30 letters are 78 bits: nobody finds one by trying.
    return "-".join(random_letters(4) for _group in range(REDEMPTION_CODE_GROUPS))


def commit(act: ledger.Act, programme: Programme, amounts: Mapping[str, int]) -> None:
    """Move the amounts of new vouchers, by their codes, out of what a programme has available.

    :raises BudgetSpent: if that is less; nothing has moved.
    """
    left = budget_available(programme)
    accounts = {code: programme.account("voucher", code) for code in amounts}
    ledger.open_accounts(act, list(accounts.values()), AccountKind.VOUCHER, programme.unit)
    available = programme.account("available")
    moves = [
        ledger.Move(Flow.ISSUE, available, accounts[code], amount, code)
        for code, amount in amounts.items()
    ]
    try:
        ledger.post(act, moves)
    except NotEnough as error:
        raise BudgetSpent(
            programme=programme.title,
            available=money(left, programme.unit),
            amount=money(sum(amounts.values()), programme.unit),
        ) from error


def locked_voucher(voucher: Voucher) -> Voucher:
    """Return a voucher as it is now, and keep it from changing until the action ends."""
    return (
        Voucher.objects.select_for_update(of=("self",), no_key=True)
        .select_related("programme__authority", "organisation")
        .get(pk=voucher.pk)
    )


def _fresh(voucher: Voucher) -> Voucher:
    return Voucher.objects.select_related("programme__authority", "organisation").get(
        pk=voucher.pk
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


def _switch(
    voucher: Voucher, to: str, *, note: str, actor: User, at: datetime, key: str
) -> Voucher:
    programme = voucher.programme
    require_role(
        actor, Role.OFFICER, organisation=programme.authority, programme_code=programme.code
    )
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
    if is_pause and row.status != Voucher.Status.ACTIVE:
        raise VoucherNotActive(voucher=row.code)
    if not is_pause and row.status != Voucher.Status.SUSPENDED:
        raise VoucherNotSuspended(voucher=row.code)
    row.status = to
    row.save(update_fields=["status"])
    return row


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
        payee = supply.organisation.name if supply else _("the provider")
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
    if row.status in _OVER:
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

    Open holds keep theirs until they are settled or lapse. What they free then is given back
    by expiring the voucher once more, with another key.

    :raises NotExpiredYet: if its last day is not over in the programme's time zone.
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
    if row.valid_until_on >= day_of(at, row.programme.zone):
        raise NotExpiredYet(voucher=row.code, until=row.valid_until_on)
    free = voucher_balance(row).free
    if row.status in _OVER and not free:
        raise VoucherOver(voucher=row.code)
    if free:
        give_back(act, row, free)
    if row.status not in _OVER:
        row.status = Voucher.Status.EXPIRED
        row.save(update_fields=["status"])
    return row
