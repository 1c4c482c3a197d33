"""Say who is what where, from when until when."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Membership, Organisation, User
from parties.queries import require_staff
from parties.roles import BENEFICIARY_KINDS, OrganisationKind, Role


class RoleDoesNotFit(Refused):
    """The role belongs to organisations of another kind."""

    code = "role_does_not_fit"
    sentence = _(
        "“%(role)s” is not a role in “%(kind)s”. Choose a role that fits %(organisation)s."
    )


class RoleHeld(Refused):
    """The person has this role there already."""

    code = "role_held"
    sentence = _("%(person)s already is “%(role)s” in %(organisation)s; nothing to do.")


class MembershipEnded(Refused):
    """The membership was ended before, or would end before it began."""

    code = "membership_ended"
    sentence = _("This role lasts from %(since)s until %(until)s and can't be ended on %(on)s.")


_KINDS_OF_ROLE: dict[Role, tuple[OrganisationKind, ...]] = {
    Role.APPLICANT: BENEFICIARY_KINDS,
    Role.PROVIDER: (OrganisationKind.PROVIDER,),
}


@transaction.atomic
def give_role(
    *,
    user: User,
    organisation: Organisation,
    role: str,
    programme_code: str = "",
    valid_from_on: date,
    actor: str,
    at: datetime,
    key: str,
) -> Membership:
    """Give a person a role in an organisation, in one programme or in all of them.

    :raises NotAllowed: if the actor is a person who is no administrator.
    :raises RoleDoesNotFit: if organisations of this kind have no such role.
    :raises RoleHeld: if the person has the role there already.
    """
    require_staff(actor, Role.ADMIN)
    wanted = Role(role)
    if organisation.kind not in _KINDS_OF_ROLE.get(wanted, (OrganisationKind.AUTHORITY,)):
        raise RoleDoesNotFit(
            role=wanted.label,
            kind=OrganisationKind(organisation.kind).label,
            organisation=organisation.name_here,
        )
    act = ledger.begin(
        kind=ActKind.GIVE_ROLE,
        key=key,
        actor=actor,
        about=organisation.address,
        at=at,
        payload={
            "user": user.address,
            "role": wanted.value,
            "programme": programme_code,
            "from": valid_from_on,
        },
        details={"user": user.address, "role": wanted.value, "programme": programme_code},
    )
    if act.is_replay:
        return Membership.objects.get(act_id=act.id)
    membership, is_new = Membership.objects.get_or_create(
        user=user,
        organisation=organisation,
        role=wanted,
        programme_code=programme_code,
        valid_until_on=None,
        defaults={"valid_from_on": valid_from_on, "act_id": act.id},
    )
    if not is_new:
        raise RoleHeld(person=user.name, role=wanted.label, organisation=organisation.name_here)
    return membership


@transaction.atomic
def end_role(
    *, membership: Membership, on: date, actor: str, at: datetime, key: str
) -> Membership:
    """End a role; `on` is written down as its last day, and it counts no more from now.

    :raises NotAllowed: if the actor is a person who is no administrator.
    :raises MembershipEnded: if it was ended before, or `on` comes before its first day.
    """
    require_staff(actor, Role.ADMIN)
    act = ledger.begin(
        kind=ActKind.END_ROLE,
        key=key,
        actor=actor,
        about=membership.organisation.address,
        at=at,
        payload={"membership": membership.pk, "on": on},
        details={"user": f"user:{membership.user_id}", "role": membership.role},
    )
    row = Membership.objects.select_for_update().get(pk=membership.pk)
    if act.is_replay:
        return row
    if row.valid_until_on is not None or on < row.valid_from_on:
        until = row.valid_until_on or _("further notice")
        raise MembershipEnded(since=row.valid_from_on, until=until, on=on)
    row.valid_until_on = on
    row.save(update_fields=["valid_until_on"])
    return row
