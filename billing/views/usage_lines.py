"""One line of use: what was metered, what became of it, and how its provider corrects it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries
from billing.forms.corrections import CorrectUsageForm
from billing.models import UsageCorrection, UsageLine
from common.formatting import gpu_hours, instant, money
from common.forms import answer_form
from parties.authentication import signed_in
from parties.queries import has_role, require_role
from parties.roles import Role


@login_required
@require_GET
def usage_line(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one line of use to whoever may see it."""
    person = signed_in(request)
    line = queries.usage_line_of(person, pk)
    taken_back = queries.correction_of(line)
    context = {
        "key": str(line),
        "rows": [*_facts(line), *_became(line, taken_back)],
        "can_correct": taken_back is None
        and line.corrects_id is None
        and line.archive is None
        and has_role(person, Role.PROVIDER, organisation=line.provider.organisation),
        "bill": actions.bill_of(line),
        "pk": pk,
    }
    return render(request, "billing/usage_line.html", context)


def _facts(line: UsageLine) -> list[dict[str, Any]]:
    facts = [
        {"key": _("Provider"), "value": str(line.provider)},
        {"key": _("Voucher"), "value": line.voucher.code},
        {"key": _("Order"), "value": line.order.code if line.order else "–"},
        {"key": _("Resource"), "value": f"{line.resource} {line.resource_class}".strip()},
        {"key": _("From"), "value": instant(line.started_at)},
        {"key": _("Until"), "value": instant(line.ended_at)},
        {"key": _("Hours"), "value": gpu_hours(line.quantity_ms)},
    ]
    if line.amount is not None:
        amount = money(line.amount, line.voucher.programme.unit)
        facts.append({"key": _("Amount"), "value": amount})
    facts.append({"key": _("Recorded"), "value": instant(line.recorded_at)})
    if line.archive is not None:
        facts.append({"key": _("Archived"), "value": instant(line.archive.archived_at)})
    return facts


def _became(line: UsageLine, taken_back: UsageCorrection | None) -> list[dict[str, Any]]:
    if line.corrects is not None:
        return [
            {"key": _("Takes back"), "value": str(line.corrects)},
            {"key": _("Why"), "value": line.act.reason},
        ]
    if taken_back is not None:
        return [
            {"key": _("Taken back"), "value": instant(taken_back.opposite.recorded_at)},
            {"key": _("Why"), "value": taken_back.opposite.act.reason},
        ]
    return []


@login_required
@require_http_methods(["GET", "POST"])
def usage_line_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a line back with a reason, and record what was truly used where something was."""
    person = signed_in(request)
    line = queries.usage_line_of(person, pk)
    require_role(person, Role.PROVIDER, organisation=line.provider.organisation)
    form = CorrectUsageForm(request.POST if request.method == "POST" else None, line=line)

    def correct() -> HttpResponse:
        done = actions.correct_usage(
            line=line,
            reason=form.cleaned_data["reason"],
            right=actions.right_of(line, **form.right) if form.right else None,
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("The line is taken back. Nothing is billed for it."))
        return redirect("usage_line", (done.right or line).pk)

    context = {
        "title": _("Correct a line of use"),
        "caption": str(line),
        "back": reverse("usage_line", args=[pk]),
        "submit": _("Correct"),
        "submit_kind": "warning",
        "intro": _(
            "The line stays as it was recorded, and an opposite line takes it back. What was "
            "truly used is recorded beside it."
        ),
        "rows": _facts(line),
    }
    return answer_form(request, form, "form_page.html", correct, context)
