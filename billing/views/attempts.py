"""Attempts that were refused because the step is another person's, for who watches over it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries
from billing.models import RefusedAttempt
from billing.views.shown import act_words, page_of, query_of, sentence_cell, table
from common.downloads import csv_answer
from common.formatting import instant
from parties.authentication import signed_in
from parties.queries import require_role
from parties.roles import Role

AUDITORS = (Role.REGULATOR, Role.INVESTIGATOR, Role.ADMIN)


@login_required
@require_GET
def refused_attempts(request: HttpRequest) -> HttpResponse:
    """List who asked for a step of a batch that was not theirs, newest first."""
    person = signed_in(request)
    require_role(person, *AUDITORS)
    page = page_of(request, queries.attempts_visible_to(person))
    context = {
        "list": table(
            _("Refused attempts"),
            [_("When"), _("Who"), _("Asked for"), _("Of"), _("Refused because")],
            [_row(one) for one in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/refused_attempts.html", context)


def _row(attempt: RefusedAttempt) -> list[Any]:
    kind, _colon, name = attempt.about.partition(":")
    thing: Any = name
    if kind == "batch":
        thing = {"text": name, "url": reverse("batch", args=[name])}
    return [
        instant(attempt.at, attempt.programme.zone),
        f"{attempt.asked_by.name} ({attempt.asked_by.email})",
        act_words(attempt.kind),
        thing,
        sentence_cell(_words(attempt)),
    ]


def _words(attempt: RefusedAttempt) -> str:
    return str(attempt.words.get(get_language() or "en") or attempt.words["en"])


@login_required
@require_GET
def refused_attempts_csv(request: HttpRequest) -> HttpResponse:
    """Give the refused attempts as a table to keep."""
    person = signed_in(request)
    require_role(person, *AUDITORS)
    header = ["at", "name", "email", "kind", "about", "code", "words"]
    rows = (
        [
            one.at.isoformat(),
            one.asked_by.name,
            one.asked_by.email,
            one.kind,
            one.about,
            one.code,
            _words(one),
        ]
        for one in queries.attempts_visible_to(person)
    )
    response = csv_answer("refused-attempts.csv", header, rows)
    response["Cache-Control"] = "no-store"
    return response
