"""Decide a disputed line as its law says, where one side let its days pass in silence."""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.lines import (
    Decision,
    accept_rest,
    begin_decision,
    decline_rest,
    undecided_line,
)
from billing.models import BillLine, Verdict
from billing.queries import Undecided, law_when_sent, undecided_on
from common.errors import Refused
from ledger.actions import SYSTEM
from policy.objections import Default

# What is told of a line that silence decided.
_REASONS: Final[dict[Default, str]] = {
    "REPLY_DECLINES": "reply_overdue",
    "VERDICT_DECLINES": "verdict_overdue",
    "VERDICT_ACCEPTS": "accepted_overdue",
}


class NobodySilent(Refused):
    """No side's days are over in silence, or the law leaves the line to an officer."""

    code = "nobody_silent"
    sentence = _(
        "Nobody's silence decides line %(row)s of bill %(bill)s now. Open the line to see whose "
        "days are running; an officer can decide it."
    )


@transaction.atomic
def decide_by_silence(*, line: BillLine, at: datetime, key: str) -> Verdict:
    """Decide a disputed line in the portal's name, as the law says of a side's silence.

    The provider's declines the line. The officers' declines it too, or accepts it: as much as
    the rules let through, as if an officer had overruled the objection. The act's reason is the
    law's clause.

    :raises BillNotSettled: if the bill waits for its settlement.
    :raises LineNotWithheld: if nothing of the line is withheld.
    :raises NobodySilent: if the line is not disputed, no days are over, or the law names nothing
        that follows.
    :raises SettlementWaits: if it is accepted while a suspension of the provider says so.
    :raises UsageMissing: if it is accepted and no meter knows the line.
    :raises LineAcceptedBefore: if it is accepted and its usage stands on another line.
    :raises NothingMoreEarned: if it is accepted and its assessment earns no more.
    :raises OwnShareNotProven: if it is accepted, its law asks for proof of the own share, and
        there is none.
    :raises KeyReused: if the key was used for another act.
    """
    clause = law_when_sent(line.bill).settlement.clause
    content: dict[str, object] = {"by_silence": True, "note": clause}
    act = begin_decision(line, content, SYSTEM, at, key)
    if act.is_replay:
        return Verdict.objects.get(act_id=act.id)
    bill, before = undecided_line(line)
    found = undecided_on(line)
    default = found.default_at(at) if found is not None else ""
    if found is None or not default:
        raise NobodySilent(row=line.row, bill=bill.number)
    decision = _decision(found, default)
    if default == "VERDICT_ACCEPTS":
        return accept_rest(bill, line, before, decision, act)
    return decline_rest(bill, before, decision, act)


def _decision(found: Undecided, default: Default) -> Decision:
    rule, reason = found.rule, _REASONS[default]
    days = rule.reply_days if default == "REPLY_DECLINES" else rule.verdict_days
    values = {"days": days, "clause": rule.clause}
    return Decision(SYSTEM, values, accepted=reason, declined=reason)
