"""Issue the vouchers of a whole round at once: all that may be issued, or none."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from common.codes import new_code
from common.days import day_of
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import person_kept
from vouchers.actions.issuing import commit, redemption_code
from vouchers.models import Application, Round, Voucher
from vouchers.queries.issuing import (
    Award,
    BulkIssue,
    awards_to_issue,
    require_issuer,
    summary,
)

_COLUMNS = (
    "code, redemption_code, decision_id, programme_id, organisation_id, amount, unit, "
    "valid_from_on, valid_until_on, status, issued_at, act_id, label"
)
_COPY = f"copy vouchers_voucher ({_COLUMNS}) from stdin"


@transaction.atomic
def issue_vouchers(
    *,
    round: Round,
    actor: User,
    at: datetime,
    key: str,
    only: Collection[str] | None = None,
) -> BulkIssue:
    """Commit every award of a round that this person may issue, in one act.

    Where `only` names applications, by their references, the others are left alone.

    An award that two people must decide is left out where this person decided it, or sent the
    application. Where the budget does not reach for all, none is issued. Asked again with the
    same key it issues nothing, and answers what it issued the first time.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises BudgetSpent: if the programme has less available; nothing has moved.
    """
    require_issuer(round, actor)
    programme = round.programme
    act = ledger.begin(
        kind=ActKind.ISSUE_VOUCHERS,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"round": round.pk}
        if only is None
        else {"round": round.pk, "only": sorted(only)},
        details={"round": round.code},
    )
    if act.is_replay:
        issued = Voucher.objects.filter(act_id=act.id).values_list("amount", flat=True)
        return BulkIssue(len(issued), sum(issued), (), ())
    _lock(round)
    person_kept(actor)
    ready, left_out = awards_to_issue(round, actor, at, only)
    found = summary(round, ready, left_out)
    if ready:
        _issue(round, ready, act, at)
    return found


def _lock(round: Round) -> None:
    """Keep the round's approvals from being undone until this is done, in one order."""
    approved = Application.objects.filter(round=round, status=Application.Status.APPROVED)
    locked = approved.select_for_update(no_key=True).order_by("pk")
    list(locked.values_list("pk", flat=True))


def _issue(round: Round, ready: list[Award], act: ledger.Act, at: datetime) -> None:
    programme = round.programme
    codes = _unused_codes(len(ready))
    _copy(round, ready, codes, act, day_of(at, programme.zone))
    amounts = (award.awarded for award in ready)
    commit(act, programme, dict(zip(codes, amounts, strict=True)))


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
    round: Round, ready: list[Award], codes: list[str], act: ledger.Act, today: date
) -> None:
    # Nothing here has a tabulator, a backslash or a line's end in it.
    programme = round.programme
    tail = f"{Voucher.Status.ACTIVE}\t{act.at.isoformat()}\t{act.id}\t\n"
    last_days = {award.days: today + timedelta(days=award.days) for award in ready}
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for award, code in zip(ready, codes, strict=True):
            copy.write(
                f"{code}\t{redemption_code()}\t{award.decision}\t{programme.pk}\t"
                f"{award.organisation}\t{award.awarded}\t{programme.unit}\t{today}\t"
                f"{last_days[award.days]}\t{tail}"
            )
