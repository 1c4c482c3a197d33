"""The page of the person who is signed in."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.forms import answer_form, remember_language
from parties import actions
from parties.authentication import signed_in
from parties.forms import ProfileForm


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Let a person change their name and the language they are written to in."""
    person = signed_in(request)
    form = ProfileForm(
        request.POST if request.method == "POST" else None,
        initial={"name": person.name, "language": person.language},
    )

    def change() -> HttpResponse:
        given = form.cleaned_data
        actions.change_profile(user=person, name=given["name"], language=given["language"])
        messages.success(request, _("Your profile is changed."))
        return remember_language(redirect("profile"), given["language"])

    rows = [{"key": _("E-mail"), "value": person.email}]
    return answer_form(request, form, "parties/profile.html", change, {"rows": rows})
