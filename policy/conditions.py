"""What a tier, a cap or a limit may ask of a claim and its fee lines before it counts."""

from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property

from policy.claims import Claim, FeeLine
from policy.dates import Period

SIZES = ("MICRO", "SMALL", "MEDIUM", "LARGE")


@dataclass(frozen=True)
class Condition:
    """All that is set must hold; a list asks for one of its words. Empty, it takes everything.

    `kinds`, `sizes`, `qualifications` and `age_years_max` speak of the organisation,
    `year_total_max` of its fees of the calendar year with these, in whole currency units; the
    others of each fee line. `regions` match by prefix, as an applicant's do.
    """

    kinds: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    qualifications: tuple[str, ...] = ()
    age_years_max: int | None = None
    year_total_max: Decimal | None = None
    resources: tuple[str, ...] = ()
    chip_origins: tuple[str, ...] = ()
    facilities: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    used: Period | None = None

    @property
    def asks_of_lines(self) -> bool:
        """Say whether different fee lines of one claim may answer differently."""
        return self.used is not None or any(
            (self.resources, self.chip_origins, self.facilities, self.regions, self.purposes)
        )

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of what is asked."""
        return tuple(
            field.name for field in fields(self) if getattr(self, field.name) not in ((), None)
        )

    @cached_property
    def is_empty(self) -> bool:
        """Say whether everything fits."""
        return self == _EVERYTHING


_EVERYTHING = Condition()
_ANY_LINE = FeeLine("", Decimal(0))


def fits(
    condition: Condition,
    claim: Claim,
    line: FeeLine = _ANY_LINE,
    year_total: Decimal | None = None,
) -> bool | None:
    """Say whether a condition holds; None when it hangs on a fact that nobody knows.

    A yearly total that isn't known doesn't fit: such a condition only opens a better tier.
    """
    if condition.is_empty:
        return True
    answers = [
        *_of_organisation(condition, claim),
        *_of_line(condition, claim, line),
    ]
    most = condition.year_total_max
    if most is not None:
        answers.append(year_total is not None and year_total <= most)
    if False in answers:
        return False
    return None if None in answers else True


def _of_organisation(condition: Condition, claim: Claim) -> list[bool | None]:
    answers: list[bool | None] = []
    if condition.kinds:
        kind = claim.organisation_kind
        answers.append(kind in condition.kinds if kind else None)
    if condition.sizes:
        answers.append(claim.size in condition.sizes if claim.size else None)
    if condition.qualifications:
        held = claim.qualifications
        answers.append(None if held is None else bool(held & set(condition.qualifications)))
    if condition.age_years_max is not None:
        age = claim.age_years
        answers.append(None if age is None else age <= condition.age_years_max)
    return answers


def _of_line(condition: Condition, claim: Claim, line: FeeLine) -> list[bool | None]:
    answers = [
        found in wanted if found else None
        for wanted, found in (
            (condition.resources, line.resource),
            (condition.chip_origins, line.chip_origin),
            (condition.facilities, line.facility),
            (condition.purposes, line.purpose),
        )
        if wanted
    ]
    if condition.regions:
        answers.append(lies_in(line.region, condition.regions) if line.region else None)
    if condition.used:
        answers.append(condition.used.has(line.used_on) if line.used_on else None)
    return answers


def lies_in(region: str, places: tuple[str, ...]) -> bool:
    """Say whether a code is one of some places or lies in one.

    `GB` takes `GB-LND` (ISO 3166-2), `CN-44` takes `CN-4403` (GB/T 2260, two digits a level).
    """
    return any(
        region == place or (region.startswith(place) and _is_within(region.removeprefix(place)))
        for place in places
    )


def _is_within(rest: str) -> bool:
    is_deeper = rest.isascii() and rest.isdigit() and len(rest) % 2 == 0
    return rest.startswith("-") or is_deeper
