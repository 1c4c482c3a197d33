"""What issuing the vouchers of a round would give, before anybody does."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from django.db import connection
from django.db.models import Max, QuerySet

from common.languages import in_language
from parties.models import User
from parties.queries import may_act, people_behind, require_role
from parties.roles import Role
from policy import approval
from policy.rules import Programme as Policy
from vouchers.models import Decision, PolicyVersion, Round, Voucher
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
    sent_by: str

    @property
    def decider(self) -> str:
        """The address of who decided; empty where nobody did."""
        return f"user:{self.decided_by}" if self.decided_by else ""


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


def issue_preview(round: Round, actor: User) -> BulkIssue:
    """Return what issuing all of a round by a person would give.

    :raises NotAllowed: if the person is no officer of the programme.
    """
    require_issuer(round, actor)
    ready, left_out = awards_to_issue(round, actor)
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


def _awards(round: Round) -> list[Award]:
    with connection.cursor() as cursor:
        cursor.execute(_AWARDS, [round.pk])
        return [Award(*row) for row in cursor.fetchall()]


def awards_to_issue(round: Round, actor: User) -> tuple[list[Award], tuple[LeftOut, ...]]:
    """Return a round's awards that a person may issue, and the others with the reason."""
    rules_of = cache(_rules_of)
    awards = _awards(round)
    doers = {who for award in awards for who in (award.sent_by, award.decider) if who}
    people = people_behind([actor.address, *doers])
    ready: list[Award] = []
    left_out: list[LeftOut] = []
    for award in awards:
        earlier = {"submit_application": award.sent_by, "decide_application": award.decider}
        is_shared = approval.tier(award.awarded, rules_of(award.policy)).people > 1
        reason = _barred(actor, earlier, people) if is_shared else ""
        if reason:
            left_out.append(LeftOut(award.reference, award.organisation_name, reason))
        else:
            ready.append(award)
    return ready, tuple(left_out)


def confirmers_of(vouchers: QuerySet[Voucher]) -> set[str]:
    """Return the addresses of who issued vouchers on awards that the law gives to two people.

    Where one person may decide an award alone, or nobody has to, issuing it confirms nothing.
    """
    found = (
        Decision.objects.filter(voucher__in=vouchers)
        .values_list("voucher__act__actor", "policy_version__text")
        .annotate(most=Max("awarded"))
    )
    return {
        issuer
        for issuer, text, most in found
        if approval.tier(most, read_policy(text)).people > 1
    }


def _barred(actor: User, earlier: Mapping[str, str], people: Mapping[str, str]) -> str:
    """Return why a person may not confirm an award, empty where the person may."""
    permission = may_act("confirm_decision", actor, earlier, people=people)
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
