"""Apply for accreditation, decide it, and accredit without an application."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.codes import new_code
from common.days import day_of
from common.errors import Refused
from common.files import CheckedFile
from common.formatting import day_text
from ledger import actions as ledger
from ledger.actions import Act
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import (
    address_of,
    organisations_of,
    require_apart,
    require_role,
    require_staff,
)
from parties.roles import OrganisationKind, Role
from providers.actions.suspensions import ProviderSuspended, lift_by
from providers.models import (
    ITEMS_OF,
    Accreditation,
    AccreditationApplication,
    AccreditationDecision,
    AccreditationDocument,
    Provider,
    ServiceItem,
)
from providers.queries.accreditation import (
    accreditations_in_force,
    application_waiting,
    may_lift,
    suspension_in_force,
)

WORDS_MAX = 2000
BATCH_MAX = 40


class NotAProvider(Refused):
    """Only an organisation of the kind “provider” can be accredited."""

    code = "not_a_provider"
    sentence = _(
        "%(organisation)s is registered as “%(kind)s”. Register it as a provider first."
    )


class ProviderAccredited(Refused):
    """The provider is accredited for all of it, and for as long, already."""

    code = "provider_accredited"
    sentence = _("%(provider)s is already accredited; nothing to do.")


class NotAccredited(Refused):
    """The provider may not sell this kind of service on this day."""

    code = "not_accredited"
    sentence = _(
        "%(provider)s is not accredited for %(items)s on %(day)s and can't take new orders for "
        "it. Choose another provider, or ask the authority."
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


class AccreditationDecided(Refused):
    """The application was granted or refused already."""

    code = "accreditation_decided"
    sentence = _("The application %(application)s was decided already.")


class ReasonsMissing(Refused):
    """Something is refused, and no word says why."""

    code = "reasons_missing"
    sentence = _("Say why, in at most %(most)s characters. The provider reads it.")


class ValidityInvalid(Refused):
    """Days that are no span of time."""

    code = "validity_invalid"
    sentence = _("The last day %(until)s is before the first, %(from)s. Correct one of them.")


class BatchInvalid(Refused):
    """A batch that nobody could name."""

    code = "batch_invalid"
    sentence = _("Name the batch in at most %(most)s characters, for example 2025-1.")


class AccreditationKnown(Refused):
    """The batch admits this provider for the item from that day already."""

    code = "accreditation_known"
    sentence = _(
        "Batch “%(batch)s” accredits %(provider)s for %(item)s from %(from)s already. Choose "
        "another batch or another first day."
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
    _require_provider(organisation)
    wanted = _checked_items(items, ServiceItem.values)
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


@transaction.atomic
def decide_accreditation(
    *,
    application: AccreditationApplication,
    items: Collection[str],
    batch: str = "",
    from_on: date | None = None,
    until_on: date | None = None,
    reasons: str = "",
    actor: User,
    at: datetime,
    key: str,
) -> AccreditationDecision:
    """Accredit an applicant for some of the items that it asked for, or for none: refuse it.

    What is granted is on the list of `batch`, from a first day until a last one, both included;
    without a last day it is in force until further notice. Reasons are needed where something
    that was asked for is not granted.

    :raises NotAllowed: if the person is no officer or administrator of the authority.
    :raises SamePerson: if the person sent the application.
    :raises AccreditationDecided: if it was decided before.
    :raises ItemsInvalid: if an item was not asked for.
    :raises ReasonsMissing: if something is refused without a word, or with too many.
    :raises BatchInvalid: if something is granted and the batch has no name, or too long a one.
    :raises ValidityInvalid: if the last day is before the first.
    :raises AccreditationKnown: if the batch says so already.
    """
    require_role(actor, Role.OFFICER, Role.ADMIN, organisation=application.authority)
    granted = _checked_items(items, application.items) if items else []
    reasons, batch = reasons.strip(), batch.strip()
    if len(reasons) > WORDS_MAX or (not reasons and set(granted) != set(application.items)):
        raise ReasonsMissing(most=WORDS_MAX)
    if granted and not 0 < len(batch) <= BATCH_MAX:
        raise BatchInvalid(most=BATCH_MAX)
    act = ledger.begin(
        kind=ActKind.DECIDE_ACCREDITATION,
        key=key,
        actor=actor.address,
        about=application.organisation.address,
        at=at,
        payload={
            "application": application.code,
            "items": granted,
            "batch": batch,
            "from_on": from_on,
            "until_on": until_on,
            "reasons": reasons,
        },
        reason=reasons,
        details={"application": application.code, "items": granted},
    )
    if act.is_replay:
        return AccreditationDecision.objects.get(act_id=act.id)
    # What was sent is never written again: whoever decides queues at its organisation.
    row = AccreditationApplication.objects.select_related("authority").get(pk=application.pk)
    organisation = Organisation.objects.select_for_update(no_key=True).get(
        pk=row.organisation_id
    )
    require_apart(
        "decide_accreditation", actor, {"apply_for_accreditation": f"user:{row.sent_by_id}"}
    )
    if AccreditationDecision.objects.filter(application=row).exists():
        raise AccreditationDecided(application=row.code)
    outcome = AccreditationDecision.Outcome
    decision = AccreditationDecision.objects.create(
        application=row,
        outcome=outcome.GRANTED if granted else outcome.REFUSED,
        reasons=reasons,
        decided_by=actor,
        decided_at=at,
        act_id=act.id,
    )
    if granted:
        provider = _provider_of(organisation, act)
        days = (from_on or day_of(at), until_on)
        _grant(provider, row.authority, granted, batch, days, act, application=row)
    return decision


@transaction.atomic
def accredit_provider(
    *,
    organisation: Organisation,
    items: Collection[str] = tuple(ServiceItem.values),
    batch: str = "",
    from_on: date | None = None,
    until_on: date | None = None,
    actor: User | str,
    at: datetime,
    key: str,
) -> Provider:
    """Let an organisation sell compute without an application of its own, and at once.

    By default every service item, from today until further notice, outside of any batch. A
    suspension that is in force ends with it, where the actor could lift it.

    :raises NotAllowed: if the actor is a person who is neither officer nor administrator.
    :raises NotAProvider: if the organisation is of another kind.
    :raises ItemsInvalid: if there is no item, or one that nobody knows.
    :raises ValidityInvalid: if the last day is before the first.
    :raises ProviderAccredited: if it is accredited for all of it, and not suspended.
    """
    require_staff(actor, Role.OFFICER, Role.ADMIN)
    _require_provider(organisation)
    wanted = _checked_items(items, ServiceItem.values)
    act = ledger.begin(
        kind=ActKind.ACCREDIT_PROVIDER,
        key=key,
        actor=address_of(actor),
        about=organisation.address,
        at=at,
        payload={"items": wanted, "batch": batch, "from_on": from_on, "until_on": until_on},
    )
    if act.is_replay:
        return Provider.objects.select_related("organisation").get(organisation=organisation)
    provider = _provider_of(organisation, act)
    days = (from_on or day_of(at), until_on)
    new = [one for one in wanted if not _covers(provider, one, *days)]
    suspension = suspension_in_force(provider, at)
    if suspension is not None and isinstance(actor, User) and not may_lift(suspension, actor):
        suspension = None
    if not new and suspension is None:
        raise ProviderAccredited(provider=organisation.name_here)
    if suspension is not None:
        lift_by(act, suspension, note="")
    _grant(provider, _authority_of(actor), new, batch.strip(), days, act)
    return provider


def require_may_sell(
    provider: Provider, resource: str, at: datetime, zone: str = "UTC"
) -> None:
    """Refuse a provider that may not take a new order for a resource at an instant.

    `resource` is what an offer counts in, `GPU` or `CPU`; the day is that of the zone.

    :raises ProviderSuspended: if a suspension stops new orders.
    :raises NotAccredited: if no accreditation for the service item is in force on the day.
    """
    suspension = suspension_in_force(provider, at)
    if suspension is not None and suspension.stops_orders:
        raise ProviderSuspended(provider=provider.organisation.name_here)
    today, needed = day_of(at, zone), ITEMS_OF[resource]
    if not accreditations_in_force(today, needed).filter(provider=provider).exists():
        raise NotAccredited(
            provider=provider.organisation.name_here,
            items=" / ".join(str(one.label) for one in needed),
            day=day_text(today),
        )


def _require_provider(organisation: Organisation) -> None:
    if organisation.kind != OrganisationKind.PROVIDER:
        kind = OrganisationKind(organisation.kind).label
        raise NotAProvider(organisation=organisation.name_here, kind=kind)


def _checked_items(items: Collection[str], known: Iterable[str]) -> list[str]:
    """Return the items in the order in which they are listed everywhere, each once."""
    allowed = set(known)
    if not items or set(items) - allowed:
        labels = [str(one.label) for one in ServiceItem if one.value in allowed]
        raise ItemsInvalid(known=", ".join(labels))
    return [one for one in ServiceItem.values if one in set(items)]


def _provider_of(organisation: Organisation, act: Act) -> Provider:
    """Return the provider's row, locked and made where it is the first accreditation."""
    provider, _is_new = Provider.objects.select_for_update(of=("self",)).get_or_create(
        organisation=organisation,
        defaults={"accredited_at": act.at, "act_id": act.id},
    )
    return provider


def _grant(
    provider: Provider,
    authority: Organisation | None,
    items: Sequence[str],
    batch: str,
    days: tuple[date, date | None],
    act: Act,
    application: AccreditationApplication | None = None,
) -> None:
    from_on, until_on = days
    if until_on is not None and until_on < from_on:
        raise ValidityInvalid(**{"from": day_text(from_on), "until": day_text(until_on)})
    known = Accreditation.objects.filter(
        provider=provider, authority=authority, batch=batch, item__in=items, from_on=from_on
    ).first()
    if known is not None:
        raise AccreditationKnown(
            batch=batch,
            provider=provider.organisation.name_here,
            item=ServiceItem(known.item).label,
            **{"from": day_text(from_on)},
        )
    Accreditation.objects.bulk_create(
        Accreditation(
            provider=provider,
            authority=authority,
            batch=batch,
            item=item,
            from_on=from_on,
            until_on=until_on,
            application=application,
            act_id=act.id,
        )
        for item in items
    )


def _covers(provider: Provider, item: str, from_on: date, until_on: date | None) -> bool:
    """Say whether one accreditation of the item is in force on all of these days."""
    found = accreditations_in_force(from_on, [item]).filter(provider=provider)
    ends = list(found.values_list("until_on", flat=True))
    return any(end is None or (until_on is not None and end >= until_on) for end in ends)


def _authority_of(actor: User | str) -> Organisation | None:
    if isinstance(actor, str):
        return None
    staffed = organisations_of(actor, Role.OFFICER, Role.ADMIN)
    return staffed.filter(kind=OrganisationKind.AUTHORITY).first()


def _unused_code() -> str:
    code = new_code("P")
    while AccreditationApplication.objects.filter(code=code).exists():
        code = new_code("P")
    return code
