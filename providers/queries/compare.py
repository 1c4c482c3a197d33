"""Compare offers: their prices in force, what an H100-equivalent hour costs, and what caps them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.db.models import DecimalField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery

from common.days import day_of
from providers.models import Equivalent, Offer, Price, PriceCap
from providers.queries.catalogue import caps_begun, offers_published, prices_begun

# In which precision classes are compared unless another one is asked for.
PRECISION: Final = Equivalent.Precision.BF16.value
_PLACES = Decimal("0.0001")
_RATE = DecimalField(max_digits=30, decimal_places=12)
SORTS: Final = {
    "price": ("currency", "rate"),
    "equivalent": ("currency", F("per_equivalent").asc(nulls_last=True), "rate"),
    "queue": (F("offer__queue_hours").asc(nulls_last=True), "currency", "rate"),
    "newest": ("-offer__published_at",),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What offers are looked through for; empty fields leave nothing out."""

    words: str = ""
    resource: str = ""
    resource_class: str = ""
    region: str = ""
    currency: str = ""
    service_level: str = ""
    is_domestic: bool | None = None
    precision: str = ""
    sort: str = "price"


def equivalents_begun(at: datetime) -> QuerySet[Equivalent]:
    """Return the figures of classes in force on an instant's day in UTC, the newest of each."""
    keys = ("resource_class", "precision")
    begun = Equivalent.objects.filter(from_on__lte=day_of(at))
    return (
        begun.order_by(*keys, "-from_on", "-pk").distinct(*keys).select_related("recorded_by")
    )


def equivalents_known() -> QuerySet[Equivalent]:
    """Return every figure that was ever recorded, by class and precision, newest first."""
    return Equivalent.objects.select_related("recorded_by").order_by(
        "resource_class", "precision", "-from_on", "-pk"
    )


def prices_compared(asked: Filter, at: datetime) -> QuerySet[Price]:
    """Return the prices in force of what can be ordered at an instant, filtered and sorted.

    Each has `factor`, how many H100 its class counts for in the precision asked for, and
    `per_equivalent`, what an H100-equivalent hour costs, in currency units; both are None where
    the class has no figure. With a precision only classes with one are returned. Prices of
    several currencies are sorted within each.
    """
    in_force = prices_begun(at).distinct("offer", "currency").values("pk")
    figures = Equivalent.objects.filter(
        resource_class=OuterRef("offer__resource_class"),
        precision=asked.precision or PRECISION,
        from_on__lte=day_of(at),
    ).order_by("-from_on", "-pk")
    found = (
        Price.objects.filter(
            _asked(asked),
            pk__in=in_force,
            offer__in=offers_published(at=at).order_by().values("pk"),
        )
        .annotate(factor=Subquery(figures.values("factor")[:1]))
        .annotate(per_equivalent=ExpressionWrapper(F("rate") / F("factor"), output_field=_RATE))
    )
    if asked.precision:
        found = found.filter(factor__isnull=False)
    order = SORTS.get(asked.sort, SORTS["price"])
    return found.select_related("offer__provider__organisation").order_by(*order, "offer__code")


def _asked(asked: Filter) -> Q:
    exact = {
        "offer__resource": asked.resource,
        "offer__resource_class": asked.resource_class,
        "offer__region": asked.region,
        "currency": asked.currency,
        "offer__service_level": asked.service_level,
    }
    condition = Q(**{name: value for name, value in exact.items() if value})
    if asked.is_domestic is not None:
        condition &= Q(offer__is_domestic=asked.is_domestic)
    if asked.words:
        condition &= (
            Q(offer__title__icontains=asked.words)
            | Q(offer__resource_class__icontains=asked.words)
            | Q(offer__region__icontains=asked.words)
            | Q(offer__provider__organisation__name__icontains=asked.words)
            | Q(offer__provider__organisation__name_zh__icontains=asked.words)
        )
    return condition


def rounded_rate(exact: Decimal | None) -> Decimal | None:
    """Return a rate to four decimals, half up, as prices are written; for showing only."""
    return None if exact is None else exact.quantize(_PLACES, ROUND_HALF_UP)


def choices_of(name: str, at: datetime) -> list[str]:
    """Return the values that a field of offers has which can be ordered at an instant."""
    found = offers_published(at=at).order_by(name)
    return list(found.values_list(name, flat=True).distinct())


CapKey = tuple[str, str, str]


def lowest_caps(
    at: datetime, *, authority: int | None = None, programme_code: str = ""
) -> dict[CapKey, PriceCap]:
    """Return the lowest cap at an instant by resource, class and currency.

    As `cap_on` for one offer: those of all authorities, or of one and its programme.
    """
    found: Iterable[PriceCap] = caps_begun(at)
    lowest: dict[CapKey, PriceCap] = {}
    for cap in found:
        if cap.rate is None or not _counts(cap, authority, programme_code):
            continue
        key = (cap.resource, cap.resource_class, cap.currency)
        known = lowest.get(key)
        if known is None or known.rate is None or cap.rate < known.rate:
            lowest[key] = cap
    return lowest


def prices_above(cap: PriceCap) -> QuerySet[Price]:
    """Return the prices that are above a cap when it begins, of offers in the catalogue then.

    By what is published now; none where the cap is lifted.
    """
    if cap.rate is None:
        return Price.objects.none()
    in_force = prices_begun(cap.from_at).distinct("offer", "currency").values("pk")
    return (
        Price.objects.filter(
            pk__in=in_force,
            rate__gt=cap.rate,
            currency=cap.currency,
            offer__status=Offer.Status.PUBLISHED,
            offer__resource=cap.resource,
            offer__resource_class=cap.resource_class,
        )
        .select_related("offer__provider__organisation")
        .order_by("offer__provider", "offer__code")
    )


def _counts(cap: PriceCap, authority: int | None, programme_code: str) -> bool:
    if authority is None:
        return cap.programme_code == ""
    return cap.authority_id == authority and cap.programme_code in ("", programme_code)
