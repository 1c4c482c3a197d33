"""The months of a programme: what was billed for each, what is open, and closing one for good."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries, statuses
from billing.forms.pages import ClosePeriodForm, ProposePeriodForm
from billing.models import ClosedPeriod, PeriodAccrual, PeriodProposal
from billing.queries.accruals import accruals_at_end, organisation_codes
from billing.queries.periods import (
    Check,
    Period,
    checks_of,
    closed_period,
    month_bounds,
    periods_of,
    proposal_of,
)
from billing.views.shown import act_words, by_words, figure, table
from common.days import FIRST_DAY, LAST_DAY, day_of
from common.downloads import csv_answer
from common.errors import NotFound
from common.formatting import day_text, instant, money
from common.forms import KeyedForm, answer_form
from common.money import major
from parties.authentication import signed_in
from parties.models import User
from parties.queries import is_one_person
from parties.roles import Role
from vouchers.models import Programme
from vouchers.queries import programme_of


@login_required
@require_GET
def programme_periods(request: HttpRequest, code: str) -> HttpResponse:
    """List the months of a programme: what is undecided in each, and whether it is closed."""
    programme = programme_of(signed_in(request), code)
    periods = periods_of(programme)
    context = {
        "title": programme.title_here,
        "code": code,
        "periods": _table(programme, periods) if periods else None,
    }
    return render(request, "billing/periods.html", context)


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
                {"text": f"{one.month:%Y-%m}", "url": _page(programme, one.month)},
                one.bills,
                one.undecided,
                money(one.total, programme.unit),
                _state(programme, one),
            ]
            for one in periods
        ],
    )


def _page(programme: Programme, month: date) -> str:
    return reverse("programme_period", args=[programme.code, f"{month:%Y-%m}"])


def _state(programme: Programme, period: Period) -> str:
    if period.closed is not None:
        day = day_text(day_of(period.closed.closed_at, programme.zone))
        return _("Closed on %(day)s") % {"day": day}
    if period.proposed is not None:
        return _("Proposed to be closed")
    return _("Open")


@login_required
@require_http_methods(["GET", "POST"])
def programme_period(request: HttpRequest, code: str, month: str) -> HttpResponse:
    """Show a month: what is open in it; propose to close it, close it, or what it was closed with.

    One finance officer proposes it and another closes it.
    """
    person = signed_in(request)
    programme, first = programme_of(person, code), _month(month)
    closed = closed_period(programme, first)
    if closed is not None:
        return render(request, "billing/period_closed.html", _closed(programme, month, closed))
    proposal = proposal_of(programme, first)
    checks = checks_of(programme, first, timezone.now())
    form = _form(request, person, programme, proposal, checks)

    def act() -> HttpResponse:
        assert form is not None
        now = timezone.now()
        if isinstance(form, ProposePeriodForm):
            actions.propose_period(
                programme=programme,
                month=first,
                note=form.cleaned_data["note"],
                actor=person,
                at=now,
                key=form.act_key,
            )
            messages.success(request, _("Another finance officer closes it now."))
        else:
            actions.close_period(
                programme=programme, month=first, actor=person, at=now, key=form.act_key
            )
            messages.success(
                request,
                _("%(month)s is closed. Nothing more can be billed for it, or dated in it.")
                % {"month": month},
            )
        return redirect("programme_period", code, month)

    context = {
        "title": programme.title_here,
        "code": code,
        "month": month,
        "checks": table(
            _("Before it is closed"),
            [_("What"), figure(_("Open")), figure(_("Amount")), _("What follows")],
            [_check_row(programme, one) for one in checks],
        ),
        "proposed": _proposed(programme, proposal),
        "submit": _("Propose to close it") if proposal is None else _("Close it for good"),
        "is_blocked": any(one.open and one.blocks for one in checks),
        "may_act": form is not None,
    }
    if form is None:
        return render(request, "billing/period.html", context)
    return answer_form(request, form, "billing/period.html", act, context)


def _month(text: str) -> date:
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise NotFound(what=text) from None
    if not FIRST_DAY <= month <= LAST_DAY:
        raise NotFound(what=text)
    return month


def _form(
    request: HttpRequest,
    person: User,
    programme: Programme,
    proposal: PeriodProposal | None,
    checks: list[Check],
) -> KeyedForm | None:
    """Return the form of the next step, or nothing where it is not this person's to take."""
    is_ours = queries.programmes_overseen(person, Role.FINANCE).filter(pk=programme.pk).exists()
    is_blocked = any(one.open and one.blocks for one in checks)
    if not is_ours or (is_blocked and request.method != "POST"):
        return None
    data = request.POST if request.method == "POST" else None
    if proposal is None or (data is not None and "note" in data):
        # Also where the form is sent a second time: the first proposal is the answer.
        return ProposePeriodForm(data)
    if is_one_person(person, proposal.proposed_by) and data is None:
        return None
    return ClosePeriodForm(data)


def _check_row(programme: Programme, check: Check) -> list[Any]:
    what, follows = statuses.PERIOD_CHECKS[check.code]
    return [
        what,
        check.open,
        "–" if check.amount is None else money(check.amount, programme.unit),
        follows if check.open else _("Nothing to do"),
    ]


def _proposed(programme: Programme, proposal: PeriodProposal | None) -> str:
    if proposal is None:
        return ""
    return by_words(proposal.proposed_at, proposal.proposed_by.name, programme.zone)


def _closed(programme: Programme, month: str, closed: ClosedPeriod) -> dict[str, Any]:
    accruals = list(closed.accruals.select_related("payee").order_by("stage", "payee__name"))
    corrections = list(closed.corrections.select_related("act").order_by("at", "pk"))
    proposed_by = closed.proposed_by.name if closed.proposed_by else "–"
    return {
        "title": programme.title_here,
        "code": programme.code,
        "month": month,
        "rows": [
            {"key": _("Proposed by"), "value": proposed_by},
            {
                "key": _("Closed"),
                "value": by_words(closed.closed_at, closed.closed_by.name, programme.zone),
            },
        ],
        "accruals": table(
            _("Not paid when the month ended"),
            [_("Stage"), _("Party"), figure(_("Amount"))],
            [_accrual_row(programme, one) for one in accruals],
        ),
        "corrections": table(
            _("What came later"),
            [_("When"), _("What"), figure(_("Changes the month by"))],
            [
                [
                    instant(one.at, programme.zone),
                    {
                        "text": act_words(one.act.kind),
                        "url": reverse("ledger_act", args=[one.act_id]),
                    },
                    money(one.amount, programme.unit),
                ]
                for one in corrections
            ],
        ),
    }


def _accrual_row(programme: Programme, one: PeriodAccrual) -> list[Any]:
    return [
        statuses.ACCRUAL[one.stage],
        one.payee.name_here,
        money(one.amount, programme.unit),
    ]


@login_required
@require_GET
def programme_period_csv(request: HttpRequest, code: str, month: str) -> HttpResponse:
    """Give a month as CSV: what was not paid at its end, and what came after it was closed.

    Of an open month it is as of now; of a closed one, as it was kept.
    """
    programme, first = programme_of(signed_in(request), code), _month(month)
    closed = closed_period(programme, first)
    return csv_answer(
        f"{code}-{month}.csv",
        ["period", "state", "kind", "party", "at", "amount", "unit"],
        _csv_open(programme, first) if closed is None else _csv_closed(programme, closed),
    )


def _csv_open(programme: Programme, month: date) -> Iterator[list[object]]:
    begins, ends = month_bounds(programme, month)
    found = list(accruals_at_end(programme, begins, ends))
    codes = organisation_codes(one.payee for one in found)
    unit = programme.unit
    for one in found:
        amount = major(one.amount, unit)
        at = ends.isoformat()
        yield [f"{month:%Y-%m}", "OPEN", one.stage, codes[one.payee], at, amount, unit]


def _csv_closed(programme: Programme, closed: ClosedPeriod) -> Iterator[list[object]]:
    month, unit = f"{day_of(closed.period_from, programme.zone):%Y-%m}", programme.unit
    for one in closed.accruals.select_related("payee").order_by("stage", "payee__name"):
        amount, at = major(one.amount, unit), closed.period_until.isoformat()
        yield [month, "CLOSED", one.stage, one.payee.code, at, amount, unit]
    for late in closed.corrections.select_related("act").order_by("at", "pk"):
        amount, at = major(late.amount, unit), late.at.isoformat()
        yield [month, "CLOSED", late.act.kind, "", at, amount, unit]
