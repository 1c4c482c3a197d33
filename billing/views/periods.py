"""The months of a programme: what was billed for each, and closing one."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import actions, queries
from billing.forms.pages import ClosePeriodForm
from billing.queries.periods import Period, periods_of
from billing.views.shown import figure, table
from common.days import day_of
from common.formatting import day_text, money
from common.forms import answer_form
from parties.authentication import signed_in
from parties.roles import Role
from vouchers.models import Programme
from vouchers.queries import programme_of


@login_required
@require_http_methods(["GET", "POST"])
def programme_periods(request: HttpRequest, code: str) -> HttpResponse:
    """Show the months of a programme and what is undecided in each; close one that is over."""
    person = signed_in(request)
    programme = programme_of(person, code)
    now = timezone.now()
    periods = periods_of(programme)
    this_month = day_of(now, programme.zone).replace(day=1)
    may_close = queries.programmes_overseen(person, Role.FINANCE).filter(pk=programme.pk)
    ready = (
        [one.month for one in periods if is_ready(one, this_month)]
        if may_close.exists()
        else []
    )
    form = ClosePeriodForm(request.POST if request.method == "POST" else None, months=ready)

    def close() -> HttpResponse:
        month = date.fromisoformat(f"{form.cleaned_data['month']}-01")
        actions.close_period(
            programme=programme, month=month, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(
            request,
            _("%(month)s is closed. Nothing more can be billed for it.")
            % {"month": f"{month:%Y-%m}"},
        )
        return redirect("programme_periods", code)

    context = {
        "title": programme.title_here,
        "code": code,
        "may_close": bool(ready),
        "periods": _table(programme, periods) if periods else None,
    }
    return answer_form(request, form, "billing/periods.html", close, context)


def is_ready(period: Period, this_month: date) -> bool:
    """Say whether a month can be closed: it is over, all in it is decided, and it is open."""
    return period.month < this_month and not period.undecided and period.closed is None


def _table(programme: Programme, periods: list[Period]) -> Any:
    return table(
        _("Billing periods"),
        [
            _("Month"),
            figure(_("Bills")),
            figure(_("Not decided")),
            figure(_("Total")),
            _("State"),
        ],
        [
            [
                f"{one.month:%Y-%m}",
                one.bills,
                one.undecided,
                money(one.total, programme.unit),
                _state(programme, one),
            ]
            for one in periods
        ],
    )


def _state(programme: Programme, period: Period) -> str:
    if period.closed is None:
        return _("Open")
    day = day_text(day_of(period.closed.closed_at, programme.zone))
    return _("Closed on %(day)s") % {"day": day}
