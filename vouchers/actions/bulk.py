"""Issue the vouchers of a whole round at once: all that may be issued, or none."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from django.db import connection, transaction

from common.codes import new_code
from common.days import day_of
from common.formatting import money
from common.languages import in_language
from ledger import actions as ledger
from ledger.actions import NotEnough
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from policy import approval, duties
from policy.rules import Programme as Policy
from vouchers.actions.vouchers import BudgetSpent, redemption_code
from vouchers.models import Application, PolicyVersion, Round, Voucher
from vouchers.queries import budget_available, read_policy

_COLUMNS = (
    "code, redemption_code, decision_id, programme_id, organisation_id, amount, unit, "
    "valid_from_on, valid_until_on, status, issued_at, act_id"
)
_COPY = f"copy vouchers_voucher ({_COLUMNS}) from stdin"


class _Award(NamedTuple):
    decision: int
    reference: str
    organisation: int
    organisation_name: str
    awarded: int
    days: int
    policy: int
    decided_by: int | None
    sent_by: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An award of which no voucher is issued here, and why in words."""

    reference: str
    organisation: str
    reason: str


@dataclass(frozen=True, slots=True)
class BulkIssue:
    """What issuing a round's vouchers gives, or would give.

    `again` names organisations that have a voucher of the programme already, or get two here:
    a warning, and no bar. `amount` is in the programme's unit.
    """

    vouchers: int
    amount: int
    left_out: tuple[LeftOut, ...]
    again: tuple[str, ...]


def issue_vouchers_preview(*, round: Round, actor: User) -> BulkIssue:
    """Return what issuing all of a round would give; nothing is written.

    :raises NotAllowed: if the person is no officer of the programme.
    """
    _require_officer(round, actor)
    ready, left_out = _sorted_out(_awards(round), actor)
    return _summary(round, ready, left_out)


@transaction.atomic
def issue_vouchers(*, round: Round, actor: User, at: datetime, key: str) -> BulkIssue:
    """Commit every award of a round that this person may issue, in one act.

    An award that two people must decide is left out where this person decided it, or sent the
    application. Where the budget does not reach for all, none is issued. Asked again with the
    same key it issues nothing, and answers what it issued the first time.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises BudgetSpent: if the programme has less available; nothing has moved.
    """
    _require_officer(round, actor)
    programme = round.programme
    act = ledger.begin(
        kind=ActKind.ISSUE_VOUCHERS,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"round": round.pk},
        details={"round": round.code},
    )
    if act.is_replay:
        issued = Voucher.objects.filter(act_id=act.id).values_list("amount", flat=True)
        return BulkIssue(len(issued), sum(issued), (), ())
    _lock(round)
    ready, left_out = _sorted_out(_awards(round), actor)
    found = _summary(round, ready, left_out)
    if ready:
        _issue(round, ready, act, at)
    return found


def _require_officer(round: Round, actor: User) -> None:
    programme = round.programme
    require_role(
        actor, Role.OFFICER, organisation=programme.authority, programme_code=programme.code
    )


def _lock(round: Round) -> None:
    """Keep the round's approvals from being undone until this is done, in one order."""
    approved = Application.objects.filter(round=round, status=Application.Status.APPROVED)
    locked = approved.select_for_update(no_key=True).order_by("pk")
    list(locked.values_list("pk", flat=True))


# Each application's newest decision, found in one pass: asked row by row, the planner takes them
# for a handful and looks everything else up by nested loops.
_AWARDS = """
    with newest as (
        select distinct on (d.application_id) d.*
        from vouchers_decision d join vouchers_application a on a.id = d.application_id
        where a.round_id = %s and a.status = 'APPROVED'
        order by d.application_id, d.id desc
    )
    select n.id, a.reference, a.organisation_id, o.name, n.awarded, n.validity_days,
        n.policy_version_id, n.decided_by_id, coalesce(act.actor, '')
    from newest n
        join vouchers_application a on a.id = n.application_id
        join parties_organisation o on o.id = a.organisation_id
        left join ledger_act act on act.id = a.act_id
    where n.outcome = 'PASS' and n.awarded > 0
        and not exists (select from vouchers_voucher v where v.decision_id = n.id)
        and not exists (select from vouchers_decision u where u.undoes_id = n.id)
    order by n.decided_at, n.id
"""


def _awards(round: Round) -> list[_Award]:
    with connection.cursor() as cursor:
        cursor.execute(_AWARDS, [round.pk])
        return [_Award(*row) for row in cursor.fetchall()]


def _sorted_out(
    awards: Iterable[_Award], actor: User
) -> tuple[list[_Award], tuple[LeftOut, ...]]:
    """Return the awards that a person may issue, and the others with the reason."""
    rules_of = cache(_rules_of)
    ready: list[_Award] = []
    left_out: list[LeftOut] = []
    for award in awards:
        earlier = {
            "submit_application": award.sent_by,
            "decide_application": f"user:{award.decided_by}" if award.decided_by else "",
        }
        is_shared = approval.tier(award.awarded, rules_of(award.policy)).people > 1
        if is_shared and actor.address in earlier.values():
            permission = duties.may_act("confirm_decision", actor.address, earlier)
            reason = in_language(permission.reason_en, permission.reason_zh)
            left_out.append(LeftOut(award.reference, award.organisation_name, reason))
        else:
            ready.append(award)
    return ready, tuple(left_out)


def _rules_of(version: int) -> Policy:
    return read_policy(PolicyVersion.objects.get(pk=version).text)


def _summary(round: Round, ready: list[_Award], left_out: tuple[LeftOut, ...]) -> BulkIssue:
    holders = set(
        Voucher.objects.filter(programme=round.programme).values_list(
            "organisation_id", flat=True
        )
    )
    again: dict[str, None] = {}
    for award in ready:
        if award.organisation in holders:
            again[award.organisation_name] = None
        holders.add(award.organisation)
    return BulkIssue(len(ready), sum(a.awarded for a in ready), left_out, tuple(again))


def _issue(round: Round, ready: list[_Award], act: ledger.Act, at: datetime) -> None:
    programme = round.programme
    codes = _unused_codes(len(ready))
    accounts = [programme.account("voucher", code) for code in codes]
    _copy(round, ready, codes, act, day_of(at, programme.zone))
    left = budget_available(programme)
    ledger.open_accounts(act, accounts, AccountKind.VOUCHER, programme.unit)
    available = programme.account("available")
    moves = [
        ledger.Move(Flow.ISSUE, available, account, award.awarded, code)
        for award, account, code in zip(ready, accounts, codes, strict=True)
    ]
    try:
        ledger.post(act, moves)
    except NotEnough as error:
        raise BudgetSpent(
            programme=programme.title,
            available=money(left, programme.unit),
            amount=money(sum(award.awarded for award in ready), programme.unit),
        ) from error


def _unused_codes(count: int) -> list[str]:
    """Return so many codes that no voucher has."""
    codes: dict[str, None] = {}
    while len(codes) < count:
        drawn = {new_code("V"): None for _number in range(count - len(codes))}
        taken = Voucher.objects.filter(code__in=list(drawn)).values_list("code", flat=True)
        for code in taken:
            del drawn[code]
        codes |= drawn
    return list(codes)


def _copy(
    round: Round, ready: list[_Award], codes: list[str], act: ledger.Act, today: date
) -> None:
    # Nothing here has a tabulator, a backslash or a line's end in it.
    programme = round.programme
    tail = f"{Voucher.Status.ACTIVE}\t{act.at.isoformat()}\t{act.id}\n"
    last_days = {award.days: today + timedelta(days=award.days) for award in ready}
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for award, code in zip(ready, codes, strict=True):
            copy.write(
                f"{code}\t{redemption_code()}\t{award.decision}\t{programme.pk}\t"
                f"{award.organisation}\t{award.awarded}\t{programme.unit}\t{today}\t"
                f"{last_days[award.days]}\t{tail}"
            )
