"""Suspend a provider, with what that stops, and lift a suspension again."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from common.formatting import day_text
from ledger import actions as ledger
from ledger.actions import Act
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import NotAllowed, address_of, require_role, require_staff
from parties.roles import Role
from providers.models import Provider, Suspension, SuspensionLift
from providers.queries.accreditation import authorities_of, suspensions_not_over

NOTE_MAX = 2000


class ProviderSuspended(Refused):
    """The provider's accreditation is suspended."""

    code = "provider_suspended"
    sentence = _(
        "%(provider)s is suspended and can't take new orders. "
        "Choose another provider, or ask the authority."
    )


class SuspensionRuns(Refused):
    """A suspension of the provider is in force, or begins later."""

    code = "suspension_runs"
    sentence = _(
        "%(provider)s is suspended from %(from)s already. Lift that suspension first, and "
        "suspend it again with other effects."
    )


class SuspensionStopsNothing(Refused):
    """A suspension without an effect."""

    code = "suspension_stops_nothing"
    sentence = _("Choose at least one effect: a suspension that stops nothing is none.")


class SuspensionReasonMissing(Refused):
    """No word says why a provider is suspended."""

    code = "suspension_reason_missing"
    sentence = _(
        "Say why the provider is suspended, in at most %(most)s characters. It and the holders "
        "of its orders read it."
    )


class SuspensionTimeInvalid(Refused):
    """A suspension that begins in the past, or ends before it begins."""

    code = "suspension_time_invalid"
    sentence = _(
        "A suspension can't begin before now, nor end before it begins. Correct the days, or "
        "leave them empty for “from now until it is lifted”."
    )


class SuspensionOver(Refused):
    """The suspension has ended, or was lifted before."""

    code = "suspension_over"
    sentence = _("This suspension of %(provider)s is over; there is nothing to lift.")


@transaction.atomic
def suspend_provider(
    *,
    provider: Provider,
    note: str,
    stops_orders: bool = True,
    holds: str = Suspension.Holds.STAY,
    bills: str = Suspension.Bills.CONTINUE,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
    actor: User | str,
    at: datetime,
    key: str,
) -> Suspension:
    """Stop some of what a provider may do: new orders, holds without use, settlement of bills.

    By default it takes no new orders from now until the suspension is lifted, while what is
    ordered may still be metered, billed and settled. `note` is the reason, which the provider
    and the holders of its open orders read. It holds under every programme, whoever accredited
    the provider besides.

    :raises NotAllowed: if the actor is a person who is neither officer nor administrator of an
        authority that accredited the provider.
    :raises SuspensionReasonMissing: if there is no word why, or too many.
    :raises SuspensionStopsNothing: if it would have no effect.
    :raises SuspensionTimeInvalid: if it begins in the past, or ends before it begins.
    :raises SuspensionRuns: if another one is in force, or begins later.
    """
    authority = authority_for(actor, provider)
    note = note.strip()
    if not 0 < len(note) <= NOTE_MAX:
        raise SuspensionReasonMissing(most=NOTE_MAX)
    content = {
        "stops_orders": stops_orders,
        "holds": str(holds),
        "bills": str(bills),
        "until_at": until_at,
    }
    goes_on = (Suspension.Holds.STAY, Suspension.Bills.CONTINUE)
    if not stops_orders and (holds, bills) == goes_on:
        raise SuspensionStopsNothing
    act = ledger.begin(
        kind=ActKind.SUSPEND_PROVIDER,
        key=key,
        actor=address_of(actor),
        about=provider.organisation.address,
        at=at,
        payload={"note": note, "from_at": from_at, **content},
        reason=note,
    )
    if act.is_replay:
        return Suspension.objects.get(act_id=act.id)
    # Two suspensions of a provider queue here, so that the second sees the first.
    row = (
        Provider.objects.select_for_update(of=("self",))
        .select_related("organisation")
        .get(pk=provider.pk)
    )
    begins = from_at or at
    if begins < at or (until_at is not None and until_at <= begins):
        raise SuspensionTimeInvalid
    running = suspensions_not_over(at).filter(provider=row).first()
    if running is not None:
        begun = day_text(day_of(running.from_at))
        raise SuspensionRuns(provider=row.organisation.name_here, **{"from": begun})
    return Suspension.objects.create(
        provider=row,
        authority=authority,
        reason=note,
        from_at=begins,
        act_id=act.id,
        **content,
    )


@transaction.atomic
def lift_suspension(
    *, suspension: Suspension, note: str, actor: User | str, at: datetime, key: str
) -> SuspensionLift:
    """End a suspension now, before its time or for want of one.

    :raises NotAllowed: if the actor is a person who is neither officer nor administrator of the
        authority that suspended the provider.
    :raises SuspensionOver: if it has ended, or was lifted before.
    """
    provider = suspension.provider
    if suspension.authority is None:
        authority_for(actor, provider)
    elif isinstance(actor, User):
        require_role(actor, Role.OFFICER, Role.ADMIN, organisation=suspension.authority)
    act = ledger.begin(
        kind=ActKind.LIFT_SUSPENSION,
        key=key,
        actor=address_of(actor),
        about=provider.organisation.address,
        at=at,
        payload={"suspension": suspension.pk, "note": note},
        reason=note,
    )
    if act.is_replay:
        return SuspensionLift.objects.get(act_id=act.id)
    Provider.objects.select_for_update().get(pk=provider.pk)
    if not suspensions_not_over(at).filter(pk=suspension.pk).exists():
        raise SuspensionOver(provider=provider.organisation.name_here)
    return lift_by(act, suspension, note=note.strip())


def authority_for(actor: User | str, provider: Provider) -> Organisation | None:
    """Return the authority for which a person decides about a provider; None: the portal's keeper.

    :raises NotAllowed: if a person has no say about it.
    """
    require_staff(actor, Role.OFFICER, Role.ADMIN)
    if isinstance(actor, str):
        return None
    authority = authorities_of(provider, actor).first()
    if authority is None:
        roles = " / ".join(str(role.label) for role in (Role.OFFICER, Role.ADMIN))
        where = _(" at an authority that accredited %(name)s")
        raise NotAllowed(roles=roles, where=where % {"name": provider.organisation.name})
    return authority


def lift_by(act: Act, suspension: Suspension, *, note: str) -> SuspensionLift:
    """Write down that an act ends a suspension; its provider is locked by the action."""
    return SuspensionLift.objects.create(
        suspension=suspension, note=note, lifted_at=act.at, act_id=act.id
    )
