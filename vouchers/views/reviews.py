"""Who looks at an application, what reviewers give it, who steps back or stands for it."""

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

from common.errors import NotFound
from common.formatting import money
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role, require_role, users_with
from parties.roles import Role
from policy.rules import Programme as Law
from vouchers import actions, queries
from vouchers.forms.applications import TASKS
from vouchers.forms.reviews import AssignForm, ReasonForm, ReviewForm
from vouchers.models import Application, Assignment
from vouchers.views.answers import answers_shown, catalogue_for, law_of, organisation_rows
from vouchers.views.decisions_shown import round_title
from vouchers.views.requests import attachments_table
from vouchers.views.shown import day_words

# What tells who applied: not shown to a reviewer where reviews are blind.
_TELLING = frozenset({"organisation"})


# --- on the officer's page -------------------------------------------------------------------


def people_shown(found: Application, at: datetime) -> dict[str, Any]:
    """Return who has an application, its reviews and score, and who stepped back."""
    law = law_of(found, at)
    officer = queries.officer_of(found)
    rows = [{"key": _("With"), "value": officer.name if officer else _("Nobody yet")}]
    conflicts = [one.user.name for one in queries.conflicts_of(found)]
    if conflicts:
        rows.append({"key": _("Stepped back"), "value": ", ".join(conflicts)})
    return {
        "people_rows": rows,
        "reviews": _reviews_table(found, law),
        "can_admit": law.allocation is not None
        and found.status in queries.REVIEWABLE
        and not hasattr(found, "admission"),
        "admission": getattr(found, "admission", None),
    }


def _reviews_table(found: Application, law: Law) -> dict[str, Any]:
    rule = law.review
    if rule is None:
        return {}
    written = {one.reviewer_id: one for one in queries.reviews_of(found)}
    rows: list[list[Any]] = []
    for one in queries.reviewers_of(found):
        review = written.get(one.user_id)
        points = (
            ", ".join(f"{name} {given}" for name, given in review.points.items())
            if review
            else ""
        )
        due = day_words(one.due_on) if one.due_on else ""
        rows.append([one.user.name, due, points, review.comment if review else ""])
    score = queries.score_of(found, law)
    return {
        "caption": _("Reviews: %(have)s of %(need)s")
        % {"have": len(written), "need": rule.quorum},
        "columns": [_("Reviewer"), _("By"), _("Points"), _("Why")],
        "rows": rows,
        "score": _("Score: %(score)s of 100") % {"score": score} if score is not None else "",
    }


@login_required
@require_http_methods(["GET", "POST"])
def application_assign(request: HttpRequest, reference: str) -> HttpResponse:
    """Give an application to a colleague, to decide it or to review it."""
    person, now = signed_in(request), timezone.now()
    found = _application_of_officer(person, reference)
    programme = found.round.programme
    has_reviews = law_of(found, now).review is not None
    people = (
        queries.reviewers_for(programme, law_of(found, now))
        if has_reviews
        else users_with(
            Role.OFFICER, organisation=programme.authority, programme_code=programme.code
        )
    )
    form = AssignForm(
        request.POST if request.method == "POST" else None,
        people=people,
        has_reviews=has_reviews,
        initial={"user": str(person.pk)},
    )

    def assign() -> HttpResponse:
        given = form.cleaned_data
        actions.assign_application(
            application=found,
            user=given["user"],
            task=given.get("task") or Assignment.Task.DECIDE,
            due_on=given["due_on"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(request, _("It is with %(name)s now.") % {"name": given["user"].name})
        return redirect("decide", reference)

    context = {
        "title": _("Give this application to somebody"),
        "caption": f"{reference}, {found.organisation.name_here}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Give it"),
    }
    return answer_form(request, form, "form_page.html", assign, context)


def _application_of_officer(person: User, reference: str) -> Application:
    found = queries.application_of(person, reference)
    programme = found.round.programme
    if not has_role(
        person, Role.OFFICER, organisation=programme.authority, programme_code=programme.code
    ):
        raise NotFound(what=reference)
    return found


@login_required
@require_http_methods(["GET", "POST"])
def application_admit(request: HttpRequest, reference: str) -> HttpResponse:
    """Settle in the applicant's favour what the law leaves to a person, before the round."""
    person = signed_in(request)
    found = _application_of_officer(person, reference)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def admit() -> HttpResponse:
        actions.admit_application(
            application=found,
            note=form.cleaned_data["reason"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Admitted. It takes part when the round is decided."))
        return redirect("decide", reference)

    context = {
        "title": _("Admit it to the round"),
        "caption": f"{reference}, {found.organisation.name_here}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Admit it"),
        "intro": _("What the policy leaves to a person is settled in the applicant’s favour."),
    }
    return answer_form(request, form, "form_page.html", admit, context)


@login_required
@require_http_methods(["GET", "POST"])
def decision_confirm(request: HttpRequest, reference: str) -> HttpResponse:
    """Stand for an award as one of the committee."""
    person = signed_in(request)
    found = _application_of_officer(person, reference)
    decision = queries.decision_in_force(found)
    if decision is None:
        raise NotFound(what=reference)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def confirm() -> HttpResponse:
        actions.confirm_decision(
            decision=decision, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(request, _("Confirmed."))
        return redirect("decide", reference)

    missing = queries.confirmations_missing(decision)
    confirmed = [one.user.name for one in queries.confirmations_of(decision)]
    context = {
        "title": _("Confirm this award"),
        "caption": f"{reference}, {found.organisation.name_here}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Confirm it"),
        "rows": [
            {
                "key": _("Awarded"),
                "value": money(decision.awarded, found.round.programme.unit),
            },
            {
                "key": _("Decided by"),
                "value": decision.decided_by.name
                if decision.decided_by
                else _("the rule for small amounts"),
            },
            {"key": _("Confirmed by"), "value": ", ".join(confirmed) or _("Nobody yet")},
            {
                "key": _("Still needed"),
                "value": ngettext("%(count)s person", "%(count)s people", missing)
                % {"count": missing},
            },
        ],
    }
    return answer_form(request, form, "form_page.html", confirm, context)


# --- on the reviewer's pages -----------------------------------------------------------------


@login_required
@require_GET
def reviews(request: HttpRequest) -> HttpResponse:
    """List what a person was given to review, what is due first first."""
    person = signed_in(request)
    require_role(person, Role.REVIEWER, Role.OFFICER)
    rows = [
        [
            {
                "text": one.application.answers.get("project_title")
                or one.application.reference,
                "url": reverse("review_new", args=[one.application.reference]),
            },
            round_title(one.application.round),
            day_words(one.due_on) if one.due_on else _("No day was set"),
        ]
        for one in queries.reviews_assigned_to(person)
    ]
    context = {
        "columns": [_("Application"), _("Round"), _("By")],
        "rows": rows,
    }
    return render(request, "vouchers/reviews.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def review_new(request: HttpRequest, reference: str) -> HttpResponse:
    """Show an application to its reviewer, without its applicant where reviews are blind."""
    person, now = signed_in(request), timezone.now()
    given = queries.assignment_of(person, reference)
    found = given.application
    law = law_of(found, now)
    rule = law.review
    if rule is None:
        raise NotFound(what=reference)
    form = ReviewForm(request.POST if request.method == "POST" else None, rule=rule)

    def send() -> HttpResponse:
        actions.submit_review(
            application=found,
            points=form.points(),
            comment=form.cleaned_data["comment"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(request, _("Your review is in. Thank you."))
        return redirect("reviews")

    sections = answers_shown(found, law, catalogue_for(found))
    if rule.blind:
        sections = [
            section
            for made, section in zip(TASKS, sections, strict=True)
            if made.task not in _TELLING
        ]
    context = {
        "application": found,
        "title": found.answers.get("project_title") or reference,
        "caption": f"{reference} · {round_title(found.round)}",
        "due": day_words(given.due_on) if given.due_on else "",
        "organisation": [] if rule.blind else organisation_rows(found.organisation),
        "sections": sections,
        "attachments": {} if rule.blind else attachments_table(found),
        "is_blind": rule.blind,
        "zone": found.round.programme.zone,
    }
    return answer_form(request, form, "vouchers/review_new.html", send, context)


@login_required
@require_http_methods(["GET", "POST"])
def conflict_new(request: HttpRequest, reference: str) -> HttpResponse:
    """Step back from an application that one is too close to."""
    person, now = signed_in(request), timezone.now()
    found = _application_to_judge(person, reference)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def declare() -> HttpResponse:
        actions.declare_conflict(
            application=found,
            reason=form.cleaned_data["reason"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(request, _("You stepped back. Others go on with it."))
        return redirect("queue" if has_role(person, Role.OFFICER) else "reviews")

    context = {
        "title": _("Declare a conflict of interest"),
        "caption": reference,
        "back": reverse("home"),
        "submit": _("Step back"),
        "submit_kind": "warning",
        "warning": _(
            "You won’t be able to review, decide, confirm or issue anything about this "
            "application, and a review of yours no longer counts."
        ),
    }
    return answer_form(request, form, "form_page.html", declare, context)


def _application_to_judge(person: User, reference: str) -> Application:
    """Return an application that a person was given to review, or may decide."""
    try:
        return queries.assignment_of(person, reference).application
    except NotFound:
        return _application_of_officer(person, reference)
