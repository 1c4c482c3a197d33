"""A provider's offers, with every price they had."""

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
from common.formatting import instant
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from providers import actions, queries, statuses
from providers.forms import AcceptanceForm, OfferForm, PriceForm
from providers.models import Offer, Price, Provider


@login_required
@require_GET
def offers(request: HttpRequest) -> HttpResponse:
    """List a provider's offers with what an hour costs now."""
    provider = queries.provider_of(signed_in(request))
    found = list(queries.offers_of(provider).order_by("status", "code"))
    prices = queries.prices_in_force(found, timezone.now())
    context = {
        "name": provider.organisation.name,
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
                    price_text(price) for price in prices.values() if price.offer_id == offer.pk
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
    """Publish an offer with its first price."""
    person = signed_in(request)
    provider = queries.provider_of(person)
    form = OfferForm(request.POST if request.method == "POST" else None)

    def publish() -> HttpResponse:
        given = form.cleaned_data
        offer = actions.publish_offer(
            provider=provider,
            title=given["title"],
            resource=given["resource"],
            resource_class=given["resource_class"],
            region=given["region"],
            rate=given["rate"],
            currency=given["currency"],
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
        "caption": provider.organisation.name,
        "back": reverse("offers"),
        "submit": _("Publish"),
    }
    return answer_form(request, form, "form_page.html", publish, context)


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
        ],
        "prices": {
            "caption": _("Every price it had"),
            "columns": [_("From"), {"label": _("Price of one hour"), "numeric": True}],
            "rows": [[instant(price.from_at), price_text(price)] for price in prices],
        },
    }
    return answer_form(request, form, "providers/offer_price.html", publish, context)


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
        "caption": provider.organisation.name,
        "back": reverse("provider_home"),
        "submit": _("Save"),
        "intro": _(
            "An order that waits has its value held. What you don’t answer in the days that the "
            "programme gives lapses, and the value goes back to the holder."
        ),
    }
    return answer_form(request, form, "form_page.html", choose, context)


def price_text(price: Price) -> str:
    """Write a price as its currency and rate, without idle noughts beyond two decimals."""
    whole, _point, part = f"{price.rate:,.4f}".partition(".")
    return f"{price.currency} {whole}.{part.rstrip('0'):0<2}"


def _offer_of(provider: Provider, code: str) -> Offer:
    offer = queries.offers_of(provider).filter(code=code).first()
    if offer is None:
        raise NotFound(what=code)
    return offer
