"""A trace in words: its steps in the order of value, each row with what made its figure."""

from collections.abc import Callable
from typing import Any

from scoring.queries.traces import Trace
from scoring.told import awards, bank, outcomes, use
from scoring.told.rows import Row, Step
from vouchers.views.decisions_shown import working_lines

__all__ = ["Row", "Step", "steps_of", "working_of"]

# In the order in which value goes.
_STEPS: tuple[Callable[[Trace], Step], ...] = (
    awards.appropriation,
    awards.budget,
    awards.rounds,
    awards.applications,
    awards.decisions,
    awards.vouchers,
    use.orders,
    use.usage,
    use.lines,
    use.bills,
    use.settlements,
    bank.payables,
    bank.batches,
    bank.payments,
    bank.bank_lines,
    outcomes.outcomes,
    outcomes.scores,
    outcomes.standings,
)


def steps_of(found: Trace) -> list[Step]:
    """Return the steps of a trace that its reader may see, from appropriation to standing."""
    made = [make(found) for make in _STEPS]
    return [step for step in made if step.rows]


def working_of(step: Step) -> list[dict[str, Any]]:
    """Return the working of a step with one row as its table shows it; of several, nothing."""
    return working_lines(step.rows[0].working) if len(step.rows) == 1 else []
