"""A provider's way with a holder's code: check what it offers, then confirm."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.errors import Refused
from common.forms import (
    answer_form,
    forget_errors,
    language_pressed,
    remember_language,
    words_of,
)
from parties.authentication import signed_in
from providers.models import Offer
from providers.queries import offers_of, prices_in_force, provider_of
from providers.told import price_told
from vouchers import actions, queries
from vouchers.actions.quotes import quote_order
from vouchers.forms.orders import RedeemForm
from vouchers.models import Voucher
from vouchers.views.orders import quote_shown
from vouchers.views.shown import day_words, order_columns, order_rows


@login_required
@require_http_methods(["GET", "POST"])
def redeem(request: HttpRequest) -> HttpResponse:
    """Take a code, offer and hours; show what the voucher gives; place the order once confirmed."""
    person = signed_in(request)
    provider = provider_of(person)
    offers = {
        offer.code: offer for offer in offers_of(provider).filter(status=Offer.Status.PUBLISHED)
    }
    form = RedeemForm(
        request.POST if request.method == "POST" else None, offers=_choices(offers)
    )

    def confirm() -> HttpResponse:
        given = form.cleaned_data
        order = actions.redeem_code(
            redemption_code=given["redemption_code"],
            provider=provider,
            offer=offers[given["offer"]],
            hours=given["hours"],
            provider_reference=given["provider_reference"],
            actor=provider.address,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("The order is placed and its value is held for you."))
        return redirect("order", order.code)

    recent = list(queries.orders_with(provider)[:10])
    context = {
        "name": provider.organisation.name_here,
        "has_offers": bool(offers),
        "columns": order_columns(),
        "order_rows": order_rows(recent, "UTC"),
    }
    if request.method == "POST" and request.POST.get("step") == "check":
        return _check(request, form, offers, context)
    return answer_form(request, form, "vouchers/redeem.html", confirm, context)


def _check(
    request: HttpRequest, form: RedeemForm, offers: dict[str, Offer], context: dict[str, Any]
) -> HttpResponse:
    """Show what the code gives for this order, with the button that confirms it."""
    language = language_pressed(request)
    if form.is_valid() and language is None:
        try:
            shown = _preview(form, offers)
        except Refused as refusal:
            form.add_error(None, words_of(refusal))
        else:
            form.hide()
            return render(request, "vouchers/redeem_check.html", {"form": form, **shown})
    if language is not None:
        forget_errors(form)
    response = render(request, "vouchers/redeem.html", {"form": form, **context})
    return remember_language(response, language)


def _preview(form: RedeemForm, offers: dict[str, Offer]) -> dict[str, Any]:
    given = form.cleaned_data
    voucher = queries.voucher_by_redemption_code(given["redemption_code"])
    if voucher is None:
        raise actions.CodeUnknown(code=given["redemption_code"][:24])
    offer = offers[given["offer"]]
    quote = quote_order(voucher=voucher, offer=offer, hours=given["hours"], at=timezone.now())
    return {
        "rows": _voucher_rows(voucher, offer, given),
        "quote": quote_shown(quote, voucher.unit, voucher.programme.zone, waits=False),
    }


def _voucher_rows(
    voucher: Voucher, offer: Offer, given: dict[str, Any]
) -> list[dict[str, Any]]:
    return [
        {"key": _("Programme"), "value": voucher.programme.title_here},
        {"key": _("Holder"), "value": voucher.organisation.name_here},
        {"key": _("Last day of the voucher"), "value": day_words(voucher.valid_until_on)},
        {"key": _("Your offer"), "value": offer.title},
        {"key": _("GPU-hours"), "value": f"{given['hours']:,f}"},
        {"key": _("Your own reference"), "value": given["provider_reference"]},
    ]


def _choices(offers: dict[str, Offer]) -> list[tuple[str, str]]:
    prices: dict[int, list[str]] = {}
    for price in prices_in_force(offers.values(), timezone.now()).values():
        prices.setdefault(price.offer_id, []).append(price_told(price))
    return [
        (code, ", ".join([offer.title, *prices.get(offer.pk, [])]))
        for code, offer in offers.items()
    ]
