"""Staff pages of a programme's law: proposing a version, and putting it in force."""

import difflib
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.days import day_of
from common.errors import NotFound
from common.formatting import instant
from common.forms import answer_form
from parties.authentication import signed_in
from vouchers import actions, queries
from vouchers.forms.programmes import PolicyForm, ReleaseForm
from vouchers.models import Programme
from vouchers.views.programmes import may_staff
from vouchers.views.simulations import law_compared


@login_required
@require_http_methods(["GET", "POST"])
def policy_propose(request: HttpRequest, code: str) -> HttpResponse:
    """Write the next version of a programme's law, see what changes, and propose it."""
    person, now = signed_in(request), timezone.now()
    found = queries.programme_of(person, code)
    before = _text_in_force(found)
    form = PolicyForm(
        request.POST if request.method == "POST" else None, initial={"text": before}
    )
    context: dict[str, Any] = {
        "title": _("Propose a policy version"),
        "caption": found.title_here,
        "back": reverse("programme", args=[code]),
    }

    def propose() -> HttpResponse:
        if request.POST.get("step") == "compare":
            shown = {
                **context,
                "form": form,
                "is_compared": True,
                "changes": changes(before, form.cleaned_data["text"]),
                **_compared(found, before, form.cleaned_data["text"]),
            }
            return render(request, "vouchers/policy_propose.html", shown)
        version = actions.propose_policy(
            programme=found,
            text=form.cleaned_data["text"],
            note=form.cleaned_data["note"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request,
            _("Version %(number)s is proposed. Another person puts it in force.")
            % {"number": version.number},
        )
        return redirect("programme", code)

    return answer_form(request, form, "vouchers/policy_propose.html", propose, context)


def _text_in_force(found: Programme) -> str:
    laws = queries.policies_in_force([found], timezone.now())
    if found.pk in laws:
        return laws[found.pk][0].text
    newest = queries.policy_versions_of(found).first()
    return newest.text if newest else ""


def _compared(found: Programme, before: str, after: str) -> dict[str, Any]:
    earlier = queries.read_policy(before) if before else None
    return law_compared(found, earlier, queries.read_policy(after))


def changes(before: str, after: str) -> list[dict[str, str]]:
    """Return the lines that two texts differ in, with three lines around them."""
    return list(_changes(before, after))


def _changes(before: str, after: str) -> Iterator[dict[str, str]]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    kinds = {"+": "added", "-": "removed", "@": "place", " ": "same"}
    for line in lines:
        if not line.startswith(("---", "+++")):
            yield {"kind": kinds[line[:1]], "text": line}


@login_required
@require_http_methods(["GET", "POST"])
def policy_release(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Put a proposed version in force from a day, as a second person who sees what changes."""
    person, now = signed_in(request), timezone.now()
    found = queries.programme_of(person, code)
    version = queries.policy_versions_of(found).filter(number=number).first()
    if version is None:
        raise NotFound(what=number)
    is_released = hasattr(version, "release")
    form = ReleaseForm(
        request.POST if request.method == "POST" else None,
        initial={"effective_from_on": day_of(now, found.zone)},
    )

    def release() -> HttpResponse:
        actions.release_policy(
            version=version,
            effective_from_on=form.cleaned_data["effective_from_on"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request, _("Version %(number)s is released.") % {"number": version.number}
        )
        return redirect("programme", code)

    context = {
        "title": _("Put version %(number)s in force") % {"number": version.number},
        "caption": found.title_here,
        "back": reverse("programme", args=[code]),
        "submit": _("Put in force"),
        "rows": [
            {"key": _("Proposed by"), "value": version.proposed_by.name},
            {"key": _("Proposed"), "value": instant(version.proposed_at, found.zone)},
            {"key": _("What changes, and why"), "value": version.note},
        ],
        "changes": changes(_text_in_force(found), version.text),
        "may_release": may_staff(person, found),
        "text": version.text,
        "is_released": is_released,
        "simulation_url": reverse("policy_simulation", args=[code, number]),
    }
    if not is_released:
        context.update(_compared(found, _text_in_force(found), version.text))
    return answer_form(request, form, "vouchers/policy_release.html", release, context)
