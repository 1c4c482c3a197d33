"""An officer's pages: the queue, one decision, and the voucher that follows from it."""

from collections import Counter
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from common.days import day_of
from common.errors import NotFound
from common.formatting import instant, money
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role, require_role
from parties.roles import Role
from vouchers import actions, queries, statuses
from vouchers.forms.decisions import DecideForm, NoteForm
from vouchers.models import Application, Decision
from vouchers.views.answers import (
    answers_shown,
    catalogue_for,
    law_of,
    organisation_rows,
)
from vouchers.views.applications import DECIDED_WITHIN
from vouchers.views.shown import (
    day_words,
    decided_by_words,
    decision_shown,
    outcome_words,
    reason_lines,
    round_title,
    timeline,
    working_lines,
)


@login_required
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """List what waits for an officer: applications oldest first, and awards to issue."""
    person = signed_in(request)
    require_role(person, Role.OFFICER)
    waiting = list(queries.applications_awaiting(person))
    awards = list(queries.decisions_to_issue(person))
    context = {
        "waiting": {
            "caption": _("Applications to decide, oldest first"),
            "columns": [
                _("Application"),
                _("Organisation"),
                _("Round"),
                _("Sent"),
                _("Promised by"),
                _("Status"),
            ],
            "rows": [_waiting_row(one) for one in waiting],
        },
        "awards": {
            "caption": _("Awards without a voucher yet"),
            "columns": [
                _("Application"),
                _("Organisation"),
                {"label": _("Awarded"), "numeric": True},
                _("Decided"),
            ],
            "rows": [_award_row(one) for one in awards],
        },
        "rounds_to_issue": _rounds_to_issue(awards),
        "count": len(waiting),
    }
    return render(request, "vouchers/queue.html", context)


def _rounds_to_issue(awards: list[Decision]) -> list[dict[str, str]]:
    """Return a link for each round of which more than one voucher can be issued at once."""
    counts = Counter(award.application.round for award in awards)
    return [
        {
            "text": _("Issue the %(count)s vouchers of %(round)s")
            % {"count": count, "round": round_title(one)},
            "url": reverse("vouchers_issue", args=[one.programme.code, one.code]),
        }
        for one, count in counts.items()
        if count > 1
    ]


def _waiting_row(one: Application) -> list[Any]:
    zone = one.round.programme.zone
    assert one.sent_at is not None
    return [
        {
            "text": one.answers.get("project_title") or one.reference,
            "url": reverse("decide", args=[one.reference]),
        },
        one.organisation.name,
        round_title(one.round),
        instant(one.sent_at, zone),
        day_words(day_of(one.sent_at + DECIDED_WITHIN, zone)),
        statuses.APPLICATION[one.status].staff_label,
    ]


def _award_row(one: Decision) -> list[Any]:
    application = one.application
    programme = application.round.programme
    return [
        {
            "text": application.reference,
            "url": reverse("voucher_issue", args=[application.reference]),
        },
        application.organisation.name,
        money(one.awarded, programme.unit),
        instant(one.decided_at, programme.zone),
    ]


@login_required
@require_http_methods(["GET", "POST"])
def decide(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the facts and what the policy makes of them, and take an officer's decision."""
    person, now = signed_in(request), timezone.now()
    found = queries.application_of(person, reference)
    _require_officer(person, found)
    if found.status == Application.Status.DRAFT:
        raise NotFound(what=reference)
    unit = found.round.programme.unit
    form = DecideForm(request.POST if request.method == "POST" else None, unit=unit)

    def do() -> HttpResponse:
        given = form.cleaned_data
        decision = actions.decide_application(
            application=found,
            outcome=given["outcome"],
            awarded=given["awarded"],
            note=given["note"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        if decision.outcome == Decision.Outcome.PASS:
            messages.success(request, _("Approved. Issue the voucher next."))
            return redirect("voucher_issue", reference)
        messages.success(request, _("Decided. The applicant is told the reasons."))
        return redirect("queue")

    context = _case(found, now)
    return answer_form(request, form, "vouchers/decide.html", do, context)


def _case(found: Application, now: datetime) -> dict[str, Any]:
    """Return all that an officer needs to see of one application."""
    programme = found.round.programme
    waits = found.status in (Application.Status.SENT, Application.Status.REFERRED)
    sent_at = found.sent_at or found.saved_at
    decision = queries.decision_in_force(found)
    return {
        "application": found,
        "title": found.answers.get("project_title") or found.reference,
        "round_title": round_title(found.round),
        "tag": statuses.APPLICATION[found.status],
        "organisation": organisation_rows(found.organisation),
        "sections": answers_shown(found, law_of(found, sent_at), catalogue_for(found)),
        "proposal": _proposal_shown(queries.proposal_of(found, now), programme.unit)
        if waits
        else None,
        "waits": waits,
        "decisions": [
            decision_shown(one, programme.unit, programme.zone)
            for one in queries.decisions_of(found)
        ],
        "can_issue": _is_issuable(decision),
        "can_undo": _is_undoable(decision),
        "events": timeline(found.address, also=queries.acts_that_issued(found)),
        "zone": programme.zone,
    }


def _is_issuable(decision: Decision | None) -> bool:
    return (
        decision is not None
        and decision.outcome == Decision.Outcome.PASS
        and not hasattr(decision, "voucher")
    )


def _is_undoable(decision: Decision | None) -> bool:
    is_by_person = decision is not None and decision.outcome != Decision.Outcome.REFER
    return is_by_person and not hasattr(decision, "voucher")


def _proposal_shown(proposal: queries.Proposal, unit: str) -> dict[str, Any]:
    facts = proposal.facts["standing"]
    return {
        "outcome": outcome_words(proposal.outcome),
        "is_barred": proposal.outcome == "FAIL",
        "recommended": money(proposal.award.recommended, unit),
        "days": proposal.award.validity_days,
        "people": ngettext(
            "%(count)s officer decides an amount like this",
            "%(count)s officers decide an amount like this: one decides, another issues",
            proposal.people,
        )
        % {"count": proposal.people}
        if proposal.people
        else _("No officer is needed for an amount like this"),
        "reasons": reason_lines([reason.to_dict() for reason in proposal.reasons]),
        "working": working_lines([line.to_dict() for line in proposal.award.working]),
        "standing": working_lines(facts.get("working", [])),
        "version": proposal.version.number,
    }


def _require_officer(person: User, found: Application) -> None:
    programme = found.round.programme
    if not has_role(
        person,
        Role.OFFICER,
        organisation=programme.authority,
        programme_code=programme.code,
    ):
        raise NotFound(what=found.reference)


@login_required
@require_http_methods(["GET", "POST"])
def voucher_issue(request: HttpRequest, reference: str) -> HttpResponse:
    """Commit an award to its beneficiary as a voucher."""
    person = signed_in(request)
    found = queries.application_of(person, reference)
    _require_officer(person, found)
    decision = queries.decision_in_force(found)
    if decision is None or decision.outcome != Decision.Outcome.PASS:
        raise NotFound(what=reference)
    programme = found.round.programme
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def issue() -> HttpResponse:
        voucher = actions.issue_voucher(
            decision=decision, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(request, _("Voucher %(code)s is issued.") % {"code": voucher.code})
        return redirect("voucher", voucher.code)

    context = {
        "title": _("Issue the voucher"),
        "caption": f"{found.reference}, {found.organisation.name}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Issue the voucher"),
        "rows": [
            {"key": _("Awarded"), "value": money(decision.awarded, programme.unit)},
            {"key": _("Valid for"), "value": _days_words(decision.validity_days)},
            {
                "key": _("The programme has available"),
                "value": money(queries.budget_available(programme), programme.unit),
            },
            {
                "key": _("Decided by"),
                "value": decided_by_words(decision),
            },
        ],
    }
    return answer_form(request, form, "form_page.html", issue, context)


def _days_words(days: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


@login_required
@require_http_methods(["GET", "POST"])
def decision_undo(request: HttpRequest, reference: str) -> HttpResponse:
    """Undo a decision of which no voucher was issued."""
    person = signed_in(request)
    found = queries.application_of(person, reference)
    _require_officer(person, found)
    newest = queries.decisions_of(found).first()
    if newest is None:
        raise NotFound(what=reference)
    # Sent twice, the page finds its decision undone already, and the action says so or agrees.
    decision = newest.undoes or newest
    form = NoteForm(request.POST if request.method == "POST" else None)

    def undo() -> HttpResponse:
        actions.undo_decision(
            decision=decision,
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Undone. The application waits for a decision again."))
        return redirect("decide", reference)

    context = {
        "title": _("Undo this decision"),
        "caption": f"{found.reference}, {found.organisation.name}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Undo it"),
        "submit_kind": "warning",
        "intro": _("It stays in the record as undone, and the application waits again."),
    }
    return answer_form(request, form, "form_page.html", undo, context)
