"""Agree where an organisation is paid: one person proposes, another approves."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from stdnum import bic, iban
from stdnum.exceptions import ValidationError

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.dealings import require_before
from parties.models import BankDetail, Organisation, User
from parties.queries import (
    bank_detail_in_force,
    bank_detail_state,
    has_role,
    require_apart,
    require_role,
)
from parties.roles import OrganisationKind, Role


class BankDetailInvalid(Refused):
    """A part of a bank detail that can't be right."""

    code = "bank_detail_invalid"
    sentence = _("%(name)s: “%(value)s” can't be right. %(fix)s")


class BankDetailNotWaiting(Refused):
    """The bank detail is in force or was replaced."""

    code = "bank_detail_not_waiting"
    sentence = _("This bank detail is not waiting for approval. Propose a new one instead.")


class BankDetailNotStoppable(Refused):
    """The bank detail is paid to already, or is over."""

    code = "bank_detail_not_stoppable"
    sentence = _(
        "This bank detail can't be stopped any more: payments go there, or it is over. Propose "
        "the right one instead."
    )


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
    """Approve a proposed bank detail, which follows the one that is paid now.

    Payments go there once the cooling-off is over (`BANK_DETAIL_COOLING_OFF_DAYS` in the
    settings); until then they go where they went. The first one of an organisation, and one
    from which an authority pays, count at once: there is nothing from which to lead money away.

    :raises NotAllowed: if the person is no finance officer of an authority that the organisation
        deals with, or of the authority itself.
    :raises SamePerson: if the person proposed it.
    :raises BankDetailNotWaiting: if it is in force or was replaced.
    """
    organisation = Organisation.objects.get(pk=bank_detail.organisation_id)
    require_before(actor, organisation, Role.FINANCE)
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
    proposer = f"user:{row.proposed_by_id}"
    require_apart("approve_bank_detail", actor, {"propose_bank_detail": proposer})
    if row.status != BankDetail.Status.PROPOSED:
        raise BankDetailNotWaiting
    row.pays_from_at = _follow(organisation, at)
    row.status = BankDetail.Status.APPROVED
    row.approved_by, row.approved_at = actor, at
    row.save(update_fields=["status", "approved_by", "approved_at", "pays_from_at"])
    return row


def _follow(organisation: Organisation, at: datetime) -> datetime:
    """Replace what is approved and what is paid, and return from when a new one is paid."""
    paid = bank_detail_in_force(organisation, at)
    begins = at
    if paid is not None and organisation.kind != OrganisationKind.AUTHORITY:
        begins = at + timedelta(days=settings.BANK_DETAIL_COOLING_OFF_DAYS)
    approved = BankDetail.objects.filter(
        organisation=organisation, status=BankDetail.Status.APPROVED
    )
    # Followed within its own cooling-off, it is never paid.
    approved.filter(pays_from_at__gt=at).update(
        status=BankDetail.Status.REPLACED, pays_until_at=F("pays_from_at")
    )
    if paid is not None:
        BankDetail.objects.filter(pk=paid.pk).update(
            status=BankDetail.Status.REPLACED, pays_until_at=begins
        )
    return begins


@transaction.atomic
def stop_bank_detail(
    *, bank_detail: BankDetail, note: str, actor: User, at: datetime, key: str
) -> BankDetail:
    """Stop a bank detail before anything is paid there: proposed, or within its cooling-off.

    Whoever acts for the organisation may, and each finance officer of an authority that it deals
    with: one person is enough to keep money where it went. Payments go on to the former one.

    :raises NotAllowed: if the person is none of these.
    :raises BankDetailNotStoppable: if payments go there already, or it is over.
    """
    organisation = Organisation.objects.get(pk=bank_detail.organisation_id)
    if has_role(actor, Role.FINANCE):
        require_before(actor, organisation, Role.FINANCE)
    else:
        require_role(actor, Role.APPLICANT, Role.PROVIDER, organisation=organisation)
    act = ledger.begin(
        kind=ActKind.STOP_BANK_DETAIL,
        key=key,
        actor=actor.address,
        about=organisation.address,
        at=at,
        payload={"bank_detail": bank_detail.pk, "note": note},
        reason=note.strip(),
        details={"bank_detail": bank_detail.pk},
    )
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    row = BankDetail.objects.select_for_update().get(pk=bank_detail.pk)
    if act.is_replay:
        return row
    is_cooling = bank_detail_state(row, at) == "COOLING_OFF"
    if not is_cooling and row.status != BankDetail.Status.PROPOSED:
        raise BankDetailNotStoppable
    row.status = BankDetail.Status.STOPPED
    row.save(update_fields=["status"])
    if is_cooling:
        paid = bank_detail_in_force(organisation, at)
        assert paid is not None, "a cooling-off runs only beside the one that is paid"
        paid.status, paid.pays_until_at = BankDetail.Status.APPROVED, None
        paid.save(update_fields=["status", "pays_until_at"])
    return row
