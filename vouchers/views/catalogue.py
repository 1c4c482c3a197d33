"""The public catalogue: offers compared by price, wait and make, and what a voucher buys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from common.downloads import csv_answer
from common.formatting import NOTHING, gpu_hours, money, rate_words
from common.money import GPU_MS_PER_HOUR, is_currency
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from providers import queries as providers
from providers.models import Equivalent, Offer, Price, PriceCap
from providers.told import price_told
from vouchers import queries
from vouchers.actions.quotes import Buys, what_it_buys
from vouchers.forms.catalogue import CatalogueForm
from vouchers.models import Programme, Voucher

PAGE = 50


@dataclass(frozen=True, slots=True)
class Comparison:
    """What somebody asked the catalogue for, and with which voucher at hand."""

    form: CatalogueForm
    asked: providers.Filter
    voucher: Voucher | None

    @property
    def query(self) -> str:
        """What the address of the next page, and of the file, has to carry."""
        return urlencode(self.form.query())

    def prices(self, now: datetime) -> tuple[QuerySet[Price] | list[Price], dict[int, Buys]]:
        """Return the prices asked for, and what the voucher at hand buys at each.

        Unless another order was asked for, the most hours are first.
        """
        found = providers.prices_compared(self.asked, now)
        if self.voucher is None:
            return found, {}
        prices = list(found)
        bought = what_it_buys(voucher=self.voucher, prices=prices, at=now)
        if not self.form.cleaned_data.get("sort"):
            prices.sort(key=lambda price: bought[price.pk].rank, reverse=True)
        return prices, bought


def _comparison(request: HttpRequest, now: datetime) -> Comparison:
    vouchers = _vouchers_at_hand(request)
    titles = [(one.code, f"{one.code}, {one.programme.title_here}") for one in vouchers]
    form = CatalogueForm(request.GET, vouchers=titles, at=now)
    asked = form.asked()
    chosen = form.cleaned_data.get("voucher", "")
    voucher = next((one for one in vouchers if one.code == chosen), None)
    if voucher is None:
        return Comparison(form, asked, None)
    # Only what the voucher can pay is compared with what it buys.
    if is_currency(voucher.unit):
        narrowed = {"currency": voucher.unit}
    else:
        resource, _colon, name = voucher.unit.partition(":")
        narrowed = {"resource": resource, "resource_class": name}
    fields = {name: getattr(asked, name) for name in providers.Filter.__slots__}
    return Comparison(form, providers.Filter(**{**fields, **narrowed}), voucher)


def _vouchers_at_hand(request: HttpRequest) -> list[Voucher]:
    """Return the vouchers that a visitor may order with: those of their organisations."""
    if not isinstance(request.user, User):
        return []
    own = organisations_of(request.user, Role.APPLICANT)
    found = queries.vouchers_visible_to(request.user).filter(
        organisation__in=own, status=Voucher.Status.ACTIVE
    )
    return list(found.exclude(programme__mode__in=Programme.AFTER_USE))


@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """List what can be ordered now, filtered and sorted, with what a voucher buys at each."""
    now = timezone.now()
    compared = _comparison(request, now)
    found, bought = compared.prices(now)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    prices, voucher = list(page.object_list), compared.voucher
    caps = _caps_for(voucher)
    rows = [[*_cells(price, caps), *_bought_cells(voucher, price, bought)] for price in prices]
    context = {
        "form": compared.form,
        "page": page,
        "query": compared.query,
        "voucher": voucher,
        "free": money(queries.voucher_balance(voucher).free, voucher.unit) if voucher else "",
        "precision": compared.asked.precision or providers.PRECISION,
        "count": ngettext("%(count)s offer", "%(count)s offers", page.paginator.count)
        % {"count": page.paginator.count},
        "columns": [*_columns(), *(_bought_columns() if voucher else [])],
        "rows": rows,
        "is_filtered": bool(compared.form.query()),
    }
    return render(request, "vouchers/catalogue.html", context)


def _columns() -> list[Any]:
    return [
        _("Offer"),
        _("Provider"),
        _("Class"),
        _("Region"),
        _("Service level"),
        _("Typical wait"),
        {"label": _("Price of one hour"), "numeric": True},
        {"label": _("Of one H100-equivalent hour"), "numeric": True},
    ]


def _bought_columns() -> list[Any]:
    return [
        {"label": _("Your voucher buys"), "numeric": True},
        {"label": _("You pay beside it"), "numeric": True},
        _("What you can do"),
    ]


def _caps_for(voucher: Voucher | None) -> dict[tuple[str, str, str], PriceCap]:
    if voucher is None:
        return providers.lowest_caps(timezone.now())
    programme = voucher.programme
    return providers.lowest_caps(
        timezone.now(), authority=programme.authority_id, programme_code=programme.code
    )


def _cap_above(price: Price, caps: dict[tuple[str, str, str], PriceCap]) -> PriceCap | None:
    """Return the cap that a price is above, or None."""
    offer = price.offer
    cap = caps.get((offer.resource, offer.resource_class, price.currency))
    return cap if cap and cap.rate is not None and price.rate > cap.rate else None


def _cells(price: Price, caps: dict[tuple[str, str, str], PriceCap]) -> list[Any]:
    offer: Offer = price.offer
    name = offer.resource_class
    return [
        {"text": offer.title, "url": reverse("offer", args=[offer.code])},
        offer.provider.organisation.name_here,
        _("%(name)s, domestic") % {"name": name} if offer.is_domestic else name,
        offer.region,
        level_words(offer),
        wait_words(offer.queue_hours),
        {
            "text": price_told(price),
            **({"error": _("Above the cap")} if _cap_above(price, caps) else {}),
        },
        _equivalent_words(price),
    ]


def _equivalent_words(price: Any) -> str:
    return rate_words(providers.rounded_rate(price.per_equivalent), price.currency)


def _bought_cells(voucher: Voucher | None, price: Price, bought: dict[int, Buys]) -> list[Any]:
    if voucher is None:
        return []
    buys = bought[price.pk]
    if buys.refusal or buys.hours == 0:
        return ["0", NOTHING, buys.refusal or _("Nothing is free on this voucher.")]
    url = reverse("hold_new", args=[voucher.code])
    order = {"text": _("Order here"), "url": f"{url}?{urlencode({'offer': price.offer.code})}"}
    if buys.hours is None:
        return [_("As much as you like"), NOTHING, order]
    return [
        gpu_hours(buys.hours * GPU_MS_PER_HOUR),
        money(buys.own_share, voucher.unit),
        order,
    ]


@require_GET
def catalogue_csv(request: HttpRequest) -> HttpResponse:
    """Give exactly what is filtered as a table, with the sources of what it is compared by."""
    now = timezone.now()
    compared = _comparison(request, now)
    prices, bought = compared.prices(now)
    voucher = compared.voucher
    precision = compared.asked.precision or providers.PRECISION
    figures = {
        one.resource_class: one
        for one in providers.equivalents_begun(now)
        if one.precision == precision
    }
    header = [
        *("offer", "title", "provider", "resource", "class", "region", "domestic"),
        *("service_level", "typical_wait_hours", "currency", "price_of_one_hour", "since"),
        *("precision", "h100_equivalents", "price_of_one_h100_equivalent_hour", "source"),
    ]
    if voucher is not None:
        header += ["voucher", "hours_bought", "own_share_minor_units"]
    rows = []
    for price in prices:
        row = _csv_row(price, precision, figures.get(price.offer.resource_class))
        if voucher is not None:
            buys = bought[price.pk]
            row += [voucher.code, buys.hours, buys.own_share]
        rows.append(row)
    return csv_answer("offers.csv", header, rows)


def _csv_row(price: Any, precision: str, figure: Equivalent | None) -> list[object]:
    offer: Offer = price.offer
    return [
        offer.code,
        offer.title,
        offer.provider.organisation.name,
        offer.resource,
        offer.resource_class,
        offer.region,
        "yes" if offer.is_domestic else "no",
        offer.service_level,
        offer.queue_hours,
        price.currency,
        price.rate,
        price.from_at.isoformat(),
        precision if figure else "",
        figure.factor if figure else "",
        providers.rounded_rate(price.per_equivalent),
        figure.source if figure else "",
    ]


# --- words -----------------------------------------------------------------------------------


def level_words(offer: Offer) -> str:
    """Return a service level in a word or two."""
    return {
        "ON_DEMAND": _("On demand"),
        "RESERVED": _("Reserved"),
        "QUEUED": _("Queued"),
        "INTERRUPTIBLE": _("Interruptible"),
    }[offer.service_level]


def wait_words(hours: int | None) -> str:
    """Write how long a job typically waits."""
    if hours is None:
        return _("Not stated")
    if hours == 0:
        return _("Less than an hour")
    return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
