"""An officer asks for what is missing; an applicant answers, and attaches files."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.days import day_of
from common.downloads import file_answer
from common.errors import NotFound
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from parties.queries import has_role
from parties.roles import Role
from vouchers import actions, queries
from vouchers.forms.requests import AttachForm, RequestAnswerForm, RequestForm, answer_labels
from vouchers.models import Application, Attachment
from vouchers.views.shown import by_words, day_words

ANSWER_WITHIN = timedelta(days=10)


@login_required
@require_http_methods(["GET", "POST"])
def request_new(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask an applicant for something by a day."""
    person, now = signed_in(request), timezone.now()
    found = queries.application_of(person, reference)
    programme = found.round.programme
    if not has_role(
        person,
        Role.OFFICER,
        organisation=programme.authority,
        programme_code=programme.code,
    ):
        raise NotFound(what=reference)
    due_on = day_of(now + ANSWER_WITHIN, programme.zone)
    form = RequestForm(
        request.POST if request.method == "POST" else None, initial={"due_on": due_on}
    )

    def ask() -> HttpResponse:
        given = form.cleaned_data
        actions.request_information(
            application=found,
            question=given["question"],
            answer_name=given["answer_name"],
            due_on=given["due_on"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request, _("Asked. The applicant is told, and the clock stands still.")
        )
        return redirect("queue")

    context = {
        "title": _("Ask the applicant for information"),
        "caption": f"{reference}, {found.organisation.name_here}",
        "back": reverse("decide", args=[reference]),
        "submit": _("Ask"),
    }
    return answer_form(request, form, "form_page.html", ask, context)


@login_required
@require_http_methods(["GET", "POST"])
def request_answer(request: HttpRequest, reference: str) -> HttpResponse:
    """Answer what an officer asked."""
    person, now = signed_in(request), timezone.now()
    found = queries.application_of(person, reference)
    if not has_role(person, Role.APPLICANT, organisation=found.organisation):
        raise NotFound(what=reference)
    waiting = queries.request_open(found)
    if waiting is None and request.method == "GET":
        return redirect("application", reference)
    form = RequestAnswerForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
    )

    def answer() -> HttpResponse:
        file = form.cleaned_data["file"]
        actions.answer_request(
            application=found,
            text=form.cleaned_data["text"],
            files=[file] if file else [],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(request, _("We have your answer. An officer goes on with it."))
        return redirect("application", reference)

    rows = []
    if waiting is not None:
        rows = [
            {"key": _("Asked"), "value": waiting.question},
            {"key": _("By"), "value": waiting.asked_by.name},
            {"key": _("Answer by"), "value": day_words(waiting.due_on)},
        ]
        if waiting.answer_name:
            label = answer_labels().get(waiting.answer_name, waiting.answer_name)
            rows.insert(1, {"key": _("About"), "value": label})
    context = {
        "title": _("We need something from you"),
        "caption": reference,
        "back": reverse("application", args=[reference]),
        "submit": _("Send the answer"),
        "rows": rows,
    }
    return answer_form(request, form, "vouchers/upload_page.html", answer, context)


def requests_shown(application: Application) -> list[dict[str, Any]]:
    """Return what was asked of an applicant and answered, newest first, each as rows of facts."""
    zone = application.round.programme.zone
    shown = []
    for one in queries.requests_of(application):
        answer = getattr(one, "answer", None)
        rows = [
            {"key": _("Asked"), "value": one.question},
            {"key": _("By"), "value": by_words(one.asked_by.name, one.asked_at, zone)},
            {"key": _("Answer by"), "value": day_words(one.due_on)},
            {"key": _("Answer"), "value": answer.text if answer else _("Not answered yet")},
        ]
        if answer:
            when = by_words(answer.answered_by.name, answer.answered_at, zone)
            rows.append({"key": _("Answered by"), "value": when})
        shown.append({"rows": rows})
    return shown


# --- files -----------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def application_attachments(request: HttpRequest, reference: str) -> HttpResponse:
    """Add files to a draft, one at a time, and take them off again."""
    person, now = signed_in(request), timezone.now()
    found = queries.application_of(person, reference)
    if found.status != Application.Status.DRAFT:
        return redirect("application", reference)
    form = AttachForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
    )

    def attach() -> HttpResponse:
        kept = actions.attach_file(
            application=found, file=form.cleaned_data["file"], actor=person, at=now
        )
        messages.success(request, _("%(name)s is added.") % {"name": kept.name})
        return redirect("application_attachments", reference)

    context = {
        "title": _("Add files"),
        "caption": reference,
        "back": reverse("application_tasks", args=[reference]),
        "submit": _("Add this file"),
        "attachments": attachments_table(found, is_open=True),
        "intro": _("Only if they help, such as a contract or an offer. Nobody has to add any."),
    }
    return answer_form(request, form, "vouchers/attachments.html", attach, context)


@login_required
@require_http_methods(["GET", "POST"])
def attachment_remove(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """Take a file off a draft."""
    person = signed_in(request)
    found = queries.attachment_of(person, reference, number)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def remove() -> HttpResponse:
        actions.remove_attachment(attachment=found, actor=person)
        messages.success(request, _("%(name)s is taken off.") % {"name": found.name})
        return redirect("application_attachments", reference)

    context = {
        "title": _("Take off this file"),
        "caption": found.name,
        "back": reverse("application_attachments", args=[reference]),
        "submit": _("Take it off"),
        "submit_kind": "warning",
    }
    return answer_form(request, form, "form_page.html", remove, context)


@login_required
@require_GET
def attachment(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """Answer with a file to keep, never to be shown or run in the browser."""
    found = queries.attachment_of(signed_in(request), reference, number)
    return file_answer(_ascii(found), bytes(found.content), found.media_type)


def _ascii(found: Attachment) -> str:
    """Return a name that every browser and header takes; a Chinese name stays on the page."""
    stem, _dot, ending = found.name.rpartition(".")
    plain = stem.encode("ascii", "ignore").decode().strip() or f"file-{found.pk}"
    return f"{plain}.{ending}"


def attachments_table(application: Application, *, is_open: bool = False) -> dict[str, Any]:
    """Return the files of an application as a table; while open, each may be taken off."""
    zone = application.round.programme.zone
    rows: list[list[Any]] = []
    for one in queries.attachments_of(application):
        place = [application.reference, one.pk]
        row: list[Any] = [
            {"text": one.name, "url": reverse("attachment", args=place)},
            filesizeformat(one.size),
            by_words(one.attached_by.name, one.attached_at, zone),
        ]
        if is_open:
            url = reverse("attachment_remove", args=place)
            row.append({"text": _("Take off %(name)s") % {"name": one.name}, "url": url})
        rows.append(row)
    columns = [_("File"), _("Size"), _("Added"), *([_("Change")] if is_open else [])]
    return {"caption": _("Files"), "columns": columns, "rows": rows}
