"""Awards on public notice, for everybody to read."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common.formatting import money
from vouchers import queries
from vouchers.models import Decision
from vouchers.views.shown import day_words


@require_GET
def awards(request: HttpRequest) -> HttpResponse:
    """List the awards that are on public notice today."""
    context = {
        "columns": [
            _("Organisation"),
            _("Project"),
            _("Programme"),
            {"label": _("Award"), "numeric": True},
            _("On notice until"),
        ],
        "rows": [_row(one) for one in queries.awards_on_notice(timezone.now())],
    }
    return render(request, "vouchers/awards.html", context)


def _row(one: Decision) -> list[str]:
    application = one.application
    programme = application.round.programme
    until = queries.notice_ends_on(one)
    return [
        application.organisation.name_here,
        str(application.answers.get("project_title") or application.reference),
        programme.title_here,
        money(one.awarded, programme.unit),
        day_words(until) if until else "",
    ]
