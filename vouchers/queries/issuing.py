"""What issuing the vouchers of a round would give, before anybody does."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from django.db import connection
from django.utils.translation import gettext as _

from common.days import day_of
from common.formatting import day_text
from common.languages import in_language
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from policy import approval, duties
from policy.rules import Programme as Policy
from vouchers.models import Application, Decision, PolicyVersion, Round, Voucher
from vouchers.queries.applications import notice_ends_on
from vouchers.queries.programmes import read_policy


class Award(NamedTuple):
    """An award of which no voucher was issued yet, with what deciding who may issue it takes."""

    decision: int
    reference: str
    organisation: int
    organisation_name: str
    awarded: int
    days: int
    policy: int
    decided_by: int | None
    decided_at: datetime
    sent_by: str
    confirmed_by: list[int]


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


def issue_preview(
    round: Round, actor: User, at: datetime, only: Collection[str] | None = None
) -> BulkIssue:
    """Return what issuing all of a round by a person would give, or some by their references.

    :raises NotAllowed: if the person is no officer of the programme.
    """
    require_issuer(round, actor)
    ready, left_out = awards_to_issue(round, actor, at, only)
    return summary(round, ready, left_out)


def require_issuer(round: Round, actor: User) -> None:
    """Refuse who is no officer of a round's programme.

    :raises NotAllowed: if the person is none.
    """
    programme = round.programme
    require_role(
        actor, Role.OFFICER, organisation=programme.authority, programme_code=programme.code
    )


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
        n.policy_version_id, n.decided_by_id, n.decided_at, coalesce(act.actor, ''),
        array(
            select c.user_id::bigint from vouchers_confirmation c where c.decision_id = n.id
        )
    from newest n
        join vouchers_application a on a.id = n.application_id
        join parties_organisation o on o.id = a.organisation_id
        left join ledger_act act on act.id = a.act_id
    where n.outcome = 'PASS' and n.awarded > 0
        and not exists (select from vouchers_voucher v where v.decision_id = n.id)
        and not exists (select from vouchers_decision u where u.undoes_id = n.id)
    order by n.decided_at, n.id
"""


def _awards(round: Round) -> list[Award]:
    with connection.cursor() as cursor:
        cursor.execute(_AWARDS, [round.pk])
        return [Award(*row) for row in cursor.fetchall()]


def awards_to_issue(
    round: Round, actor: User, at: datetime, only: Collection[str] | None = None
) -> tuple[list[Award], tuple[LeftOut, ...]]:
    """Return a round's awards that a person may issue now, and the others with the reason.

    :param only: the references of the applications that are meant; None means all.
    """
    rules_of = cache(_rules_of)
    conflicted = _conflicted_in(round, actor)
    today = day_of(at, round.programme.zone)
    ready: list[Award] = []
    left_out: list[LeftOut] = []
    awards = _awards(round)
    if only is not None:
        wanted, known = set(only), {award.reference for award in awards}
        unknown = _("No award of this round waits under this reference.")
        left_out += [LeftOut(one, "", unknown) for one in sorted(wanted - known)]
        awards = [award for award in awards if award.reference in wanted]
    for award in awards:
        reason = _bar(award, rules_of(award.policy), actor, today, round.programme.zone)
        if award.organisation in conflicted:
            reason = _("You have a conflict of interest about it.")
        if reason:
            left_out.append(LeftOut(award.reference, award.organisation_name, reason))
        else:
            ready.append(award)
    return ready, tuple(left_out)


def _conflicted_in(round: Round, actor: User) -> set[int]:
    """Return the organisations of a round whose applications a person may not judge."""
    applied = Application.objects.filter(round=round)
    member = applied.filter(organisation__memberships__user=actor)
    declared = applied.filter(conflicts__user=actor)
    return set(member.union(declared).values_list("organisation_id", flat=True))


def _bar(award: Award, rules: Policy, actor: User, today: date, zone: str) -> str:
    """Return why an award can't be issued by a person yet; empty where it can."""
    if rules.notice is not None:
        until = day_of(award.decided_at, zone) + timedelta(days=rules.notice.days)
        if today <= until:
            return _("It is on public notice until %(until)s.") % {"until": day_text(until)}
    people = approval.tier(award.awarded, rules).people
    missing = people - 2 - len(award.confirmed_by)
    if missing > 0:
        return _("%(count)s more must confirm it first.") % {"count": missing}
    earlier = {
        "submit_application": award.sent_by,
        "decide_application": f"user:{award.decided_by}" if award.decided_by else "",
        "confirm_decision": [f"user:{pk}" for pk in award.confirmed_by],
    }
    if people < 2:
        return ""
    permission = duties.may_act("confirm_decision", actor.address, earlier)
    if permission.allowed:
        return ""
    return in_language(permission.reason_en, permission.reason_zh)


def _rules_of(version: int) -> Policy:
    return read_policy(PolicyVersion.objects.get(pk=version).text)


def summary(round: Round, ready: list[Award], left_out: tuple[LeftOut, ...]) -> BulkIssue:
    """Return what issuing some awards of a round gives, and who gets another voucher by it."""
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


def awards_automatic(at: datetime) -> list[Decision]:
    """Return the awards that no person has to decide or issue, once their notice is over."""
    waiting = (
        Decision.objects.filter(
            outcome=Decision.Outcome.PASS,
            decided_by__isnull=True,
            application__status=Application.Status.APPROVED,
            voucher__isnull=True,
            undone_by__isnull=True,
        )
        .select_related("application__round__programme__authority", "policy_version")
        .order_by("decided_at", "pk")
    )
    return [one for one in waiting if _is_ripe(one, at)]


def _is_ripe(decision: Decision, at: datetime) -> bool:
    rules = read_policy(decision.policy_version.text)
    until = notice_ends_on(decision)
    is_over = until is None or day_of(at, decision.application.round.programme.zone) > until
    return is_over and approval.tier(decision.awarded, rules).people == 0
