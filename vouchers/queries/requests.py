"""What an applicant was asked, and which files came with an application."""

from datetime import datetime

from django.db.models import QuerySet

from common.days import day_of
from common.errors import NotFound
from parties.models import User
from vouchers.models import Application, Attachment, InformationRequest
from vouchers.queries.applications import application_of
from vouchers.queries.programmes import policy_in_force
from vouchers.queries.reviews import assignment_of


def request_open(application: Application) -> InformationRequest | None:
    """Return the question that waits for the applicant's answer, or None.

    One that was left open when the application was decided waits for nothing any more.
    """
    if application.status != Application.Status.INFO_NEEDED:
        return None
    return requests_of(application).filter(answer__isnull=True).first()


def is_decidable(application: Application, at: datetime) -> bool:
    """Say whether a decision may be made: it waits for one, and for no answer that is in time."""
    if application.status != Application.Status.INFO_NEEDED:
        return application.status in (Application.Status.SENT, Application.Status.REFERRED)
    waiting = request_open(application)
    return waiting is None or waiting.due_on < day_of(at, application.round.programme.zone)


def requests_of(application: Application) -> QuerySet[InformationRequest]:
    """Return all that an applicant was asked, newest first."""
    return (
        InformationRequest.objects.filter(application=application)
        .select_related("asked_by", "answer__answered_by", "application")
        .order_by("-asked_at", "-pk")
    )


def attachments_of(application: Application) -> QuerySet[Attachment]:
    """Return the files of an application without their content, oldest first."""
    return (
        Attachment.objects.filter(application=application)
        .select_related("attached_by", "answer", "application")
        .defer("content")
        .order_by("attached_at", "pk")
    )


def _readable(person: User, reference: str) -> Application:
    """Return an application whose files a person may read, its reviewers' among them.

    :raises NotFound: if there is none; a blind reviewer reads none.
    """
    try:
        return application_of(person, reference)
    except NotFound:
        application = assignment_of(person, reference).application
        programme = application.round.programme
        assigned_on = day_of(application.sent_at or application.saved_at, programme.zone)
        _version, rules = policy_in_force(programme, assigned_on)
        if rules.review is None or rules.review.blind:
            raise
        return application


def attachment_of(person: User, reference: str, number: int) -> Attachment:
    """Return one file of an application that a person may see, with its content.

    :raises NotFound: if it doesn't exist or is not this person's to see.
    """
    application = _readable(person, reference)
    found = Attachment.objects.filter(application=application, pk=number).first()
    if found is None:
        raise NotFound(what=f"{reference}/{number}")
    return found
