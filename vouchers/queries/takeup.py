"""How far applications get, from started to wholly spent, and what was asked for and not had."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from django.db import connection

from common.days import day_of
from common.money import GPU_MS_PER_HOUR, exponent, is_currency
from ledger.kinds import ActKind
from ledger.queries.spending import Spending, first_acts, spending_of
from vouchers.models import Application, Programme, Round
from vouchers.queries.facts import decimal_answer
from vouchers.queries.programmes import budget_available

FEWEST = 5
"""Figures of fewer organisations are for the authority's own people."""

STEPS = (
    "started",
    "sent",
    "eligible",
    "approved",
    "issued",
    "in_use",
    "spent_from",
    "wholly_spent",
)
AMOUNTS = (
    "asked",
    "recommended",
    "awarded",
    "value_issued",
    "free",
    "held",
    "spent",
    "expired",
    "returned",
)
UNMET = ("no_voucher", "cut_by_budget", "above_law", "not_sent")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure: of how many applications, by how many organisations, how much, how long.

    `amount` is in the programme's unit and None where only the count says something; `days` is
    the median of whole days since the step before, None where nothing got so far. All are None
    where the figure is not for whoever asked (`is_withheld`).
    """

    code: str
    count: int | None
    organisations: int | None
    amount: int | None = None
    days: int | None = None
    is_withheld: bool = False


@dataclass(frozen=True, slots=True)
class TakeUp:
    """How far the applications of a programme, or of one of its rounds, got.

    `steps` are in order, each application of one among those of the step before; `amounts`
    from asked to returned, where what was issued is what is free, held, spent, expired and
    returned together; `unmet` by what stood in the way.
    """

    steps: tuple[Cell, ...]
    amounts: tuple[Cell, ...]
    unmet: tuple[Cell, ...]

    @property
    def is_empty(self) -> bool:
        """Say whether nobody has started an application."""
        return self.steps[0].count == 0


class _Row(NamedTuple):
    """One application with its newest decision and its voucher, as the database has them."""

    application: int
    round: int
    organisation: int
    status: str
    started_at: datetime
    sent_at: datetime | None
    fee: str | None
    hours: str | None
    decision: int | None
    outcome: str | None
    recommended: int | None
    awarded: int | None
    decided_at: datetime | None
    is_eligible: bool | None
    eligible_at: datetime | None
    cut_by_budget: Decimal | None
    cut_by_law: Decimal | None
    voucher: str | None
    value: int | None
    issued_at: datetime | None
    ordered_at: datetime | None


# The working tells which step took how much: the pool is the budget, the ceilings are the law.
_ROWS = """
    with wanted as (
        select a.* from vouchers_application a join vouchers_round r on r.id = a.round_id
        where r.programme_id = %(programme)s
    ), decided as (
        select d.*, d.outcome = 'PASS' or d.reasons @> '[{"code": "ALL_MET"}]' as is_eligible
        from vouchers_decision d join wanted w on w.id = d.application_id
    ), newest as (
        select distinct on (application_id) * from decided order by application_id, id desc
    ), eligible as (
        select application_id, min(decided_at) as at from decided where is_eligible group by 1
    ), ordered as (
        select o.voucher_id, min(o.placed_at) as at
        from vouchers_order o join vouchers_voucher v on v.id = o.voucher_id
        where v.programme_id = %(programme)s group by 1
    )
    select w.id, w.round_id, w.organisation_id, w.status, w.started_at, w.sent_at,
        w.answers ->> 'fee_total', w.answers ->> 'hours',
        n.id, n.outcome, n.recommended, n.awarded, n.decided_at, n.is_eligible, e.at,
        cut.by_budget, cut.by_law, v.code, v.amount, v.issued_at, o.at
    from wanted w
        left join newest n on n.application_id = w.id
        left join eligible e on e.application_id = w.id
        left join vouchers_voucher v on v.decision_id = n.id
        left join ordered o on o.voucher_id = v.id
        left join lateral (
            select sum(taken) filter (where name = 'pool') as by_budget,
                sum(taken) filter (where name like 'cap\\_%%'
                    or name in ('self_pay', 'stacking', 'state_aid')) as by_law
            from (
                select line ->> 'name' as name,
                    lag(split_part(line ->> 'amount', ' ', 1)::numeric) over (order by place)
                        - split_part(line ->> 'amount', ' ', 1)::numeric as taken
                from jsonb_array_elements(n.working) with ordinality as steps (line, place)
            ) step
            where taken > 0
        ) cut on true
    order by n.decided_at, n.id, w.id
"""


@dataclass(frozen=True, slots=True)
class _Path:
    """How far one application got: when it reached each step, and what it is about."""

    round: int
    organisation: int
    reached: dict[str, datetime]
    amounts: dict[str, int]
    unmet: dict[str, int]


def take_up(
    programme: Programme, at: datetime, *, round: Round | None = None, shows_few: bool
) -> TakeUp:
    """Return how far a programme's applications have got, or those of one of its rounds.

    Each application counts by its newest decision. Counted are

    - started: applications begun, those withdrawn among them;
    - sent: those that were sent;
    - eligible: of which the newest decision says that the law's conditions are met, or approves
      them after a look at what the law referred;
    - approved: of which the newest decision approves;
    - issued: of which a voucher was issued;
    - in use: under whose voucher an order was placed or a claim was sent;
    - spent from: of whose voucher anything was redeemed, claimed or delivered, corrections off;
    - wholly spent: of whose voucher all that was issued was.

    Days are those between the instants of a step and of the one before it, counted in full
    spans of 24 hours; of an even number of applications the median is the mean of the middle
    two, half a day upwards. Unmet are

    - no voucher: awards of which no voucher was issued and that the programme's budget does not
      reach, when awards take what is left of it in the order of their decisions;
    - cut by budget: what the law would have given to eligible applications and its pool, or
      what was left of the budget at the decision, did not;
    - above the law: what the law's share of eligible applications' fees or hours was above the
      law's ceilings;
    - not sent: what drafts ask for whose round is over at `at`.

    Amounts are in the programme's unit; what is asked for is the fee, or the GPU-hours, that
    stands in the answers, and parts of a minor unit are dropped. Without `shows_few` a figure of
    1 to 4 organisations is withheld, and one of a single round also where another round has such
    a figure at this place, which could otherwise be found by subtraction.

    The number of statements does not depend on how many applications or rounds there are.
    """
    paths = _paths(programme, at)
    if round is None:
        found = _counted(paths)
        return found if shows_few else _masked(found, [found])
    by_round: dict[int, list[_Path]] = defaultdict(list)
    for path in paths:
        by_round[path.round].append(path)
    found = _counted(by_round[round.pk])
    return found if shows_few else _masked(found, [_counted(own) for own in by_round.values()])


def _paths(programme: Programme, at: datetime) -> list[_Path]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"programme": programme.pk})
        rows = [_Row(*row) for row in cursor.fetchall()]
    codes = [row.voucher for row in rows if row.voucher]
    claimed = first_acts(ActKind.SUBMIT_CLAIM, [f"voucher:{code}" for code in codes])
    spending = spending_of(programme.code)
    waiting = _beyond_budget(rows, budget_available(programme))
    today = day_of(at, programme.zone)
    over = set(
        Round.objects.filter(programme=programme, closes_on__lt=today).values_list(
            "pk", flat=True
        )
    )
    nothing = Spending(0, 0, 0, 0, None, None)
    paths = []
    for row in rows:
        spent = spending.get(programme.account("voucher", row.voucher or ""), nothing)
        claim = claimed.get(f"voucher:{row.voucher}")
        asked = _asked(row, programme)
        amounts = _amounts(row, spent) | ({"asked": asked} if row.sent_at else {})
        unmet = _unmet(row, programme.unit, is_waiting=row.decision in waiting)
        if row.status == Application.Status.DRAFT and row.round in over:
            unmet["not_sent"] = asked
        reached = _reached(row, spent, claim)
        paths.append(_Path(row.round, row.organisation, reached, amounts, unmet))
    return paths


def _asked(row: _Row, programme: Programme) -> int:
    """Return the fee or the GPU-hours of the answers, in the programme's unit; 0 if unreadable."""
    name = "hours" if programme.mode == Programme.Mode.M5 else "fee_total"
    text = row.hours if name == "hours" else row.fee
    asked = decimal_answer({name: text}, name)
    return max(_minor(asked, programme.unit), 0) if asked is not None else 0


def _minor(amount: Decimal, unit: str) -> int:
    scale = 10 ** exponent(unit) if is_currency(unit) else GPU_MS_PER_HOUR
    return int((amount * scale).to_integral_value(ROUND_DOWN))


def _beyond_budget(rows: Iterable[_Row], left: int) -> set[int]:
    """Return the decisions whose award the budget does not reach; rows in order of decision."""
    beyond = set()
    for row in rows:
        if row.outcome != "PASS" or row.voucher or not row.awarded or row.decision is None:
            continue
        if row.awarded > left:
            beyond.add(row.decision)
        else:
            left -= row.awarded
    return beyond


def _reached(row: _Row, spent: Spending, claimed_at: datetime | None) -> dict[str, datetime]:
    instants: dict[str, datetime | None] = {
        "started": row.started_at,
        "sent": row.sent_at,
        "eligible": row.eligible_at if row.is_eligible else None,
        "approved": row.decided_at if row.outcome == "PASS" else None,
        "issued": row.issued_at,
        "in_use": min((t for t in (row.ordered_at, claimed_at) if t), default=None),
        "spent_from": spent.first_at if spent.spent > 0 else None,
        "wholly_spent": spent.last_at if row.value and spent.spent >= row.value else None,
    }
    return {step: instant for step, instant in instants.items() if instant is not None}


def _amounts(row: _Row, spent: Spending) -> dict[str, int]:
    gone = spent.spent + spent.expired + spent.returned
    value = row.value or 0
    found = {
        "recommended": (row.recommended or 0) if row.is_eligible else 0,
        "awarded": (row.awarded or 0) if row.outcome == "PASS" else 0,
        "value_issued": value,
        "free": value - gone - spent.held,
        "held": spent.held,
        "spent": spent.spent,
        "expired": spent.expired,
        "returned": spent.returned,
    }
    return {name: amount for name, amount in found.items() if amount}


def _unmet(row: _Row, unit: str, *, is_waiting: bool) -> dict[str, int]:
    found = {"no_voucher": row.awarded or 0} if is_waiting else {}
    if row.is_eligible:
        found["cut_by_budget"] = _minor(row.cut_by_budget or Decimal(0), unit)
        found["above_law"] = _minor(row.cut_by_law or Decimal(0), unit)
    return {name: amount for name, amount in found.items() if amount}


# --- counting --------------------------------------------------------------------------------


def _counted(paths: Sequence[_Path]) -> TakeUp:
    return TakeUp(
        tuple(_step(paths, step) for step in STEPS),
        tuple(_sum(paths, name, lambda path: path.amounts) for name in AMOUNTS),
        tuple(_sum(paths, name, lambda path: path.unmet) for name in UNMET),
    )


def _step(paths: Iterable[_Path], step: str) -> Cell:
    there = [path for path in paths if step in path.reached]
    place = STEPS.index(step)
    waits = []
    if place:
        before = STEPS[place - 1]
        waits = [
            max(path.reached[step] - path.reached[before], timedelta(0)) // timedelta(days=1)
            for path in there
            if before in path.reached
        ]
    return Cell(step, len(there), _organisations(there), days=_median(waits))


def _sum(paths: Iterable[_Path], name: str, of: Callable[[_Path], dict[str, int]]) -> Cell:
    there = [path for path in paths if name in of(path)]
    amount = sum(of(path)[name] for path in there)
    return Cell(name, len(there), _organisations(there), amount)


def _organisations(paths: Iterable[_Path]) -> int:
    return len({path.organisation for path in paths})


def _median(days: Sequence[int]) -> int | None:
    if not days:
        return None
    ordered = sorted(days)
    return (ordered[(len(days) - 1) // 2] + ordered[len(days) // 2] + 1) // 2


def _masked(found: TakeUp, parts: Sequence[TakeUp]) -> TakeUp:
    """Withhold each figure at whose place one of the parts has few organisations."""

    def mask(cells: tuple[Cell, ...], kind: str) -> tuple[Cell, ...]:
        return tuple(
            replace(
                cell, count=None, organisations=None, amount=None, days=None, is_withheld=True
            )
            if any(
                0 < (getattr(part, kind)[place].organisations or 0) < FEWEST for part in parts
            )
            else cell
            for place, cell in enumerate(cells)
        )

    return TakeUp(
        mask(found.steps, "steps"), mask(found.amounts, "amounts"), mask(found.unmet, "unmet")
    )
