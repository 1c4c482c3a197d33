"""Ask an authority to be accredited, and hold what may be asked for."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.codes import new_code
from common.errors import Refused
from common.files import CheckedFile
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import (
    require_role,
)
from parties.roles import OrganisationKind, Role
from providers.models import (
    AccreditationApplication,
    AccreditationDocument,
    ServiceItem,
)
from providers.queries.accreditation import (
    application_waiting,
)


class NotAProvider(Refused):
    """Only an organisation of the kind “provider” can be accredited."""

    code = "not_a_provider"
    sentence = _(
        "%(organisation)s is registered as “%(kind)s”. Register it as a provider first."
    )


class ItemsInvalid(Refused):
    """Service items that nobody can be accredited for, or none at all."""

    code = "items_invalid"
    sentence = _("Choose at least one service item, and none but these: %(known)s.")


class DeclarationMissing(Refused):
    """The applicant did not stand by what it says."""

    code = "declaration_missing"
    sentence = _("Confirm that what you say is true before you send it.")


class AccreditationWaiting(Refused):
    """An application of this organisation waits at the authority already."""

    code = "accreditation_waiting"
    sentence = _(
        "Your application %(application)s waits for %(authority)s already. Wait for its "
        "decision before you send another one."
    )


@transaction.atomic
def apply_for_accreditation(
    *,
    organisation: Organisation,
    authority: Organisation,
    items: Collection[str],
    regions: str,
    description: str,
    contact_name: str,
    contact_email: str,
    declared: bool,
    documents: Sequence[CheckedFile],
    actor: User,
    at: datetime,
    key: str,
) -> AccreditationApplication:
    """Ask an authority to be accredited for some service items, with documents that show it.

    Also how an accreditation is renewed: the decision gives a batch and days of its own.

    :raises NotAllowed: if the person does not act for the provider.
    :raises NotAProvider: if the organisation is of another kind.
    :raises ItemsInvalid: if there is no item, or one that nobody knows.
    :raises DeclarationMissing: if the applicant did not stand by what it says.
    :raises AccreditationWaiting: if one of its applications waits there already.
    """
    require_role(actor, Role.PROVIDER, organisation=organisation)
    require_provider(organisation)
    wanted = checked_items(items, ServiceItem.values)
    if not declared:
        raise DeclarationMissing
    content = {
        "items": wanted,
        "regions": regions.strip(),
        "description": description.strip(),
        "contact_name": contact_name.strip(),
        "contact_email": contact_email.strip(),
    }
    files = {one.sha256: one for one in documents}
    code = _unused_code()
    act = ledger.begin(
        kind=ActKind.APPLY_FOR_ACCREDITATION,
        key=key,
        actor=actor.address,
        about=organisation.address,
        at=at,
        payload={**content, "authority": authority.code, "documents": sorted(files)},
        details={"application": code},
    )
    if act.is_replay:
        return AccreditationApplication.objects.get(act_id=act.id)
    # Two applications of an organisation queue here, so that the second sees the first.
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    waiting = application_waiting(organisation, authority)
    if waiting is not None:
        raise AccreditationWaiting(application=waiting.code, authority=authority.name_here)
    application = AccreditationApplication.objects.create(
        code=code,
        organisation=organisation,
        authority=authority,
        sent_by=actor,
        sent_at=at,
        act_id=act.id,
        **content,
    )
    AccreditationDocument.objects.bulk_create(
        AccreditationDocument(
            application=application,
            name=one.name,
            media_type=one.media_type,
            content=one.content,
            size=len(one.content),
            sha256=one.sha256,
        )
        for one in files.values()
    )
    return application


def require_provider(organisation: Organisation) -> None:
    """Hold that an organisation may be accredited at all.

    :raises NotAProvider: if it is of another kind than “provider”.
    """
    if organisation.kind != OrganisationKind.PROVIDER:
        kind = OrganisationKind(organisation.kind).label
        raise NotAProvider(organisation=organisation.name_here, kind=kind)


def checked_items(items: Collection[str], known: Iterable[str]) -> list[str]:
    """Return the items in the order in which they are listed everywhere, each once.

    :raises ItemsInvalid: if there is none, or one that is not known.
    """
    allowed = set(known)
    if not items or set(items) - allowed:
        labels = [str(one.label) for one in ServiceItem if one.value in allowed]
        raise ItemsInvalid(known=", ".join(labels))
    return [one for one in ServiceItem.values if one in set(items)]


def _unused_code() -> str:
    code = new_code("P")
    while AccreditationApplication.objects.filter(code=code).exists():
        code = new_code("P")
    return code
