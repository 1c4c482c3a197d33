"""The terms of an order: whether a voucher covers it, its price, and what is set aside."""

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.formatting import money
from common.languages import in_language
from common.money import GPU_MS_PER_HOUR, is_currency
from policy import holds
from policy.answers import Line
from policy.eligibility import answer_provider
from policy.rules import ROUNDING_MODES, small_units
from policy.rules import Programme as Policy
from providers.actions import OfferWithdrawn, require_agreed, require_may_sell
from providers.models import Offer, Price, PriceCap
from providers.queries import cap_on, price_in_force
from vouchers.actions.vouchers import VoucherOver
from vouchers.models import Voucher
from vouchers.queries import in_words, is_related, used_this_year, voucher_balance

HOURS_MAX = Decimal(10_000_000)


class VoucherExpired(Refused):
    """The voucher's last day has passed."""

    code = "voucher_expired"
    sentence = _("The voucher %(voucher)s was valid until %(until)s.")


class VoucherSuspended(Refused):
    """The voucher takes no new holds for a time."""

    code = "voucher_suspended"
    sentence = _(
        "The voucher %(voucher)s is suspended and takes no new orders. "
        "Its holder can ask the authority why."
    )


class NoHoldsHere(Refused):
    """The programme pays after use."""

    code = "no_holds_here"
    sentence = _(
        "%(programme)s pays after use, so nothing is set aside for an order. "
        "Order from the provider, and claim the fee once it is paid."
    )


class HoursInvalid(Refused):
    """An amount of time that can't be ordered."""

    code = "hours_invalid"
    sentence = _(
        "%(hours)s hours can't be ordered. Enter more than 0, with at most four decimals."
    )


class ClassNotCovered(Refused):
    """The voucher is for another class of accelerator."""

    code = "class_not_covered"
    sentence = _(
        "The voucher %(voucher)s is for %(unit)s; the offer %(offer)s is %(resource_class)s. "
        "Choose an offer of the voucher's class."
    )


class NoPriceInForce(Refused):
    """The offer has no price in the voucher's currency."""

    code = "no_price_in_force"
    sentence = _(
        "The offer %(offer)s has no price in %(currency)s today. "
        "Choose another offer, or ask the provider to publish one."
    )


class ProviderNotCovered(Refused):
    """The policy does not count this provider's compute for this beneficiary."""

    code = "provider_not_covered"
    sentence = _("%(provider)s can't be used with this voucher. %(reasons)s")


class OfferAboveCap(Refused):
    """The offer's price is above what the authority or the programme lets an hour cost."""

    code = "offer_above_cap"
    sentence = _(
        "The offer %(offer)s costs %(rate)s %(currency)s an hour, above the cap of %(by)s for "
        "%(resource_class)s: %(cap)s %(currency)s since %(since)s. Choose an offer up to the cap."
    )


class NothingToHold(Refused):
    """Nothing could be set aside for the order."""

    code = "nothing_to_hold"
    sentence = _(
        "Nothing can be set aside: the voucher %(voucher)s has %(free)s free, and this order "
        "costs %(price)s. %(limit)s"
    )


def quantity_of(hours: Decimal) -> int:
    """Return hours in GPU-ms (or core-ms).

    :raises HoursInvalid: if they can't be ordered.
    """
    is_orderable = hours.is_finite() and 0 < hours <= HOURS_MAX and hours == round(hours, 4)
    if not is_orderable:
        raise HoursInvalid(hours=hours)
    return int(hours * GPU_MS_PER_HOUR)


def require_usable(voucher: Voucher, today: date) -> None:
    """Refuse a voucher that takes no new orders.

    :raises VoucherExpired: if its last day has passed.
    :raises VoucherSuspended: if it is suspended.
    :raises VoucherOver: if it was returned or revoked.
    """
    require_not_over(voucher)
    is_late = voucher.valid_until_on < today
    if is_late or voucher.status == Voucher.Status.EXPIRED:
        raise VoucherExpired(voucher=voucher.code, until=voucher.valid_until_on)
    require_not_suspended(voucher)


def require_not_over(voucher: Voucher) -> None:
    """Refuse a voucher that was returned or revoked.

    :raises VoucherOver: if it was.
    """
    if voucher.status in (Voucher.Status.RETURNED, Voucher.Status.REVOKED):
        raise VoucherOver(voucher=voucher.code)


def require_not_suspended(voucher: Voucher) -> None:
    """Refuse a voucher that is suspended.

    :raises VoucherSuspended: if it is.
    """
    if voucher.status == Voucher.Status.SUSPENDED:
        raise VoucherSuspended(voucher=voucher.code)


def require_covered(voucher: Voucher, offer: Offer, rules: Policy, at: datetime) -> None:
    """Refuse an offer that a voucher can't be used for, by what is known at an instant.

    :raises NoHoldsHere: if the programme pays after use.
    :raises OfferWithdrawn: if the offer is no longer in the catalogue.
    :raises ProviderSuspended: if the provider takes no new orders.
    :raises NotAccredited: if the provider may not sell such a service today.
    :raises AgreementNotAccepted: if the provider has not accepted the authority's agreement.
    :raises ProviderNotCovered: if the policy does not admit the provider.
    """
    if rules.hold is None:
        raise NoHoldsHere(programme=voucher.programme.title)
    # Read anew: both may have changed since the page that names them was made.
    now = Offer.objects.select_related("provider__organisation").get(pk=offer.pk)
    provider = now.provider
    if now.status == Offer.Status.WITHDRAWN:
        raise OfferWithdrawn(offer=now.code)
    require_may_sell(provider, now.resource, at, voucher.programme.zone)
    require_agreed(provider, voucher.programme.authority, at)
    related = is_related(
        voucher.organisation, provider.organisation, rules, applied_at=at, at=at
    )
    answer = answer_provider(related, True, rules)
    if answer.outcome == "FAIL":
        raise ProviderNotCovered(
            provider=provider.organisation.name_here, reasons=in_words(answer.reasons)
        )


def price_of(
    voucher: Voucher, offer: Offer, quantity_ms: int, rules: Policy, at: datetime
) -> tuple[Price | None, int]:
    """Return the price in force and the whole price of an order, in the voucher's unit.

    In kind there is no price and the whole is the time itself, in GPU-ms. In money the whole
    is rounded once, to the minor unit, by the mode of the programme's rounding.

    :raises ClassNotCovered: if a voucher in kind is for another class.
    :raises NoPriceInForce: if the offer has no price in the voucher's currency.
    :raises OfferAboveCap: if the price is above a cap of the authority or the programme.
    """
    if not is_currency(voucher.unit):
        require_class(voucher, offer)
        return None, quantity_ms
    price, programme = price_in_force(offer, at, voucher.unit), voucher.programme
    cap = cap_on(
        offer,
        voucher.unit,
        at,
        authority=programme.authority,
        programme_code=programme.code,
    )
    found = require_price(voucher, offer, price, cap)
    return found, total_at(found, voucher.unit, quantity_ms, rules)


def require_class(voucher: Voucher, offer: Offer) -> None:
    """Refuse an offer of another class than that of a voucher in kind.

    :raises ClassNotCovered: if it is.
    """
    offered = f"{offer.resource}:{offer.resource_class}"
    if voucher.unit != offered:
        raise ClassNotCovered(
            voucher=voucher.code,
            unit=voucher.unit,
            offer=offer.code,
            resource_class=offered,
        )


def require_price(
    voucher: Voucher, offer: Offer, price: Price | None, cap: PriceCap | None
) -> Price:
    """Return an offer's price in force, by the lowest cap that counts for a voucher's programme.

    :raises NoPriceInForce: if it has none in the voucher's currency.
    :raises OfferAboveCap: if the price is above the cap.
    """
    if price is None or price.currency != voucher.unit:
        raise NoPriceInForce(offer=offer.code, currency=voucher.unit)
    if cap is not None and cap.rate is not None and price.rate > cap.rate:
        programme = voucher.programme
        raise OfferAboveCap(
            offer=offer.code,
            rate=price.rate,
            currency=price.currency,
            by=programme.title_here if cap.programme_code else programme.authority.name_here,
            resource_class=offer.resource_class,
            cap=cap.rate,
            since=cap.from_at,
        )
    return price


def total_at(price: Price | None, unit: str, quantity_ms: int, rules: Policy) -> int:
    """Return the whole price of a quantity in a voucher's unit, as `price_of` says."""
    if price is None:
        return quantity_ms
    exact = price.rate * quantity_ms * small_units(unit) / GPU_MS_PER_HOUR
    return int(exact.to_integral_value(ROUNDING_MODES[rules.rounding.mode]))


def amount_to_hold(
    voucher: Voucher,
    price_total: int,
    rules: Policy,
    today: date,
    *,
    placed_on: date | None = None,
    captured: int = 0,
) -> tuple[int, tuple[Line, ...]]:
    """Return what to set aside for an order by the policy, with its working.

    For an order that is changed, with nothing held for it meanwhile: `placed_on` is the day
    whose rate it has, and `captured` what was captured of it so far. That counts as free, and
    as not used, since it is part of what is returned.

    :raises NothingToHold: if nothing is free, or a cap leaves nothing.
    """
    free = voucher_balance(voucher).free
    is_capped = rules.cap("ORGANISATION") is not None
    used = used_this_year(voucher.organisation, voucher.programme, today) if is_capped else 0
    amount, working = holds.hold_amount(
        price_total,
        free + captured,
        max(used - captured, 0),
        rules,
        on=placed_on or today,
        organisation_kind=voucher.organisation.kind,
    )
    if not amount:
        raise NothingToHold(
            voucher=voucher.code,
            free=money(free, voucher.unit),
            price=money(price_total, voucher.unit),
            limit=in_language(working[-1].label_en, working[-1].label_zh),
        )
    return amount, working
