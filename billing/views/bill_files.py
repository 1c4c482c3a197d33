"""A bill's lines to take away: all of them, or those that were not accepted whole."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from billing import queries, statuses
from billing.models import Verdict
from billing.queries.rated import RatedLine, Rating
from billing.views.bill_states import OPEN
from billing.views.bills import why
from billing.views.shown import (
    unit_words,
)
from common.downloads import csv_answer
from common.money import major
from parties.authentication import signed_in

AT_ONCE = 2_000
NOT_WHOLE = (*OPEN, Verdict.Outcome.DECLINED)


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
    rating = Rating(found)
    header = ["line", "source", "key", "voucher", "hours", "rate", "unit"]
    header += ["amount", "accepted", "withheld", "covered", "verdict", "why"]
    header += ["order", "metered_hours", "co_payment", "beyond_hold", "limited_by"]
    header += ["policy_version", *(f"funder {name}" for name in rating.funders)]
    rows = (
        _row(one, rating.funders)
        for one in _rated(rating, lines)
        if not only_errors or _outcome(one) in NOT_WHOLE
    )
    return csv_answer(f"{found.number}{suffix}.csv", header, rows)


def _rated(rating: Rating, lines: QuerySet[Any]) -> Iterator[RatedLine]:
    """Rate all lines, in the order of their rows, so many at once."""
    found = lines.iterator(chunk_size=AT_ONCE)
    while some := list(islice(found, AT_ONCE)):
        yield from rating.rate(some)


def _outcome(one: RatedLine) -> str:
    line: Any = one.line
    return line.outcome or "WAITING"


def _row(one: RatedLine, funders: Sequence[str]) -> list[object]:
    line: Any = one.line
    unit, rated = line.bill.unit, one.rated
    borne = dict(rated.parts)
    is_settled = line.outcome is not None

    def shown(amount: int | None) -> object:
        return "" if amount is None or not is_settled else major(amount, unit)

    return [
        line.row,
        line.source,
        line.key,
        line.voucher.code if line.voucher else "",
        major(line.quantity_ms, "GPU"),
        f"{line.rate:f}",
        unit_words(unit),
        major(line.amount, unit),
        *(shown(amount) for amount in (line.accepted, line.withheld, line.covered)),
        statuses.line_status(_outcome(one), line.accepted).label,
        why(line),
        line.order.code if line.order else "",
        major(rated.metered_ms, "GPU"),
        shown(rated.co_payment),
        shown(rated.beyond),
        " ".join(one.limits),
        one.version.number if one.version else "",
        *(shown(borne.get(name, 0)) for name in funders),
    ]
