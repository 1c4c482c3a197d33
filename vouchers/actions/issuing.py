"""Commit awards from the budget to their beneficiaries as vouchers."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

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
from parties.queries import NotAllowed, address_of, require_apart
from parties.roles import Role
from policy import approval
from vouchers.actions.appeals import NotDecided, VoucherIssued
from vouchers.actions.applications import locked_application, require_not_barred
from vouchers.actions.decisions import NothingToAward
from vouchers.actions.reviews import require_no_conflict
from vouchers.models import Application, Decision, Programme, Voucher
from vouchers.queries import (
    budget_available,
    confirmations_missing,
    decision_in_force,
    doers_of,
    is_appealed,
    notice_ends_on,
    read_policy,
    require_officer,
    unused_code,
)

REDEMPTION_CODE_GROUPS = 4


class BudgetSpent(Refused):
    """The programme has less to give than the award."""

    code = "budget_spent"
    sentence = _(
        "%(programme)s has %(available)s left and this award needs %(amount)s. "
        "Ask finance for more budget, or undo the decision and award less."
    )


class ConfirmationMissing(Refused):
    """More people must stand for the award first."""

    code = "confirmation_missing"
    sentence = _(
        "The award on %(reference)s must be confirmed by %(count)s more before it is issued."
    )


class AppealWaiting(Refused):
    """Somebody else looks at the decision first."""

    code = "appeal_waiting"
    sentence = _(
        "An appeal about %(reference)s waits for its verdict. Issue the voucher after that."
    )


class NoticeRunning(Refused):
    """The award is still shown to the public."""

    code = "notice_running"
    sentence = _(
        "The award on %(reference)s is on public notice until %(until)s, that day included. "
        "Issue it after that."
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
    :raises ConflictOfInterest: if the person is too close to the applicant.
    :raises ConfirmationMissing: if more people must confirm it.
    :raises NoticeRunning: if it is still on public notice.
    :raises AppealWaiting: if an appeal against it has no verdict yet.
    :raises MayNotApplyAgain: if the organisation may have nothing more of the programme.
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
    if isinstance(actor, User):
        _require_no_hand_in(decision, actor)
        require_no_conflict(actor, application)
    row = locked_application(application)
    _require_award(row, decision)
    today = day_of(at, programme.zone)
    _require_ripe(row, decision, today)
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
    require_officer(actor, programme)


def _require_no_hand_in(decision: Decision, actor: User) -> None:
    rules = read_policy(decision.policy_version.text)
    if approval.tier(decision.awarded, rules).people < 2:
        return
    require_apart("confirm_decision", actor, doers_of(decision), rules)


def _require_ripe(application: Application, decision: Decision, today: date) -> None:
    require_not_barred(application.organisation, application.round.programme)
    if is_appealed(decision):
        raise AppealWaiting(reference=application.reference)
    missing = confirmations_missing(decision)
    if missing:
        raise ConfirmationMissing(reference=application.reference, count=missing)
    until = notice_ends_on(decision)
    if until is not None and today <= until:
        raise NoticeRunning(reference=application.reference, until=until)


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


def _fresh(voucher: Voucher) -> Voucher:
    return Voucher.objects.select_related("programme__authority", "organisation").get(
        pk=voucher.pk
    )
