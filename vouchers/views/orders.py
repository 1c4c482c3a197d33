"""A holder's orders: the price first, then the hold."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import NotFound, Refused
from common.formatting import gpu_hours, instant, money
from common.forms import answer_form, words_of
from ledger import queries as ledger
from parties.authentication import signed_in
from parties.queries import has_role
from parties.roles import Role
from providers.models import Offer
from providers.queries import offers_published, prices_in_force, suspension_in_force
from providers.told import price_told, suspension_told
from vouchers import actions, queries
from vouchers.actions.quotes import Quote, quote_order
from vouchers.forms.orders import HoldForm, OrderFilter, QuoteForm
from vouchers.models import Order, Voucher
from vouchers.views.decisions_shown import working_lines
from vouchers.views.order_acts import is_of_provider, may_release
from vouchers.views.shown import (
    order_bar,
    order_columns,
    order_rows,
    order_status,
    timeline,
)
from vouchers.views.vouchers import is_of_holder

PAGE = 50
LINES_SHOWN = 10


@login_required
@require_http_methods(["GET", "POST"])
def hold_new(request: HttpRequest, code: str) -> HttpResponse:
    """Choose an offer and hours, see the price and who pays which part, then place the hold."""
    person = signed_in(request)
    found = queries.voucher_of(person, code)
    if not is_of_holder(person, found):
        raise NotFound(what=code)
    offers = offers_for(found)
    choices = offer_choices(found, offers)
    is_sent = request.method == "POST"
    form = HoldForm(request.POST, offers=choices) if is_sent else None
    chosen = request.POST if is_sent else request.GET
    # An offer alone was chosen in the catalogue: the hours are still to be typed.
    quote_form = QuoteForm(
        chosen if "hours" in chosen else None,
        initial={"offer": chosen.get("offer", "")},
        offers=choices,
    )
    quote = _quote_of(quote_form, found, offers)
    context = {
        "title": _("Place an order"),
        "voucher": found,
        "programme": found.programme.title_here,
        "free": money(queries.voucher_balance(found).free, found.unit),
        "quote_form": quote_form,
        "quote": quote,
        "has_offers": bool(offers),
    }

    def place() -> HttpResponse:
        assert form is not None
        order = actions.place_hold(
            voucher=found,
            offer=offers[form.cleaned_data["offer"]],
            hours=form.cleaned_data["hours"],
            provider_reference=form.cleaned_data["provider_reference"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        return redirect("order", order.code)

    shown = form or HoldForm(initial=request.GET.dict(), offers=choices)
    return answer_form(request, shown, "vouchers/hold_new.html", place, context)


def offers_for(voucher: Voucher) -> dict[str, Offer]:
    """Return what a voucher can be used for, by code: its class in kind, else all with a price."""
    unit = voucher.unit
    if unit.startswith("GPU:"):
        kind = unit.removeprefix("GPU:")
        found = offers_published(at=timezone.now(), resource="GPU", resource_class=kind)
        return {offer.code: offer for offer in found}
    offers = {offer.pk: offer for offer in offers_published(at=timezone.now())}
    priced = prices_in_force(offers.values(), timezone.now())
    return {offers[pk].code: offers[pk] for pk, currency in priced if currency == unit}


def offer_choices(voucher: Voucher, offers: dict[str, Offer]) -> list[tuple[str, str]]:
    """Return offers as choices, each with its provider and price."""
    prices = {
        price.offer_id: price_told(price)
        for price in prices_in_force(offers.values(), timezone.now()).values()
        if price.currency == voucher.unit
    }
    return [
        (
            code,
            ", ".join(
                filter(
                    None,
                    (
                        offer.title,
                        offer.provider.organisation.name_here,
                        prices.get(offer.pk, ""),
                    ),
                )
            ),
        )
        for code, offer in offers.items()
    ]


def _quote_of(
    form: QuoteForm, voucher: Voucher, offers: dict[str, Offer]
) -> dict[str, Any] | None:
    """Return the price of what was chosen and who pays which part; None before a choice."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        quote = quote_order(
            voucher=voucher,
            offer=offers[form.cleaned_data["offer"]],
            hours=form.cleaned_data["hours"],
            at=timezone.now(),
        )
    except Refused as refusal:
        form.add_error(None, words_of(refusal))
        return None
    return quote_shown(quote, voucher.unit, voucher.programme.zone)


def quote_shown(quote: Quote, unit: str, zone: str, *, waits: bool = True) -> dict[str, Any]:
    """Return a price and its parts in rows, with the working.

    :param waits: say until when the provider would have to accept it.
    """
    rows: list[dict[str, Any]] = []
    if quote.price is not None:
        rows.append({"key": _("Price of one hour"), "value": price_told(quote.price)})
    rows += [
        {"key": _("Price of the order"), "value": money(quote.price_total, unit)},
        {"key": _("The voucher pays at most"), "value": money(quote.hold_amount, unit)},
        {
            "key": _("The holder pays"),
            "value": money(quote.own_share, unit),
        },
        {"key": _("Held until"), "value": instant(quote.lapses_at, zone)},
    ]
    if waits and quote.accept_by is not None:
        rows.append(
            {
                "key": _("The provider accepts it itself, by"),
                "value": instant(quote.accept_by, zone),
            }
        )
    return {"rows": rows, "working": working_lines([line.to_dict() for line in quote.working])}


@login_required
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """List the orders that a person may see, those that wait for a provider's word first."""
    person = signed_in(request)
    form = OrderFilter(request.GET)
    form.is_valid()
    given = {name: form.cleaned_data.get(name, "") for name in ("words", "status")}
    found = queries.orders_matching(person, words=given["words"], status=given["status"])
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "query": urlencode({name: value for name, value in given.items() if value}),
        "columns": order_columns(),
        "rows": order_rows(page.object_list, "UTC"),
        "is_filtered": any(given.values()),
        "is_provider": has_role(person, Role.PROVIDER),
    }
    return render(request, "vouchers/orders.html", context)


@login_required
@require_GET
def order(request: HttpRequest, code: str) -> HttpResponse:
    """Show one order: its state, its price, what was used and billed, what its hold has left."""
    person = signed_in(request)
    found = queries.order_of(person, code)
    suspension = suspension_in_force(found.offer.provider, timezone.now())
    use, left = queries.order_use(found), ledger.hold_remaining(found.hold)
    is_holder, is_provider = is_of_holder(person, found.voucher), is_of_provider(person, found)
    is_holding = found.status in Order.HOLDING
    context = {
        "order": found,
        "tag": order_status(found, use),
        "bar": order_bar(found, use),
        "figures": _figures(found, use, left),
        "rows": _facts(found),
        "working": working_lines(found.working),
        "suspension": suspension_told(suspension) if suspension else None,
        "changes": _changes(found),
        "users": _users(found, is_holder=is_holder) if is_holder or is_provider else None,
        "lines": _lines(found, is_holder=is_holder),
        "archived": queries.lines_archived(found),
        "questions": _questions(found, is_provider=is_provider),
        "can_answer": is_provider and found.status == Order.Status.PLACED,
        "can_change": is_holding and (is_holder or is_provider),
        "can_cancel": is_holding and not use.used_ms and (is_holder or is_provider),
        "can_release": is_holding and may_release(person, found),
        "can_name": is_holding and is_holder,
        "sees_voucher": queries.vouchers_visible_to(person)
        .filter(pk=found.voucher_id)
        .exists(),
        "events": timeline(found.voucher.address, order=found.code),
        "zone": found.voucher.programme.zone,
    }
    return render(request, "vouchers/order.html", context)


def _figures(found: Order, use: queries.OrderUse, left: int) -> list[dict[str, Any]]:
    unit = found.voucher.unit
    return [
        {"value": gpu_hours(use.used_ms), "label": _("Used")},
        {"value": gpu_hours(use.billed_ms), "label": _("Billed")},
        {"value": gpu_hours(use.left_ms), "label": _("Left")},
        {"value": money(use.covered, unit), "label": _("Paid from the voucher")},
        {"value": money(left, unit), "label": _("Still held")},
    ]


def _facts(found: Order) -> list[dict[str, Any]]:
    unit, zone = found.voucher.unit, found.voucher.programme.zone
    rows: list[dict[str, Any]] = [
        {"key": _("Offer"), "value": found.offer.title},
        {"key": _("Provider"), "value": found.offer.provider.organisation.name_here},
        {"key": _("Holder"), "value": found.voucher.organisation.name_here},
        {"key": _("Time ordered"), "value": gpu_hours(found.quantity_ms)},
        {"key": _("Price of the order"), "value": money(found.price_total, unit)},
        {"key": _("Set aside of the voucher"), "value": money(found.hold_amount, unit)},
        {"key": _("Placed"), "value": instant(found.placed_at, zone)},
        {"key": _("Lapses"), "value": instant(found.lapses_at, zone)},
        {"key": _("Placed by"), "value": Order.PlacedBy(found.placed_by).label},
        {"key": _("The provider’s reference"), "value": found.provider_reference},
    ]
    if found.status == Order.Status.PLACED:
        rows.append({"key": _("To be accepted by"), "value": instant(found.accept_by, zone)})
    if found.end_note:
        rows.append({"key": _("Why it ended"), "value": found.end_note})
    return rows


def _lines(found: Order, *, is_holder: bool) -> dict[str, Any]:
    """Return the newest lines of use as a table, each with a way to ask about it."""
    used = queries.lines_used(found, LINES_SHOWN)
    rows: list[list[Any]] = [
        [f"{one.source}/{one.key}", instant(one.started_at), gpu_hours(one.quantity_ms)]
        for one in used
    ]
    columns: list[Any] = [_("Usage"), _("From"), {"label": _("Hours"), "numeric": True}]
    # What the apps above this one know of each line.
    for name in settings.BESIDE_USE:
        columns, rows = import_string(name)(columns, rows, [one.pk for one in used])
    if is_holder:
        columns.append(_("What you can do"))
        url = reverse("use_question_new", args=[found.code])
        for row in rows:
            row.append(
                {
                    "text": _("Ask about %(line)s") % {"line": row[0]},
                    "url": f"{url}?{urlencode({'line': row[0]})}",
                }
            )
    return {"caption": _("Newest use"), "columns": columns, "rows": rows}


def _questions(found: Order, *, is_provider: bool) -> dict[str, Any]:
    rows: list[list[Any]] = []
    for one in queries.questions_of(found):
        reply: Any = one.answer.text if hasattr(one, "answer") else _("Not answered yet")
        if is_provider and not hasattr(one, "answer"):
            url = reverse("use_question_answer", args=[found.code, one.pk])
            reply = {"text": _("Answer about %(line)s") % {"line": one.line}, "url": url}
        rows.append([one.line, one.text, instant(one.asked_at), reply])
    return {
        "caption": _("Questions about use"),
        "columns": [_("Usage"), _("Question"), _("Asked"), _("Answer")],
        "rows": rows,
    }


def _changes(found: Order) -> dict[str, Any]:
    unit, zone = found.voucher.unit, found.voucher.programme.zone
    return {
        "caption": _("How it was changed"),
        "columns": [
            _("When"),
            {"label": _("Hours before"), "numeric": True},
            {"label": _("Hours after"), "numeric": True},
            {"label": _("Set aside"), "numeric": True},
            _("Reason"),
        ],
        "rows": [
            [
                instant(one.changed_at, zone),
                gpu_hours(one.quantity_ms_before),
                gpu_hours(one.quantity_ms),
                money(one.hold_amount, unit),
                one.reason,
            ]
            for one in found.changes.order_by("-pk")
        ],
    }


def _users(found: Order, *, is_holder: bool) -> dict[str, Any]:
    rows: list[list[Any]] = []
    for one in queries.users_of(found):
        row: list[Any] = [one.name, one.email, one.login]
        if is_holder:
            url = reverse("order_user_end", args=[found.code, one.pk])
            row.append({"text": _("End the use of %(name)s") % {"name": one.name}, "url": url})
        rows.append(row)
    columns = [_("Name"), _("E-mail address"), _("Login at the provider")]
    if is_holder:
        columns.append(_("What you can do"))
    return {"caption": _("Who may use it"), "columns": columns, "rows": rows}
