"""What waits for an officer: whose it is, and until when it was promised."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet

from common.days import day_of
from parties.models import User
from parties.roles import Role
from vouchers.models import (
    Appeal,
    Application,
    Assignment,
    InformationRequest,
    Programme,
    Review,
    Round,
)
from vouchers.queries.applications import applications_awaiting
from vouchers.queries.programmes import policies_in_force, programme_scope
from vouchers.queries.reviews import REVIEWABLE, stands_in_for

# What the portal promises an applicant; no programme sets these days.
DECIDED_WITHIN = timedelta(days=20)


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """An application that waits, with whose it is and the day by which it was promised.

    The days in which it waited for its applicant are not counted.
    """

    application: Application
    due_on: date
    is_overdue: bool
    officer: User | None
    is_mine: bool
    reviews: int


def due_on(application: Application) -> date:
    """Return the day by which an application was promised to be decided."""
    paused = _paused([application]).get(application.pk, timedelta())
    sent_at = application.sent_at or application.saved_at
    together = _deciding_together([application.round.programme], sent_at)
    return _due_on(application, paused, is_together=bool(together))


def _due_on(application: Application, paused: timedelta, *, is_together: bool) -> date:
    """Return the day that was promised: what is decided together waits for its round's end."""
    sent_at = application.sent_at or application.saved_at
    alone = day_of(sent_at + DECIDED_WITHIN + paused, application.round.programme.zone)
    return max(alone, application.round.closes_on + DECIDED_WITHIN) if is_together else alone


def _paused(applications: Iterable[Application]) -> dict[int, timedelta]:
    """Return for how long applications waited for their applicants' answers."""
    found: dict[int, timedelta] = {}
    answered = InformationRequest.objects.filter(
        application__in=list(applications), answer__isnull=False
    ).values_list("application_id", "asked_at", "answer__answered_at")
    for application, asked_at, answered_at in answered:
        found[application] = found.get(application, timedelta()) + (answered_at - asked_at)
    return found


def queue_of(person: User, at: datetime) -> list[QueueEntry]:
    """Return the applications that an officer may decide, those promised first first."""
    waiting = list(applications_awaiting(person))
    paused = _paused(waiting)
    officers = _officers(waiting)
    reviews = dict(
        Review.objects.filter(application__in=waiting)
        .values_list("application")
        .annotate(count=Count("pk"))
    )
    mine = {person.pk, *stands_in_for(person, day_of(at))}
    together = _deciding_together({one.round.programme for one in waiting}, at)
    entries = []
    for one in waiting:
        is_together = one.round.programme_id in together
        due = _due_on(one, paused.get(one.pk, timedelta()), is_together=is_together)
        officer = officers.get(one.pk)
        entries.append(
            QueueEntry(
                application=one,
                due_on=due,
                is_overdue=due < day_of(at, one.round.programme.zone),
                officer=officer,
                is_mine=officer is not None and officer.pk in mine,
                reviews=reviews.get(one.pk, 0),
            )
        )
    return sorted(entries, key=lambda one: (one.due_on, one.application.pk))


def _officers(applications: Iterable[Application]) -> dict[int, User]:
    given = (
        Assignment.objects.filter(
            application__in=list(applications), task=Assignment.Task.DECIDE
        )
        .select_related("user")
        .order_by("pk")
    )
    return {one.application_id: one.user for one in given}


def applications_asked(person: User) -> QuerySet[Application]:
    """Return the applications that wait for their applicants' answers, those due first first."""
    return (
        Application.objects.filter(
            programme_scope(person, "round__programme", roles=(Role.OFFICER,)),
            status=Application.Status.INFO_NEEDED,
        )
        .annotate(
            due_on=Max("requests__due_on", filter=Q(requests__answer__isnull=True)),
        )
        .select_related("round__programme__authority", "organisation")
        .order_by("due_on", "pk")
    )


def appeals_waiting(person: User) -> QuerySet[Appeal]:
    """Return the appeals that wait for a verdict, oldest first."""
    scope = programme_scope(
        person, "decision__application__round__programme", roles=(Role.OFFICER,)
    )
    return (
        Appeal.objects.filter(scope, verdict__isnull=True)
        .select_related(
            "decision__application__round__programme__authority",
            "decision__application__organisation",
            "decision__decided_by",
        )
        .order_by("sent_at", "pk")
    )


def rounds_to_decide(person: User, at: datetime) -> list[Round]:
    """Return the closed rounds of which applications wait and no decision was made together."""
    rounds = (
        Round.objects.filter(
            programme_scope(person, "programme", roles=(Role.OFFICER,)),
            decision__isnull=True,
            closes_on__lt=day_of(at) + timedelta(days=1),
            applications__status__in=REVIEWABLE,
        )
        .select_related("programme__authority")
        .order_by("closes_on", "pk")
        .distinct()
    )
    together = _deciding_together((one.programme for one in rounds), at)
    return [
        one
        for one in rounds
        if one.closes_on < day_of(at, one.programme.zone) and one.programme_id in together
    ]


def _deciding_together(programmes: Iterable[Programme], at: datetime) -> set[int]:
    """Return the keys of the programmes whose law decides a round's applications together."""
    laws = policies_in_force(programmes, at)
    return {key for key, (_version, law) in laws.items() if law.allocation is not None}
