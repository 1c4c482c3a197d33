"""A provider's offers, with every price they had."""

import re
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.days import start_of
from common.errors import NotFound
from common.formatting import instant, rate_words
from common.forms import KeyedForm, answer_form, language_pressed
from parties.authentication import signed_in
from providers import actions, queries, statuses
from providers.forms import AcceptanceForm, OfferForm, PriceForm, QueueForm
from providers.models import Offer, Price, Provider
from providers.told import price_told


@login_required
@require_GET
def offers(request: HttpRequest) -> HttpResponse:
    """List a provider's offers with what an hour costs now."""
    provider = queries.provider_of(signed_in(request))
    found = list(queries.offers_of(provider).order_by("status", "code"))
    prices = queries.prices_in_force(found, timezone.now())
    context = {
        "name": provider.organisation.name_here,
        "caption": _("Your offers"),
        "columns": [
            _("Offer"),
            _("Class"),
            _("Region"),
            {"label": _("Price of one hour"), "numeric": True},
            _("Status"),
        ],
        "rows": [
            [
                {"text": str(offer), "url": reverse("offer_price", args=[offer.code])},
                offer.resource_class,
                offer.region,
                "; ".join(
                    price_told(price) for price in prices.values() if price.offer_id == offer.pk
                ),
                statuses.OFFER[offer.status].label,
            ]
            for offer in found
        ],
    }
    return render(request, "providers/offers.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def offer_new(request: HttpRequest) -> HttpResponse:
    """Ask for an offer with its first price, show what buyers will see, then publish it."""
    person = signed_in(request)
    provider = queries.provider_of(person)
    form = OfferForm(
        request.POST if request.method == "POST" else None, initial=_known_of(provider)
    )

    def publish() -> HttpResponse:
        given = form.cleaned_data
        offer = actions.publish_offer(
            provider=provider,
            title=_title_of(given),
            resource=given["resource"],
            resource_class=given["resource_class"],
            region=given["region"],
            rate=given["rate"],
            currency=given["currency"],
            is_domestic=given["is_domestic"] == "yes",
            service_level=given["service_level"],
            queue_hours=given["queue_hours"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request,
            _("%(offer)s is published. Buyers see it at once.") % {"offer": offer.code},
        )
        return redirect("offer_price", offer.code)

    context = {
        "title": _("Publish an offer"),
        "caption": provider.organisation.name_here,
        "back": reverse("offers"),
        "submit": _("Check the offer"),
    }
    step = request.POST.get("step", "")
    is_reading = step != "publish" and language_pressed(request) is None
    if request.method == "POST" and is_reading and form.is_valid():
        if step == "change":
            return render(request, "form_page.html", {"form": form, **context})
        shown = _review_of(form.cleaned_data, provider)
        form.hide()
        return render(request, "providers/offer_review.html", {"form": form, **shown})
    return answer_form(request, form, "form_page.html", publish, context)


def _known_of(provider: Provider) -> dict[str, Any]:
    """Return what a provider's newest offer says of the next one."""
    newest = queries.offers_of(provider).first()
    if newest is None:
        return {}
    price = queries.prices_of(newest).first()
    return {"region": newest.region, "currency": price.currency if price else ""}


def _title_of(given: dict[str, Any]) -> str:
    # The words before the colon, which is a wide one in Chinese.
    level = re.split("[:：]", str(Offer.ServiceLevel(given["service_level"]).label))[0]
    return str(given["title"]).strip() or f"{given['resource_class']}, {level.lower()}"


def _review_of(given: dict[str, Any], provider: Provider) -> dict[str, Any]:
    """Return what buyers will see of an offer, what others charge, and a cap that it breaks."""
    now = timezone.now()
    name, currency = given["resource_class"], given["currency"]
    asked = queries.Filter(resource=given["resource"], resource_class=name, currency=currency)
    cheapest = queries.prices_compared(asked, now).first()
    cap = queries.lowest_caps(now).get((given["resource"], name, currency))
    is_above = cap is not None and cap.rate is not None and given["rate"] > cap.rate
    hours = given["queue_hours"]
    return {
        "name": provider.organisation.name_here,
        "rows": [
            {"key": _("Name of the offer"), "value": _title_of(given)},
            {"key": _("Class"), "value": name},
            {"key": _("Counted in"), "value": Offer.Resource(given["resource"]).label},
            {
                "key": _("Make of the accelerator"),
                "value": _("Domestic") if given["is_domestic"] == "yes" else _("Not domestic"),
            },
            {"key": _("Where it runs"), "value": given["region"]},
            {
                "key": _("Service level"),
                "value": Offer.ServiceLevel(given["service_level"]).label,
            },
            {"key": _("Typical wait in hours"), "value": "" if hours is None else hours},
            {"key": _("Price of one hour"), "value": rate_words(given["rate"], currency)},
        ],
        "cheapest": ""
        if cheapest is None
        else _("The lowest price of this class in the catalogue is %(rate)s.")
        % {"rate": price_told(cheapest)},
        "cap_warning": _(
            "%(authority)s lets an hour of %(name)s cost at most %(rate)s. Change the price to "
            "no more than that."
        )
        % {
            "authority": cap.authority.name_here,
            "name": name,
            "rate": rate_words(cap.rate, currency),
        }
        if cap is not None and is_above
        else "",
    }


@login_required
@require_http_methods(["GET", "POST"])
def offer_price(request: HttpRequest, code: str) -> HttpResponse:
    """Show every price that an offer had, and publish the next one."""
    person = signed_in(request)
    offer = _offer_of(queries.provider_of(person), code)
    prices = list(queries.prices_of(offer))
    form = PriceForm(
        request.POST if request.method == "POST" else None,
        initial={"currency": prices[0].currency if prices else ""},
    )

    def publish() -> HttpResponse:
        given, now = form.cleaned_data, timezone.now()
        actions.publish_price(
            offer=offer,
            rate=given["rate"],
            currency=given["currency"],
            from_at=start_of(given["from_on"]) if given["from_on"] else now,
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request, _("The price is published. Orders placed before keep theirs.")
        )
        return redirect("offer_price", offer.code)

    context = {
        "title": offer.title,
        "caption": offer.code,
        "back": reverse("offers"),
        "submit": _("Publish the price"),
        "tag": statuses.OFFER[offer.status],
        "is_published": offer.status == Offer.Status.PUBLISHED,
        "code": offer.code,
        "rows": [
            {"key": _("Counted in"), "value": Offer.Resource(offer.resource).label},
            {"key": _("Class"), "value": offer.resource_class},
            {"key": _("Region"), "value": offer.region},
            {
                "key": _("Service level"),
                "value": Offer.ServiceLevel(offer.service_level).label,
            },
            {
                "key": _("Typical wait in hours"),
                "value": "" if offer.queue_hours is None else offer.queue_hours,
            },
        ],
        "prices": {
            "caption": _("Every price it had"),
            "columns": [
                _("From"),
                {"label": _("Price of one hour"), "numeric": True},
                _("What you can do"),
            ],
            "rows": [
                [instant(price.from_at), price_told(price), _price_step(price)]
                for price in prices
            ],
        },
    }
    return answer_form(request, form, "providers/offer_price.html", publish, context)


def _price_step(price: Price) -> Any:
    """Return what may still be done with a price: one that has not begun may be taken back."""
    if hasattr(price, "withdrawal"):
        return _("Withdrawn before it began")
    if price.from_at <= timezone.now():
        return _("Nothing: it has begun")
    url = reverse("price_withdraw", args=[price.offer.code, price.pk])
    return {"text": _("Withdraw it before it begins"), "url": url}


@login_required
@require_http_methods(["GET", "POST"])
def price_withdraw(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Take back a price that has not begun."""
    person = signed_in(request)
    offer = _offer_of(queries.provider_of(person), code)
    price = queries.prices_of(offer).filter(pk=pk).select_related("offer__provider").first()
    if price is None:
        raise NotFound(what=str(pk))
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def withdraw() -> HttpResponse:
        actions.withdraw_price(price=price, actor=person, at=timezone.now(), key=form.act_key)
        messages.success(request, _("The price is withdrawn and will not begin."))
        return redirect("offer_price", code)

    context = {
        "title": _("Withdraw this price"),
        "caption": str(offer),
        "back": reverse("offer_price", args=[code]),
        "submit": _("Withdraw"),
        "submit_kind": "warning",
        "rows": [
            {"key": _("Price of one hour"), "value": price_told(price)},
            {"key": _("From"), "value": instant(price.from_at)},
        ],
        "intro": _("The price before it goes on. That this one was planned stays public."),
    }
    return answer_form(request, form, "form_page.html", withdraw, context)


@login_required
@require_http_methods(["GET", "POST"])
def offer_queue(request: HttpRequest, code: str) -> HttpResponse:
    """Say how long a job of an offer typically waits now."""
    person = signed_in(request)
    offer = _offer_of(queries.provider_of(person), code)
    form = QueueForm(
        request.POST if request.method == "POST" else None,
        initial={"queue_hours": offer.queue_hours},
    )

    def state() -> HttpResponse:
        actions.state_queue(
            offer=offer,
            queue_hours=form.cleaned_data["queue_hours"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Buyers see the new typical wait at once."))
        return redirect("offer_price", code)

    context = {
        "title": _("State the typical wait"),
        "caption": str(offer),
        "back": reverse("offer_price", args=[code]),
        "submit": _("Save"),
    }
    return answer_form(request, form, "form_page.html", state, context)


@login_required
@require_http_methods(["GET", "POST"])
def offer_withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Take an offer out of the catalogue; orders placed before go on."""
    person = signed_in(request)
    offer = _offer_of(queries.provider_of(person), code)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def withdraw() -> HttpResponse:
        actions.withdraw_offer(offer=offer, actor=person, at=timezone.now(), key=form.act_key)
        messages.success(request, _("%(offer)s is withdrawn.") % {"offer": offer.code})
        return redirect("offers")

    context = {
        "title": _("Withdraw this offer"),
        "caption": str(offer),
        "back": reverse("offer_price", args=[offer.code]),
        "submit": _("Withdraw"),
        "submit_kind": "warning",
        "intro": _("Buyers will no longer see it. Orders placed before go on."),
    }
    return answer_form(request, form, "form_page.html", withdraw, context)


@login_required
@require_http_methods(["GET", "POST"])
def order_acceptance(request: HttpRequest) -> HttpResponse:
    """Choose whether orders that holders place count at once, or wait for the provider's word."""
    person = signed_in(request)
    provider = queries.provider_of(person)
    form = AcceptanceForm(
        request.POST if request.method == "POST" else None,
        initial={"way": "AT_ONCE" if queries.accepts_at_once(provider) else "EACH"},
    )

    def choose() -> HttpResponse:
        actions.choose_acceptance(
            provider=provider,
            is_at_once=form.cleaned_data["way"] == "AT_ONCE",
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Your choice counts for orders from now on."))
        return redirect("order_acceptance")

    context = {
        "title": _("How you take orders"),
        "caption": provider.organisation.name_here,
        "back": reverse("provider_home"),
        "submit": _("Save"),
        "intro": _(
            "An order that waits has its value held. What you don’t answer in the days that the "
            "programme gives lapses, and the value goes back to the holder."
        ),
    }
    return answer_form(request, form, "form_page.html", choose, context)


def _offer_of(provider: Provider, code: str) -> Offer:
    offer = queries.offers_of(provider).filter(code=code).first()
    if offer is None:
        raise NotFound(what=code)
    return offer
