"""How well a voucher was used, and what all of an organisation's vouchers say about it.

Pure functions: facts in, figures with their working out. Nothing here is money; a component is
a Decimal from 0 to 1, and the peer group is estimated with pandas.
"""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import exp, log, sqrt
from typing import Any, Self

import pandas as pd

from policy.answers import Line
from policy.standing import performance

FORMULA_VERSION = "performance-1"

# Used where a programme's document sets no weights of its own.
WEIGHTS: Mapping[str, Decimal] = {
    "use": Decimal("0.30"),
    "milestones": Decimal("0.25"),
    "outcomes": Decimal("0.25"),
    "forecast": Decimal("0.10"),
    "compliance": Decimal("0.10"),
}

# What one outcome of a kind counts; a milestone is its own component.
OUTCOME_POINTS: Mapping[str, Decimal] = {
    "MODEL": Decimal("1.0"),
    "PRODUCT": Decimal("1.0"),
    "PAPER": Decimal("0.8"),
    "PATENT": Decimal("0.8"),
    "DATASET": Decimal("0.6"),
}

MILESTONE_GRACE = timedelta(days=60)
REPORT_DUE = timedelta(days=90)

PEERS_LEAST = 3
PRIOR_MEAN = 0.5
PRIOR_BETWEEN = 0.10  # standard deviation of organisations around their group's mean
PRIOR_WITHIN = 0.22  # standard deviation of one organisation's vouchers
REPEATERS_LEAST = 20
WITHIN_LEAST = 0.01  # nobody's vouchers are so alike that one says everything
HALF_LIFE_MONTHS = 24.0
Z_MOST = Decimal("2.5")

_PLACES = Decimal("0.0001")
_ONE = Decimal(1)


@dataclass(frozen=True)
class VoucherFacts:
    """All that a voucher is scored on; amounts are in the voucher's own unit.

    `returned_early` came back before four fifths of the validity had passed. `planned` and
    `used` are shares of the whole by month (`2025-06`), empty where there is no plan or no
    meter. `peer_yield` is the median of outcome points for each unit of value among peers,
    None where fewer than three have any. Dates are None until they are known.
    """

    issued: int
    consumed: int
    returned_early: int
    is_ended: bool
    milestone_due_on: date | None
    milestone_done_on: date | None
    outcomes: Mapping[str, int]
    is_report_due: bool
    is_reported: bool
    peer_yield: Decimal | None
    planned: Mapping[str, Decimal]
    used: Mapping[str, Decimal]
    claim_lines: int
    claim_lines_declined: int
    scored_on: date

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON values, to be stored beside the score."""
        stored: dict[str, Any] = {}
        for name, value in asdict(self).items():
            if isinstance(value, Mapping):
                stored[name] = {
                    key: str(one) if isinstance(one, Decimal) else one
                    for key, one in sorted(value.items())
                }
            elif isinstance(value, (Decimal, date)):
                stored[name] = str(value)
            else:
                stored[name] = value
        return stored

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return the facts that `to_dict` stored, so that a score can be worked out again."""
        values = {field.name: stored[field.name] for field in fields(cls)}
        for name in ("milestone_due_on", "milestone_done_on", "scored_on"):
            values[name] = date.fromisoformat(values[name]) if values[name] else None
        for name in ("planned", "used"):
            values[name] = {key: Decimal(one) for key, one in values[name].items()}
        yielded = values["peer_yield"]
        values["peer_yield"] = None if yielded is None else Decimal(yielded)
        return cls(**values)


@dataclass(frozen=True)
class Performance:
    """A voucher's score from 0 to 1, the weight that was observed, and each component."""

    x: Decimal
    observed_weight: Decimal
    components: Mapping[str, Decimal | None]


def perform(facts: VoucherFacts, weights: Mapping[str, Decimal] | None = None) -> Performance:
    """Return the performance of one voucher under formula `FORMULA_VERSION`.

    A component that can't be known yet is None and drops out. Weights may name fewer
    components than these; the others don't count.
    """
    weights = WEIGHTS if weights is None else weights
    worked_out = {
        "use": _use(facts),
        "milestones": _milestones(facts),
        "outcomes": _outcomes(facts),
        "forecast": _forecast(facts),
        "compliance": _compliance(facts),
    }
    components = {name: value for name, value in worked_out.items() if name in weights}
    x, observed = performance(components, weights)
    return Performance(_rounded(x), _rounded(observed), components)


def _use(facts: VoucherFacts) -> Decimal | None:
    """U = min(1, h / (H − ρ)): what was used, of what was not given back in good time."""
    if not facts.is_ended:
        return None
    kept = facts.issued - facts.returned_early
    if kept <= 0:
        return _ONE
    return _rounded(min(_ONE, Decimal(facts.consumed) / kept))


def _milestones(facts: VoucherFacts) -> Decimal | None:
    """M: 1 for the application's milestone reached within its grace, 0 once that has passed."""
    due, done = facts.milestone_due_on, facts.milestone_done_on
    if due is None:
        return None
    # Days apart, never a day added: the calendar ends in 9999.
    if done is not None:
        return _ONE if done - due <= MILESTONE_GRACE else Decimal(0)
    return Decimal(0) if facts.scored_on - due > MILESTONE_GRACE else None


def _outcomes(facts: VoucherFacts) -> Decimal | None:
    """O = 1 − exp(−y / (κ V)): the median peer gets a half, each further one less.

    Without enough peers, κ V is set so that one outcome of full weight gets a half.
    """
    if not (facts.is_reported or facts.is_report_due):
        return None
    points = outcome_points(facts.outcomes)
    half_at = _ONE
    if facts.peer_yield and facts.issued:
        half_at = facts.peer_yield * facts.issued
    return _rounded(Decimal(1 - exp(-log(2) * float(points / half_at))))


def outcome_points(outcomes: Mapping[str, int]) -> Decimal:
    """Return the points of a voucher's outcomes: its kinds' weights, times how many."""
    return sum(
        (OUTCOME_POINTS.get(kind, Decimal(0)) * count for kind, count in outcomes.items()),
        Decimal(0),
    )


def _forecast(facts: VoucherFacts) -> Decimal | None:
    """F = 1 − ½ Σ |planned share − used share| over the months of either."""
    if not (facts.is_ended and facts.planned and facts.used):
        return None
    months = facts.planned.keys() | facts.used.keys()
    nought = Decimal(0)
    apart = sum(
        (abs(facts.planned.get(m, nought) - facts.used.get(m, nought)) for m in months), nought
    )
    return _rounded(max(nought, 1 - apart / 2))


def _compliance(facts: VoucherFacts) -> Decimal | None:
    """C: half for the report on outcomes, half for the holder's own claim lines that stood.

    Open alerts never count. Unknown until a report has come or is overdue.
    """
    if not (facts.is_reported or facts.is_report_due):
        return None
    report = _ONE if facts.is_reported else Decimal(0)
    stood = _ONE
    if facts.claim_lines:
        stood = 1 - Decimal(facts.claim_lines_declined) / facts.claim_lines
    return _rounded((report + stood) / 2)


def planned_shares(starts_on: date, ends_on: date) -> dict[str, Decimal]:
    """Return an even plan's share of each month between two days, both included."""
    days: dict[str, int] = {}
    total = (ends_on - starts_on).days + 1
    day = starts_on
    while day <= ends_on:
        last = min(ends_on, day.replace(day=monthrange(day.year, day.month)[1]))
        days[f"{day:%Y-%m}"] = (last - day).days + 1
        if last == ends_on:
            break
        day = last + timedelta(days=1)
    return {month: Decimal(count) / total for month, count in days.items()}


def shares(amounts: Mapping[str, int]) -> dict[str, Decimal]:
    """Return each amount's share of their sum; nothing where the sum is nothing."""
    total = sum(amounts.values())
    return {key: Decimal(one) / total for key, one in amounts.items()} if total else {}


# --- an organisation among its peers ---------------------------------------------------------


@dataclass(frozen=True)
class ScoredVoucher:
    """One voucher's newest score, as the standing of its organisation needs it.

    `size` is the voucher's amount over the median amount of its unit, so that money and hours
    weigh alike; `age_months` is the time since it was scored.
    """

    organisation: str
    kind: str
    voucher: str
    x: Decimal
    observed_weight: Decimal
    size: Decimal
    age_months: Decimal


@dataclass(frozen=True)
class PeerGroup:
    """A group's mean and its two spreads; `is_prior` where there were too few peers."""

    mean: float
    between: float
    within: float
    peers: int
    is_prior: bool


@dataclass(frozen=True)
class StandingFigures:
    """What `vouchers.actions.set_standing` is told: z, evidence, score, and the working."""

    z: Decimal
    n: Decimal
    score: Decimal
    working: tuple[Line, ...]


COLUMNS = [field.name for field in fields(ScoredVoucher)]


def frame_of(scored: Sequence[ScoredVoucher]) -> pd.DataFrame:
    """Return scored vouchers as a frame with the weight e = size · 2^(−age / 24 months)."""
    frame = pd.DataFrame([asdict(one) for one in scored], columns=COLUMNS)
    for name in ("x", "observed_weight", "size", "age_months"):
        frame[name] = frame[name].astype(float)
    frame["e"] = frame["size"] * 2 ** (-frame["age_months"] / HALF_LIFE_MONTHS)
    return frame


def by_organisation(frame: pd.DataFrame) -> pd.DataFrame:
    """Return x̄ = Σ e x / Σ e and n = (Σ e)² / Σ e², lowered by the weight not observed."""
    work = frame.assign(
        ex=frame["e"] * frame["x"],
        ew=frame["e"] * frame["observed_weight"],
        e2=frame["e"] ** 2,
    )
    sums = work.groupby(["organisation", "kind"], sort=True)[["e", "ex", "ew", "e2"]].sum()
    return pd.DataFrame(
        {
            "mean": sums["ex"] / sums["e"],
            "n": sums["e"] ** 2 / sums["e2"] * sums["ew"] / sums["e"],
            "vouchers": work.groupby(["organisation", "kind"], sort=True).size(),
        }
    ).reset_index()


def peer_group(frame: pd.DataFrame, kind: str) -> PeerGroup:
    """Return the group of one kind of organisation, or the stated prior with too few in it.

    Between: DerSimonian and Laird (1986), over the organisations' means. Within: the analysis
    of variance of organisations with two vouchers or more; all kinds together where a kind has
    fewer than twenty such, and the prior stands in for those that are still missing.
    """
    means = by_organisation(frame)
    group = means[means["kind"] == kind]
    count = len(group)
    if count < PEERS_LEAST:
        return PeerGroup(PRIOR_MEAN, PRIOR_BETWEEN, PRIOR_WITHIN, count, True)
    within = max(_within(frame, kind), WITHIN_LEAST)
    weights = group["n"] / within**2
    centre = float((weights * group["mean"]).sum() / weights.sum())
    q = float((weights * (group["mean"] - centre) ** 2).sum())
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    between2 = max(0.0, (q - (count - 1)) / scale)
    settled = 1 / (between2 + 1 / weights)
    mean = float((settled * group["mean"]).sum() / settled.sum())
    return PeerGroup(mean, between2**0.5, within, count, False)


def _within(frame: pd.DataFrame, kind: str) -> float:
    found = frame[frame["kind"] == kind]
    sizes = found.groupby("organisation").size()
    if int((sizes >= 2).sum()) < REPEATERS_LEAST:
        found = frame
    counts = found.groupby("organisation")["x"].transform("size")
    repeaters = found[counts >= 2]
    known = min(int(repeaters["organisation"].nunique()), REPEATERS_LEAST)
    if not known:
        return PRIOR_WITHIN
    means = repeaters.groupby("organisation")["x"].transform("mean")
    freedom = len(repeaters) - int(repeaters["organisation"].nunique())
    seen = float(((repeaters["x"] - means) ** 2).sum()) / freedom
    missing = REPEATERS_LEAST - known
    return sqrt((missing * PRIOR_WITHIN**2 + known * seen) / REPEATERS_LEAST)


def standing_of(scored: Sequence[ScoredVoucher], organisation: str) -> StandingFigures:
    """Return an organisation's standing among its peers (empirical Bayes).

    B = τ² / (τ² + σ² / n); score θ̂ = μ + B (x̄ − μ); z = (θ̂ − μ) / τ, kept within ±2.5. Little
    evidence keeps it near its peers, and a newcomer is at z = 0.
    """
    frame = frame_of(scored)
    means = by_organisation(frame)
    own = means[means["organisation"] == organisation]
    if own.empty:
        return StandingFigures(Decimal(0), Decimal(0), Decimal(str(PRIOR_MEAN)), ())
    mean, n, kind = float(own["mean"].iloc[0]), float(own["n"].iloc[0]), own["kind"].iloc[0]
    group = peer_group(frame, str(kind))
    shrink = 0.0
    if group.between and n:
        shrink = group.between**2 / (group.between**2 + group.within**2 / n)
    estimate = min(1.0, max(0.0, group.mean + shrink * (mean - group.mean)))
    raw = (estimate - group.mean) / group.between if group.between else 0.0
    z = min(Z_MOST, max(-Z_MOST, _rounded(raw)))
    figures = StandingFigures(z, _rounded(n), _rounded(estimate), ())
    working = (
        *_voucher_lines(frame[frame["organisation"] == organisation]),
        *_group_lines(mean, group, shrink, figures),
    )
    return StandingFigures(figures.z, figures.n, figures.score, working)


def _voucher_lines(frame: pd.DataFrame) -> list[Line]:
    total = float(frame["e"].sum())
    rows = frame.sort_values("voucher")
    lines = []
    for voucher, x, e in zip(rows["voucher"], rows["x"], rows["e"], strict=True):
        part = f"{_rounded(float(e) / total * 100):.0f}%"
        lines.append(
            Line(
                f"voucher:{voucher}",
                f"Voucher {voucher}, which counts for {part}",
                f"算力券 {voucher}，占 {part}",
                f"{_rounded(float(x)):f}",
                FORMULA_VERSION,
            )
        )
    return lines


def _group_lines(
    mean: float, group: PeerGroup, shrink: float, figures: StandingFigures
) -> list[Line]:
    stated = "prior" if group.is_prior else f"{group.peers} peers"
    rows: tuple[tuple[str, str, str, float | Decimal], ...] = (
        ("mean", "Mean of its vouchers", "其算力券的平均值", mean),
        ("evidence", "Vouchers' worth of evidence n", "证据量 n（张券）", figures.n),
        ("peer_mean", "Mean of its peers", "同类单位的平均值", group.mean),
        ("between", "Spread between peers τ", "同类单位之间的离散 τ", group.between),
        ("within", "Spread within one peer σ", "单位内部的离散 σ", group.within),
        ("shrink", "Weight of its own record B", "自身记录的权重 B", shrink),
        ("score", "Score", "绩效得分", figures.score),
        ("z", "Standing z", "绩效等级 z", figures.z),
    )
    clause = f"{FORMULA_VERSION} ({stated})"
    return [Line(name, en, zh, f"{_rounded(value):f}", clause) for name, en, zh, value in rows]


def _rounded(value: Decimal | float) -> Decimal:
    return Decimal(value).quantize(_PLACES, ROUND_HALF_UP)
