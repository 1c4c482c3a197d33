"""A voucher's pages: what is left of it, its orders, and giving back or stopping it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.days import day_of
from common.downloads import file_answer
from common.errors import NotFound
from common.formatting import money
from common.forms import answer_form
from common.qr_codes import qr_code
from ledger.queries import Balance
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role, organisations_of
from parties.roles import Role
from vouchers import actions, queries
from vouchers.forms.decisions import NoteForm, ReturnForm, RevokeForm
from vouchers.models import Programme, Voucher
from vouchers.papers import voucher_paper
from vouchers.views.shown import (
    day_words,
    extensions_shown,
    order_columns,
    order_rows,
    timeline,
    voucher_bar,
    voucher_status,
)
from vouchers.views.targets import target_shown

PAGE = 50
_LIVE = (Voucher.Status.ACTIVE, Voucher.Status.SUSPENDED)


@login_required
@require_GET
def vouchers(request: HttpRequest) -> HttpResponse:
    """List the vouchers that a person may see, each with what is free and its last day."""
    person, now = signed_in(request), timezone.now()
    page = Paginator(queries.vouchers_visible_to(person), PAGE).get_page(
        request.GET.get("page")
    )
    found = list(page.object_list)
    balances = queries.voucher_balances(found)
    own = set(organisations_of(person, Role.APPLICANT).values_list("pk", flat=True))
    context = {
        "vouchers": [
            {
                "code": one.code,
                "title": one.programme.title_here,
                "holder": "" if one.organisation_id in own else one.organisation.name_here,
                "free": money(balances[one.code].free, one.unit),
                "amount": money(one.amount, one.unit),
                "until": one.valid_until_on,
                "tag": voucher_status(one, balances[one.code], day_of(now, one.programme.zone)),
            }
            for one in found
        ],
        "page": page,
        "is_applicant": bool(own),
    }
    return render(request, "vouchers/vouchers.html", context)


@login_required
@require_GET
def voucher(request: HttpRequest, code: str) -> HttpResponse:
    """Show one voucher: used, held and free, its orders, its code, and what happened to it."""
    person, now = signed_in(request), timezone.now()
    found = queries.voucher_of(person, code)
    balance = queries.voucher_balance(found)
    zone = found.programme.zone
    orders = list(queries.orders_of(found))
    is_holder = is_of_holder(person, found)
    is_active = found.status == Voucher.Status.ACTIVE
    is_staff = is_officer(person, found)
    pays_after_use = found.programme.is_claimed_after_use
    has_target = found.programme.mode == Programme.Mode.M7
    pays_provider = pays_after_use and queries.pays_supply_side(found)
    target = target_shown(found, person) if has_target else None
    context = {
        "voucher": found,
        "title": found.programme.title_here,
        "tag": voucher_status(found, balance, day_of(now, zone)),
        "rows": _facts(found, balance, is_holder),
        "bar": voucher_bar(found, balance),
        "free": money(balance.free, found.unit),
        "held": money(balance.pending, found.unit),
        "spent": money(balance.debit, found.unit),
        "until": found.valid_until_on,
        "is_holder": is_holder,
        "pays_after_use": pays_after_use,
        "can_order": is_holder and is_active and balance.free > 0 and not pays_after_use,
        "can_claim": is_holder
        and pays_after_use
        and balance.free > 0
        and not has_target
        and not pays_provider,
        "pays_provider": pays_provider,
        "can_return": is_holder
        and is_active
        and balance.free > 0
        and not (has_target and pays_provider),
        "target": target,
        "can_assess": has_target and is_active and is_staff,
        "can_suspend": is_active and is_staff,
        "can_revoke": is_staff and found.status in _LIVE,
        "can_extend": is_holder
        and is_active
        and queries.extensions_left(found) > 0
        and queries.extension_open(found) is None
        and found.valid_until_on >= day_of(now, zone),
        "can_decide_extension": is_staff and queries.extension_open(found) is not None,
        "can_resume": found.status == Voucher.Status.SUSPENDED and is_staff,
        "extensions": extensions_shown(found),
        "parts": _parts_table(found),
        "can_split": is_holder
        and is_active
        and balance.free > 0
        and found.parent_id is None
        and queries.holding_rule(found).split == "ALLOW",
        "can_take_back": is_holder
        and is_active
        and balance.free > 0
        and found.parent_id is not None,
        "order_columns": order_columns(),
        "order_rows": order_rows(orders, zone),
        "events": timeline(found.address, also=[found.act_id]),
        "zone": zone,
    }
    return render(request, "vouchers/voucher.html", context)


def _facts(found: Voucher, balance: Balance, is_holder: bool) -> list[dict[str, Any]]:
    reference = found.award.application.reference
    rows = [
        {"key": _("Holder"), "value": found.organisation.name_here},
        {"key": _("Issued for"), "value": money(found.amount, found.unit)},
        {"key": _("Valid from"), "value": day_words(found.valid_from_on)},
        {"key": _("Last day"), "value": day_words(found.valid_until_on)},
        {
            "key": _("Application"),
            "value": reference,
            "url": reverse("application", args=[reference]),
            "action": _("See"),
        },
    ]
    if is_holder:
        rows.insert(1, {"key": _("Redemption code"), "value": masked(found.redemption_code)})
    if found.parent is not None:
        whole = {
            "key": _("Part of"),
            "value": found.parent.code,
            "url": reverse("voucher", args=[found.parent.code]),
            "action": _("See"),
        }
        rows[1:1] = [{"key": _("For"), "value": found.label}, whole]
    revocation = getattr(found, "revocation", None)
    if revocation is not None:
        rows.append({"key": _("Revoked because"), "value": revocation.note})
    return rows


def _parts_table(found: Voucher) -> dict[str, Any]:
    parts = list(queries.parts_of(found))
    balances = queries.voucher_balances(parts)
    return {
        "caption": _("Set apart for teams"),
        "columns": [
            _("Team or project"),
            _("Voucher"),
            {"label": _("Free"), "numeric": True},
            {"label": _("Held for orders"), "numeric": True},
        ],
        "rows": [
            [
                one.label,
                {"text": one.code, "url": reverse("voucher", args=[one.code])},
                money(balances[one.code].free, one.unit),
                money(balances[one.code].pending, one.unit),
            ]
            for one in parts
        ],
    }


def masked(code: str) -> str:
    """Return a redemption code of which only the last group can be read."""
    *hidden, last = code.split("-")
    return "-".join([*("•" * len(group) for group in hidden), last])


@login_required
@require_GET
def voucher_code(request: HttpRequest, code: str) -> HttpResponse:
    """Show the holder the redemption code in full, with its QR code, to give to a provider."""
    found = holders_voucher(signed_in(request), code)
    context = {
        "voucher": found,
        "title": found.programme.title_here,
        "qr": qr_code(found.redemption_code, title=_("Redemption code as a QR code")),
    }
    response = render(request, "vouchers/voucher_code.html", context)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_GET
def voucher_pdf(request: HttpRequest, code: str) -> HttpResponse:
    """Answer with the voucher as a PDF to print, in the language of the page."""
    found = holders_voucher(signed_in(request), code)
    response = file_answer(f"{code}.pdf", voucher_paper(found), "application/pdf")
    response["Cache-Control"] = "no-store"
    return response


def holders_voucher(person: User, code: str) -> Voucher:
    """Return a voucher to a person who acts for its holder.

    :raises NotFound: if it is nobody's here, or another organisation's.
    """
    found = queries.voucher_of(person, code)
    if not is_of_holder(person, found):
        raise NotFound(what=code)
    return found


def is_of_holder(person: User, found: Voucher) -> bool:
    """Say whether a person acts for the organisation that holds a voucher."""
    return has_role(person, Role.APPLICANT, organisation=found.organisation)


def is_officer(person: User, found: Voucher) -> bool:
    """Say whether a person is an officer of a voucher's programme."""
    programme = found.programme
    return has_role(
        person,
        Role.OFFICER,
        organisation=programme.authority,
        programme_code=programme.code,
    )


@login_required
@require_http_methods(["GET", "POST"])
def voucher_return(request: HttpRequest, code: str) -> HttpResponse:
    """Give the free part of a voucher back to its programme."""
    person = signed_in(request)
    found = queries.voucher_of(person, code)
    if not is_of_holder(person, found):
        raise NotFound(what=code)
    form = ReturnForm(request.POST if request.method == "POST" else None, unit=found.unit)

    def give_back() -> HttpResponse:
        actions.return_voucher(
            voucher=found,
            amount=form.cleaned_data["amount"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Given back. Others can be helped with it. Thank you."))
        return redirect("voucher", code)

    free = queries.voucher_balance(found).free
    context = {
        "title": _("Give back what you don’t need"),
        "caption": code,
        "back": reverse("voucher", args=[code]),
        "submit": _("Give it back"),
        "submit_kind": "warning",
        "rows": [{"key": _("Free now"), "value": money(free, found.unit)}],
        "warning": _("This can’t be undone. What is held for orders stays with them."),
    }
    return answer_form(request, form, "form_page.html", give_back, context)


@login_required
@require_http_methods(["GET", "POST"])
def voucher_suspend(request: HttpRequest, code: str) -> HttpResponse:
    """Let a voucher take no new orders for a time."""
    context = {
        "title": _("Put this voucher on hold"),
        "submit": _("Put on hold"),
        "submit_kind": "warning",
        "intro": _("It takes no new orders until somebody lifts this. Open orders go on."),
    }
    return _with_note(request, code, actions.suspend_voucher, context)


@login_required
@require_http_methods(["GET", "POST"])
def voucher_resume(request: HttpRequest, code: str) -> HttpResponse:
    """Let a voucher take orders again."""
    context = {"title": _("Make this voucher active again"), "submit": _("Make it active")}
    return _with_note(request, code, actions.resume_voucher, context)


@login_required
@require_http_methods(["GET", "POST"])
def voucher_revoke(request: HttpRequest, code: str) -> HttpResponse:
    """End a voucher by decision."""
    person = signed_in(request)
    found = queries.voucher_of(person, code)
    if not is_officer(person, found):
        raise NotFound(what=code)
    form = RevokeForm(request.POST if request.method == "POST" else None)

    def revoke() -> HttpResponse:
        actions.revoke_voucher(
            voucher=found,
            note=form.cleaned_data["note"],
            may_apply_again=form.cleaned_data["may_apply_again"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Revoked. The holder is told why."))
        return redirect("voucher", code)

    free = queries.voucher_balance(found).free
    context = {
        "title": _("Revoke this voucher"),
        "caption": f"{code}, {found.organisation.name_here}",
        "back": reverse("voucher", args=[code]),
        "submit": _("Revoke it"),
        "submit_kind": "warning",
        "rows": [{"key": _("Goes back to the programme"), "value": money(free, found.unit)}],
        "warning": _("This can’t be undone. Open orders go on until they are billed or lapse."),
    }
    return answer_form(request, form, "form_page.html", revoke, context)


def _with_note(
    request: HttpRequest, code: str, act: Callable[..., Voucher], context: dict[str, Any]
) -> HttpResponse:
    person = signed_in(request)
    found = queries.voucher_of(person, code)
    if not is_officer(person, found):
        raise NotFound(what=code)
    form = NoteForm(request.POST if request.method == "POST" else None)

    def do() -> HttpResponse:
        act(
            voucher=found,
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        return redirect("voucher", code)

    shown = {**context, "caption": code, "back": reverse("voucher", args=[code])}
    return answer_form(request, form, "form_page.html", do, shown)
