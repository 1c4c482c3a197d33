"""Applications, what was decided on them, and the standing of who applies."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet

from common.days import day_of
from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import Role
from policy.rules import Programme as Policy
from policy.standing import Effect, effect
from vouchers.models import Application, Decision, Standing, Voucher
from vouchers.queries.programmes import find_one, programme_scope, read_policy


def applications_visible_to(person: User) -> QuerySet[Application]:
    """Return the applications that a person may see, newest first.

    The applicant's people see all of their organisation's, an authority's people those sent
    to their programmes, a regulator all that were sent.
    """
    own = Q(organisation__in=organisations_of(person, Role.APPLICANT))
    sent = ~Q(status=Application.Status.DRAFT) & Q(sent_at__isnull=False)
    return (
        Application.objects.filter(own | (sent & programme_scope(person, "round__programme")))
        .select_related("round__programme__authority", "organisation")
        .order_by("-saved_at", "-pk")
    )


def application_of(person: User, reference: str) -> Application:
    """Return one application that a person may see.

    :raises NotFound: if it doesn't exist or is not this person's to see.
    """
    application: Application = find_one(
        applications_visible_to(person), what=reference, reference=reference
    )
    return application


def applications_awaiting(person: User) -> QuerySet[Application]:
    """Return the applications that wait for a decision of a programme officer, oldest first."""
    waiting = [Application.Status.SENT, Application.Status.REFERRED]
    return (
        Application.objects.filter(
            programme_scope(person, "round__programme", roles=(Role.OFFICER,)),
            status__in=waiting,
        )
        .select_related("round__programme__authority", "organisation")
        .order_by("sent_at", "pk")
    )


def decisions_of(application: Application) -> QuerySet[Decision]:
    """Return all that was decided on an application, newest first."""
    return (
        Decision.objects.filter(application=application)
        .select_related("decided_by", "policy_version", "undoes")
        .order_by("-decided_at", "-pk")
    )


def decision_in_force(application: Application) -> Decision | None:
    """Return the newest decision on an application unless it was undone or is none, or None."""
    newest = decisions_of(application).select_related("voucher").first()
    return None if newest is None or newest.undoes_id else newest


NOTICE_DAYS_MAX = 365  # the longest public notice that a law may ask for
APPEAL_WITHIN_DAYS = 60  # where a law says nothing about appeals


def appeal_ends_on(decision: Decision) -> date:
    """Return the last day on which a decision may be appealed against, by its own law."""
    rule = read_policy(decision.policy_version.text).appeal
    zone = decision.application.round.programme.zone
    within = rule.days if rule else APPEAL_WITHIN_DAYS
    return day_of(decision.decided_at, zone) + timedelta(days=within)


def notice_ends_on(decision: Decision) -> date | None:
    """Return the last day of an award's public notice, or None where its law has none."""
    rule = read_policy(decision.policy_version.text).notice
    if rule is None:
        return None
    zone = decision.application.round.programme.zone
    return day_of(decision.decided_at, zone) + timedelta(days=rule.days)


def awards_on_notice(at: datetime) -> list[Decision]:
    """Return the awards that are shown to the public at an instant, those that end first first."""
    since = at - timedelta(days=NOTICE_DAYS_MAX + 1)
    found = (
        Decision.objects.filter(
            outcome=Decision.Outcome.PASS,
            decided_at__gte=since,
            application__status=Application.Status.APPROVED,
            undone_by__isnull=True,
        )
        .filter(policy_version__text__contains="[notice]")
        .select_related(
            "application__round__programme", "application__organisation", "policy_version"
        )
        .defer("facts", "working", "reasons")
        .order_by("decided_at", "pk")
    )
    shown = []
    for one in found:
        until = notice_ends_on(one)
        today = day_of(at, one.application.round.programme.zone)
        if until is not None and today <= until:
            shown.append((until, one.pk, one))
    return [one for _until, _pk, one in sorted(shown, key=lambda row: row[:2])]


def decisions_to_issue(person: User) -> QuerySet[Decision]:
    """Return the awards of which no voucher was issued yet, oldest first."""
    return (
        Decision.objects.filter(
            programme_scope(person, "application__round__programme", roles=(Role.OFFICER,)),
            outcome=Decision.Outcome.PASS,
            application__status=Application.Status.APPROVED,
            voucher__isnull=True,
            undone_by__isnull=True,
        )
        .select_related(
            "application__round__programme", "application__organisation", "policy_version"
        )
        .order_by("decided_at", "pk")
    )


def acts_on_many(application: Application) -> list[int]:
    """Return the acts that decided or issued about an application, alone or with others."""
    vouchers = Voucher.objects.filter(decision__application=application)
    decisions = Decision.objects.filter(application=application)
    return [
        *vouchers.values_list("act_id", flat=True),
        *decisions.values_list("act_id", flat=True),
    ]


def standing_of(organisation: Organisation) -> Standing | None:
    """Return an organisation's newest standing, or None for a newcomer."""
    return (
        Standing.objects.filter(organisation=organisation)
        .order_by("-published_at", "-pk")
        .first()
    )


def standing_effect(organisation: Organisation, rules: Policy) -> Effect:
    """Return what an organisation's standing does to its next award; a newcomer's does nothing."""
    standing = standing_of(organisation)
    if standing is None:
        return Effect(Decimal(1), Decimal(1), ())
    return effect(standing.z, standing.n, rules)


def organisations_that_asked(authorities: QuerySet[Organisation]) -> QuerySet[Organisation]:
    """Return the organisations with a request under programmes of any of some authorities.

    Drafts are nobody's but their writer's; what follows another programme's award counts.
    """
    sent = Application.objects.filter(
        round__programme__authority__in=authorities, sent_at__isnull=False
    )
    return Organisation.objects.filter(pk__in=sent.values("organisation"))
