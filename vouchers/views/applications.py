"""An applicant's pages: five tasks, a check of all answers, and what became of it."""

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
from common.errors import NotFound, Refused
from common.formatting import money
from common.forms import (
    KeyedForm,
    answer_form,
    forget_errors,
    language_pressed,
    remember_language,
    words_of,
)
from parties.authentication import signed_in
from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import Role
from policy.rules import Programme as Law
from vouchers import actions, queries, statuses
from vouchers.forms.applications import (
    ASKED_AGAIN,
    TASKS,
    AnswerForm,
    Catalogue,
    StartForm,
    initial_of,
    task_form,
)
from vouchers.models import Application, Round, Voucher
from vouchers.views.answers import (
    answers_shown,
    catalogue_for,
    law_of,
    organisation_rows,
    state_of,
)
from vouchers.views.appeals import appeal_told
from vouchers.views.decisions_shown import decision_shown, round_title
from vouchers.views.registers import ask_at_sending
from vouchers.views.requests import attachments_table, requests_shown
from vouchers.views.rounds_open import law_rows, rounds_with_law
from vouchers.views.shown import day_words, timeline

FINISHED = (Application.Status.WITHDRAWN, Application.Status.NOT_APPROVED)


# --- starting --------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def application_start(request: HttpRequest, programme: str, code: str) -> HttpResponse:
    """Begin an application in an open round, or go on with the one that was begun."""
    person, now = signed_in(request), timezone.now()
    one, law = _open_round(programme, code, now)
    organisations = list(organisations_of(person, Role.APPLICANT))
    last = _last_sent(person, organisations)
    form = StartForm(
        request.POST if request.method == "POST" else None,
        organisations=[
            (organisation.code, organisation.name_here) for organisation in organisations
        ],
        has_last=last is not None,
    )

    def start() -> HttpResponse:
        code = form.cleaned_data["organisation"]
        organisation = next(one for one in organisations if one.code == code)
        begun = _begun(person, one, organisation)
        if begun is not None:
            return redirect("application", begun.reference)
        answers = {}
        if last is not None and form.cleaned_data.get("is_copy"):
            answers = {k: v for k, v in last.answers.items() if k not in ASKED_AGAIN}
        draft = actions.save_draft(
            round=one, organisation=organisation, answers=answers, actor=person, at=now
        )
        if answers:
            return redirect(_next(request, draft, law, catalogue_for(draft)))
        return redirect("application_tasks", draft.reference)

    context = {
        "title": round_title(one),
        "rows": law_rows(law, one.opens_on),
        "closes_on": one.closes_on,
        "has_organisation": bool(organisations),
    }
    return answer_form(request, form, "vouchers/application_start.html", start, context)


def _open_round(programme: str, code: str, now: datetime) -> tuple[Round, Law]:
    for one, law in rounds_with_law(now):
        if one.programme.code == programme and one.code == code:
            return one, law
    raise NotFound(what=code)


def _last_sent(person: User, organisations: list[Organisation]) -> Application | None:
    return (
        queries.applications_visible_to(person)
        .filter(organisation__in=organisations, sent_at__isnull=False)
        .order_by("-sent_at")
        .first()
    )


def _begun(person: User, one: Round, organisation: Organisation) -> Application | None:
    return (
        queries.applications_visible_to(person)
        .filter(round=one, organisation=organisation)
        .exclude(status__in=FINISHED)
        .first()
    )


# --- answering -------------------------------------------------------------------------------


@login_required
@require_GET
def application_tasks(request: HttpRequest, reference: str) -> HttpResponse:
    """List the five tasks of a draft, in any order, and how far each is."""
    application = queries.application_of(signed_in(request), reference)
    if application.status != Application.Status.DRAFT:
        return redirect("application", reference)
    law, catalogue = law_of(application, timezone.now()), catalogue_for(application)
    states = {one.task: state_of(application, one, law, catalogue) for one in TASKS}
    tasks = [
        {
            "label": one.title,
            "status": statuses.TASK[states[one.task]].label,
            "colour": statuses.TASK[states[one.task]].colour,
            "url": reverse("application_question", args=[reference, one.task]),
        }
        for one in TASKS
    ]
    count = queries.attachments_of(application).count()
    is_complete = set(states.values()) == {"COMPLETED"}
    last = "INCOMPLETE" if is_complete else "CANNOT_START"
    send: dict[str, Any] = {
        "label": _("Check your answers and send"),
        "status": statuses.TASK[last].label,
        "colour": statuses.TASK[last].colour,
    }
    if is_complete:
        send["url"] = reverse("application_check", args=[reference])
    context = {
        "application": application,
        "title": round_title(application.round),
        "tasks": tasks,
        "send": [send],
        "files": [
            {
                "label": _("Add files (optional)"),
                "status": ngettext("%(count)s file", "%(count)s files", count)
                % {"count": count},
                "url": reverse("application_attachments", args=[reference]),
            }
        ],
        "done": sum(state == "COMPLETED" for state in states.values()),
        "of": len(TASKS),
        "zone": application.round.programme.zone,
    }
    return render(request, "vouchers/application_tasks.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def application_question(request: HttpRequest, reference: str, task: str) -> HttpResponse:
    """Ask one task's questions; what is typed is kept whatever button is pressed."""
    person, now = signed_in(request), timezone.now()
    application = queries.application_of(person, reference)
    if application.status != Application.Status.DRAFT:
        return redirect("application", reference)
    made = task_form(task)
    if made is None:
        raise NotFound(what=task)
    law, catalogue = law_of(application, now), catalogue_for(application)
    known = {"contact_name": person.name, "contact_email": person.email}
    form = made(
        request.POST if request.method == "POST" else None,
        initial={**known, **initial_of(application.answers, made)},
        law=law,
        catalogue=catalogue,
    )
    language = language_pressed(request)
    if request.method == "POST":
        answered = _keep(request, form, application, person, now, language)
        if answered is not None:
            return answered
    rows = organisation_rows(application.organisation) if task == "organisation" else []
    context = {
        "form": form,
        "title": made.title,
        "caption": round_title(application.round),
        "back": reverse("application_tasks", args=[reference]),
        "rows": rows,
    }
    response = render(request, "vouchers/application_question.html", context)
    return remember_language(response, language)


def _keep(
    request: HttpRequest,
    form: AnswerForm,
    application: Application,
    person: User,
    now: datetime,
    language: str | None,
) -> HttpResponse | None:
    """Save the answers where the button asks for it; None shows the page again."""
    is_later = request.POST.get("then") == "later"
    if not (form.is_valid() or language or is_later):
        return None
    try:
        saved = actions.save_draft(
            round=application.round,
            organisation=application.organisation,
            answers=form.answers(),
            actor=person,
            at=now,
        )
    except Refused as refusal:
        form.add_error(None, words_of(refusal))
        return None
    if language:
        forget_errors(form)
        return None
    if is_later:
        messages.success(request, _("Your answers are saved. Come back whenever it suits you."))
        return redirect("application_tasks", saved.reference)
    return redirect(_next(request, saved, form.law, form.catalogue))


def _next(request: HttpRequest, saved: Application, law: Law, catalogue: Catalogue) -> str:
    """Return the next task that is not complete, or the check of all answers."""
    states = {one.task: state_of(saved, one, law, catalogue) for one in TASKS}
    open_tasks = [task for task, state in states.items() if state != "COMPLETED"]
    if not open_tasks:
        return reverse("application_check", args=[saved.reference])
    if request.GET.get("from") == "check":
        return reverse("application_tasks", args=[saved.reference])
    return reverse("application_question", args=[saved.reference, open_tasks[0]])


# --- checking and sending --------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def application_check(request: HttpRequest, reference: str) -> HttpResponse:
    """Show all answers with links to change them, and send them."""
    person, now = signed_in(request), timezone.now()
    application = queries.application_of(person, reference)
    if application.status != Application.Status.DRAFT and request.method == "GET":
        return redirect("application", reference)
    law, catalogue = law_of(application, now), catalogue_for(application)
    states = [state_of(application, one, law, catalogue) for one in TASKS]
    if set(states) != {"COMPLETED"}:
        messages.info(request, _("Complete every task first, then check and send."))
        return redirect("application_tasks", reference)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def send() -> HttpResponse:
        sent = actions.submit_application(
            application=application, actor=person, at=now, key=form.act_key
        )
        ask_at_sending(sent, now)
        actions.decide_automatically(application=sent, at=now, key=f"decide:{sent.reference}")
        return redirect("application_sent", reference)

    context = {
        "application": application,
        "title": round_title(application.round),
        "organisation": organisation_rows(application.organisation),
        "sections": answers_shown(application, law, catalogue, is_open=True),
        "attachments": attachments_table(application),
    }
    return answer_form(request, form, "vouchers/application_check.html", send, context)


@login_required
@require_GET
def application_sent(request: HttpRequest, reference: str) -> HttpResponse:
    """Confirm what was sent, and say what happens next and by which day."""
    application = queries.application_of(signed_in(request), reference)
    if application.sent_at is None:
        return redirect("application_tasks", reference)
    context = {**_told(application), "due": _due_on(application)}
    return render(request, "vouchers/application_sent.html", context)


def _due_on(application: Application) -> str:
    return day_words(queries.due_on(application))


@login_required
@require_GET
def application(request: HttpRequest, reference: str) -> HttpResponse:
    """Show where an application stands: status, decisions with their working, what happened."""
    person = signed_in(request)
    found = queries.application_of(person, reference)
    is_own = organisations_of(person, Role.APPLICANT).filter(pk=found.organisation_id).exists()
    if found.status == Application.Status.DRAFT:
        return redirect("application_tasks", reference)
    waits = found.status in (Application.Status.SENT, Application.Status.REFERRED)
    is_asked = found.status == Application.Status.INFO_NEEDED
    zone = found.round.programme.zone
    context = {
        **_told(found),
        "is_own": is_own,
        "waits": waits,
        "due": _due_on(found) if waits else "",
        "appeal": appeal_told(found, is_own, day_of(timezone.now(), zone)),
        "can_answer": is_own and is_asked,
        "can_withdraw": is_own and (waits or is_asked) and not found.upstream_award_id,
        "can_decide": waits
        and queries.applications_awaiting(person).filter(pk=found.pk).exists(),
        "events": timeline(
            found.address,
            also=queries.acts_on_many(found),
            is_public=not queries.is_officer_of(person, found.round.programme),
        ),
    }
    return render(request, "vouchers/application.html", context)


def _told(application: Application) -> dict[str, Any]:
    """Return what the confirmation and the page of an application both tell."""
    programme = application.round.programme
    unit, zone = programme.unit, programme.zone
    sent_at = application.sent_at or application.saved_at
    decision = queries.decision_in_force(application)
    voucher = Voucher.objects.filter(decision__application=application).first()
    decisions = queries.decisions_of(application)
    return {
        "application": application,
        "title": application.answers.get("project_title") or programme.title_here,
        "round_title": round_title(application.round),
        "tag": statuses.APPLICATION[application.status],
        "decision": decision,
        "awarded": money(decision.awarded, unit) if decision else "",
        "decisions": [decision_shown(one, unit, zone) for one in decisions],
        "asked": requests_shown(application),
        "attachments": attachments_table(application),
        "voucher_code": voucher.code if voucher else "",
        "zone": zone,
        "organisation": organisation_rows(application.organisation),
        "sections": answers_shown(
            application, law_of(application, sent_at), catalogue_for(application)
        ),
    }


@login_required
@require_http_methods(["GET", "POST"])
def application_withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """Take an application back before it is decided."""
    person = signed_in(request)
    found = queries.application_of(person, reference)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def withdraw() -> HttpResponse:
        actions.withdraw_application(
            application=found, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(request, _("%(reference)s is withdrawn.") % {"reference": reference})
        return redirect("apply")

    context = {
        "title": _("Withdraw this application"),
        "caption": reference,
        "back": reverse("application", args=[reference]),
        "submit": _("Withdraw"),
        "submit_kind": "warning",
        "intro": _("Nobody will decide it. While the round is open you may start another one."),
    }
    return answer_form(request, form, "form_page.html", withdraw, context)
