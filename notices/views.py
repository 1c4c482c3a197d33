"""A person's letters."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common.formatting import instant, status_tag
from notices import actions, queries
from notices.models import Message
from parties.authentication import signed_in

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
