"""The shape of a programme: one frozen dataclass a section, every number typed."""

import decimal
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from common.money import GPU_MS_PER_HOUR, exponent, is_currency

Mode = Literal["M1", "M3", "M5"]
Payee = Literal["PROVIDER", "BENEFICIARY", "NOBODY"]
Stance = Literal["ALLOW", "REFER", "DENY"]

MODES: tuple[Mode, ...] = ("M1", "M3", "M5")
PAYEES: tuple[Payee, ...] = ("PROVIDER", "BENEFICIARY", "NOBODY")
STANCES: tuple[Stance, ...] = ("ALLOW", "REFER", "DENY")
PAYEE_OF_MODE: dict[Mode, Payee] = {"M1": "BENEFICIARY", "M3": "PROVIDER", "M5": "NOBODY"}

ORGANISATION_KINDS = (
    "SME",
    "LARGE_ENTERPRISE",
    "LABORATORY",
    "UNIVERSITY",
    "INSTITUTE",
    "CHARITY",
    "NONPROFIT",
    "INDIVIDUAL",
)
ROUNDING_MODES = {
    "DOWN": decimal.ROUND_DOWN,
    "HALF_UP": decimal.ROUND_HALF_UP,
    "HALF_EVEN": decimal.ROUND_HALF_EVEN,
    "UP": decimal.ROUND_UP,
}


@dataclass(frozen=True)
class Dated:
    """A number that may change in mid-life; its first value has no beginning."""

    entries: tuple[tuple[date | None, Decimal], ...]

    def on(self, day: date | None) -> Decimal:
        """Return the number in force on a day; without a day, the newest."""
        value = self.entries[0][1]
        for since, number in self.entries:
            if since is None or day is None or since <= day:
                value = number
        return value


@dataclass(frozen=True)
class Period:
    """A range of days, both included; an open end is None."""

    first: date | None
    last: date | None


@dataclass(frozen=True)
class Windows:
    """When one may apply, sign a contract, and use compute."""

    clause: str
    application: Period | None
    signed: Period | None
    use: Period | None


@dataclass(frozen=True)
class ApplicantRule:
    """Who may apply. `regions` match by prefix: `GB` takes `GB-LND`."""

    clause: str
    kinds: tuple[str, ...]
    regions: tuple[str, ...]
    registered_business: bool
    employees_max: int | None
    revenue_max: Decimal | None
    age_years_max: int | None
    bars: tuple[str, ...]
    lookback_years: int | None
    other_public_money: Stance
    other_public_money_scope: str


@dataclass(frozen=True)
class ProviderRule:
    """Whose compute counts, and whether that is checked on applying or on ordering."""

    clause: str
    related: Stance
    unlisted: Stance
    checked_at: str
    list_name: str


@dataclass(frozen=True)
class Apportion:
    """How a fee is cut to the window of use."""

    clause: str
    count: str
    rounded: bool


@dataclass(frozen=True)
class BaseRule:
    """What the share is taken of: the kind of fee, and what is left out of it."""

    clause: str
    kind: str
    leave_out: tuple[str, ...]
    apportion: Apportion | None


@dataclass(frozen=True)
class Floor:
    """The smallest base that counts, in whole units of currency."""

    clause: str
    base_min: Dated


@dataclass(frozen=True)
class Rate:
    """One tier of the share. Without a condition it takes whatever came this far."""

    clause: str
    rate: Dated
    kinds: tuple[str, ...]
    year_total_max: Decimal | None

    @property
    def conditional(self) -> bool:
        """Say whether the tier is for some claims only."""
        return bool(self.kinds) or self.year_total_max is not None


@dataclass(frozen=True)
class Cap:
    """A ceiling, in whole units of currency or GPU-hours.

    `ORGANISATION` is per calendar year, less what was used; `APPLICATION` is per award;
    `PROGRAMME` is the yearly pool.
    """

    clause: str
    scope: str
    amount: Dated


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

    @property
    def step(self) -> Decimal:
        """The smallest difference between two rounded amounts, in whole units."""
        return self.of.scaleb(-self.decimals)

    def apply(self, amount: Decimal, mode: str = "") -> Decimal:
        """Round an amount to the step, by the programme's mode or another."""
        steps = (amount / self.step).quantize(
            Decimal(1), rounding=ROUNDING_MODES[mode or self.mode]
        )
        return steps * self.step


@dataclass(frozen=True)
class HoldRule:
    """How many days a hold lasts."""

    clause: str
    days: Dated


@dataclass(frozen=True)
class ValidityRule:
    """How many days a voucher lasts, and the fewest it may be cut to."""

    clause: str
    days: Dated
    days_min: int


@dataclass(frozen=True)
class Tier:
    """How many people must decide an award up to an amount; 0 is automatic."""

    name: str
    people: int
    up_to: Decimal | None
    clause: str


@dataclass(frozen=True)
class ApprovalRule:
    """The tiers of approval, smallest amount first; the last has no limit."""

    clause: str
    tiers: tuple[Tier, ...]


@dataclass(frozen=True)
class DutiesRule:
    """Pairs of acts (later, earlier) that one person may not both do, beside the fixed ones."""

    clause: str
    apart: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SettlementRule:
    """Who is paid, and the days for an objection and for the payment."""

    clause: str
    payee: Payee
    objection_days: int
    payment_days: int


@dataclass(frozen=True)
class StandingRule:
    """How past performance moves the next award, within limits."""

    clause: str
    amount_reach: Decimal
    validity_reach: Decimal
    steepness: Decimal
    z_max: Decimal
    evidence_vouchers: Decimal
    evidence_drop: Decimal
    ceiling: str
    weights: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True)
class OutcomeRule:
    """Which outcomes are asked for, and how many months after the voucher's end."""

    clause: str
    due_months: tuple[int, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Programme:
    """One policy document, read and checked."""

    code: str
    title_en: str
    title_zh: str
    issuer: str
    mode: Mode
    unit: str
    zone: str
    sources: tuple[str, ...]
    windows: Windows
    applicant: ApplicantRule
    provider: ProviderRule
    base: BaseRule
    floor: Floor | None
    tiers: tuple[Rate, ...]
    caps: tuple[Cap, ...]
    routes: tuple[Route, ...]
    rounding: Rounding
    hold: HoldRule | None
    validity: ValidityRule
    approval: ApprovalRule
    duties: DutiesRule | None
    settlement: SettlementRule
    standing: StandingRule | None
    outcome: OutcomeRule | None

    @property
    def payee(self) -> Payee:
        """Who receives the money of a settled line or claim."""
        return self.settlement.payee

    def cap(self, scope: str) -> Cap | None:
        """Return the ceiling of a scope, if the document sets one."""
        return next((cap for cap in self.caps if cap.scope == scope), None)

    def route(self, name: str | None) -> Route | None:
        """Return the route of a name, if the document has it."""
        return next((route for route in self.routes if route.name == name), None)


def small_units(unit: str) -> int:
    """Return how many minor units (or GPU-ms) make one whole unit (or GPU-hour)."""
    return int(10 ** exponent(unit)) if is_currency(unit) else GPU_MS_PER_HOUR


def minor(amount: Decimal, unit: str) -> int:
    """Return an amount of whole units in minor units (or GPU-ms), cutting what is smaller."""
    return int(amount * small_units(unit))
