"""What issuing the vouchers of a round would give, before anybody does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from django.db import connection
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from common.days import day_of
from common.formatting import day_text
from common.languages import in_language
from parties.models import User
from parties.queries import may_act, people_behind, require_role
from parties.roles import Role
from policy import approval
from policy.rules import Programme as Policy
from vouchers.models import (
    Application,
    Confirmation,
    Decision,
    PolicyVersion,
    Round,
    Voucher,
)
from vouchers.queries.applications import notice_ends_on
from vouchers.queries.programmes import read_policy
from vouchers.queries.reviews import conflicted_organisations


class Award(NamedTuple):
    """An award of which no voucher was issued yet, with what deciding who may issue it takes."""

    decision: int
    reference: str
    organisation: int
    organisation_name: str
    organisation_name_zh: str
    awarded: int
    days: int
    policy: int
    decided_by: int | None
    decided_at: datetime
    sent_by: str
    confirmed_by: list[int]
    is_appealed: bool
    is_barred: bool

    @property
    def organisation_here(self) -> str:
        """The organisation's name in the language that is spoken here and now."""
        return in_language(self.organisation_name, self.organisation_name_zh)

    @property
    def decider(self) -> str:
        """The address of who decided; empty where nobody did."""
        return f"user:{self.decided_by}" if self.decided_by else ""

    @property
    def confirmers(self) -> list[str]:
        """The addresses of who confirmed it beside."""
        return [f"user:{pk}" for pk in self.confirmed_by]

    @property
    def doers(self) -> list[str]:
        """The addresses of all who had a hand in it."""
        return [one for one in (self.sent_by, self.decider, *self.confirmers) if one]


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
    select n.id, a.reference, a.organisation_id, o.name, o.name_zh, n.awarded, n.validity_days,
        n.policy_version_id, n.decided_by_id, n.decided_at, coalesce(act.actor, ''),
        array(
            select c.user_id::bigint from vouchers_confirmation c where c.decision_id = n.id
        ),
        exists (
            select from vouchers_appeal p
                left join vouchers_appealverdict w on w.appeal_id = p.id
            where p.decision_id = n.id and w.id is null
        ),
        exists (
            select from vouchers_revocation r join vouchers_voucher v on v.id = r.voucher_id
                join vouchers_round o2 on o2.id = a.round_id
            where v.organisation_id = a.organisation_id
                and v.programme_id = o2.programme_id and not r.may_apply_again
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
    conflicted = conflicted_organisations(actor, round)
    today = day_of(at, round.programme.zone)
    ready: list[Award] = []
    left_out: list[LeftOut] = []
    awards = _awards(round)
    if only is not None:
        wanted, known = set(only), {award.reference for award in awards}
        unknown = _("No award of this round waits under this reference.")
        left_out += [LeftOut(one, "", unknown) for one in sorted(wanted - known)]
        awards = [award for award in awards if award.reference in wanted]
    doers = {who for award in awards for who in award.doers}
    people = people_behind([actor.address, *doers])
    for award in awards:
        rules = rules_of(award.policy)
        reason = _unripe(award, rules, today, round.programme.zone)
        if not reason and approval.tier(award.awarded, rules).people > 1:
            reason = _barred(actor, award, people)
        if award.organisation in conflicted:
            reason = _("You have a conflict of interest about it.")
        if reason:
            left_out.append(LeftOut(award.reference, award.organisation_here, reason))
        else:
            ready.append(award)
    return ready, tuple(left_out)


def _unripe(award: Award, rules: Policy, today: date, zone: str) -> str:
    """Return why nobody may issue an award yet; empty where somebody may."""
    if award.is_barred:
        return _("A voucher of it was revoked, and it may have no other.")
    if award.is_appealed:
        return _("An appeal about it waits for its verdict.")
    if rules.notice is not None:
        until = day_of(award.decided_at, zone) + timedelta(days=rules.notice.days)
        if today <= until:
            return _("It is on public notice until %(until)s.") % {"until": day_text(until)}
    missing = approval.tier(award.awarded, rules).people - 2 - len(award.confirmed_by)
    return (
        _("%(count)s more must confirm it first.") % {"count": missing} if missing > 0 else ""
    )


def confirmers_of(vouchers: QuerySet[Voucher]) -> set[str]:
    """Return the addresses of who confirmed or issued awards that the law gives to two people.

    Where one person may decide an award alone, or nobody has to, issuing it confirms nothing.
    """
    found = (
        Decision.objects.filter(voucher__in=vouchers)
        .values_list("voucher__act__actor", "policy_version__text")
        .annotate(most=Max("awarded"))
    )
    confirmed = Confirmation.objects.filter(decision__voucher__in=vouchers)
    return {
        issuer
        for issuer, text, most in found
        if approval.tier(most, read_policy(text)).people > 1
    } | {f"user:{user}" for user in confirmed.values_list("user_id", flat=True).distinct()}


def _barred(actor: User, award: Award, people: Mapping[str, str]) -> str:
    """Return why a person may not confirm an award, empty where the person may."""
    earlier = {
        "submit_application": award.sent_by,
        "decide_application": award.decider,
        "confirm_decision": award.confirmers,
    }
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
            again[award.organisation_here] = None
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
        .exclude(appeal__isnull=False, appeal__verdict__isnull=True)
        .select_related("application__round__programme__authority", "policy_version")
        .order_by("decided_at", "pk")
    )
    return [one for one in waiting if _is_ripe(one, at)]


def _is_ripe(decision: Decision, at: datetime) -> bool:
    rules = read_policy(decision.policy_version.text)
    until = notice_ends_on(decision)
    is_over = until is None or day_of(at, decision.application.round.programme.zone) > until
    return is_over and approval.tier(decision.awarded, rules).people == 0
