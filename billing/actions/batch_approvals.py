"""Look at a locked list: approved by a second person, above an amount authorised by one more."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.batch_steps import add_step, at_step, require_finance, require_part
from billing.models import Batch, BatchStep
from billing.queries import list_of, list_sha256
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


def seen_as_it_is(batch: Batch, seen: str, at: datetime) -> str:
    """Return the fingerprint of a batch's list as it is now.

    :param seen: the fingerprint of what the person was shown; empty for who was shown no page.
    :raises ListChanged: if it is another.
    """
    now = list_sha256(list_of(batch, at))
    if seen and seen != now:
        raise ListChanged(batch=batch.code)
    return now


@transaction.atomic
def approve_batch(
    *, batch: Batch, actor: User, at: datetime, key: str, seen: str = ""
) -> Batch:
    """Approve a locked batch that another person prepared.

    :param seen: the fingerprint of the list that the person was shown.
    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person prepared it, or authorised an earlier list of it.
    :raises BatchNotReady: if it does not wait for approval.
    :raises ListChanged: if it is not what the person was shown.
    :raises KeyReused: if the key was used for another batch.
    """
    require_finance(batch.programme, actor)
    act = begin(
        kind=ActKind.APPROVE_BATCH,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={},
    )
    if act.is_replay:
        return Batch.objects.get(pk=batch.pk)
    batch = at_step(batch, Batch.Status.LOCKED)
    require_part("approve_batch", batch, actor, at)
    now = seen_as_it_is(batch, seen, at)
    batch.status = Batch.Status.APPROVED
    batch.approved_by = actor
    batch.approved_at = at
    batch.save(update_fields=["status", "approved_by", "approved_at"])
    add_step(batch, BatchStep.Kind.APPROVED, actor, at, act.id, seen=now)
    return batch


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
    require_finance(batch.programme, actor)
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
    require_part("authorise_batch", batch, actor, at)
    now = seen_as_it_is(batch, seen, at)
    batch.status = Batch.Status.AUTHORISED
    batch.authorised_by = actor
    batch.authorised_at = at
    batch.save(update_fields=["status", "authorised_by", "authorised_at"])
    add_step(batch, BatchStep.Kind.AUTHORISED, actor, at, act.id, seen=now)
    return batch


class AuthorisationNotNeeded(Refused):
    """The batch is small enough that approval is enough."""

    code = "authorisation_not_needed"
    sentence = _(
        "Batch %(batch)s needs no authorisation: its total is within what its law lets be "
        "released once it is approved."
    )
