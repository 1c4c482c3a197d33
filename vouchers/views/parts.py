"""Parts of a voucher for the holder's teams: set apart, and taken back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.errors import NotFound
from common.formatting import money
from common.forms import answer_form
from parties.authentication import signed_in
from vouchers import actions, queries
from vouchers.forms.decisions import ReturnForm, SplitForm
from vouchers.views.vouchers import holders_voucher


@login_required
@require_http_methods(["GET", "POST"])
def voucher_split(request: HttpRequest, code: str) -> HttpResponse:
    """Set part of a voucher apart for a team."""
    person = signed_in(request)
    found = holders_voucher(person, code)
    form = SplitForm(request.POST if request.method == "POST" else None, unit=found.unit)

    def split() -> HttpResponse:
        part = actions.split_voucher(
            voucher=found,
            label=form.cleaned_data["label"],
            amount=form.cleaned_data["amount"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request,
            _("%(label)s has the voucher %(code)s, with a code of its own.")
            % {"label": part.label, "code": part.code},
        )
        return redirect("voucher", code)

    free = queries.voucher_balance(found).free
    context = {
        "title": _("Set part of it apart for a team"),
        "caption": code,
        "back": reverse("voucher", args=[code]),
        "submit": _("Set it apart"),
        "rows": [{"key": _("Free now"), "value": money(free, found.unit)}],
        "intro": _(
            "The team gets a voucher of its own within yours. What it does not use you can take "
            "back while it lasts."
        ),
    }
    return answer_form(request, form, "form_page.html", split, context)


@login_required
@require_http_methods(["GET", "POST"])
def part_take_back(request: HttpRequest, code: str) -> HttpResponse:
    """Take the free value of a part back."""
    person = signed_in(request)
    found = holders_voucher(person, code)
    if found.parent is None:
        raise NotFound(what=code)
    whole = found.parent.code
    form = ReturnForm(request.POST if request.method == "POST" else None, unit=found.unit)

    def take() -> HttpResponse:
        actions.take_back(
            voucher=found,
            amount=form.cleaned_data["amount"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Taken back."))
        return redirect("voucher", whole)

    free = queries.voucher_balance(found).free
    context = {
        "title": _("Take it back from the team"),
        "caption": f"{found.label}, {code}",
        "back": reverse("voucher", args=[code]),
        "submit": _("Take it back"),
        "rows": [{"key": _("Free now"), "value": money(free, found.unit)}],
    }
    return answer_form(request, form, "form_page.html", take, context)
