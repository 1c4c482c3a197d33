"""FOCUS tables to take away: a bill, a programme's vouchers and its billing periods."""

from typing import IO

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing import queries
from billing.focus.model import BILLING_PERIOD, CONTRACT_COMMITMENT, COST_AND_USAGE
from billing.focus.writing import written
from billing.queries.focus import (
    COMMITMENTS_WITHOUT,
    OWN_COLUMNS,
    commitment_rows,
    cost_rows,
    has_focus,
)
from billing.queries.periods import billing_period_rows
from common.errors import NotFound
from parties.authentication import signed_in
from vouchers.queries import programme_of


@login_required
@require_GET
def bill_focus(request: HttpRequest, number: str) -> FileResponse:
    """Give a bill as a Cost and Usage table of FOCUS 1.2, the lines that a person may see."""
    person = signed_in(request)
    bill = queries.bill_of(person, number)
    if not has_focus(bill):
        raise NotFound(what=number)
    table = written(COST_AND_USAGE, cost_rows(person, bill), OWN_COLUMNS)
    return _answer(f"{number}-focus-1.2.csv", table)


@login_required
@require_GET
def programme_commitments(request: HttpRequest, code: str) -> FileResponse:
    """Give a programme's vouchers as a Contract Commitment table of FOCUS 1.4."""
    programme = programme_of(signed_in(request), code)
    rows = commitment_rows(programme, timezone.now())
    table = written(CONTRACT_COMMITMENT, rows, without=COMMITMENTS_WITHOUT)
    return _answer(f"{code}-contract-commitment-1.4.csv", table)


@login_required
@require_GET
def programme_periods_csv(request: HttpRequest, code: str) -> FileResponse:
    """Give a programme's billing periods as a Billing Period table of FOCUS 1.4."""
    programme = programme_of(signed_in(request), code)
    table = written(BILLING_PERIOD, billing_period_rows(programme))
    return _answer(f"{code}-billing-period-1.4.csv", table)


def _answer(name: str, table: IO[bytes]) -> FileResponse:
    answer = FileResponse(
        table, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8"
    )
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
