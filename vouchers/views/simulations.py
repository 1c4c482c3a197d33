"""What another version of the law would have made of past applications, shown and to keep."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common.downloads import csv_answer
from common.errors import NotFound
from common.formatting import money
from common.languages import in_language
from common.money import major
from parties.authentication import signed_in
from policy.differences import differences
from policy.rules import Programme as Policy
from vouchers import queries
from vouchers.models import Programme
from vouchers.queries.simulations import Simulated, Simulation, simulate

_SHOWN_MAX = 20


def law_compared(found: Programme, before: Policy | None, after: Policy) -> dict[str, Any]:
    """Return what a page shows of a new law: its changes in words, and who gains and loses."""
    simulation = simulate(found, after)
    return {
        "differences": [
            f"{in_language(one.en, one.zh)} ({one.clause})"
            for one in (differences(before, after) if before else ())
        ],
        "simulation": simulation,
        "simulation_rows": _summary(simulation, found.unit),
        "moved_columns": [
            _("Application"),
            _("Organisation"),
            {"label": _("Then"), "numeric": True},
            {"label": _("Now"), "numeric": True},
            {"label": _("Difference"), "numeric": True},
        ],
        "gain_rows": [_row(one, found.unit) for one in simulation.gain[:_SHOWN_MAX]],
        "lose_rows": [_row(one, found.unit) for one in simulation.lose[:_SHOWN_MAX]],
    }


def _summary(simulation: Simulation, unit: str) -> list[dict[str, Any]]:
    referred = sum(row.outcome_after == "REFER" for row in simulation.rows)
    rows: list[dict[str, Any]] = [
        {"key": _("Applications worked out again"), "value": len(simulation.rows)},
        {"key": _("Would have had more"), "value": len(simulation.gain)},
        {"key": _("Would have had less"), "value": len(simulation.lose)},
        {"key": _("Would be referred to a person"), "value": referred},
        {"key": _("Recommended then, in all"), "value": money(simulation.before, unit)},
        {"key": _("Recommended now, in all"), "value": money(simulation.after, unit)},
        {"key": _("Effect on the budget"), "value": _signed(simulation.effect, unit)},
    ]
    if simulation.left_out:
        rows.append({"key": _("Could not be worked out"), "value": simulation.left_out})
    return rows


def _signed(amount: int, unit: str) -> str:
    return f"+{money(amount, unit)}" if amount > 0 else money(amount, unit)


def _row(one: Simulated, unit: str) -> list[Any]:
    return [
        one.application,
        one.organisation,
        money(one.before, unit),
        money(one.after, unit),
        _signed(one.effect, unit),
    ]


@login_required
@require_GET
def policy_simulation(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Answer with every past application under both laws, as a CSV."""
    found = queries.programme_of(signed_in(request), code)
    version = queries.policy_versions_of(found).filter(number=number).first()
    if version is None:
        raise NotFound(what=number)
    simulation = simulate(found, queries.read_policy(version.text), most=None)
    header = [
        "application",
        "organisation",
        "unit",
        "recommended_then",
        "recommended_now",
        "difference",
        "outcome_then",
        "outcome_now",
    ]
    rows = (
        [
            row.application,
            row.organisation,
            found.unit,
            major(row.before, found.unit),
            major(row.after, found.unit),
            major(row.effect, found.unit),
            row.outcome_before,
            row.outcome_after,
        ]
        for row in simulation.rows
    )
    return csv_answer(f"{code}-{number}-simulation.csv", header, rows)
