"""What an award is worked out from: fee lines, what was had before, what others gave."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal, NamedTuple

Measure = Literal["CLAIMED", "ISSUED", "REDEEMED"]


class FeeLine(NamedTuple):
    """One fee of one kind of compute, in whole currency units without tax.

    What is not known of it is empty: its origin of chips, its facility, the region that it
    was delivered from, its purpose, the day it was used and the contract it belongs to.
    """

    resource: str
    fee: Decimal
    tax: Decimal = Decimal(0)
    chip_origin: str = ""
    facility: str = ""
    region: str = ""
    purpose: str = ""
    used_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Past:
    """What this programme gave before, as one cap may count it; minor units, or GPU-ms.

    `is_own` is false where it went to another organisation, `is_of_undertaking` where that is
    not of the same undertaking either: then it counts for a contract or a project that they share.
    """

    measure: Measure
    on: date
    amount: int
    is_own: bool = True
    is_of_undertaking: bool = True
    contract: str = ""
    project: str = ""
    round: str = ""


@dataclass(frozen=True, kw_only=True)
class OtherAid:
    """Public support from elsewhere, in whole units of its currency, from the day of the right.

    `regime` names the state-aid rule that it was given under, empty where there was none.
    `is_own` is false where another organisation of the same undertaking had it.
    """

    source: str
    level: str
    amount: Decimal
    on: date
    region: str = ""
    kind: str = ""
    contract: str = ""
    project: str = ""
    regime: str = ""
    currency: str = ""
    is_own: bool = True


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """What another programme decided for the same fees, in whole currency units."""

    programme: str
    approved: bool
    base: Decimal
    award: Decimal


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What an award is worked out from.

    Fees are in whole currency units; they are the kind of fee that the programme's `[base]`
    names. `used_this_year` (what the organisation already used this calendar year) and
    `pool_left` are in minor units, or GPU-ms in mode M5. `settled_fee` is the part of all fees
    settled so far, `declared_this_year` the organisation's earlier fees of the year. `past` is
    what the other caps count, `undertaking_known` whether it holds what the others of the
    undertaking had. None is *not known*. The multipliers are the applicant's standing.
    """

    as_of: date
    fee_lines: tuple[FeeLine, ...] = ()
    settled_fee: Decimal | None = None
    contract: str = ""
    project: str = ""
    round: str = ""
    contract_from: date | None = None
    contract_until: date | None = None
    requested_gpu_hours: Decimal | None = None
    used_this_year: int = 0
    pool_left: int | None = None
    declared_this_year: Decimal = Decimal(0)
    past: tuple[Past, ...] = ()
    undertaking_known: bool = True
    other_aid: tuple[OtherAid, ...] | None = None
    upstream: Upstream | None = None
    organisation_kind: str = ""
    size: str = ""
    age_years: int | None = None
    qualifications: frozenset[str] | None = None
    route: str | None = None
    multiplier: Decimal = Decimal(1)
    validity_multiplier: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Take fee lines as short as (resource, fee), and refuse what would turn them into debt."""
        lines = tuple(FeeLine(*line) for line in self.fee_lines)
        object.__setattr__(self, "fee_lines", lines)
        amounts = [amount for line in lines for amount in (line.fee, line.tax)]
        amounts += [self.settled_fee or Decimal(0), self.requested_gpu_hours or Decimal(0)]
        amounts += [self.declared_this_year, self.multiplier, self.validity_multiplier]
        amounts += [aid.amount for aid in self.other_aid or ()]
        if self.upstream:
            amounts += [self.upstream.base, self.upstream.award]
        if any(not amount.is_finite() or amount < 0 for amount in amounts):
            raise ValueError("A claim's fees, hours, aid and multipliers must be 0 or more.")
        counted = [self.used_this_year, self.pool_left or 0, *(one.amount for one in self.past)]
        if min(counted) < 0:
            raise ValueError("A claim's used_this_year, pool_left and past must be 0 or more.")

    @cached_property
    def fee_total(self) -> Decimal:
        """All fees declared, whatever their resource class."""
        return sum((line.fee for line in self.fee_lines), Decimal(0))
