"""What prices are measured by: caps that authorities set, and how many H100 a class counts for."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.money import CURRENCY_EXPONENTS
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import NotAllowed, memberships_of, require_role
from parties.roles import Role
from providers.actions.catalogue import RATE_MAX, RateInvalid
from providers.models import Equivalent, Offer, PriceCap

REASON_LENGTH_MAX = 300
FACTOR_MAX = Decimal("999999.999999")
TERAFLOPS_MAX = Decimal("999999999.999")


class CapInThePast(Refused):
    """A cap would begin before it is set."""

    code = "cap_in_the_past"
    sentence = _("A cap can't begin in the past: %(from_at)s is before %(at)s.")


class ReasonMissing(Refused):
    """A cap, or a figure for comparing, without what it rests on."""

    code = "reason_missing"
    sentence = _(
        "Say what this rests on, in at most %(most)s characters: a rule, or a document with its "
        "page. Everybody reads it."
    )


class EquivalentInvalid(Refused):
    """A figure that can't compare anything."""

    code = "equivalent_invalid"
    sentence = _(
        "%(factor)s H100 and %(teraflops)s TFLOPS can't be figures of %(resource_class)s. Give "
        "both above 0, the first with at most six decimals, the second with three, in one of the "
        "precisions of the list."
    )


@transaction.atomic
def set_price_cap(
    *,
    authority: Organisation,
    programme_code: str,
    resource: str,
    resource_class: str,
    currency: str,
    rate: Decimal | None,
    from_at: datetime,
    reason: str,
    actor: User,
    at: datetime,
    key: str,
) -> PriceCap:
    """Set the most that an hour of a class may cost from an instant on, or lift it with None.

    `rate` is in whole currency units for one GPU-hour or core-hour. An authority's cap, without
    a programme, counts when prices are published and when something is ordered; a programme's
    only for orders under it. Prices published before stay, and can't be ordered above the cap.

    :raises NotAllowed: if the person is no officer of the authority, or the programme.
    :raises RateInvalid: if the rate can't be a price.
    :raises CapInThePast: if `from_at` has passed.
    :raises ReasonMissing: if there are no words, or too many.
    """
    _require_setter(actor, authority, programme_code)
    _check_cap(rate, currency)
    reason = _checked_reason(reason)
    content = {
        "programme_code": programme_code,
        "resource": resource,
        "resource_class": resource_class.strip().upper(),
        "currency": currency,
        "from_at": from_at,
        "reason": reason,
    }
    act = ledger.begin(
        kind=ActKind.SET_PRICE_CAP,
        key=key,
        actor=actor.address,
        about=authority.address,
        at=at,
        payload={**content, "rate": None if rate is None else f"{rate.normalize():f}"},
        reason=reason,
        details={"resource_class": content["resource_class"]},
    )
    if act.is_replay:
        return PriceCap.objects.select_related("authority").get(act_id=act.id)
    if from_at < at:
        raise CapInThePast(from_at=from_at, at=at)
    return PriceCap.objects.create(
        authority=authority, rate=rate, set_by=actor, act_id=act.id, **content
    )


def _require_setter(actor: User, authority: Organisation, programme_code: str) -> None:
    roles = (Role.OFFICER, Role.ADMIN)
    require_role(actor, *roles, organisation=authority, programme_code=programme_code)
    # Who looks after some programmes only sets nothing for all of them.
    own = memberships_of(actor).filter(
        role__in=roles, organisation=authority, programme_code__in=["", programme_code]
    )
    if not own.exists():
        names = " / ".join(str(role.label) for role in roles)
        raise NotAllowed(roles=names, where=_(" in %(name)s") % {"name": authority.name_here})


def _check_cap(rate: Decimal | None, currency: str) -> None:
    shown = Decimal(0) if rate is None else rate
    is_price = shown.is_finite() and 0 <= shown <= RATE_MAX and shown == round(shown, 4)
    if not is_price or currency not in CURRENCY_EXPONENTS:
        known = ", ".join(CURRENCY_EXPONENTS)
        raise RateInvalid(rate=shown, currency=currency, currencies=known)


def _checked_reason(text: str) -> str:
    reason = text.strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX:
        raise ReasonMissing(most=REASON_LENGTH_MAX)
    return reason


@transaction.atomic
def record_equivalent(
    *,
    resource_class: str,
    precision: str,
    teraflops: Decimal,
    factor: Decimal,
    source: str,
    sourced_on: date,
    from_on: date,
    actor: User,
    at: datetime,
    key: str,
) -> Equivalent:
    """Record how many H100 one accelerator of a class counts for in a precision, and its source.

    `teraflops` is its peak without sparsity, in 10^12 operations a second; `factor` counts H100.
    For comparing offers only: nothing is ever paid by it. What was recorded stays, and is
    followed by better figures.

    :raises NotAllowed: if the person is neither officer nor administrator of an authority.
    :raises EquivalentInvalid: if a figure is nothing, or too exact.
    :raises ReasonMissing: if the source is missing or too long.
    """
    require_role(actor, Role.OFFICER, Role.ADMIN)
    name, source = resource_class.strip().upper(), _checked_reason(source)
    if (
        not name
        or precision not in Equivalent.Precision
        or not _is_figure(factor, FACTOR_MAX, 6)
        or not _is_figure(teraflops, TERAFLOPS_MAX, 3)
    ):
        raise EquivalentInvalid(factor=factor, teraflops=teraflops, resource_class=name)
    content = {
        "resource_class": name,
        "precision": precision,
        "source": source,
        "sourced_on": sourced_on,
        "from_on": from_on,
    }
    figures = {"teraflops": f"{teraflops.normalize():f}", "factor": f"{factor.normalize():f}"}
    act = ledger.begin(
        kind=ActKind.RECORD_EQUIVALENT,
        key=key,
        actor=actor.address,
        about=f"class:{Offer.Resource.GPU}:{name}",
        at=at,
        payload={**content, **figures},
        reason=source,
        details={"resource_class": name, "precision": precision, **figures},
    )
    if act.is_replay:
        return Equivalent.objects.get(act_id=act.id)
    return Equivalent.objects.create(
        teraflops=teraflops, factor=factor, recorded_by=actor, act_id=act.id, **content
    )


def _is_figure(figure: Decimal, most: Decimal, places: int) -> bool:
    return figure.is_finite() and 0 < figure <= most and figure == round(figure, places)
