"""Register organisations, say who is what where, and agree where an organisation is paid."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from stdnum import bic, iban
from stdnum.exceptions import ValidationError

from common.codes import new_code
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import BankDetail, Membership, Organisation, User
from parties.queries import require_apart, require_role, require_staff
from parties.registries import checked_identifier
from parties.roles import BENEFICIARY_KINDS, OrganisationKind, Role


class OrganisationKnown(Refused):
    """The organisation is registered already."""

    code = "organisation_known"
    sentence = _("%(value)s is already registered here as %(name)s. Use that organisation.")


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


class BankDetailInvalid(Refused):
    """A part of a bank detail that can't be right."""

    code = "bank_detail_invalid"
    sentence = _("%(name)s: “%(value)s” can't be right. %(fix)s")


class BankDetailNotWaiting(Refused):
    """The bank detail is in force or was replaced."""

    code = "bank_detail_not_waiting"
    sentence = _("This bank detail is not waiting for approval. Propose a new one instead.")


@transaction.atomic
def register_organisation(
    *,
    kind: str,
    name: str,
    name_zh: str,
    country: str,
    region: str,
    identifier_scheme: str,
    identifier: str,
    is_registered_business: bool,
    employees: int | None,
    founded_on: date | None,
    actor: str,
    at: datetime,
    key: str,
) -> Organisation:
    """Register an organisation under the number that a public register gives it.

    The region is the code that programmes compare with: ISO 3166-2 (`GB-LND`), or the country
    and the digits of GB/T 2260 (`CN-4501`); empty where nobody asks.

    :raises NotAllowed: if the actor is a person who is neither administrator nor officer.
    :raises IdentifierInvalid: if the number fails the register's own check.
    :raises OrganisationKnown: if the number is registered here already.
    """
    require_staff(actor, Role.ADMIN, Role.OFFICER)
    number = checked_identifier(identifier_scheme, identifier)
    code = new_code("O")
    content = {
        "kind": kind,
        "name": name,
        "name_zh": name_zh,
        "country": country,
        "region": region,
        "is_registered_business": is_registered_business,
        "employees": employees,
        "founded_on": founded_on,
    }
    act = ledger.begin(
        kind=ActKind.REGISTER_ORGANISATION,
        key=key,
        actor=actor,
        about=f"identifier:{identifier_scheme}:{number}",
        at=at,
        payload=content,
        details={"organisation": code},
    )
    if act.is_replay:
        return Organisation.objects.get(act_id=act.id)
    known = Organisation.objects.filter(
        identifier_scheme=identifier_scheme, identifier=number
    ).first()
    if known is not None:
        raise OrganisationKnown(value=number, name=known.name)
    return Organisation.objects.create(
        code=code,
        identifier_scheme=identifier_scheme,
        identifier=number,
        registered_at=at,
        act_id=act.id,
        **content,
    )


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
            organisation=organisation.name,
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
        raise RoleHeld(person=user.name, role=wanted.label, organisation=organisation.name)
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


@transaction.atomic
def propose_bank_detail(
    *,
    organisation: Organisation,
    scheme: str,
    number: str,
    agent: str,
    holder: str,
    actor: User,
    at: datetime,
    key: str,
) -> BankDetail:
    """Say where an organisation wants to be paid; it counts once another person approves it.

    `agent` is the bank's BIC (ISO 9362), `holder` the name on the bank's books.

    :raises NotAllowed: if the person is not of the organisation, nor a finance officer.
    :raises BankDetailInvalid: if the number, the BIC or the holder can't be right.
    """
    if organisation.kind == OrganisationKind.AUTHORITY:
        require_role(actor, Role.FINANCE, organisation=organisation)
    else:
        require_role(actor, Role.APPLICANT, Role.PROVIDER, organisation=organisation)
    content = _checked_bank_detail(scheme, number, agent, holder)
    act = ledger.begin(
        kind=ActKind.PROPOSE_BANK_DETAIL,
        key=key,
        actor=actor.address,
        about=organisation.address,
        at=at,
        payload=content,
    )
    if act.is_replay:
        return BankDetail.objects.get(act_id=act.id)
    return BankDetail.objects.create(
        organisation=organisation,
        status=BankDetail.Status.PROPOSED,
        proposed_by=actor,
        proposed_at=at,
        act_id=act.id,
        **content,
    )


def _checked_bank_detail(scheme: str, number: str, agent: str, holder: str) -> dict[str, str]:
    plain = "".join(number.split()).upper()
    if scheme == BankDetail.Scheme.IBAN:
        try:
            plain = iban.validate(number)
        except ValidationError as error:
            fix = _(
                "Copy the IBAN from a statement of the bank; two characters may be swapped."
            )
            raise BankDetailInvalid(name="IBAN", value=number, fix=fix) from error
    elif not (plain.isascii() and plain.isalnum() and len(plain) <= 34):
        fix = _("Give up to 34 letters and digits.")
        raise BankDetailInvalid(name=_("Account number"), value=number, fix=fix)
    if not bic.is_valid(agent):
        fix = _("Give the bank's 8 or 11 characters, such as BKCHCNBJ.")
        raise BankDetailInvalid(name="BIC", value=agent, fix=fix)
    if not 0 < len(holder.strip()) <= 140:
        fix = _("Give the name on the bank's books, in up to 140 characters.")
        raise BankDetailInvalid(name=_("Holder’s name"), value=holder[:140], fix=fix)
    return {
        "scheme": scheme,
        "number": plain,
        "agent": bic.compact(agent),
        "holder": holder.strip(),
    }


@transaction.atomic
def approve_bank_detail(
    *, bank_detail: BankDetail, actor: User, at: datetime, key: str
) -> BankDetail:
    """Put a proposed bank detail in force; the former one of the organisation is replaced.

    :raises NotAllowed: if the person is no finance officer.
    :raises SamePerson: if the person proposed it.
    :raises BankDetailNotWaiting: if it is in force or was replaced.
    """
    require_role(actor, Role.FINANCE)
    organisation = Organisation.objects.get(pk=bank_detail.organisation_id)
    act = ledger.begin(
        kind=ActKind.APPROVE_BANK_DETAIL,
        key=key,
        actor=actor.address,
        about=organisation.address,
        at=at,
        payload={"bank_detail": bank_detail.pk},
    )
    # The organisation is locked first: two approvals at once replace each other in turn.
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    row = BankDetail.objects.select_for_update().get(pk=bank_detail.pk)
    if act.is_replay:
        return row
    if row.status != BankDetail.Status.PROPOSED:
        raise BankDetailNotWaiting
    proposer = f"user:{row.proposed_by_id}"
    require_apart("approve_bank_detail", actor, {"propose_bank_detail": proposer})
    BankDetail.objects.filter(
        organisation=organisation, status=BankDetail.Status.APPROVED
    ).update(status=BankDetail.Status.REPLACED)
    row.status = BankDetail.Status.APPROVED
    row.approved_by, row.approved_at = actor, at
    row.save(update_fields=["status", "approved_by", "approved_at"])
    return row
