"""Members of an organisation let colleagues act for it too, and end that again."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.actions.memberships import MembershipEnded, RoleHeld
from parties.actions.persons import create_user
from parties.models import Membership, Organisation, User
from parties.queries import account_at, require_role
from parties.roles import OrganisationKind, Role


class EmailInvalid(Refused):
    """No e-mail address."""

    code = "email_invalid"
    sentence = _("“%(email)s” can't be an e-mail address. Write one such as name@example.org.")


class LastMember(Refused):
    """Nobody would be left to act for the organisation."""

    code = "last_member"
    sentence = _(
        "%(person)s is the last one who acts for %(organisation)s. Invite somebody else first."
    )


def role_of_members(organisation: Organisation) -> Role:
    """Return the role that an organisation's own people have."""
    is_provider = organisation.kind == OrganisationKind.PROVIDER
    return Role.PROVIDER if is_provider else Role.APPLICANT


@transaction.atomic
def invite_colleague(
    *,
    organisation: Organisation,
    email: str,
    name: str,
    language: str,
    actor: User,
    at: datetime,
    key: str,
) -> Membership:
    """Let a colleague act for one's organisation; who has no account gets one without a password.

    A letter tells how to choose a password. Nobody can give a role that they don't have.

    :raises NotAllowed: if the person does not act for the organisation.
    :raises EmailInvalid: if it can't be an address.
    :raises RoleHeld: if the colleague acts for it already.
    """
    role = role_of_members(organisation)
    require_role(actor, role, organisation=organisation)
    address = email.strip().lower()
    if address.count("@") != 1 or not all(address.split("@")) or " " in address:
        raise EmailInvalid(email=email[:100])
    act = ledger.begin(
        kind=ActKind.INVITE_COLLEAGUE,
        key=key,
        actor=actor.address,
        about=organisation.address,
        at=at,
        payload={"email": address, "name": name},
    )
    if act.is_replay:
        return Membership.objects.get(act_id=act.id)
    # Two who invite the same colleague queue here.
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    user = account_at(address)
    if user is None:
        user = create_user(
            email=address, name=name.strip() or address, language=language, password=None, at=at
        )
    known = Membership.objects.filter(
        user=user, organisation=organisation, role=role, valid_until_on__isnull=True
    )
    if known.exists():
        raise RoleHeld(person=user.name, role=role.label, organisation=organisation.name_here)
    return Membership.objects.create(
        user=user,
        organisation=organisation,
        role=role,
        programme_code="",
        valid_from_on=day_of(at),
        act_id=act.id,
    )


@transaction.atomic
def remove_colleague(
    *, membership: Membership, actor: User, at: datetime, key: str
) -> Membership:
    """End that somebody acts for one's organisation; what they did stays done.

    :raises NotAllowed: if the person does not act for the organisation.
    :raises LastMember: if nobody would be left.
    :raises MembershipEnded: if it was ended before.
    """
    organisation = membership.organisation
    role = role_of_members(organisation)
    require_role(actor, role, organisation=organisation)
    act = ledger.begin(
        kind=ActKind.REMOVE_COLLEAGUE,
        key=key,
        actor=actor.address,
        about=organisation.address,
        at=at,
        payload={"membership": membership.pk},
    )
    if act.is_replay:
        return Membership.objects.get(pk=membership.pk)
    # Two who remove each other queue here, so that one of them stays.
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    row = Membership.objects.select_for_update(of=("self",)).get(pk=membership.pk)
    if row.valid_until_on is not None or row.role != role:
        raise MembershipEnded(since=row.valid_from_on, until=row.valid_until_on, on=day_of(at))
    others = Membership.objects.filter(
        organisation=organisation, role=role, valid_until_on__isnull=True
    ).exclude(user=row.user_id)
    if not others.exists():
        raise LastMember(person=row.user.name, organisation=organisation.name_here)
    row.valid_until_on = max(day_of(at), row.valid_from_on)
    row.save(update_fields=["valid_until_on"])
    return row
