"""Ask an applicant for what is missing, answer it, and attach files."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from common.files import CheckedFile
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from vouchers.actions.applications import (
    ANSWERS,
    AnswerUnknown,
    ApplicationClosed,
    ApplicationSent,
    locked_application,
)
from vouchers.models import Application, Attachment, InformationAnswer, InformationRequest
from vouchers.queries import (
    request_open,
    require_officer,
)

ATTACHMENTS_MAX = 10
TEXT_LENGTH_MAX = 4000


class QuestionMissing(Refused):
    """Nothing is asked, or in more words than are read."""

    code = "question_missing"
    sentence = _("Write what you need from the applicant, in up to %(most)s characters.")


class DueDayPassed(Refused):
    """The day by which an answer is needed lies in the past."""

    code = "due_day_passed"
    sentence = _("An answer can't be due on %(due)s; today is %(today)s. Choose a later day.")


class RequestOpen(Refused):
    """The applicant was asked something already."""

    code = "request_open"
    sentence = _(
        "%(reference)s has a question that is not answered yet, due on %(due)s. Wait for that, "
        "then ask the next."
    )


class RequestNotOpen(Refused):
    """Nothing is waiting for an answer."""

    code = "request_not_open"
    sentence = _("%(reference)s has no question that waits for an answer.")


class AnswerEmpty(Refused):
    """Neither words nor files were given."""

    code = "answer_empty"
    sentence = _("Write an answer in up to %(most)s characters, or add a file.")


class TooManyAttachments(Refused):
    """More files than one application takes."""

    code = "too_many_attachments"
    sentence = _("An application takes %(most)s files. Put several pages into one PDF.")


@transaction.atomic
def request_information(
    *,
    application: Application,
    question: str,
    answer_name: str,
    due_on: date,
    actor: User,
    at: datetime,
    key: str,
) -> InformationRequest:
    """Ask an applicant for something by a day; until it is answered the clock stands still.

    :param answer_name: the answer that the question is about; empty: all of the application.
    :raises NotAllowed: if the person is no officer of the programme.
    :raises QuestionMissing: if nothing is asked, or too much.
    :raises AnswerUnknown: if the question is about no answer there is.
    :raises DueDayPassed: if the day is before today in the programme's zone.
    :raises RequestOpen: if an earlier question waits for its answer.
    :raises ApplicationClosed: if the application is not waiting for a decision.
    """
    programme = application.round.programme
    require_officer(actor, programme)
    if not 0 < len(question.strip()) <= TEXT_LENGTH_MAX:
        raise QuestionMissing(most=TEXT_LENGTH_MAX)
    if answer_name and answer_name not in ANSWERS:
        raise AnswerUnknown(name=answer_name[:40])
    act = ledger.begin(
        kind=ActKind.REQUEST_INFORMATION,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"question": question, "answer_name": answer_name, "due_on": due_on},
        reason=question.strip(),
    )
    row = locked_application(application)
    if act.is_replay:
        return InformationRequest.objects.get(act_id=act.id)
    waiting = request_open(row)
    if waiting is not None:
        raise RequestOpen(reference=row.reference, due=waiting.due_on)
    if row.status not in (Application.Status.SENT, Application.Status.REFERRED):
        raise ApplicationClosed(reference=row.reference)
    today = day_of(at, programme.zone)
    if due_on < today:
        raise DueDayPassed(due=due_on, today=today)
    row.status = Application.Status.INFO_NEEDED
    row.save(update_fields=["status"])
    return InformationRequest.objects.create(
        application=row,
        answer_name=answer_name,
        question=question.strip(),
        asked_by=actor,
        asked_at=at,
        due_on=due_on,
        act_id=act.id,
    )


@transaction.atomic
def answer_request(
    *,
    application: Application,
    text: str,
    files: Sequence[CheckedFile],
    actor: User,
    at: datetime,
    key: str,
) -> InformationAnswer:
    """Answer the open question in words, with files, or both; an officer goes on with it.

    An answer after its day is taken as long as nothing is decided. The answers that were sent
    stay as they were sent.

    :raises NotAllowed: if the person may not apply for the organisation.
    :raises AnswerEmpty: if there are neither words nor files, or too many words.
    :raises RequestNotOpen: if nothing was asked, or it is answered.
    :raises TooManyAttachments: if the application would have more files than it takes.
    """
    require_role(actor, Role.APPLICANT, organisation=application.organisation)
    if len(text) > TEXT_LENGTH_MAX or not (text.strip() or files):
        raise AnswerEmpty(most=TEXT_LENGTH_MAX)
    act = ledger.begin(
        kind=ActKind.ANSWER_REQUEST,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"text": text, "files": [file.sha256 for file in files]},
    )
    row = locked_application(application)
    if act.is_replay:
        return InformationAnswer.objects.get(act_id=act.id)
    waiting = request_open(row)
    if waiting is None or row.status != Application.Status.INFO_NEEDED:
        raise RequestNotOpen(reference=row.reference)
    answer = InformationAnswer.objects.create(
        request=waiting,
        text=text.strip(),
        answered_by=actor,
        answered_at=at,
        act_id=act.id,
    )
    for file in files:
        _attach(row, file, actor, at, answer)
    row.status = Application.Status.REFERRED
    row.save(update_fields=["status"])
    return answer


@transaction.atomic
def attach_file(
    *, application: Application, file: CheckedFile, actor: User, at: datetime
) -> Attachment:
    """Add a file to a draft; the same file again is the same attachment.

    A draft commits nobody, so no act is written.

    :raises NotAllowed: if the person may not apply for the organisation.
    :raises ApplicationSent: if the application is not a draft any more.
    :raises TooManyAttachments: if the application has as many files as it takes.
    """
    return _attach(_locked_draft(application, actor), file, actor, at, None)


@transaction.atomic
def remove_attachment(*, attachment: Attachment, actor: User) -> None:
    """Take a file off a draft.

    :raises NotAllowed: if the person may not apply for the organisation.
    :raises ApplicationSent: if the application is not a draft any more.
    """
    _locked_draft(attachment.application, actor)
    Attachment.objects.filter(pk=attachment.pk).delete()


def _locked_draft(application: Application, actor: User) -> Application:
    require_role(actor, Role.APPLICANT, organisation=application.organisation)
    row = locked_application(application)
    if row.status != Application.Status.DRAFT:
        raise ApplicationSent(reference=row.reference)
    return row


def _attach(
    application: Application,
    file: CheckedFile,
    actor: User,
    at: datetime,
    answer: InformationAnswer | None,
) -> Attachment:
    """Keep a file with an application that is locked."""
    mine = Attachment.objects.filter(application=application)
    known = mine.filter(sha256=file.sha256).defer("content").first()
    if known is not None:
        return known
    if mine.count() >= ATTACHMENTS_MAX:
        raise TooManyAttachments(most=ATTACHMENTS_MAX)
    return Attachment.objects.create(
        application=application,
        answer=answer,
        name=file.name,
        media_type=file.media_type,
        content=file.content,
        size=len(file.content),
        sha256=file.sha256,
        attached_by=actor,
        attached_at=at,
    )
