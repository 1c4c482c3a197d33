"""A bill's lines to take away: all of them, or those that were not accepted whole."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from billing import queries, statuses
from billing.models import Verdict
from billing.views.bill_states import OPEN
from billing.views.bills import why
from billing.views.shown import (
    unit_words,
)
from common.downloads import csv_answer
from common.money import major
from parties.authentication import signed_in


@login_required
@require_GET
def bill_csv(request: HttpRequest, number: str) -> HttpResponse:
    """Give all lines of a bill with their verdicts as a CSV."""
    return _csv(request, number, "", only_errors=False)


@login_required
@require_GET
def bill_errors_csv(request: HttpRequest, number: str) -> HttpResponse:
    """Give the lines of a bill that were not accepted whole, each with the reason."""
    return _csv(request, number, "-not-accepted", only_errors=True)


def _csv(request: HttpRequest, number: str, suffix: str, *, only_errors: bool) -> HttpResponse:
    person = signed_in(request)
    found = queries.bill_of(person, number)
    lines: QuerySet[Any] = queries.lines_visible_to(person, found)
    if only_errors:
        lines = lines.filter(outcome__in=[*OPEN, Verdict.Outcome.DECLINED])
    unit = found.unit
    header = ["line", "source", "key", "voucher", "hours", "rate", "unit"]
    header += ["amount", "accepted", "withheld", "covered", "verdict", "why"]

    def row(line: Any) -> list[object]:
        amounts = [line.amount, line.accepted, line.withheld, line.covered]
        return [
            line.row,
            line.source,
            line.key,
            line.voucher.code if line.voucher else "",
            major(line.quantity_ms, "GPU"),
            f"{line.rate:f}",
            unit_words(unit),
            *("" if one is None else major(one, unit) for one in amounts),
            statuses.LINE[line.outcome or "WAITING"].label,
            why(line),
        ]

    rows = (row(line) for line in lines.iterator(chunk_size=2000))
    return csv_answer(f"{found.number}{suffix}.csv", header, rows)
