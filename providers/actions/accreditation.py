"""Accredit organisations to sell compute, and suspend them."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import address_of, require_staff
from parties.roles import OrganisationKind, Role
from providers.models import Provider


class NotAProvider(Refused):
    """Only an organisation of the kind “provider” can be accredited."""

    code = "not_a_provider"
    sentence = _(
        "%(organisation)s is registered as “%(kind)s”. Register it as a provider first."
    )


class ProviderAccredited(Refused):
    """The provider is accredited already."""

    code = "provider_accredited"
    sentence = _("%(provider)s is already accredited; nothing to do.")


class ProviderSuspended(Refused):
    """The provider's accreditation is suspended."""

    code = "provider_suspended"
    sentence = _(
        "%(provider)s is suspended and can't take new orders. "
        "Choose another provider, or ask the authority."
    )


@transaction.atomic
def accredit_provider(
    *, organisation: Organisation, actor: User | str, at: datetime, key: str
) -> Provider:
    """Let an organisation sell compute, for the first time or after a suspension.

    :raises NotAllowed: if the actor is a person who is neither officer nor administrator.
    :raises NotAProvider: if the organisation is of another kind.
    :raises ProviderAccredited: if it is accredited already.
    """
    require_staff(actor, Role.OFFICER, Role.ADMIN)
    if organisation.kind != OrganisationKind.PROVIDER:
        kind = OrganisationKind(organisation.kind).label
        raise NotAProvider(organisation=organisation.name, kind=kind)
    act = ledger.begin(
        kind=ActKind.ACCREDIT_PROVIDER,
        key=key,
        actor=address_of(actor),
        about=organisation.address,
        at=at,
        payload={},
    )
    provider, is_new = Provider.objects.select_for_update().get_or_create(
        organisation=organisation,
        defaults={
            "status": Provider.Status.ACCREDITED,
            "accredited_at": at,
            "act_id": act.id,
        },
    )
    if is_new or act.is_replay:
        return provider
    if provider.status == Provider.Status.ACCREDITED:
        raise ProviderAccredited(provider=organisation.name)
    provider.status, provider.accredited_at = Provider.Status.ACCREDITED, at
    provider.save(update_fields=["status", "accredited_at"])
    return provider


@transaction.atomic
def suspend_provider(
    *, provider: Provider, note: str, actor: User | str, at: datetime, key: str
) -> Provider:
    """Let a provider take no new orders; what is ordered may still be metered and billed.

    :raises NotAllowed: if the actor is a person who is neither officer nor administrator.
    :raises ProviderSuspended: if it is suspended already.
    """
    require_staff(actor, Role.OFFICER, Role.ADMIN)
    act = ledger.begin(
        kind=ActKind.SUSPEND_PROVIDER,
        key=key,
        actor=address_of(actor),
        about=provider.organisation.address,
        at=at,
        payload={"note": note},
        reason=note,
    )
    row = Provider.objects.select_for_update().get(pk=provider.pk)
    if act.is_replay:
        return row
    if row.status == Provider.Status.SUSPENDED:
        raise ProviderSuspended(provider=provider.organisation.name)
    row.status = Provider.Status.SUSPENDED
    row.save(update_fields=["status"])
    return row
