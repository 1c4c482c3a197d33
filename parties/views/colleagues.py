"""Who acts for an organisation too."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.errors import NotFound
from common.forms import KeyedForm, answer_form
from parties import actions
from parties.authentication import signed_in
from parties.forms import InviteForm
from parties.models import Membership
from parties.views.shown import organisation_of


@login_required
@require_http_methods(["GET", "POST"])
def colleague_invite(request: HttpRequest, code: str) -> HttpResponse:
    """Let a colleague act for the organisation too."""
    person = signed_in(request)
    found = organisation_of(request, code)
    form = InviteForm(
        request.POST if request.method == "POST" else None,
        initial={"language": person.language},
    )

    def invite() -> HttpResponse:
        given = form.cleaned_data
        actions.invite_colleague(
            organisation=found,
            email=given["email"],
            name=given["name"],
            language=given["language"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request, _("%(name)s acts for it too now, and is told.") % {"name": given["name"]}
        )
        return redirect("organisation")

    context = {
        "title": _("Invite a colleague"),
        "caption": found.name_here,
        "back": reverse("organisation"),
        "submit": _("Invite"),
        "intro": _("Your colleague can do all that you can do for this organisation."),
    }
    return answer_form(request, form, "form_page.html", invite, context)


@login_required
@require_http_methods(["GET", "POST"])
def colleague_remove(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """End that a colleague acts for the organisation."""
    person = signed_in(request)
    found = organisation_of(request, code)
    membership = (
        Membership.objects.filter(organisation=found, pk=number)
        .select_related("user", "organisation")
        .first()
    )
    if membership is None:
        raise NotFound(what=str(number))
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def remove() -> HttpResponse:
        actions.remove_colleague(
            membership=membership, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(
            request,
            _("%(name)s no longer acts for it.") % {"name": membership.user.name},
        )
        return redirect("organisation")

    context = {
        "title": _("Remove this colleague"),
        "caption": f"{membership.user.name}, {found.name_here}",
        "back": reverse("organisation"),
        "submit": _("Remove"),
        "submit_kind": "warning",
        "intro": _("What your colleague did stays as it is."),
    }
    return answer_form(request, form, "form_page.html", remove, context)
