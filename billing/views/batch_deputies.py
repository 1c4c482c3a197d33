"""A finance officer names who takes their steps in payments for some days."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.forms import answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import organisations_of, require_role, users_with
from parties.roles import Role
from vouchers import actions
from vouchers.forms.reviews import DeputyForm


@login_required
@require_http_methods(["GET", "POST"])
def finance_deputy_new(request: HttpRequest) -> HttpResponse:
    """Name a colleague who takes one's steps in payments for some days."""
    person, now = signed_in(request), timezone.now()
    require_role(person, Role.FINANCE)
    form = DeputyForm(
        request.POST if request.method == "POST" else None, people=_colleagues(person)
    )

    def name() -> HttpResponse:
        given = form.cleaned_data
        actions.name_deputy(
            deputy=given["deputy"],
            from_on=given["from_on"],
            until_on=given["until_on"],
            actor=person,
            at=now,
            key=form.act_key,
            role=Role.FINANCE,
        )
        messages.success(
            request, _("%(name)s is your deputy for payments.") % {"name": given["deputy"].name}
        )
        return redirect("batches")

    context = {
        "title": _("Name a deputy for payments"),
        "back": reverse("batches"),
        "submit": _("Name the deputy"),
        "intro": _(
            "A deputy takes your steps in payment batches under their own name, until the last "
            "day. In each batch you count as having taken them too: you can't do another part "
            "of it."
        ),
    }
    return answer_form(request, form, "form_page.html", name, context)


def _colleagues(person: User) -> list[User]:
    found: dict[int, User] = {}
    for organisation in organisations_of(person, Role.FINANCE):
        for role in actions.DEPUTIES[Role.FINANCE]:
            for one in users_with(role, organisation=organisation).exclude(pk=person.pk):
                found[one.pk] = one
    return sorted(found.values(), key=lambda one: one.name)
