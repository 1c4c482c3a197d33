"""Save, send and withdraw an application."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import require_role
from parties.roles import Role
from policy.rules import Programme as Policy
from providers.queries import provider_by_code
from vouchers.models import Application, Programme, Round
from vouchers.queries import (
    day_answer,
    decimal_answer,
    is_round_open,
    policy_in_force,
    revocation_that_bars,
    unused_code,
)

TEXTS = (
    "contact_name",
    "contact_email",
    "project_title",
    "use_type",
    "description",
    "milestone",
    "resource_class",
    "provider_code",
)
DECIMALS = ("hours", "fee_total", "fee_storage")
DAYS = ("start_on", "end_on", "contract_from_on", "contract_until_on")
FLAGS = ("is_first_time", "other_public_money", "declaration")
ANSWERS = frozenset((*TEXTS, *DECIMALS, *DAYS, *FLAGS))
ANSWER_LENGTH_MAX = 4000
_GONE = (Application.Status.WITHDRAWN, Application.Status.NOT_APPROVED)


class RoundClosed(Refused):
    """The round takes no applications on this day."""

    code = "round_closed"
    sentence = _(
        "The round %(round)s takes applications from %(opens)s to %(closes)s; today is "
        "%(today)s. Look for a round that is open."
    )


class NobodyApplies(Refused):
    """The programme follows another's awards."""

    code = "nobody_applies"
    sentence = _(
        "Nobody applies to %(programme)s: it follows the awards of another programme. The "
        "authority records yours as soon as it is told."
    )


class ApplicationSent(Refused):
    """The application is not a draft any more."""

    code = "application_sent"
    sentence = _(
        "The application %(reference)s was sent and can't be changed. Withdraw it first if "
        "you want to apply anew."
    )


class ApplicationClosed(Refused):
    """The application was withdrawn or decided."""

    code = "application_closed"
    sentence = _("The application %(reference)s is already decided or withdrawn.")


class MayNotApplyAgain(Refused):
    """A voucher of the organisation was revoked, and it may not have another."""

    code = "may_not_apply_again"
    sentence = _(
        "The voucher %(voucher)s was revoked, and %(organisation)s may not apply to this "
        "programme again. Ask the authority if you think that this is wrong."
    )


class AnswerUnknown(Refused):
    """An answer that no question asks for, or that no question could take."""

    code = "answer_unknown"
    sentence = _("The answer “%(name)s” can't be kept. Answer the questions as they are asked.")


class AnswersMissing(Refused):
    """Questions without an answer, or with one that can't be read."""

    code = "answers_missing"
    sentence = _(
        "These questions are not answered yet, or in a way that can't be read: %(names)s. "
        "Answer them, then send the application."
    )


@transaction.atomic
def save_draft(
    *,
    round: Round,
    organisation: Organisation,
    answers: Mapping[str, Any],
    actor: User,
    at: datetime,
) -> Application:
    """Keep answers in the one draft that an organisation has in a round.

    Answers given before stay unless they are given anew. A draft commits nobody, so no act is
    written.

    :raises NotAllowed: if the person may not apply for the organisation.
    :raises NobodyApplies: if the programme follows another's awards.
    :raises RoundClosed: if the round takes no applications today.
    :raises AnswerUnknown: if an answer is to no question.
    :raises ApplicationSent: if the organisation's application was sent.
    """
    require_role(actor, Role.APPLICANT, organisation=organisation)
    if round.programme.mode == Programme.Mode.M8:
        raise NobodyApplies(programme=round.programme.title)
    require_open(round, at)
    _check_shape(answers)
    found = _draft_of(round, organisation)
    if found is None:
        try:
            with transaction.atomic():
                return _new_draft(round, organisation, answers, actor, at)
        except IntegrityError:
            # Somebody of the organisation began the draft at this moment: it is kept in theirs.
            found = _draft_of(round, organisation)
            assert found is not None
    if found.status != Application.Status.DRAFT:
        raise ApplicationSent(reference=found.reference)
    found.answers = {**found.answers, **answers}
    found.saved_at = at
    found.save(update_fields=["answers", "saved_at"])
    return found


def require_open(round: Round, at: datetime) -> None:
    """Refuse what comes to a round that takes no applications.

    :raises RoundClosed: if it takes none on this day.
    """
    if not is_round_open(round, at):
        raise RoundClosed(
            round=round.code,
            opens=round.opens_on,
            closes=round.closes_on,
            today=day_of(at, round.programme.zone),
        )


def _check_shape(answers: Mapping[str, Any]) -> None:
    for name, value in answers.items():
        is_text = isinstance(value, str) and len(value) <= ANSWER_LENGTH_MAX
        if name not in ANSWERS or not (is_text or isinstance(value, bool)):
            raise AnswerUnknown(name=name[:40])


def _draft_of(round: Round, organisation: Organisation) -> Application | None:
    return (
        Application.objects.filter(round=round, organisation=organisation)
        .exclude(status__in=_GONE)
        .select_related("round__programme__authority", "organisation")
        .select_for_update(of=("self",))
        .first()
    )


def _new_draft(
    round: Round,
    organisation: Organisation,
    answers: Mapping[str, Any],
    actor: User,
    at: datetime,
) -> Application:
    return Application.objects.create(
        reference=unused_code(Application, "A"),
        round=round,
        organisation=organisation,
        answers=dict(answers),
        status=Application.Status.DRAFT,
        started_by=actor,
        started_at=at,
        saved_at=at,
    )


@transaction.atomic
def submit_application(
    *, application: Application, actor: User, at: datetime, key: str
) -> Application:
    """Send a draft; from now on it stays as it is.

    :raises NotAllowed: if the person may not apply for the organisation.
    :raises ApplicationSent: if it was sent before.
    :raises ApplicationClosed: if it was withdrawn.
    :raises RoundClosed: if the round takes no applications today.
    :raises MayNotApplyAgain: if a voucher of the organisation was revoked for good.
    :raises AnswersMissing: naming the questions without an answer that can be read.
    """
    require_role(actor, Role.APPLICANT, organisation=application.organisation)
    act = ledger.begin(
        kind=ActKind.SUBMIT_APPLICATION,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={},
    )
    row = locked_application(application)
    if act.is_replay:
        return row
    if row.status == Application.Status.WITHDRAWN:
        raise ApplicationClosed(reference=row.reference)
    if row.status != Application.Status.DRAFT:
        raise ApplicationSent(reference=row.reference)
    require_open(row.round, at)
    require_not_barred(row.organisation, row.round.programme)
    programme = row.round.programme
    _version, rules = policy_in_force(programme, day_of(at, programme.zone))
    missing = answers_missing(row.answers, rules)
    if missing:
        raise AnswersMissing(names=", ".join(missing))
    row.status, row.sent_at, row.saved_at = Application.Status.SENT, at, at
    row.act_id = act.id
    row.save(update_fields=["status", "sent_at", "saved_at", "act"])
    return row


def require_not_barred(organisation: Organisation, programme: Programme) -> None:
    """Refuse an organisation that may have nothing more of a programme.

    :raises MayNotApplyAgain: naming the voucher that was revoked.
    """
    revocation = revocation_that_bars(organisation, programme)
    if revocation is not None:
        raise MayNotApplyAgain(
            voucher=revocation.voucher.code, organisation=organisation.name_here
        )


def answers_missing(answers: Mapping[str, Any], rules: Policy) -> list[str]:
    """Return the names of the questions whose answers policy can't do without."""
    missing = [] if str(answers.get("project_title") or "").strip() else ["project_title"]
    numbers = ["hours"] if rules.mode == "M5" else ["fee_total"]
    for name in numbers:
        number = decimal_answer(answers, name)
        if number is None or number <= 0:
            missing.append(name)
    missing += _unreadable(answers)
    # A target letter has two sides, whichever of them is paid.
    if rules.mode == "M7" and not provider_by_code(str(answers.get("provider_code") or "")):
        missing.append("provider_code")
    if rules.base.apportion is not None:
        first, last = (day_answer(answers, name) for name in DAYS[2:])
        missing += [] if first and last and first <= last else ["contract_until_on"]
    if answers.get("declaration") is not True:
        missing.append("declaration")
    return list(dict.fromkeys(missing))


def _unreadable(answers: Mapping[str, Any]) -> list[str]:
    total = decimal_answer(answers, "fee_total")
    storage = decimal_answer(answers, "fee_storage")
    wrong = [
        name
        for name in DECIMALS
        if answers.get(name)
        and ((number := decimal_answer(answers, name)) is None or number < 0)
    ]
    wrong += [name for name in DAYS if answers.get(name) and not day_answer(answers, name)]
    if storage is not None and storage > (total or 0):
        wrong.append("fee_storage")
    return wrong


def locked_application(application: Application) -> Application:
    """Return an application as it is now, and keep it from changing until the action ends."""
    return (
        Application.objects.select_for_update(of=("self",), no_key=True)
        .select_related("round__programme__authority", "organisation", "act")
        .get(pk=application.pk)
    )


@transaction.atomic
def withdraw_application(
    *, application: Application, actor: User, at: datetime, key: str
) -> Application:
    """Take an application back before it is decided; the organisation may then apply anew.

    :raises NotAllowed: if the person may not apply for the organisation.
    :raises ApplicationClosed: if it was decided or withdrawn before.
    :raises NobodyApplies: if it follows another programme's award: nobody applied.
    """
    require_role(actor, Role.APPLICANT, organisation=application.organisation)
    act = ledger.begin(
        kind=ActKind.WITHDRAW_APPLICATION,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={},
    )
    row = locked_application(application)
    if act.is_replay:
        return row
    open_statuses = (
        Application.Status.DRAFT,
        Application.Status.SENT,
        Application.Status.REFERRED,
        Application.Status.INFO_NEEDED,
    )
    if row.status not in open_statuses:
        raise ApplicationClosed(reference=row.reference)
    if row.upstream_award_id is not None:
        raise NobodyApplies(programme=row.round.programme.title_here)
    row.status, row.saved_at = Application.Status.WITHDRAWN, at
    row.save(update_fields=["status", "saved_at"])
    return row
