"""Who looks at an application, who is too close to it, and what reviewers made of it."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from common.days import day_of
from common.errors import NotFound
from parties.models import Membership, User
from parties.queries import users_with
from parties.roles import Role
from policy import approval, review
from policy.rules import Programme as Policy
from vouchers.models import (
    Appeal,
    Application,
    Assignment,
    Confirmation,
    Conflict,
    Decision,
    Deputy,
    Programme,
    Review,
    Round,
)
from vouchers.queries.programmes import policy_in_force, read_policy

REVIEWABLE = (
    Application.Status.SENT,
    Application.Status.REFERRED,
    Application.Status.INFO_NEEDED,
)


def _person(account: User) -> QuerySet[User, int]:
    """Return the person behind an account as the database has it now: accounts may be joined."""
    return User.objects.filter(pk=account.pk).values_list("person", flat=True)


def has_conflict(person: User, application: Application) -> bool:
    """Say whether a person may not judge an application.

    That is who declared so, and whoever is or was a member of the organisation that applied.
    """
    declared = Conflict.objects.filter(
        application=application, user__person__in=_person(person)
    )
    member = Membership.objects.filter(
        user__person__in=_person(person), organisation=application.organisation_id
    )
    return declared.exists() or member.exists()


def conflicted_with(person: User, applications: Iterable[Application]) -> list[Application]:
    """Return those of some applications that a person may not judge."""
    wanted = list(applications)
    declared = set(
        Conflict.objects.filter(
            user__person__in=_person(person), application__in=wanted
        ).values_list("application_id", flat=True)
    )
    organisations = set(
        Membership.objects.filter(user__person__in=_person(person)).values_list(
            "organisation_id", flat=True
        )
    )
    return [one for one in wanted if one.pk in declared or one.organisation_id in organisations]


def officer_of(application: Application) -> User | None:
    """Return who was last given an application to decide, or None."""
    newest = (
        Assignment.objects.filter(application=application, task=Assignment.Task.DECIDE)
        .select_related("user")
        .order_by("-pk")
        .first()
    )
    return newest.user if newest else None


def reviewers_of(application: Application) -> QuerySet[Assignment]:
    """Return who was given an application to review, without those who declared a conflict."""
    return (
        Assignment.objects.filter(application=application, task=Assignment.Task.REVIEW)
        .exclude(user__person__in=_conflicted(application))
        .select_related("user")
        .order_by("pk")
    )


def reviews_of(application: Application) -> QuerySet[Review]:
    """Return the reviews of an application that count: one a person, none of a conflict."""
    return (
        Review.objects.filter(application=application)
        .exclude(reviewer__person__in=_conflicted(application))
        .select_related("reviewer")
        .order_by("reviewer__person", "pk")
        .distinct("reviewer__person")
    )


def _conflicted(application: Application) -> QuerySet[Conflict, int]:
    return Conflict.objects.filter(application=application).values_list(
        "user__person", flat=True
    )


def conflicts_of(application: Application) -> QuerySet[Conflict]:
    """Return who declared to be too close to an application."""
    return (
        Conflict.objects.filter(application=application).select_related("user").order_by("pk")
    )


def score_of(application: Application, rules: Policy) -> Decimal | None:
    """Return the score that an application's reviews give, or None before the first."""
    if rules.review is None:
        return None
    programme = application.round.programme
    exact = []
    for one in reviews_of(application):
        # By the criteria that were in force when the points were given.
        _version, then = policy_in_force(programme, day_of(one.reviewed_at, programme.zone))
        if then.review is not None:
            exact.append(review.exact(one.points, then.review))
    return review.average(exact)


def has_reviewed(person: User, application: Application) -> bool:
    """Say whether a person reviewed an application, under whichever account."""
    return reviews_of(application).filter(reviewer__person__in=_person(person)).exists()


def conflicted_organisations(person: User, round: Round) -> set[int]:
    """Return the organisations of a round whose applications a person may not judge."""
    applied = Application.objects.filter(round=round)
    member = applied.filter(organisation__memberships__user__person__in=_person(person))
    declared = applied.filter(conflicts__user__person__in=_person(person))
    return set(member.union(declared).values_list("organisation_id", flat=True))


def reviews_assigned_to(person: User) -> QuerySet[Assignment]:
    """Return what a person was given to review and neither reviewed nor declared against."""
    own = _person(person)
    reviewed = Review.objects.filter(reviewer__person__in=own).values("application")
    declared = Conflict.objects.filter(user__person__in=own).values("application")
    return (
        Assignment.objects.filter(
            user__person__in=own,
            task=Assignment.Task.REVIEW,
            application__status__in=REVIEWABLE,
        )
        .exclude(Q(application__in=reviewed) | Q(application__in=declared))
        .select_related("application__round__programme", "application__organisation")
        .order_by("due_on", "pk")
    )


def assignment_of(person: User, reference: str) -> Assignment:
    """Return what a person was given to review, by the application's reference.

    :raises NotFound: if it was not given to this person, or is not to be reviewed any more.
    """
    found = reviews_assigned_to(person).filter(application__reference=reference).first()
    if found is None:
        raise NotFound(what=reference)
    return found


def reviewers_for(programme: Programme, rules: Policy) -> QuerySet[User]:
    """Return who may review for a programme: its reviewers and, where they see all, officers.

    Officers know who applied, so they don't review where reviews are blind.
    """
    is_blind = rules.review is not None and rules.review.blind
    roles = (Role.REVIEWER,) if is_blind else (Role.REVIEWER, Role.OFFICER)
    people = Q(pk__in=[])
    for role in roles:
        found = users_with(
            role, organisation=programme.authority, programme_code=programme.code
        )
        people |= Q(pk__in=found.values("pk"))
    return User.objects.filter(people).order_by("name", "pk")


def deputies_of(
    person: User, on: date, role: Deputy.For = Deputy.For.OFFICER
) -> QuerySet[Deputy]:
    """Return who looks after a person's cases, or takes their steps in payments, on a day."""
    return Deputy.objects.filter(
        user=person, role=role, from_on__lte=on, until_on__gte=on
    ).select_related("deputy")


def stands_in_for(person: User, on: date, role: Deputy.For = Deputy.For.OFFICER) -> set[int]:
    """Return the people whose cases a person looks after, or whose steps it takes, on a day."""
    found = Deputy.objects.filter(deputy=person, role=role, from_on__lte=on, until_on__gte=on)
    return set(found.values_list("user_id", flat=True))


def confirmations_of(decision: Decision) -> QuerySet[Confirmation]:
    """Return who confirmed a decision beside the one who made it."""
    return Confirmation.objects.filter(decision=decision).select_related("user").order_by("pk")


def confirmations_missing(decision: Decision) -> int:
    """Return how many people must still confirm an award before it can be issued."""
    people = approval.tier(decision.awarded, read_policy(decision.policy_version.text)).people
    return max(people - 2 - confirmations_of(decision).count(), 0)


def doers_of(decision: Decision) -> dict[str, str | list[str]]:
    """Return who sent, decided and confirmed an award, by the names of the duties."""
    sent = decision.application.act
    return {
        "submit_application": sent.actor if sent else "",
        "decide_application": f"user:{decision.decided_by_id}"
        if decision.decided_by_id
        else "",
        "confirm_decision": [one.user.address for one in confirmations_of(decision)],
    }


def is_appealed(decision: Decision) -> bool:
    """Say whether an appeal against a decision has no verdict yet."""
    return Appeal.objects.filter(decision=decision, verdict__isnull=True).exists()


def appeal_of(decision: Decision) -> Appeal | None:
    """Return the appeal against a decision, with its verdict, or None."""
    return (
        Appeal.objects.filter(decision=decision)
        .select_related("sent_by", "verdict__decided_by")
        .first()
    )
