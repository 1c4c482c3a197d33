"""Give applications to people, say who is too close to one, and review it by the law's criteria."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import has_role, is_one_person, require_apart, require_role
from parties.roles import Role
from policy.rules import Programme as Policy
from vouchers.actions.applications import ApplicationClosed, locked_application
from vouchers.actions.requests import DueDayPassed
from vouchers.models import (
    Admission,
    Application,
    Assignment,
    Conflict,
    Deputy,
    Programme,
    Review,
)
from vouchers.queries import (
    REVIEWABLE,
    conflicts_of,
    has_conflict,
    has_reviewed,
    policy_in_force,
    require_officer,
    reviewers_for,
    reviewers_of,
)


class ConflictOfInterest(Refused):
    """The person is too close to the applicant to judge it."""

    code = "conflict_of_interest"
    sentence = _(
        "%(person)s is or was part of %(organisation)s, or declared a conflict of interest about "
        "%(reference)s. Somebody else must do this."
    )


class NotAColleague(Refused):
    """The application is given to somebody who can't do what is asked."""

    code = "not_a_colleague"
    sentence = _(
        "%(person)s has no role in %(programme)s that fits. Choose one of its officers, or for "
        "a review one of its reviewers."
    )


class NotReviewedHere(Refused):
    """The programme's law has no reviews."""

    code = "not_reviewed_here"
    sentence = _("The policy of %(programme)s has no criteria for reviews. Decide without.")


class NotYoursToReview(Refused):
    """The application was not given to this person to review."""

    code = "not_yours_to_review"
    sentence = _("%(reference)s was not given to you to review. Ask the officer who has it.")


class PointsInvalid(Refused):
    """Points that the law's criteria don't take."""

    code = "points_invalid"
    sentence = _("%(criterion)s: “%(value)s” points can't be given. Give 0 to %(most)s.")


class ReviewWritten(Refused):
    """The person has reviewed this application already."""

    code = "review_written"
    sentence = _("You reviewed %(reference)s already. A review stays as it was written.")


class ReasonMissing(Refused):
    """A step that others rely on needs its reason in words."""

    code = "reason_missing"
    sentence = _("Write down why, so that others can follow it later.")


class DeputyInvalid(Refused):
    """The deputy can't stand in on these days."""

    code = "deputy_invalid"
    sentence = _(
        "%(deputy)s can't stand in from %(since)s until %(until)s. Choose another officer of the "
        "authority, and a last day that is not before the first nor in the past."
    )


def require_no_conflict(person: User, application: Application) -> None:
    """Refuse who is too close to an applicant.

    :raises ConflictOfInterest: naming the person and the application.
    """
    if has_conflict(person, application):
        raise ConflictOfInterest(
            person=person.name,
            organisation=application.organisation.name_here,
            reference=application.reference,
        )


def _rules(programme: Programme, at: datetime) -> Policy:
    return policy_in_force(programme, day_of(at, programme.zone))[1]


# Who may stand in for a role; each of them sees what there is to decide.
DEPUTIES = {
    Role.OFFICER: (Role.OFFICER,),
    Role.FINANCE: (Role.FINANCE, Role.OFFICER, Role.ADMIN),
}


@transaction.atomic
def name_deputy(
    *,
    deputy: User,
    from_on: date,
    until_on: date,
    actor: User,
    at: datetime,
    key: str,
    role: Role = Role.OFFICER,
) -> Deputy:
    """Let a colleague see and decide one's cases for some days; the colleague acts as themself.

    What one person may not do twice stays so: a deputy stands in with a second pair of eyes.
    With the role of finance the deputy takes the person's steps in payments, and the person
    counts as having taken them too; an officer or an administrator may be asked for that as well.

    :param role: officer or finance: for which of the person's work.
    :raises NotAllowed: if the person has not this role.
    :raises DeputyInvalid: if the deputy has no fitting role in a same authority, or the days
        can't be.
    """
    require_role(actor, role)
    act = ledger.begin(
        kind=ActKind.NAME_DEPUTY,
        key=key,
        actor=actor.address,
        about=actor.address,
        at=at,
        payload={"deputy": deputy.address, "from": from_on, "until": until_on, "role": role},
        details={"deputy": deputy.address, "from": from_on, "until": until_on},
    )
    if act.is_replay:
        return Deputy.objects.get(act_id=act.id)
    own = actor.memberships.filter(role=role, valid_until_on__isnull=True)
    is_colleague = any(
        has_role(
            deputy,
            fitting,
            organisation=one.organisation,
            programme_code=one.programme_code,
        )
        for one in own.select_related("organisation")
        for fitting in DEPUTIES[role]
    )
    in_order = day_of(at) <= until_on and from_on <= until_on
    if is_one_person(deputy, actor) or not is_colleague or not in_order:
        raise DeputyInvalid(deputy=deputy.name, since=from_on, until=until_on)
    return Deputy.objects.create(
        user=actor,
        deputy=deputy,
        role=Deputy.For(role.value),
        from_on=from_on,
        until_on=until_on,
        named_at=at,
        act_id=act.id,
    )


@transaction.atomic
def assign_application(
    *,
    application: Application,
    user: User,
    task: str,
    due_on: date | None,
    actor: User,
    at: datetime,
    key: str,
) -> Assignment:
    """Give an application to a person: to decide it, or to review it by a day.

    :raises NotAllowed: if the acting person is no officer of the programme.
    :raises NotAColleague: if the other one can't do what is asked.
    :raises ConflictOfInterest: if the other one is too close to the applicant.
    :raises NotReviewedHere: if a review is asked and the law has none.
    :raises DueDayPassed: if the day is before today.
    :raises ApplicationClosed: if the application is not waiting for a decision.
    """
    programme = application.round.programme
    require_officer(actor, programme)
    act = ledger.begin(
        kind=ActKind.ASSIGN_APPLICATION,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"user": user.address, "task": task, "due_on": due_on},
        details={"user": user.address, "task": task},
    )
    row = locked_application(application)
    if act.is_replay:
        made = Assignment.objects.filter(act_id=act.id).first()
        return made or Assignment.objects.filter(application=row, user=user, task=task).latest(
            "pk"
        )
    if row.status not in REVIEWABLE:
        raise ApplicationClosed(reference=row.reference)
    _require_able(user, programme, task, at)
    require_no_conflict(user, row)
    today = day_of(at, programme.zone)
    if due_on is not None and due_on < today:
        raise DueDayPassed(due=due_on, today=today)
    if task == Assignment.Task.REVIEW:
        known = reviewers_of(row).filter(user__person__accounts=user.pk).first()
        if known is not None:
            return known
    return Assignment.objects.create(
        application=row,
        user=user,
        task=task,
        due_on=due_on,
        assigned_by=actor,
        assigned_at=at,
        act_id=act.id,
    )


def _require_able(user: User, programme: Programme, task: str, at: datetime) -> None:
    is_review = task == Assignment.Task.REVIEW
    if is_review and _rules(programme, at).review is None:
        raise NotReviewedHere(programme=programme.title_here)
    is_able = (
        reviewers_for(programme, _rules(programme, at)).filter(pk=user.pk).exists()
        if is_review
        else has_role(
            user,
            Role.OFFICER,
            organisation=programme.authority,
            programme_code=programme.code,
        )
    )
    if not is_able:
        raise NotAColleague(person=user.name, programme=programme.title_here)


@transaction.atomic
def declare_conflict(
    *, application: Application, reason: str, actor: User, at: datetime, key: str
) -> Conflict:
    """Step back from an application: the person can't judge it, and a review isn't counted.

    :raises NotAllowed: if the person is neither officer of the programme nor its reviewer.
    :raises ReasonMissing: without a reason.
    """
    programme = application.round.programme
    require_role(
        actor,
        Role.OFFICER,
        Role.REVIEWER,
        organisation=programme.authority,
        programme_code=programme.code,
    )
    if not reason.strip():
        raise ReasonMissing
    act = ledger.begin(
        kind=ActKind.DECLARE_CONFLICT,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"reason": reason},
        reason=reason.strip(),
    )
    row = locked_application(application)
    known = conflicts_of(row).filter(user=actor).first()
    if known is not None:
        return known
    return Conflict.objects.create(
        application=row, user=actor, reason=reason.strip(), declared_at=at, act_id=act.id
    )


@transaction.atomic
def submit_review(
    *,
    application: Application,
    points: Mapping[str, int],
    comment: str,
    actor: User,
    at: datetime,
    key: str,
) -> Review:
    """Give an application points by each criterion of its law; once a person, and never changed.

    :raises NotAllowed: if the person is neither reviewer nor officer of the programme.
    :raises NotReviewedHere: if the law has no reviews.
    :raises NotYoursToReview: if it was not given to the person.
    :raises ConflictOfInterest: if the person is too close to the applicant.
    :raises SamePerson: if the person sent the application.
    :raises PointsInvalid: naming the criterion, what was given and what can be.
    :raises ReasonMissing: without a comment.
    :raises ReviewWritten: if the person reviewed it before.
    :raises ApplicationClosed: if it is not waiting for a decision.
    """
    programme = application.round.programme
    require_role(
        actor,
        Role.REVIEWER,
        Role.OFFICER,
        organisation=programme.authority,
        programme_code=programme.code,
    )
    act = ledger.begin(
        kind=ActKind.SUBMIT_REVIEW,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"points": points, "comment": comment},
    )
    row = locked_application(application)
    if act.is_replay:
        return Review.objects.get(act_id=act.id)
    sender = application.act.actor if application.act else ()
    require_apart("submit_review", actor, {"submit_application": sender})
    if row.status not in REVIEWABLE:
        raise ApplicationClosed(reference=row.reference)
    require_no_conflict(actor, row)
    if not reviewers_of(row).filter(user__person__accounts=actor.pk).exists():
        raise NotYoursToReview(reference=row.reference)
    if has_reviewed(actor, row):
        raise ReviewWritten(reference=row.reference)
    _check_points(points, _rules(programme, at), programme)
    if not comment.strip():
        raise ReasonMissing
    return Review.objects.create(
        application=row,
        reviewer=actor,
        points=dict(points),
        comment=comment.strip(),
        reviewed_at=at,
        act_id=act.id,
    )


def _check_points(points: Mapping[str, int], rules: Policy, programme: Programme) -> None:
    if rules.review is None:
        raise NotReviewedHere(programme=programme.title_here)
    known = {one.name: one.most for one in rules.review.criteria}
    for name in {**points, **known}:
        given = points.get(name)
        most = known.get(name)
        if most is None or given is None or not 0 <= given <= most:
            raise PointsInvalid(criterion=name[:40], value=given, most=most or 0)


@transaction.atomic
def admit_application(
    *, application: Application, note: str, actor: User, at: datetime, key: str
) -> Admission:
    """Settle in an applicant's favour what the law leaves to a person, before the round is decided.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises SamePerson: if the person sent the application.
    :raises ConflictOfInterest: if the person is too close to the applicant.
    :raises ReasonMissing: without a note.
    :raises ApplicationClosed: if it is not waiting for a decision.
    """
    programme = application.round.programme
    require_officer(actor, programme)
    if not note.strip():
        raise ReasonMissing
    act = ledger.begin(
        kind=ActKind.ADMIT_APPLICATION,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"note": note},
        reason=note.strip(),
    )
    row = locked_application(application)
    if not act.is_replay:
        sender = application.act.actor if application.act else ()
        require_apart("decide_application", actor, {"submit_application": sender})
        require_no_conflict(actor, row)
    known = Admission.objects.filter(application=row).first()
    if known is not None:
        return known
    if row.status not in REVIEWABLE:
        raise ApplicationClosed(reference=row.reference)
    return Admission.objects.create(
        application=row, note=note.strip(), admitted_by=actor, admitted_at=at, act_id=act.id
    )
