"""A person's letters, and the events that a provider's programs were sent."""

from django.contrib import messages as told
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.formatting import instant, status_tag
from common.forms import KeyedForm, answer_form
from notices import actions, queries
from notices.models import Message, WebhookAttempt, WebhookMessage
from parties.authentication import signed_in
from providers.kinds import EVENTS
from providers.queries import endpoint_of, provider_of

PAGE = 50


@login_required
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """List a person's letters, newest first."""
    person = signed_in(request)
    page = Paginator(queries.inbox(person), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "unread": queries.unread_count(person),
        "columns": [_("Subject"), _("When"), _("Status")],
        "rows": [_row(message) for message in page],
    }
    return render(request, "notices/inbox.html", context)


def _row(message: Message) -> list[object]:
    status = _("Read") if message.read_at else status_tag(_("New"), "blue")
    return [
        {"text": message.subject, "url": reverse("message", args=[message.pk])},
        instant(message.written_at),
        status,
    ]


@login_required
@require_GET
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one letter, with the way to the page it is about."""
    found = queries.message_of(signed_in(request), pk)
    actions.mark_read(messages=[found], at=timezone.now())
    return render(request, "notices/message.html", {"letter": found})


@login_required
@require_GET
def webhook_events(request: HttpRequest, pk: int) -> HttpResponse:
    """List the events for an address of a provider, newest first."""
    endpoint = endpoint_of(provider_of(signed_in(request)), pk)
    page = Paginator(queries.events_at(endpoint), PAGE).get_page(request.GET.get("page"))
    context = {
        "endpoint": endpoint,
        "page": page,
        "columns": [_("Event"), _("What"), _("When"), _("Attempts"), _("Status")],
        "rows": [_event_row(one) for one in page],
    }
    return render(request, "notices/webhook_events.html", context)


def _event_row(event: WebhookMessage) -> list[object]:
    url = reverse("webhook_event", args=[event.endpoint_id, event.number])
    return [
        {"text": f"{event.type} {event.subject}".strip(), "url": url},
        EVENTS.get(event.type, ""),
        instant(event.written_at),
        event.attempts_count,
        _event_status(event),
    ]


def _event_status(event: WebhookMessage) -> str:
    if event.next_attempt_at is not None:
        return status_tag(_("To be sent"), "blue")
    if event.taken_at is not None:
        return status_tag(_("Taken"), "green")
    return status_tag(_("Given up"), "red")


@login_required
@require_http_methods(["GET", "POST"])
def webhook_event(request: HttpRequest, pk: int, number: str) -> HttpResponse:
    """Show one event with every attempt, and send it once more."""
    endpoint = endpoint_of(provider_of(signed_in(request)), pk)
    event = queries.event_at(endpoint, number)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def resend() -> HttpResponse:
        actions.resend_event(message=event, at=timezone.now())
        told.success(request, _("The event is sent once more within the next seconds."))
        return redirect("webhook_event", pk, number)

    context = {
        "endpoint": endpoint,
        "event": event,
        "status": _event_status(event),
        "columns": [_("Attempt"), _("When"), _("Status"), _("Answer"), _("Took (ms)")],
        "attempts": [_attempt_row(one) for one in event.attempts.order_by("number")],
    }
    return answer_form(request, form, "notices/webhook_event.html", resend, context)


def _attempt_row(attempt: WebhookAttempt) -> list[object]:
    problems = {
        "private_address": _("The host leads to a private address; nothing was sent."),
        "tls": _("The certificate was not accepted."),
        "timeout": _("It did not answer in time."),
        "unreachable": _("It could not be reached."),
    }
    return [
        attempt.number,
        instant(attempt.at),
        attempt.status or "–",
        problems.get(attempt.problem, attempt.answer),
        attempt.took_ms,
    ]
