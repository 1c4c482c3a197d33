"""Look at a locked list: approved by a second person, above an amount authorised by one more."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.attempts import attempts_kept
from billing.actions.batch_steps import (
    add_step,
    at_step,
    require_finance,
    require_part,
    rules_of,
)
from billing.actions.line_acts import checked_note
from billing.models import Batch, BatchStep, DuplicateAnswer
from billing.queries import duplicates_in, list_of, list_sha256
from common.errors import Refused
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User


class ListChanged(Refused):
    """The list is not the one that the person was shown."""

    code = "list_changed"
    sentence = _(
        "Batch %(batch)s is not as you were shown it: a payment or a bank detail has changed "
        "since. Open its page again, look at what changed, and then decide."
    )


class DuplicatesOpen(Refused):
    """Payments that look like earlier ones, and of which nobody has said why they are right."""

    code = "duplicates_open"
    sentence = _(
        "In batch %(batch)s these payments look like earlier ones: %(payments)s. Say of each why "
        "it is right, or send the batch back and have it removed."
    )


def seen_as_it_is(batch: Batch, seen: str, at: datetime) -> str:
    """Return the fingerprint of a batch's list as it is now.

    :param seen: the fingerprint of what the person was shown; empty for who was shown no page.
    :raises ListChanged: if it is another.
    """
    now = list_sha256(list_of(batch, at))
    if seen and seen != now:
        raise ListChanged(batch=batch.code)
    return now


@attempts_kept(ActKind.APPROVE_BATCH)
@transaction.atomic
def approve_batch(
    *,
    batch: Batch,
    actor: User,
    at: datetime,
    key: str,
    seen: str = "",
    reasons: Mapping[str, str] | None = None,
) -> Batch:
    """Approve a locked batch that another person prepared.

    :param seen: the fingerprint of the list that the person was shown.
    :param reasons: why a payment that looks like an earlier one is right, by its end-to-end id.
    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person prepared it, or authorised an earlier list of it.
    :raises BatchNotReady: if it does not wait for approval.
    :raises ListChanged: if it is not what the person was shown.
    :raises DuplicatesOpen: if a payment looks like an earlier one, and no word says why.
    :raises NoteMissing: if such a word is too long.
    :raises KeyReused: if the key was used for another batch.
    """
    officers = require_finance(batch.programme, actor, at)
    act = begin(
        kind=ActKind.APPROVE_BATCH,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={"reasons": dict(reasons or {})},
    )
    if act.is_replay:
        return Batch.objects.get(pk=batch.pk)
    batch = at_step(batch, Batch.Status.LOCKED)
    stands_for = require_part("approve_batch", batch, actor, at, officers)
    now = seen_as_it_is(batch, seen, at)
    _answer_duplicates(batch, reasons or {}, actor, at, act.id)
    batch.status = Batch.Status.APPROVED
    batch.approved_by = actor
    batch.approved_at = at
    batch.save(update_fields=["status", "approved_by", "approved_at"])
    add_step(batch, BatchStep.Kind.APPROVED, actor, at, act.id, seen=now, stands_for=stands_for)
    return batch


def _answer_duplicates(
    batch: Batch, reasons: Mapping[str, str], actor: User, at: datetime, act: int
) -> None:
    """Keep why each payment that looks like an earlier one is right."""
    days = rules_of(batch.programme, at).paying.duplicate_days
    unanswered = [one for one in duplicates_in(batch, days) if not one.reason]
    silent = [
        one.payment.end_to_end_id
        for one in unanswered
        if not reasons.get(one.payment.end_to_end_id, "").strip()
    ]
    if silent:
        raise DuplicatesOpen(payments=", ".join(dict.fromkeys(silent)), batch=batch.code)
    DuplicateAnswer.objects.bulk_create(
        DuplicateAnswer(
            payment=one.payment,
            twin=one.twin,
            reason=checked_note(reasons[one.payment.end_to_end_id]),
            answered_by=actor,
            at=at,
            act_id=act,
        )
        for one in unanswered
    )


@attempts_kept(ActKind.AUTHORISE_BATCH)
@transaction.atomic
def authorise_batch(
    *, batch: Batch, actor: User, at: datetime, key: str, seen: str = ""
) -> Batch:
    """Authorise an approved batch whose total is above what the law lets two people decide.

    :param seen: the fingerprint of the list that the person was shown.
    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person prepared or approved it.
    :raises BatchNotReady: if it is not approved, or needs no authorisation.
    :raises ListChanged: if it is not what the person was shown.
    :raises KeyReused: if the key was used for another batch.
    """
    officers = require_finance(batch.programme, actor, at)
    act = begin(
        kind=ActKind.AUTHORISE_BATCH,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={},
    )
    if act.is_replay:
        return Batch.objects.get(pk=batch.pk)
    batch = at_step(batch, Batch.Status.APPROVED)
    if not batch.needs_authorisation:
        raise AuthorisationNotNeeded(batch=batch.code)
    stands_for = require_part("authorise_batch", batch, actor, at, officers)
    now = seen_as_it_is(batch, seen, at)
    batch.status = Batch.Status.AUTHORISED
    batch.authorised_by = actor
    batch.authorised_at = at
    batch.save(update_fields=["status", "authorised_by", "authorised_at"])
    add_step(
        batch, BatchStep.Kind.AUTHORISED, actor, at, act.id, seen=now, stands_for=stands_for
    )
    return batch


class AuthorisationNotNeeded(Refused):
    """The batch is small enough that approval is enough."""

    code = "authorisation_not_needed"
    sentence = _(
        "Batch %(batch)s needs no authorisation: its total is within what its law lets be "
        "released once it is approved."
    )
