"""Appeals: an applicant sends one, an officer who had no part in the decision judges it."""

from datetime import date
from typing import Any

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
from parties.queries import has_role
from parties.roles import Role
from vouchers import actions, queries
from vouchers.forms.reviews import AppealForm, VerdictForm
from vouchers.models import Appeal, AppealVerdict, Application, Decision
from vouchers.views.decisions_shown import outcome_heading
from vouchers.views.officers import require_officer_of
from vouchers.views.shown import by_words, day_words


@login_required
@require_http_methods(["GET", "POST"])
def appeal_new(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask for a decision to be looked at once more."""
    person, now = signed_in(request), timezone.now()
    found = queries.application_of(person, reference)
    if not has_role(person, Role.APPLICANT, organisation=found.organisation):
        raise NotFound(what=reference)
    decision = queries.decision_in_force(found)
    if decision is None:
        raise NotFound(what=reference)
    form = AppealForm(request.POST if request.method == "POST" else None)

    def send() -> HttpResponse:
        actions.appeal_decision(
            decision=decision,
            grounds=form.cleaned_data["grounds"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(request, _("Your appeal is here. We write when it is decided."))
        return redirect("application", reference)

    context = {
        "title": _("Appeal against this decision"),
        "caption": reference,
        "back": reverse("application", args=[reference]),
        "submit": _("Send the appeal"),
        "rows": [
            {"key": _("Decided"), "value": outcome_heading(decision)},
            {
                "key": _("Appeal until"),
                "value": day_words(queries.appeal_ends_on(decision)),
            },
        ],
    }
    return answer_form(request, form, "form_page.html", send, context)


@login_required
@require_http_methods(["GET", "POST"])
def appeal_decide(request: HttpRequest, reference: str) -> HttpResponse:
    """Uphold an appeal or dismiss it, with reasons."""
    person = signed_in(request)
    found = queries.application_of(person, reference)
    require_officer_of(person, found)
    appeal = (
        Appeal.objects.filter(decision__application=found)
        .select_related(
            "decision__decided_by", "decision__application__round__programme", "sent_by"
        )
        .order_by("-pk")
        .first()
    )
    if appeal is None:
        raise NotFound(what=reference)
    form = VerdictForm(request.POST if request.method == "POST" else None)

    def judge() -> HttpResponse:
        verdict = actions.decide_appeal(
            appeal=appeal,
            outcome=form.cleaned_data["outcome"],
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        if verdict.outcome == AppealVerdict.Outcome.UPHELD:
            messages.success(request, _("Upheld. The application waits for a decision again."))
            return redirect("decide", reference)
        messages.success(request, _("Dismissed. The applicant is told the reasons."))
        return redirect("queue")

    context = {
        "title": _("Judge this appeal"),
        "caption": f"{reference}, {found.organisation.name_here}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Decide"),
        "rows": _rows(appeal, appeal.decision, found.round.programme.zone),
    }
    return answer_form(request, form, "form_page.html", judge, context)


def _rows(appeal: Appeal, decision: Decision, zone: str) -> list[dict[str, Any]]:
    by = decision.decided_by.name if decision.decided_by else _("the rule for small amounts")
    return [
        {"key": _("Decided"), "value": outcome_heading(decision)},
        {"key": _("Decided by"), "value": by},
        {"key": _("Note"), "value": decision.note},
        {"key": _("Grounds of the appeal"), "value": appeal.grounds},
        {
            "key": _("Sent"),
            "value": by_words(appeal.sent_by.name, appeal.sent_at, zone),
        },
    ]


def appeal_told(found: Application, is_own: bool, today: date) -> dict[str, Any]:
    """Return what became of an appeal, or until when one may be sent."""
    decision = queries.decision_in_force(found)
    newest = decision or queries.decisions_of(found).first()
    if newest is None:
        return {}
    appeal = queries.appeal_of(newest.undoes or newest)
    if appeal is not None:
        verdict = getattr(appeal, "verdict", None)
        rows = [{"key": _("Your grounds"), "value": appeal.grounds}]
        if verdict is None:
            rows.append({"key": _("Verdict"), "value": _("Not decided yet")})
        else:
            upheld = verdict.outcome == verdict.Outcome.UPHELD
            said = _("Upheld: it is decided anew") if upheld else _("Dismissed")
            rows += [
                {"key": _("Verdict"), "value": said},
                {"key": _("Reasons"), "value": verdict.note},
            ]
        return {"rows": rows}
    is_refused = found.status in (Application.Status.NOT_APPROVED, Application.Status.WAITING)
    if decision is None or not is_own or not is_refused:
        return {}
    until = queries.appeal_ends_on(decision)
    return {"until": day_words(until)} if today <= until else {}
