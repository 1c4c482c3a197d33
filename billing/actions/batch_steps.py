"""What every step of a batch has in common: who may do it, when, and that it is written down."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.models import Batch, BatchStep, Payment
from billing.queries import doers_of_batch, stood_in_for
from common.days import day_of
from common.errors import Refused
from parties.models import User
from parties.queries import (
    SamePerson,
    has_role,
    may_act,
    people_behind,
    person_kept,
    require_apart,
    require_role,
)
from parties.roles import Role
from policy.rules import Programme as Rules
from vouchers.models import Programme
from vouchers.queries import policy_in_force


class BatchNotReady(Refused):
    """The batch is not at the step before this one."""

    code = "batch_not_ready"
    sentence = _("Batch %(batch)s is “%(status)s”, so this step can't be done now.")


class ApprovedByPreparer(Refused):
    """It has turned out that one person had two parts in the batch, in two accounts."""

    code = "approved_by_preparer"
    sentence = _(
        "One person had two parts in batch %(batch)s, in two accounts. Cancel it, and have it "
        "prepared anew and approved by others."
    )


class StandsForSamePerson(SamePerson):
    """A deputy of somebody who had another part in the batch."""

    code = "stands_for_same_person"
    sentence = _(
        "%(name)s, for whom you stand in, had another part in batch %(batch)s, so another person "
        "must do this step."
    )


def require_finance(programme: Programme, actor: User, at: datetime) -> list[User]:
    """Refuse who is neither a finance officer of a programme nor deputy of one at an instant.

    Return the officers for whom the person stands in: none for who acts in an own right.

    :raises NotAllowed: naming the role.
    """
    authority, code = programme.authority, programme.code
    if actor.is_active and not has_role(
        actor, Role.FINANCE, organisation=authority, programme_code=code
    ):
        officers = stood_in_for(actor, programme, at)
        if officers:
            return officers
    require_role(actor, Role.FINANCE, organisation=authority, programme_code=code)
    return []


def at_step(batch: Batch, *statuses: str) -> Batch:
    """Return a batch that waits at one of these stages, kept there until the transaction ends.

    :raises BatchNotReady: if it is at another.
    """
    batch = (
        Batch.objects.select_for_update(of=("self",))
        .select_related(
            "programme__authority", "payer", "prepared_by", "approved_by", "authorised_by"
        )
        .get(pk=batch.pk)
    )
    if batch.status not in statuses:
        raise BatchNotReady(batch=batch.code, status=Batch.Status(batch.status).label)
    return batch


def rules_of(programme: Programme, at: datetime) -> Rules:
    """Return the law that a programme's payments follow at an instant."""
    return policy_in_force(programme, day_of(at, programme.zone))[1]


def require_part(
    duty: str, batch: Batch, actor: User, at: datetime, officers: Sequence[User] = ()
) -> User | None:
    """Refuse a person who had another part in the batch, ever, and deputies of such a person.

    Return for whom a deputy does the step: the first of the officers who had no other part.

    :param officers: for whom the person stands in; none for who acts in an own right.
    :raises SamePerson: saying which step the person did.
    :raises StandsForSamePerson: if each of the officers had another part.
    :raises ApprovedByPreparer: if accounts were joined since, and two parts are one person's now.
    """
    earlier = doers_of_batch(batch)
    rules = rules_of(batch.programme, at)
    require_apart(duty, actor, earlier, rules)
    people = people_behind([one for doers in earlier.values() for one in doers])
    persons = [{people[one] for one in doers} for doers in earlier.values()]
    if len(set().union(*persons)) < sum(map(len, persons)):
        raise ApprovedByPreparer(batch=batch.code)
    if not officers:
        return None
    for officer in officers:
        person_kept(officer)
        if may_act(duty, officer, earlier, rules).allowed:
            return officer
    raise StandsForSamePerson(name=officers[0].name, batch=batch.code)


def add_step(
    batch: Batch,
    kind: BatchStep.Kind,
    actor: User,
    at: datetime,
    act: int,
    *,
    note: str = "",
    payment: Payment | None = None,
    seen: str = "",
    stands_for: User | None = None,
) -> BatchStep:
    """Write down what one person did to a batch.

    :param seen: the fingerprint of the list that the step is about.
    """
    return BatchStep.objects.create(
        batch=batch,
        kind=kind,
        doer=actor,
        stands_for=stands_for,
        at=at,
        note=note,
        payment=payment,
        list_sha256=seen,
        act_id=act,
    )
