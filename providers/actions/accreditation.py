"""Decide an application for accreditation, and accredit without one."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
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
from providers.actions.accreditation_applications import checked_items, require_provider
from providers.actions.suspensions import ProviderSuspended, lift_by
from providers.models import (
    ITEMS_OF,
    Accreditation,
    AccreditationApplication,
    AccreditationDecision,
    Provider,
    ServiceItem,
)
from providers.queries.accreditation import (
    accreditations_in_force,
    may_lift,
    suspension_in_force,
)

WORDS_MAX = 2000
BATCH_MAX = 40


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
    granted = checked_items(items, application.items) if items else []
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
    require_provider(organisation)
    wanted = checked_items(items, ServiceItem.values)
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
