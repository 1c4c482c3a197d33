"""The sections of a document that an amount is worked out by, one frozen dataclass each."""

import decimal
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Literal

from policy.conditions import Condition
from policy.dates import Dated, Period

Stance = Literal["ALLOW", "REFER", "DENY"]

STANCES: tuple[Stance, ...] = ("ALLOW", "REFER", "DENY")
_NOISE = Decimal("1e-24")
ROUNDING_MODES = {
    "DOWN": decimal.ROUND_DOWN,
    "HALF_UP": decimal.ROUND_HALF_UP,
    "HALF_EVEN": decimal.ROUND_HALF_EVEN,
    "UP": decimal.ROUND_UP,
}


@dataclass(frozen=True)
class Apportion:
    """How a fee is cut to the window of use."""

    clause: str
    count: str
    rounded: bool


@dataclass(frozen=True)
class BaseRule:
    """What the share is taken of: the kind of fee, what of it counts, and up to how much.

    `take_only`, where given, names the only resources that count. `most` is in whole units.
    """

    clause: str
    kind: str
    tax: str
    leave_out: tuple[str, ...]
    take_only: tuple[str, ...]
    most: Decimal | None
    once_per_contract: bool
    apportion: Apportion | None


@dataclass(frozen=True)
class Floor:
    """The smallest base that counts, in whole units of currency, and what a smaller one is."""

    clause: str
    base_min: Dated[Decimal]
    below: str


@dataclass(frozen=True)
class ShareRule:
    """How a tier is found, and what becomes of fees that no tier takes.

    `FIRST` takes the first tier that fits each fee line, `HIGHEST` the one with the greatest
    share. `MARGINAL` gives each part of the year's fees the share of its own bracket.
    `crossing` says what it means when a claim carries the year's total past a bracket, so that
    earlier claims would have had another share.
    """

    clause: str
    select: str
    otherwise: str
    crossing: Stance


@dataclass(frozen=True)
class Rate:
    """One tier: a share of the fees, or a fixed amount. Without a condition it takes the rest."""

    clause: str
    rate: Dated[Fraction] | None
    fixed: Dated[Decimal] | None
    when: Condition

    @property
    def conditional(self) -> bool:
        """Say whether the tier is for some claims only."""
        return not self.when.is_empty


@dataclass(frozen=True)
class SelfPay:
    """The least that the beneficiary bears itself: a share of the fees, an amount, or both."""

    clause: str
    share_min: Fraction | None
    amount_min: Decimal | None


@dataclass(frozen=True)
class Cap:
    """A ceiling, in whole units of currency or GPU-hours.

    `APPLICATION` is per award, `CONTRACT` and `PROJECT` in all their awards, `ORGANISATION` and
    `UNDERTAKING` in a period, `PROGRAMME` the yearly pool. `measured` names what counts:
    `COMMITTED` is what an organisation used this calendar year or may still use; of several
    others the highest counts. Who holds a qualification of `exempt` is not capped.
    """

    clause: str
    scope: str
    amount: Dated[Decimal]
    period: str
    rolling_years: int | None
    fiscal_month: int | None
    measured: tuple[str, ...]
    exempt: tuple[str, ...]
    when: Condition

    @property
    def is_plain(self) -> bool:
        """Say whether it is for everybody and counts what is committed in a calendar year."""
        is_for_all = self.when.is_empty and not self.exempt
        return is_for_all and self.measured == ("COMMITTED",)

    @property
    def is_yearly_for_all(self) -> bool:
        """Say whether it is plain and of a calendar year."""
        return self.is_plain and self.period == "CALENDAR_YEAR"


@dataclass(frozen=True)
class Exclusion:
    """Other public support that shuts an award out: of which level, place and kind, for what."""

    clause: str
    stance: Stance
    levels: tuple[str, ...]
    regions: tuple[str, ...]
    kinds: tuple[str, ...]
    same: str


@dataclass(frozen=True)
class StackLimit:
    """The most that this award and other support may reach together, as a share of the fees."""

    clause: str
    total_rate_max: Dated[Fraction]
    when: Condition


@dataclass(frozen=True)
class Stacking:
    """Which other support counts towards a common limit, by its source or level, and the limit."""

    clause: str
    sources: tuple[str, ...]
    levels: tuple[str, ...]
    limits: tuple[StackLimit, ...]


@dataclass(frozen=True)
class StateAidRule:
    """A ceiling on minimal aid for one undertaking, in whole units of `currency`.

    `value_per_hour` is the cash equivalent of one GPU-hour given in kind.
    """

    clause: str
    regime: str
    most: Decimal
    currency: str
    value_per_hour: Decimal | None


@dataclass(frozen=True)
class MatchRule:
    """Whose approval is followed without a review of one's own, and what the share is of."""

    clause: str
    upstream: str
    of: str


@dataclass(frozen=True)
class TargetRule:
    """What a target letter asks for, in a measure such as PFLOPS, and what a part of it earns.

    From `full` on the whole award is earned, below `least` nothing; between the two nothing
    either (`NOTHING`) or the part of the award that the assessed figure is of `full`
    (`PRO_RATA`). The names say what is measured.
    """

    clause: str
    measure: str
    name_en: str
    name_zh: str
    least: Decimal
    full: Decimal
    partial: str


@dataclass(frozen=True)
class Funder:
    """Who bears which part of every award."""

    clause: str
    name: str
    share: Fraction


@dataclass(frozen=True)
class Route:
    """A way in for hours in kind: for whom, how many GPU-hours, for how many months."""

    clause: str
    name: str
    title_en: str
    title_zh: str
    hours_min: Decimal
    hours_max: Decimal
    months: int
    kinds: tuple[str, ...]
    registered_business: bool
    returning_users: Stance
    open: Period | None

    def takes(self, hours: Decimal) -> bool:
        """Say whether a number of GPU-hours lies within the route."""
        return self.hours_min <= hours <= self.hours_max


@dataclass(frozen=True)
class Rounding:
    """The programme's rounding: `decimals` places of a unit `of` so many currency units."""

    clause: str
    of: Decimal
    decimals: int
    mode: str

    @cached_property
    def step(self) -> Decimal:
        """The smallest difference between two rounded amounts, in whole units."""
        return self.of.scaleb(-self.decimals)

    def apply(self, amount: Decimal, mode: str = "") -> Decimal:
        """Round an amount to the step, by the programme's mode or another."""
        # A third, kept to fifty digits, and two more of them make a little less than one; no
        # law's fractions come nearer to a whole step than this without being it.
        steps = (amount / self.step).quantize(_NOISE, rounding=decimal.ROUND_HALF_EVEN)
        return (
            steps.quantize(Decimal(1), rounding=ROUNDING_MODES[mode or self.mode]) * self.step
        )
