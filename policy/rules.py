"""The shape of a programme: one frozen dataclass a section, every number typed."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Literal

from common.money import GPU_MS_PER_HOUR, exponent, is_currency
from policy.amount_rules import (
    ROUNDING_MODES,
    STANCES,
    Apportion,
    BaseRule,
    Cap,
    Exclusion,
    Floor,
    Funder,
    MatchRule,
    Rate,
    Rounding,
    Route,
    SelfPay,
    ShareRule,
    Stacking,
    StackLimit,
    Stance,
    StateAidRule,
    TargetRule,
)
from policy.dates import Dated, Period
from policy.metering import MeteringRule
from policy.payment import UNSAID as PAID_AS_UNSAID
from policy.payment import PaymentRule
from policy.process_rules import (
    UNSAID,
    AllocationRule,
    AppealRule,
    NoticeRule,
    ReviewRule,
    VoucherRule,
)
from policy.recovery import RecoveryRule

__all__ = [
    "ROUNDING_MODES",
    "STANCES",
    "Apportion",
    "BaseRule",
    "Cap",
    "Dated",
    "Exclusion",
    "Floor",
    "Funder",
    "MatchRule",
    "Period",
    "Rate",
    "Rounding",
    "Route",
    "SelfPay",
    "ShareRule",
    "StackLimit",
    "Stacking",
    "Stance",
    "StateAidRule",
    "TargetRule",
]

Mode = Literal["M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8"]
Payee = Literal["PROVIDER", "BENEFICIARY", "NOBODY"]
TaxBasis = Literal["INCLUSIVE", "EXCLUSIVE"]
Silence = Literal["ACCEPTS", "WITHHOLDS"]
OwnShare = Literal["NOT_ASKED", "PROVEN"]
InvoiceNeed = Literal["OPTIONAL", "REQUIRED"]
ReplySilence = Literal["WAITS", "DECLINES"]
VerdictSilence = Literal["WAITS", "ACCEPTS", "DECLINES"]

MODES: tuple[Mode, ...] = ("M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8")
PAYEES: tuple[Payee, ...] = ("PROVIDER", "BENEFICIARY", "NOBODY")
TAX_BASES: tuple[TaxBasis, ...] = ("INCLUSIVE", "EXCLUSIVE")
SILENCES: tuple[Silence, ...] = ("ACCEPTS", "WITHHOLDS")
OWN_SHARES: tuple[OwnShare, ...] = ("NOT_ASKED", "PROVEN")
INVOICE_NEEDS: tuple[InvoiceNeed, ...] = ("OPTIONAL", "REQUIRED")
REPLY_SILENCES: tuple[ReplySilence, ...] = ("WAITS", "DECLINES")
VERDICT_SILENCES: tuple[VerdictSilence, ...] = ("WAITS", "ACCEPTS", "DECLINES")
# A contribution, a performance contract and a match may pay either side; the document says which.
PAYEES_OF_MODE: dict[Mode, tuple[Payee, ...]] = {
    "M1": ("BENEFICIARY",),
    "M2": ("BENEFICIARY",),
    "M3": ("PROVIDER",),
    "M4": ("BENEFICIARY",),
    "M5": ("NOBODY",),
    "M6": ("BENEFICIARY", "PROVIDER"),
    "M7": ("BENEFICIARY", "PROVIDER"),
    "M8": ("BENEFICIARY", "PROVIDER"),
}
# Modes whose orders set value aside before use; the others are claimed after it.
HOLDING: tuple[Mode, ...] = ("M3", "M5")

_MAJORITY = Decimal("0.5")

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


@dataclass(frozen=True)
class Windows:
    """When one may apply, sign a contract, and use compute."""

    clause: str
    application: Period | None
    signed: Period | None
    use: Period | None
    contract_months_max: int | None


@dataclass(frozen=True)
class ApplicantRule:
    """Who may apply. Regions take what lies in them: `GB` takes `GB-LND`.

    One of `qualifications` is enough; every one of `declarations` must be made.
    `undertaking_above` is the share of votes above which one organisation controls another.
    """

    clause: str
    kinds: tuple[str, ...]
    regions: tuple[str, ...]
    tax_regions: tuple[str, ...]
    insurance_regions: tuple[str, ...]
    industries: tuple[str, ...]
    sizes: tuple[str, ...]
    size_standard: str
    qualifications: tuple[str, ...]
    declarations: tuple[str, ...]
    credit_ratings: tuple[str, ...]
    tax_debt: Stance
    is_provider_too: Stance
    registered_business: bool
    employees_max: int | None
    revenue_max: Decimal | None
    age_years_max: int | None
    bars: tuple[str, ...]
    lookback_years: int | None
    other_public_money: Stance
    other_public_money_scope: str
    undertaking_above: Decimal | None

    @property
    def control_above(self) -> Decimal:
        """The share of votes above which there is control: more than half unless it is said.

        Source: Regulation (EU) 2023/2831, article 2(2)(a), a majority of the voting rights.
        """
        return _MAJORITY if self.undertaking_above is None else self.undertaking_above

    @cached_property
    def asks_of_registers(self) -> bool:
        """Say whether a register other than the applicant's own has to be asked."""
        asked = (self.tax_regions, self.insurance_regions, self.industries, self.sizes)
        stances = (self.tax_debt, self.is_provider_too)
        return any((*asked, self.credit_ratings)) or stances != ("ALLOW", "ALLOW")


@dataclass(frozen=True)
class FacilityGate:
    """How large a facility of a kind must be; `at` says what exactly the limit itself means."""

    clause: str
    kind: str
    measure: str
    above: Decimal
    at: Stance


@dataclass(frozen=True)
class ProviderRule:
    """Whose compute counts, and whether that is checked on applying or on ordering.

    Related are an applicant and a provider that are one undertaking; from `related_from` on
    also those of which one holds such a share of the other, or a third of both.
    """

    clause: str
    related: Stance
    related_from: Decimal | None
    own_use: Stance
    unlisted: Stance
    checked_at: str
    list_name: str
    regions: tuple[str, ...]
    platforms: tuple[str, ...]
    facilities: tuple[FacilityGate, ...]


@dataclass(frozen=True)
class HoldRule:
    """How many days a hold lasts, and how many a provider has to accept an order of its holder."""

    clause: str
    days: Dated[Decimal]
    accept_days: int


@dataclass(frozen=True)
class ValidityRule:
    """How many days a voucher lasts, and the fewest it may be cut to."""

    clause: str
    days: Dated[Decimal]
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
    """Who is paid, the days for an objection and for the payment, and what of a price counts.

    `silence` says what a line is taken for whose holder said nothing in those days: accepted,
    or withheld until an officer decides. `reply_days` are those in which the provider replies
    to an objection, `verdict_days` those in which an officer decides it, None where the law
    sets none; `reply_silence` and `verdict_silence` say what becomes of the line when they are
    over: it waits for an officer, or the portal decides it. Use is billed up to the next whole
    `increment_seconds` of each run, which began; without it as it was metered. On the basis
    `EXCLUSIVE` prices hold tax at `tax_rate`, and only the price without it counts toward the
    share. With `own_share` `PROVEN` nothing is paid for a claim before the beneficiary has proven
    that it paid its own part of the fee. Where `invoice` is `REQUIRED`, a bill is paid once its
    provider's invoice is attached.
    """

    clause: str
    payee: Payee
    objection_days: int
    payment_days: int
    silence: Silence
    reply_days: int | None
    reply_silence: ReplySilence
    verdict_days: int | None
    verdict_silence: VerdictSilence
    increment_seconds: int | None
    tax_basis: TaxBasis
    tax_rate: Fraction | None
    own_share: OwnShare
    invoice: InvoiceNeed

    @property
    def counted(self) -> Fraction:
        """The part of a price that counts toward the share: all of it, or that without tax."""
        return 1 / (1 + (self.tax_rate or Fraction(0)))


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
    level: str
    supersedes: str
    mode: Mode
    unit: str
    zone: str
    sources: tuple[str, ...]
    windows: Windows
    applicant: ApplicantRule
    provider: ProviderRule
    base: BaseRule
    floor: Floor | None
    share: ShareRule | None
    tiers: tuple[Rate, ...]
    self_pay: SelfPay | None
    exclusions: tuple[Exclusion, ...]
    stacking: Stacking | None
    caps: tuple[Cap, ...]
    state_aid: StateAidRule | None
    match: MatchRule | None
    target: TargetRule | None
    funders: tuple[Funder, ...]
    routes: tuple[Route, ...]
    rounding: Rounding
    hold: HoldRule | None
    validity: ValidityRule
    approval: ApprovalRule
    duties: DutiesRule | None
    metering: MeteringRule | None
    payment: PaymentRule | None
    settlement: SettlementRule
    recovery: RecoveryRule | None
    standing: StandingRule | None
    outcome: OutcomeRule | None
    review: ReviewRule | None
    allocation: AllocationRule | None
    notice: NoticeRule | None
    appeal: AppealRule | None
    voucher: VoucherRule | None

    @property
    def holding(self) -> VoucherRule:
        """What holders may do with their vouchers; the narrow default where nothing is said."""
        return self.voucher or UNSAID

    @property
    def paying(self) -> PaymentRule:
        """How batches are paid; three people and the newer message where nothing is said."""
        return self.payment or PAID_AS_UNSAID

    @property
    def payee(self) -> Payee:
        """Who receives the money of a settled line or claim."""
        return self.settlement.payee

    @property
    def is_claimed_after_use(self) -> bool:
        """Say whether use is paid for first and claimed then, instead of ordered by a hold."""
        return self.mode not in HOLDING

    @property
    def counts_undertaking(self) -> bool:
        """Say whether what the others of an undertaking had counts, for a ceiling or as aid."""
        by_cap = any(cap.scope == "UNDERTAKING" for cap in self.caps)
        return by_cap or self.state_aid is not None

    def cap(self, scope: str) -> Cap | None:
        """Return the ceiling of a scope that is for everybody and counts what is committed."""
        return next((cap for cap in self.caps if cap.scope == scope and cap.is_plain), None)

    def route(self, name: str | None) -> Route | None:
        """Return the route of a name, if the document has it."""
        return next((route for route in self.routes if route.name == name), None)


def small_units(unit: str) -> int:
    """Return how many minor units (or GPU-ms) make one whole unit (or GPU-hour)."""
    return int(10 ** exponent(unit)) if is_currency(unit) else GPU_MS_PER_HOUR


def minor(amount: Decimal, unit: str) -> int:
    """Return an amount of whole units in minor units (or GPU-ms), cutting what is smaller."""
    return int(amount * small_units(unit))
