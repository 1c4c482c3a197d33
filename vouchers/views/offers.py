"""One offer of the public catalogue: what its class can do, what caps it, every price it had."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common.charts import Mark, Series, line
from common.days import day_of
from common.downloads import csv_answer
from common.formatting import day_text, instant, rate_words
from providers import queries as providers
from providers import statuses as provider_statuses
from providers.models import Equivalent, Offer, Price
from providers.told import cap_owner_told, price_told
from vouchers.views.catalogue import wait_words

LINES_MAX = 4


@require_GET
def offer(request: HttpRequest, code: str) -> HttpResponse:
    """Show one offer: what its class can do, what caps it, and every price it had."""
    found = providers.offer_by_code(code)
    now = timezone.now()
    prices = list(providers.prices_of(found))
    in_force = list(providers.prices_in_force([found], now).values())
    figures = [
        one
        for one in providers.equivalents_begun(now)
        if one.resource_class == found.resource_class and found.resource == "GPU"
    ]
    context = {
        "offer": found,
        "tag": provider_statuses.OFFER[found.status],
        "rows": [
            {"key": _("Provider"), "value": found.provider.organisation.name_here},
            {"key": _("Counted in"), "value": Offer.Resource(found.resource).label},
            {"key": _("Class"), "value": found.resource_class},
            {
                "key": _("Make of the accelerator"),
                "value": _("Domestic") if found.is_domestic else _("Not domestic"),
            },
            {"key": _("Region"), "value": found.region},
            {
                "key": _("Service level"),
                "value": Offer.ServiceLevel(found.service_level).label,
            },
            {"key": _("Typical wait"), "value": wait_words(found.queue_hours)},
            {
                "key": _("Price of one hour"),
                "value": "; ".join(price_told(price) for price in in_force),
            },
            {"key": _("Code"), "value": found.code},
        ],
        "figures": _figures_table(figures),
        "caps": _caps_of(found),
        "history": _history(found, prices),
    }
    return render(request, "vouchers/offer.html", context)


def _figures_table(figures: Sequence[Equivalent]) -> dict[str, Any]:
    return {
        "caption": _("What the class can do"),
        "columns": [
            _("Precision"),
            {"label": _("Peak in TFLOPS"), "numeric": True},
            {"label": _("H100 equivalents"), "numeric": True},
            _("Source"),
        ],
        "rows": [
            [
                one.precision,
                f"{one.teraflops.normalize():,f}",
                f"{one.factor.normalize():f}",
                f"{one.source} ({day_text(one.sourced_on)})",
            ]
            for one in figures
        ],
    }


def _caps_of(found: Offer) -> list[str]:
    """Return in words which authorities' caps count for an offer's class."""
    caps = providers.caps_begun(timezone.now()).filter(
        resource=found.resource, resource_class=found.resource_class, rate__isnull=False
    )
    return [
        _("%(by)s lets an hour of %(name)s cost at most %(rate)s.")
        % {
            "by": cap_owner_told(cap),
            "name": found.resource_class,
            "rate": rate_words(cap.rate, cap.currency),
        }
        for cap in caps
    ]


def _history(found: Offer, prices: Sequence[Price]) -> dict[str, Any]:
    now = timezone.now()
    rows = []
    for price in prices:
        rows.append([instant(price.from_at), price_told(price), price_state(price, now)])
    return {
        "columns": [
            _("From"),
            {"label": _("Price of one hour"), "numeric": True},
            _("Status"),
        ],
        "rows": rows,
        "svg": _price_chart(prices, now),
        "csv_url": reverse("offer_prices_csv", args=[found.code]),
    }


def price_state(price: Price, now: datetime) -> str:
    """Return in a word whether a price has begun, is to begin, or was withdrawn."""
    if hasattr(price, "withdrawal"):
        return _("Withdrawn before it began")
    return _("Begins later") if price.from_at > now else _("Has begun")


def _price_chart(prices: Sequence[Price], now: datetime) -> Any:
    """Draw each currency's price over the days on which one changed; none for a single price."""
    begun = [
        one for one in reversed(prices) if one.from_at <= now and not hasattr(one, "withdrawal")
    ]
    days = sorted({one.from_at for one in begun})
    currencies = sorted({one.currency for one in begun})[:LINES_MAX]
    if len(days) < 2:
        return ""
    series = []
    for currency in currencies:
        own = {one.from_at: one for one in begun if one.currency == currency}
        points, latest = [], None
        for at in days:
            latest = own.get(at, latest)
            label = day_text(day_of(at))
            points.append(
                Mark(label, latest.rate, price_told(latest))
                if latest
                else Mark(label, None, "")
            )
        series.append(Series(currency, points))
    return line(series, id="prices", title=_("Price of one hour, at each change"))


@require_GET
def offer_prices_csv(request: HttpRequest, code: str) -> HttpResponse:
    """Give every price that was ever published for an offer, withdrawn ones too, as a table."""
    found = providers.offer_by_code(code)
    header = ["offer", "class", "currency", "price_of_one_hour", "from", "withdrawn_at"]
    rows = [
        [
            found.code,
            found.resource_class,
            price.currency,
            price.rate,
            price.from_at.isoformat(),
            price.withdrawal.at.isoformat() if hasattr(price, "withdrawal") else "",
        ]
        for price in providers.prices_of(found)
    ]
    return csv_answer(f"prices-{found.code}.csv", header, rows)
