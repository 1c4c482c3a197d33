"""An officer's pages of one application: its decision, and the voucher that follows from it."""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from common.days import day_of
from common.errors import NotFound
from common.formatting import day_text, money
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from parties.kinds import Register
from parties.models import User
from parties.queries import has_role
from parties.registers import is_connected
from parties.roles import Role
from parties.told import registers_told
from vouchers import actions, queries, statuses
from vouchers.forms.decisions import DecideForm, NoteForm
from vouchers.models import Application, Decision
from vouchers.views.answers import (
    answers_shown,
    catalogue_for,
    law_of,
    organisation_rows,
)
from vouchers.views.decisions_shown import (
    decided_by_words,
    decision_shown,
    outcome_words,
    reason_lines,
    round_title,
    working_lines,
)
from vouchers.views.registers import ask_about
from vouchers.views.requests import attachments_table, requests_shown
from vouchers.views.reviews import people_shown
from vouchers.views.shown import days_words, timeline


@login_required
@require_http_methods(["GET", "POST"])
def decide(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the facts and what the policy makes of them, and take an officer's decision."""
    person, now = signed_in(request), timezone.now()
    found = queries.application_of(person, reference)
    require_officer_of(person, found)
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
    waits = queries.is_decidable(found, now)
    sent_at = found.sent_at or found.saved_at
    decision = queries.decision_in_force(found)
    return {
        "application": found,
        "title": found.answers.get("project_title") or found.reference,
        "round_title": round_title(found.round),
        "tag": statuses.APPLICATION[found.status],
        "organisation": organisation_rows(found.organisation),
        "registers": registers_told(found.organisation, now, programme.zone),
        "sections": answers_shown(found, law_of(found, sent_at), catalogue_for(found)),
        "proposal": _proposal_shown(queries.proposal_of(found, now), programme.unit)
        if waits
        else None,
        "waits": waits,
        "asked": requests_shown(found),
        "attachments": attachments_table(found),
        "decisions": [
            decision_shown(one, programme.unit, programme.zone)
            for one in queries.decisions_of(found)
        ],
        "can_issue": _is_issuable(decision),
        "confirmations_missing": queries.confirmations_missing(decision)
        if decision is not None and _is_issuable(decision)
        else 0,
        "time_left": _time_left(found, day_of(now, programme.zone)) if waits else "",
        "is_waited_for": found.status == Application.Status.INFO_NEEDED,
        **people_shown(found, now),
        "can_undo": _is_undoable(decision),
        "events": timeline(found.address, also=queries.acts_on_many(found)),
        "zone": programme.zone,
    }


_HARDLY = timedelta(days=7)


def _time_left(found: Application, today: date) -> str:
    """Return a warning where hardly any time is left for the use that was asked for."""
    ends = [queries.day_answer(found.answers, name) for name in ("end_on", "contract_until_on")]
    until = max((one for one in ends if one is not None), default=None)
    if until is None or until - today >= _HARDLY:
        return ""
    if until < today:
        over = _("The use that was asked for is over since %(until)s.")
        return over % {"until": day_text(until)}
    left = (until - today).days
    words = ngettext(
        "Only %(count)s day is left for the use that was asked for.",
        "Only %(count)s days are left for the use that was asked for.",
        left,
    )
    return words % {"count": left}


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


def require_officer_of(person: User, found: Application) -> None:
    """Hide an application from who is no officer of its programme.

    :raises NotFound: if the person is none.
    """
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
    require_officer_of(person, found)
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
        "caption": f"{found.reference}, {found.organisation.name_here}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Issue the voucher"),
        "rows": [
            {"key": _("Awarded"), "value": money(decision.awarded, programme.unit)},
            {"key": _("Valid for"), "value": days_words(decision.validity_days)},
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


@login_required
@require_http_methods(["GET", "POST"])
def decision_undo(request: HttpRequest, reference: str) -> HttpResponse:
    """Undo a decision of which no voucher was issued."""
    person = signed_in(request)
    found = queries.application_of(person, reference)
    require_officer_of(person, found)
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
        "caption": f"{found.reference}, {found.organisation.name_here}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Undo it"),
        "submit_kind": "warning",
        "intro": _("It stays in the record as undone, and the application waits again."),
    }
    return answer_form(request, form, "form_page.html", undo, context)


@login_required
@require_http_methods(["GET", "POST"])
def registers_ask(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask the registers again about who applies, as an officer of the programme."""
    person, now = signed_in(request), timezone.now()
    found = queries.application_of(person, reference)
    require_officer_of(person, found)
    if found.status == Application.Status.DRAFT:
        raise NotFound(what=reference)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def ask() -> HttpResponse:
        asked = ask_about(found, actor=person.address, at=now, key=form.act_key)
        for failure in asked.failures:
            messages.warning(request, str(failure))
        count = len(asked.answers)
        if count:
            said = ngettext(
                "%(count)s answer of a register is kept.",
                "%(count)s answers of registers are kept.",
                count,
            )
            messages.success(request, said % {"count": count})
        else:
            messages.info(request, _("No register had an answer, so nothing is known anew."))
        return redirect("decide", reference)

    context = {
        "title": _("Ask the registers again"),
        "caption": f"{found.reference}, {found.organisation.name_here}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Ask them now"),
        "intro": _(
            "What they answer counts from now on for whatever is decided about this "
            "organisation. What they answered before stays in the record."
        ),
        "rows": [
            {
                "key": register.label,
                "value": _("Connected") if is_connected(register) else _("Not connected"),
            }
            for register in Register
        ],
    }
    return answer_form(request, form, "form_page.html", ask, context)
