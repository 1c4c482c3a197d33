"""What the two sides of an order do with it: answer, change, cancel, and name who may use it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.errors import NotFound
from common.formatting import gpu_hours, instant, money
from common.forms import KeyedForm, answer_form
from common.money import hours_words
from ledger import queries as ledger
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role
from parties.roles import Role
from vouchers import actions, queries
from vouchers.forms.orders import AcceptForm, ChangeForm, OrderUserForm, ReasonForm
from vouchers.models import Order
from vouchers.views.vouchers import is_of_holder


def is_of_provider(person: User, found: Order) -> bool:
    """Say whether a person acts for the provider of an order."""
    return has_role(person, Role.PROVIDER, organisation=found.offer.provider.organisation)


def order_for(
    person: User, code: str, *, holder: bool = False, provider: bool = False
) -> Order:
    """Return an order of which a person is on one of the sides that may do something.

    :raises NotFound: if the person sees no such order, or is on neither.
    """
    found = queries.order_of(person, code)
    may = (holder and is_of_holder(person, found.voucher)) or (
        provider and is_of_provider(person, found)
    )
    if not may:
        raise NotFound(what=code)
    return found


def _facts(found: Order) -> list[dict[str, Any]]:
    unit, zone = found.voucher.unit, found.voucher.programme.zone
    rows: list[dict[str, Any]] = [
        {"key": _("Offer"), "value": found.offer.title},
        {"key": _("Holder"), "value": found.voucher.organisation.name},
        {"key": _("Provider"), "value": found.offer.provider.organisation.name},
        {"key": _("Time ordered"), "value": gpu_hours(found.quantity_ms)},
        {"key": _("Price of the order"), "value": money(found.price_total, unit)},
        {"key": _("Set aside of the voucher"), "value": money(found.hold_amount, unit)},
    ]
    if found.status == Order.Status.PLACED:
        rows.append({"key": _("To be accepted by"), "value": instant(found.accept_by, zone)})
    return rows


def _page(found: Order, **more: Any) -> dict[str, Any]:
    return {
        "caption": found.code,
        "back": reverse("order", args=[found.code]),
        "rows": _facts(found),
        **more,
    }


@login_required
@require_http_methods(["GET", "POST"])
def order_accept(request: HttpRequest, code: str) -> HttpResponse:
    """Take an order that waits for its provider's word, as it was read."""
    person = signed_in(request)
    found = order_for(person, code, provider=True)
    form = AcceptForm(
        request.POST if request.method == "POST" else None,
        initial={"hours": hours_words(found.quantity_ms)},
    )

    def accept() -> HttpResponse:
        actions.accept_order(
            order=found,
            hours=form.cleaned_data["hours"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("%(order)s is accepted. It can be used.") % {"order": code})
        return redirect("order", code)

    context = _page(
        found,
        title=_("Accept this order"),
        submit=_("Accept"),
        intro=_("The holder is told, and may use the order at once."),
    )
    return answer_form(request, form, "form_page.html", accept, context)


@login_required
@require_http_methods(["GET", "POST"])
def order_decline(request: HttpRequest, code: str) -> HttpResponse:
    """Say no to an order that waits for its provider's word, and why."""
    person = signed_in(request)
    found = order_for(person, code, provider=True)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def decline() -> HttpResponse:
        actions.decline_order(
            order=found,
            reason=form.cleaned_data["reason"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("%(order)s is declined.") % {"order": code})
        return redirect("order", code)

    context = _page(
        found,
        title=_("Decline this order"),
        submit=_("Decline"),
        submit_kind="warning",
        intro=_("What is held goes back to the voucher at once. The holder reads your reason."),
    )
    return answer_form(request, form, "form_page.html", decline, context)


@login_required
@require_http_methods(["GET", "POST"])
def order_change(request: HttpRequest, code: str) -> HttpResponse:
    """Give an order more or fewer hours; its hold follows."""
    person = signed_in(request)
    found = order_for(person, code, holder=True, provider=True)
    use = queries.order_use(found)
    form = ChangeForm(
        request.POST if request.method == "POST" else None,
        initial={"hours": hours_words(found.quantity_ms)},
    )

    def change() -> HttpResponse:
        changed = actions.change_order(
            order=found,
            hours=form.cleaned_data["hours"],
            reason=form.cleaned_data["reason"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        held = money(ledger.hold_remaining(changed.hold), found.voucher.unit)
        messages.success(
            request,
            _("%(order)s is changed; %(held)s is held now.") % {"order": code, "held": held},
        )
        return redirect("order", code)

    used = max(use.used_ms, use.billed_ms)
    context = _page(
        found,
        title=_("Change the hours"),
        submit=_("Change the order"),
        intro=_(
            "The price and the programme’s share stay those of the day it was placed. What was "
            "used or billed stays: %(used)s so far."
        )
        % {"used": gpu_hours(used)},
    )
    return answer_form(request, form, "form_page.html", change, context)


@login_required
@require_http_methods(["GET", "POST"])
def order_cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Call an order off before use, and say why."""
    person = signed_in(request)
    found = order_for(person, code, holder=True, provider=True)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def cancel() -> HttpResponse:
        actions.cancel_order(
            order=found,
            reason=form.cleaned_data["reason"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("%(order)s is cancelled.") % {"order": code})
        return redirect("order", code)

    context = _page(
        found,
        title=_("Cancel this order"),
        submit=_("Cancel the order"),
        submit_kind="warning",
        intro=_(
            "What is held goes back to the voucher at once. The other side reads your reason."
        ),
    )
    return answer_form(request, form, "form_page.html", cancel, context)


@login_required
@require_http_methods(["GET", "POST"])
def order_user_new(request: HttpRequest, code: str) -> HttpResponse:
    """Name somebody who may use an order."""
    person = signed_in(request)
    found = order_for(person, code, holder=True)
    form = OrderUserForm(request.POST if request.method == "POST" else None)

    def name() -> HttpResponse:
        given = form.cleaned_data
        user = actions.name_order_user(
            order=found,
            name=given["name"],
            email=given["email"],
            login=given["login"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request,
            _("%(name)s may use the order. The provider is told.") % {"name": user.name},
        )
        return redirect("order", code)

    context = {
        "title": _("Name somebody who may use it"),
        "caption": code,
        "back": reverse("order", args=[code]),
        "submit": _("Let them use it"),
        "intro": _(
            "The provider sees the name and how to find the person, and lets them in. You can "
            "end it at any time."
        ),
    }
    return answer_form(request, form, "form_page.html", name, context)


@login_required
@require_http_methods(["GET", "POST"])
def order_user_end(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Let somebody use an order no longer."""
    person = signed_in(request)
    found = order_for(person, code, holder=True)
    user = found.users.filter(pk=pk).first()
    if user is None:
        raise NotFound(what=str(pk))
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def end() -> HttpResponse:
        actions.end_order_user(user=user, actor=person, at=timezone.now(), key=form.act_key)
        messages.success(
            request, _("%(name)s may not use the order any more.") % {"name": user.name}
        )
        return redirect("order", code)

    context = {
        "title": _("End this person’s use"),
        "caption": code,
        "back": reverse("order", args=[code]),
        "submit": _("End it"),
        "submit_kind": "warning",
        "intro": _("The provider is asked to let %(name)s in no longer.") % {"name": user.name},
    }
    return answer_form(request, form, "form_page.html", end, context)
