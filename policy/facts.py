"""What is known of an applicant, and what a gate finds in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from policy.answers import Outcome, Reason
from policy.claims import OtherAid
from policy.rules import Stance

Finding = tuple[Outcome, Reason]
Findings = Iterator[Finding]


@dataclass(frozen=True, kw_only=True)
class ApplicantFacts:
    """What is known of an applicant and the request; None is *not known*.

    `conduct_bars` are codes of findings within the programme's look-back: none is clean, None
    is that no register of conduct was asked. `other_public_money` is support from the same
    level for the same compute. Revenue is in whole currency units.
    """

    organisation_kind: str
    region: str
    applied_on: date
    is_registered_business: bool = True
    employees: int | None = None
    revenue: Decimal | None = None
    founded_on: date | None = None
    conduct_bars: frozenset[str] | None = frozenset()
    other_public_money: bool = False
    first_time_user: bool = True
    provider_related: bool | None = None
    provider_listed: bool | None = None
    requested_gpu_hours: Decimal | None = None
    contract_signed_on: date | None = None
    contract_from: date | None = None
    contract_until: date | None = None
    contract: str = ""
    project: str = ""
    tax_region: str | None = None
    insurance_region: str | None = None
    industry: str | None = None
    size: str = ""
    qualifications: frozenset[str] | None = None
    declarations: frozenset[str] | None = None
    credit_rating: str | None = None
    has_tax_debt: bool | None = None
    is_provider_too: bool | None = None
    other_aid: tuple[OtherAid, ...] | None = None
    provider_region: str | None = None
    provider_platform: str | None = None
    provider_is_itself: bool | None = None
    facility_kind: str | None = None
    facility_size: Decimal | None = None


def by_stance(stance: Stance, reason: Reason) -> Findings:
    """Find what a rule's stance makes of something that is so."""
    if stance == "DENY":
        yield "FAIL", reason
    elif stance == "REFER":
        yield "REFER", reason
