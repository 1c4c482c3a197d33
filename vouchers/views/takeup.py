"""How far a programme's applications get, what was asked for and not had, shown and to keep."""

from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from common.charts import Mark, bar
from common.downloads import csv_answer
from common.errors import NotFound
from common.formatting import NOTHING, money
from common.money import is_currency, major
from parties.authentication import signed_in
from parties.models import User
from vouchers import queries
from vouchers.forms.programmes import TakeUpFilter
from vouchers.models import Programme, Round
from vouchers.queries.programmes import STAFF_WHO_READ
from vouchers.queries.takeup import FEWEST, Cell, TakeUp, take_up
from vouchers.views.programmes import may_staff

# What each figure is called, and what exactly it counts (`vouchers.queries.takeup`).
WORDS: Final[dict[str, tuple[Any, Any]]] = {
    "started": (
        gettext_lazy("Started"),
        gettext_lazy("Applications begun, whether sent, withdrawn or still drafts."),
    ),
    "sent": (gettext_lazy("Sent"), gettext_lazy("Applications that were sent.")),
    "eligible": (
        gettext_lazy("Found eligible"),
        gettext_lazy(
            "Sent applications whose newest decision says that the law’s conditions are met, or "
            "approves them after a look at what the law referred."
        ),
    ),
    "approved": (
        gettext_lazy("Approved"),
        gettext_lazy("Applications whose newest decision approves them."),
    ),
    "issued": (
        gettext_lazy("Voucher issued"),
        gettext_lazy("Approved applications of which a voucher was issued."),
    ),
    "in_use": (
        gettext_lazy("First order or claim"),
        gettext_lazy("Vouchers under which an order was placed or a claim was sent."),
    ),
    "spent_from": (
        gettext_lazy("Spent from"),
        gettext_lazy(
            "Vouchers from which anything was redeemed, claimed or delivered, less corrections."
        ),
    ),
    "wholly_spent": (
        gettext_lazy("Wholly spent"),
        gettext_lazy("Vouchers of which all that was issued was spent."),
    ),
    "asked": (
        gettext_lazy("Applied for"),
        gettext_lazy("The fees, or the GPU-hours, that sent applications name."),
    ),
    "recommended": (
        gettext_lazy("Recommended"),
        gettext_lazy("What the law recommends for the applications found eligible."),
    ),
    "awarded": (
        gettext_lazy("Awarded"),
        gettext_lazy("What the newest decisions that approve award."),
    ),
    "value_issued": (
        gettext_lazy("Issued"),
        gettext_lazy("What was issued in vouchers; the five amounts below add up to it."),
    ),
    "free": (
        gettext_lazy("Still free"),
        gettext_lazy("What is in vouchers and not set aside for orders."),
    ),
    "held": (gettext_lazy("Held"), gettext_lazy("What is set aside in vouchers for orders.")),
    "spent": (
        gettext_lazy("Spent"),
        gettext_lazy("What was redeemed, claimed or delivered, less corrections."),
    ),
    "expired": (
        gettext_lazy("Expired"),
        gettext_lazy("What was left in vouchers when their days were over."),
    ),
    "returned": (
        gettext_lazy("Returned"),
        gettext_lazy("What holders gave back, and what was left of revoked vouchers."),
    ),
    "no_voucher": (
        gettext_lazy("Awarded, and the budget does not reach"),
        gettext_lazy(
            "Awards without a voucher that what is left of the budget does not cover, when "
            "awards take it in the order of their decisions."
        ),
    ),
    "cut_by_budget": (
        gettext_lazy("Cut off by the budget"),
        gettext_lazy(
            "What the law’s ceilings would have left to applications found eligible, and the "
            "pool or the budget left at the decision did not."
        ),
    ),
    "above_law": (
        gettext_lazy("Above what the law allows"),
        gettext_lazy(
            "By how much the law’s share of fees or hours was above its ceilings, for "
            "applications found eligible."
        ),
    ),
    "not_sent": (
        gettext_lazy("Not sent in time"),
        gettext_lazy(
            "Drafts of rounds that are over, with the fees or the GPU-hours they name."
        ),
    ),
}


@login_required
@require_GET
def programme_takeup(request: HttpRequest, code: str) -> HttpResponse:
    """Show how far a programme's applications get, step by step, of all rounds or of one."""
    person = signed_in(request)
    found = queries.programme_of(person, code)
    form, round = _filtered(request, found)
    figures = _figures(person, found, round)
    query = f"?{urlencode({'round': round.code})}" if round else ""
    unit = found.unit
    context = {
        "programme": found,
        "caption": round.code if round else found.title_here,
        "form": form,
        "figures": figures,
        "csv_url": reverse("programme_takeup_csv", args=[code]) + query,
        "chart": _chart(figures),
        "steps": {
            "caption": _("Steps"),
            "columns": [
                _("Step"),
                {"label": _("Applications"), "numeric": True},
                {"label": _("Organisations"), "numeric": True},
                {"label": _("Median days since the step before"), "numeric": True},
            ],
            "rows": [
                [
                    _name(cell),
                    _number(cell, cell.count),
                    _number(cell, cell.organisations),
                    _number(cell, cell.days),
                ]
                for cell in figures.steps
            ],
        },
        "amounts": _amounts(_("Amounts"), figures.amounts, unit),
        "unmet": _amounts(_("Unmet demand"), figures.unmet, unit),
        "definitions": [
            {"key": WORDS[cell.code][0], "value": WORDS[cell.code][1]}
            for cell in (*figures.steps, *figures.amounts, *figures.unmet)
        ],
        "withheld": _withheld_words() if _has_withheld(figures) else "",
    }
    return render(request, "vouchers/takeup.html", context)


@login_required
@require_GET
def programme_takeup_csv(request: HttpRequest, code: str) -> HttpResponse:
    """Answer with the same figures as a CSV, of all rounds or of the one that was chosen."""
    person = signed_in(request)
    found = queries.programme_of(person, code)
    _form, round = _filtered(request, found)
    figures = _figures(person, found, round)
    unit = found.unit if is_currency(found.unit) else _("GPU-hours")
    header = [
        _("Programme"),
        _("Round"),
        _("Part"),
        _("Figure"),
        _("Applications"),
        _("Organisations"),
        _("Amount"),
        _("Unit"),
        _("Median days since the step before"),
        _("Remark"),
        _("Definition"),
    ]
    parts = (
        (_("Steps"), figures.steps),
        (_("Amounts"), figures.amounts),
        (_("Unmet demand"), figures.unmet),
    )
    rows = [
        [
            found.code,
            round.code if round else "",
            part,
            _name(cell),
            cell.count,
            cell.organisations,
            None if cell.amount is None else major(cell.amount, found.unit),
            "" if cell.amount is None else unit,
            cell.days,
            _withheld_words() if cell.is_withheld else "",
            str(WORDS[cell.code][1]),
        ]
        for part, cells in parts
        for cell in cells
    ]
    name = f"take-up-{found.code}{f'-{round.code}' if round else ''}.csv"
    return csv_answer(name, header, rows)


def _filtered(request: HttpRequest, found: Programme) -> tuple[TakeUpFilter, Round | None]:
    """Return the filter as it was sent, and the round it names.

    :raises NotFound: if the programme has no such round.
    """
    rounds = list(queries.rounds_of(found))
    form = TakeUpFilter(request.GET, rounds=rounds)
    wanted = request.GET.get("round", "")
    chosen = next((one for one in rounds if one.code == wanted), None)
    if wanted and chosen is None:
        raise NotFound(what=wanted)
    return form, chosen


def _figures(person: User, found: Programme, round: Round | None) -> TakeUp:
    # A regulator sees all programmes, and figures of few organisations in none of them.
    shows_few = may_staff(person, found, *STAFF_WHO_READ)
    return take_up(found, timezone.now(), round=round, shows_few=shows_few)


def _chart(figures: TakeUp) -> dict[str, Any]:
    title = _finding(figures)
    marks = [Mark(_name(cell), cell.count, _number(cell, cell.count)) for cell in figures.steps]
    return {
        "title": title,
        "svg": bar(marks, id="take-up", title=title),
        "columns": [_("Step"), {"label": _("Applications"), "numeric": True}],
        "rows": [[mark.label, mark.text] for mark in marks],
    }


def _finding(figures: TakeUp) -> str:
    """Return the step after which most have not gone on, in words."""
    steps = figures.steps
    lost = [
        ((before.count or 0) - (after.count or 0), before)
        for before, after in pairwise(steps)
        if not (before.is_withheld or after.is_withheld)
    ]
    if not lost:
        return _("From started to wholly spent")
    most, step = max(lost, key=lambda one: one[0])
    if not most:
        return _("Every application has reached the last step")
    return _("%(lost)s of %(all)s have not got past “%(step)s”") % {
        "lost": most,
        "all": step.count,
        "step": _name(step),
    }


def _amounts(caption: str, cells: tuple[Cell, ...], unit: str) -> dict[str, Any]:
    return {
        "caption": caption,
        "columns": [
            _("Figure"),
            {"label": _("Applications"), "numeric": True},
            {"label": _("Organisations"), "numeric": True},
            {"label": _("Amount"), "numeric": True},
        ],
        "rows": [
            [
                _name(cell),
                _number(cell, cell.count),
                _number(cell, cell.organisations),
                _("Not shown") if cell.is_withheld else money(cell.amount, unit),
            ]
            for cell in cells
        ],
    }


def _name(cell: Cell) -> str:
    return str(WORDS[cell.code][0])


def _number(cell: Cell, value: int | None) -> str:
    if cell.is_withheld:
        return _("Not shown")
    return NOTHING if value is None else f"{value:,}"


def _has_withheld(figures: TakeUp) -> bool:
    cells = (*figures.steps, *figures.amounts, *figures.unmet)
    return any(cell.is_withheld for cell in cells)


def _withheld_words() -> str:
    return _("Not shown: fewer than %(fewest)s organisations here or in another round.") % {
        "fewest": FEWEST
    }
