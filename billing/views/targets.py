"""Claim what a target earned, as the side that is paid."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import actions
from common.errors import NotFound
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role
from parties.roles import Role
from vouchers.models import Programme, Voucher
from vouchers.queries import target_supplied_by, voucher_of
from vouchers.views.targets import target_shown


@login_required
@require_http_methods(["GET", "POST"])
def target_claim(request: HttpRequest, code: str) -> HttpResponse:
    """Show a target to both its sides, and take the claim of the one that is paid."""
    person = signed_in(request)
    voucher = _target_of(person, code)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def send() -> HttpResponse:
        bill = actions.claim_target(
            voucher=voucher, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(
            request,
            _("We have claim %(number)s. You see here what becomes of it.")
            % {"number": bill.number},
        )
        return redirect("bill", bill.number)

    is_holder = has_role(person, Role.APPLICANT, organisation=voucher.organisation)
    context = {
        "title": _("Claim the target"),
        "caption": _("Voucher %(code)s, %(programme)s")
        % {"code": voucher.code, "programme": voucher.programme.title_here},
        "back": reverse("voucher", args=[voucher.code]) if is_holder else reverse("targets"),
        "submit": _("Send the claim"),
        "intro": _(
            "A target is claimed once, by the one side that is paid, and counts by its newest "
            "assessment."
        ),
        "target": target_shown(voucher, person),
    }
    return answer_form(request, form, "billing/target_claim.html", send, context)


def _target_of(person: User, code: str) -> Voucher:
    """Return a target of which a person acts for a side.

    :raises NotFound: if there is none.
    """
    try:
        return target_supplied_by(person, code)
    except NotFound:
        found = voucher_of(person, code)
    is_holder = has_role(person, Role.APPLICANT, organisation=found.organisation)
    if not is_holder or found.programme.mode != Programme.Mode.M7:
        raise NotFound(what=code)
    return found
