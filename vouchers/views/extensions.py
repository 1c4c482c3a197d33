"""More days for a voucher: asked for by its holder, given or not by an officer."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.errors import NotFound
from common.forms import answer_form
from parties.authentication import signed_in
from vouchers import actions, queries
from vouchers.forms.decisions import ExtensionDecideForm, ExtensionForm
from vouchers.views.shown import by_words, day_words, days_words
from vouchers.views.vouchers import is_of_holder, is_officer


@login_required
@require_http_methods(["GET", "POST"])
def extension_new(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for more days."""
    person = signed_in(request)
    found = queries.voucher_of(person, code)
    if not is_of_holder(person, found):
        raise NotFound(what=code)
    rule = queries.holding_rule(found)
    form = ExtensionForm(
        request.POST if request.method == "POST" else None,
        most=max(rule.extension_days_max, 1),
    )

    def ask() -> HttpResponse:
        extension = actions.request_extension(
            voucher=found,
            days=form.cleaned_data["days"],
            reason=form.cleaned_data["reason"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        if hasattr(extension, "verdict"):
            messages.success(request, _("The voucher has more days now."))
        else:
            messages.success(request, _("Asked. We write when it is decided."))
        return redirect("voucher", code)

    context = {
        "title": _("Ask for more days"),
        "caption": code,
        "back": reverse("voucher", args=[code]),
        "submit": _("Ask for them"),
        "rows": [
            {"key": _("Last day now"), "value": day_words(found.valid_until_on)},
            {"key": _("Times left"), "value": max(queries.extensions_left(found), 0)},
        ],
    }
    return answer_form(request, form, "form_page.html", ask, context)


@login_required
@require_http_methods(["GET", "POST"])
def extension_decide(request: HttpRequest, code: str) -> HttpResponse:
    """Give a voucher the days that were asked for, or don't."""
    person = signed_in(request)
    found = queries.voucher_of(person, code)
    if not is_officer(person, found):
        raise NotFound(what=code)
    extension = queries.extension_open(found) or queries.extensions_of(found).first()
    if extension is None:
        raise NotFound(what=code)
    form = ExtensionDecideForm(request.POST if request.method == "POST" else None)

    def decide() -> HttpResponse:
        actions.decide_extension(
            extension=extension,
            outcome=form.cleaned_data["outcome"],
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Decided. The holder is told."))
        return redirect("voucher", code)

    context = {
        "title": _("More days for a voucher"),
        "caption": f"{code}, {found.organisation.name_here}",
        "back": reverse("voucher", args=[code]),
        "submit": _("Decide"),
        "rows": [
            {"key": _("Asked for"), "value": days_words(extension.days)},
            {"key": _("Why"), "value": extension.reason},
            {
                "key": _("By"),
                "value": by_words(
                    extension.asked_by.name, extension.asked_at, found.programme.zone
                ),
            },
            {"key": _("Last day now"), "value": day_words(found.valid_until_on)},
        ],
    }
    return answer_form(request, form, "form_page.html", decide, context)
