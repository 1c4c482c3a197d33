"""What of the past counts towards a ceiling, by its scope, its period and its measure."""

from datetime import date
from decimal import Decimal

from common.money import major
from policy.claims import Claim, Past
from policy.rules import Cap, StateAidRule

# Subsidy Control Act 2022, section 36: the financial year begins on 1 April there.
_UK_YEAR_FROM_MONTH = 4
_AID_YEARS = 3


def used(claim: Claim, cap: Cap) -> int:
    """Return what is used of a ceiling already, in minor units or GPU-ms.

    Of several measures the highest counts, so that no order of claiming and redeeming passes
    the ceiling in either. What is dated after the claim counts too, so that no order of
    deciding passes it.
    """
    return max(_measured(claim, cap, measure) for measure in cap.measured)


def _measured(claim: Claim, cap: Cap, measure: str) -> int:
    if cap.scope == "APPLICATION":
        return 0
    if measure == "COMMITTED":
        return claim.used_this_year
    found = [one for one in claim.past if one.measure == measure and _is_of(one, claim, cap)]
    if cap.period == "ROLLING" and cap.scope not in ("CONTRACT", "PROJECT"):
        return _most_in_years(found, claim.as_of, cap.rolling_years or 1)
    return sum(one.amount for one in found if _is_within(one, claim, cap))


def _most_in_years(found: list[Past], day: date, years: int) -> int:
    """Return the most that any so many years with a day in them have seen."""
    ends = {day} | {one.on for one in found if years_before(one.on, years) < day <= one.on}
    return max(
        sum(one.amount for one in found if years_before(end, years) < one.on <= end)
        for end in ends
    )


def _is_of(one: Past, claim: Claim, cap: Cap) -> bool:
    if cap.scope == "CONTRACT":
        return bool(claim.contract) and one.contract == claim.contract
    if cap.scope == "PROJECT":
        return bool(claim.project) and one.project == claim.project
    return one.is_of_undertaking if cap.scope == "UNDERTAKING" else one.is_own


def _is_within(one: Past, claim: Claim, cap: Cap) -> bool:
    if cap.scope in ("CONTRACT", "PROJECT"):
        return True
    if cap.period == "CALENDAR_YEAR":
        return one.on.year == claim.as_of.year
    if cap.period == "FISCAL_YEAR":
        month = cap.fiscal_month or 1
        return year_of(one.on, month) == year_of(claim.as_of, month)
    return cap.period != "ROUND" or one.round == claim.round


def year_of(day: date, first_month: int) -> int:
    """Return the year in which a fiscal year that begins with a month began."""
    return day.year if day.month >= first_month else day.year - 1


def years_before(day: date, years: int) -> date:
    """Return the same day some years before, of a 29 February the 28th; never before day one."""
    if day.year <= years:
        return date.min
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def looks_back_to(on: date, day: date, years: int | None) -> bool:
    """Say whether a day lies within so many years before another, or after it.

    Without a number of years there is no end to it. Exactly so many years ago no longer counts.
    """
    return years is None or on > years_before(day, years)


def aid_counted(claim: Claim, rule: StateAidRule, unit: str) -> tuple[Decimal, bool]:
    """Return the aid under a rule that counts on the claim's day, and whether all could be added.

    Sources: Regulation (EU) 2023/2831, article 3(2): 300,000 euro for a single undertaking over
    any three years, counted from the day of each new right. Subsidy Control Act 2022, section
    36(1): the elapsed part of the financial year and the two before. What this programme issued
    counts too, hours at their cash equivalent. Aid in another currency can't be added here.
    """
    found = [
        aid
        for aid in claim.other_aid or ()
        if aid.regime == rule.regime and _is_in_years(aid.on, claim, rule)
    ]
    added = [aid for aid in found if (aid.currency or rule.currency) == rule.currency]
    total = sum((aid.amount for aid in added), Decimal(0))
    ours = sum(
        one.amount
        for one in claim.past
        if one.measure == "ISSUED"
        and one.is_of_undertaking
        and _is_in_years(one.on, claim, rule)
    )
    total += major(ours, unit) * (rule.value_per_hour or 1)
    return total, claim.other_aid is not None and len(added) == len(found)


def _is_in_years(on: date, claim: Claim, rule: StateAidRule) -> bool:
    if on > claim.as_of:
        return False
    if rule.regime == "UK_MFA":
        this_year = year_of(claim.as_of, _UK_YEAR_FROM_MONTH)
        return year_of(on, _UK_YEAR_FROM_MONTH) > this_year - _AID_YEARS
    return on > years_before(claim.as_of, _AID_YEARS)
