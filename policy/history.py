"""What of the past counts towards a ceiling, by its scope, its period and its measure."""

from datetime import date
from decimal import Decimal

from policy.claims import Claim, OtherAid, Past
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


def scope_key(claim: Claim, cap: Cap) -> str:
    """Return the contract or project that a ceiling of such a scope is about."""
    return claim.contract if cap.scope == "CONTRACT" else claim.project


def _is_of(one: Past, claim: Claim, cap: Cap) -> bool:
    if cap.scope == "CONTRACT":
        return bool(claim.contract) and one.contract == claim.contract
    if cap.scope == "PROJECT":
        return bool(claim.project) and one.project == claim.project
    return cap.scope == "UNDERTAKING" or one.is_own


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
    """Return the same day some years before; of a 29 February the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def aid_counted(claim: Claim, rule: StateAidRule) -> tuple[Decimal, bool]:
    """Return the aid under a rule that counts on the claim's day, and whether all could be added.

    Sources: Regulation (EU) 2023/2831, article 3(2): 300,000 euro for a single undertaking over
    any three years, counted from the day of each new right. Subsidy Control Act 2022, section
    36(1): the elapsed part of the financial year and the two before. Aid in another currency
    can't be added here.
    """
    found = [aid for aid in claim.other_aid or () if _is_aid(aid, claim, rule)]
    added = [aid for aid in found if (aid.currency or rule.currency) == rule.currency]
    total = sum((aid.amount for aid in added), Decimal(0))
    return total, claim.other_aid is not None and len(added) == len(found)


def _is_aid(aid: OtherAid, claim: Claim, rule: StateAidRule) -> bool:
    if aid.regime != rule.regime or aid.on > claim.as_of:
        return False
    if rule.regime == "UK_MFA":
        this_year = year_of(claim.as_of, _UK_YEAR_FROM_MONTH)
        return year_of(aid.on, _UK_YEAR_FROM_MONTH) > this_year - _AID_YEARS
    return aid.on > years_before(claim.as_of, _AID_YEARS)
