"""What people do with an order: answer, change, cancel, release, and name who may use it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
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
from vouchers.views.vouchers import is_of_holder, is_officer


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


def may_release(person: User, found: Order) -> bool:
    """Say whether a person is somebody who may let an order go."""
    by_holder = found.placed_by == Order.PlacedBy.HOLDER
    return (
        (by_holder and is_of_holder(person, found.voucher))
        or is_of_provider(person, found)
        or is_officer(person, found.voucher)
    )


def _facts(found: Order) -> list[dict[str, Any]]:
    unit, zone = found.voucher.unit, found.voucher.programme.zone
    rows: list[dict[str, Any]] = [
        {"key": _("Offer"), "value": found.offer.title},
        {"key": _("Holder"), "value": found.voucher.organisation.name_here},
        {"key": _("Provider"), "value": found.offer.provider.organisation.name_here},
        {"key": _("Time ordered"), "value": gpu_hours(found.quantity_ms)},
        {"key": _("Price of the order"), "value": money(found.price_total, unit)},
        {"key": _("Set aside of the voucher"), "value": money(found.hold_amount, unit)},
    ]
    if found.status == Order.Status.PLACED:
        rows.append({"key": _("To be accepted by"), "value": instant(found.accept_by, zone)})
    return rows


def _sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _answer(
    request: HttpRequest,
    found: Order,
    form: KeyedForm,
    act: Callable[..., Any],
    done: Callable[[Any], str],
    **page: Any,
) -> HttpResponse:
    """Show the form of an act on an order; once sent, do it, say so, and lead to the order.

    :param act: takes the form's answers by their names, beside actor, instant and key.
    :param done: says what was done, from what the act answered.
    """

    def do() -> HttpResponse:
        given = {name: told for name, told in form.cleaned_data.items() if name != "key"}
        answer = act(**given, actor=signed_in(request), at=timezone.now(), key=form.act_key)
        messages.success(request, done(answer))
        return redirect("order", found.code)

    context = {"caption": found.code, "back": reverse("order", args=[found.code]), **page}
    return answer_form(request, form, "form_page.html", do, context)


@login_required
@require_http_methods(["GET", "POST"])
def order_accept(request: HttpRequest, code: str) -> HttpResponse:
    """Take an order that waits for its provider's word, as it was read."""
    found = order_for(signed_in(request), code, provider=True)
    return _answer(
        request,
        found,
        AcceptForm(_sent(request), initial={"hours": hours_words(found.quantity_ms)}),
        partial(actions.accept_order, order=found),
        lambda order: _("%(order)s is accepted. It can be used.") % {"order": order.code},
        title=_("Accept this order"),
        submit=_("Accept"),
        intro=_("The holder is told, and may use the order at once."),
        rows=_facts(found),
    )


@login_required
@require_http_methods(["GET", "POST"])
def order_decline(request: HttpRequest, code: str) -> HttpResponse:
    """Say no to an order that waits for its provider's word, and why."""
    found = order_for(signed_in(request), code, provider=True)
    return _answer(
        request,
        found,
        ReasonForm(_sent(request)),
        partial(actions.decline_order, order=found),
        lambda order: _("%(order)s is declined.") % {"order": order.code},
        title=_("Decline this order"),
        submit=_("Decline"),
        submit_kind="warning",
        intro=_("What is held goes back to the voucher at once. The holder reads your reason."),
        rows=_facts(found),
    )


@login_required
@require_http_methods(["GET", "POST"])
def order_change(request: HttpRequest, code: str) -> HttpResponse:
    """Give an order more or fewer hours; its hold follows."""
    found = order_for(signed_in(request), code, holder=True, provider=True)
    use = queries.order_use(found)

    def done(changed: Order) -> str:
        held = money(ledger.hold_remaining(changed.hold), changed.voucher.unit)
        told = {"order": changed.code, "held": held}
        return _("%(order)s is changed; %(held)s is held now.") % told

    return _answer(
        request,
        found,
        ChangeForm(_sent(request), initial={"hours": hours_words(found.quantity_ms)}),
        partial(actions.change_order, order=found),
        done,
        title=_("Change the hours"),
        submit=_("Change the order"),
        intro=_(
            "The price and the programme’s share stay those of the day it was placed. What was "
            "used or billed stays: %(used)s so far."
        )
        % {"used": gpu_hours(max(use.used_ms, use.billed_ms))},
        rows=_facts(found),
    )


@login_required
@require_http_methods(["GET", "POST"])
def order_cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Call an order off before use, and say why."""
    found = order_for(signed_in(request), code, holder=True, provider=True)
    return _answer(
        request,
        found,
        ReasonForm(_sent(request)),
        partial(actions.cancel_order, order=found),
        lambda order: _("%(order)s is cancelled.") % {"order": order.code},
        title=_("Cancel this order"),
        submit=_("Cancel the order"),
        submit_kind="warning",
        intro=_(
            "What is held goes back to the voucher at once. The other side reads your reason."
        ),
        rows=_facts(found),
    )


@login_required
@require_http_methods(["GET", "POST"])
def order_release(request: HttpRequest, code: str) -> HttpResponse:
    """Let an order go: what it still holds becomes free again."""
    person = signed_in(request)
    found = queries.order_of(person, code)
    if not may_release(person, found):
        raise NotFound(what=code)
    left = money(ledger.hold_remaining(found.hold), found.voucher.unit)
    return _answer(
        request,
        found,
        KeyedForm(_sent(request)),
        partial(actions.release_hold, order=found),
        lambda order: _("%(order)s is released.") % {"order": order.code},
        title=_("Release this order"),
        submit=_("Release"),
        submit_kind="warning",
        intro=_("%(amount)s go back to the voucher, and the order ends.") % {"amount": left},
    )


@login_required
@require_http_methods(["GET", "POST"])
def order_user_new(request: HttpRequest, code: str) -> HttpResponse:
    """Name somebody who may use an order."""
    found = order_for(signed_in(request), code, holder=True)
    return _answer(
        request,
        found,
        OrderUserForm(_sent(request)),
        partial(actions.name_order_user, order=found),
        lambda user: (
            _("%(name)s may use the order. The provider is told.") % {"name": user.name}
        ),
        title=_("Name somebody who may use it"),
        submit=_("Let them use it"),
        intro=_(
            "The provider sees the name and how to find the person, and lets them in. You can "
            "end it at any time."
        ),
    )


@login_required
@require_http_methods(["GET", "POST"])
def order_user_end(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Let somebody use an order no longer."""
    found = order_for(signed_in(request), code, holder=True)
    user = found.users.filter(pk=pk).first()
    if user is None:
        raise NotFound(what=str(pk))
    return _answer(
        request,
        found,
        KeyedForm(_sent(request)),
        partial(actions.end_order_user, user=user),
        lambda ended: _("%(name)s may not use the order any more.") % {"name": ended.name},
        title=_("End this person’s use"),
        submit=_("End it"),
        submit_kind="warning",
        intro=_("The provider is asked to let %(name)s in no longer.") % {"name": user.name},
    )
