"""Read the sections that an amount is worked out by."""

from decimal import Decimal
from fractions import Fraction

from common.money import is_currency
from policy import rules
from policy.answers import plain
from policy.conditions import SIZES, Condition
from policy.document import Table

COUNTS = ("END_MINUS_START", "INCLUSIVE")
BASE_KINDS = (
    "SIGNED",
    "VERIFIED",
    "INCURRED",
    "SETTLED",
    "PAID",
    "PURCHASE",
    "METERED",
    "MARKET",
    "HOURS",
)
CAP_SCOPES = (
    "ORGANISATION",
    "UNDERTAKING",
    "APPLICATION",
    "CONTRACT",
    "PROJECT",
    "PROGRAMME",
)
PERIODS = ("CALENDAR_YEAR", "FISCAL_YEAR", "ROLLING", "ROUND", "LIFETIME")
MEASURES = ("COMMITTED", "CLAIMED", "ISSUED", "REDEEMED")
REGIMES = ("EU_DE_MINIMIS", "UK_MFA")


def base(table: Table) -> rules.BaseRule:
    """Read what the share is taken of."""
    rule = rules.BaseRule(
        clause=table.clause(),
        kind=table.choice("kind", BASE_KINDS),
        tax=table.choice("tax", ("EXCLUDED", "INCLUDED"), "EXCLUDED"),
        leave_out=table.texts("leave_out"),
        take_only=table.texts("take_only"),
        most=table.number_or_none("most"),
        once_per_contract=table.flag("once_per_contract"),
        apportion=_apportion(table.table("apportion")),
    )
    table.close()
    return rule


def _apportion(table: Table | None) -> rules.Apportion | None:
    if table is None:
        return None
    rule = rules.Apportion(
        clause=table.clause(),
        count=table.choice("count", COUNTS),
        rounded=table.flag("rounded"),
    )
    table.close()
    return rule


def floor(table: Table | None) -> rules.Floor | None:
    """Read the smallest base that counts."""
    if table is None:
        return None
    rule = rules.Floor(
        clause=table.clause(),
        base_min=table.dated("base_min"),
        below=table.choice("below", ("NOTHING", "FAIL"), "NOTHING"),
    )
    table.close()
    return rule


def share(table: Table | None) -> rules.ShareRule | None:
    """Read how a tier is found."""
    if table is None:
        return None
    rule = rules.ShareRule(
        clause=table.clause(),
        select=table.choice("select", ("FIRST", "HIGHEST", "MARGINAL"), "FIRST"),
        otherwise=table.choice("otherwise", ("LAST_TIER", "NOTHING", "REFER"), "LAST_TIER"),
        crossing=table.choice("crossing", rules.STANCES, "ALLOW"),
    )
    table.close()
    return rule


def rate(table: Table) -> rules.Rate:
    """Read one tier: a share or a fixed amount, and whom and what it is for."""
    clause = table.clause()
    names = table.names()
    tier = rules.Rate(
        clause=clause,
        rate=table.dated_share("rate") if "fixed" not in names else None,
        fixed=table.dated("fixed") if "fixed" in names else None,
        when=_condition(table),
    )
    for _, one in tier.rate.entries if tier.rate else ():
        _require_share(table, "rate", one)
    table.close()
    return tier


def _require_share(table: Table, key: str, share: Fraction | None) -> None:
    if share is not None and not 0 < share <= 1:
        decimal = Decimal(share.numerator) / share.denominator
        said = plain(decimal) if Fraction(decimal) == share else str(share)
        table.problem(key, f"{said} is not a share; write one above 0 and up to 1.")


def _condition(table: Table) -> Condition:
    return Condition(
        kinds=table.texts("kinds", rules.ORGANISATION_KINDS),
        sizes=table.texts("sizes", SIZES),
        qualifications=table.texts("qualifications"),
        age_years_max=table.whole_or_none("age_years_max"),
        year_total_max=table.number_or_none("year_total_max"),
        resources=table.texts("resources"),
        chip_origins=table.texts("chip_origins"),
        facilities=table.texts("facilities"),
        regions=table.texts("regions"),
        purposes=table.texts("purposes"),
        used=table.period("used"),
    )


def self_pay(table: Table | None) -> rules.SelfPay | None:
    """Read the least that the beneficiary bears itself."""
    if table is None:
        return None
    rule = rules.SelfPay(
        clause=table.clause(),
        share_min=table.share_or_none("share_min"),
        amount_min=table.number_or_none("amount_min"),
    )
    _require_share(table, "share_min", rule.share_min)
    if rule.share_min is None and rule.amount_min is None:
        table.problem("", 'nothing is to be borne; add share_min = "0.20" or amount_min.')
    table.close()
    return rule


def cap(table: Table) -> rules.Cap:
    """Read one ceiling, its period and what counts towards it."""
    rule = rules.Cap(
        clause=table.clause(),
        scope=table.choice("scope", CAP_SCOPES),
        amount=table.dated("amount"),
        period=table.choice("period", PERIODS, "CALENDAR_YEAR"),
        rolling_years=table.whole_or_none("rolling_years", 100) or None,
        fiscal_month=table.whole_or_none("fiscal_month", 12),
        measured=table.texts("measured", MEASURES) or ("COMMITTED",),
        exempt=table.texts("exempt"),
        when=_condition(table),
    )
    if (rule.period == "ROLLING") != (rule.rolling_years is not None):
        table.problem("rolling_years", 'goes with period = "ROLLING"; write both or neither.')
    if (rule.period == "FISCAL_YEAR") != bool(rule.fiscal_month):
        fix = "write both or neither, the month as 1 to 12."
        table.problem("fiscal_month", f'goes with period = "FISCAL_YEAR"; {fix}')
    table.close()
    return rule


def exclusion(table: Table) -> rules.Exclusion:
    """Read one kind of other support that shuts an award out."""
    rule = rules.Exclusion(
        clause=table.clause(),
        stance=table.choice("stance", rules.STANCES),
        levels=table.texts("levels"),
        regions=table.texts("regions"),
        kinds=table.texts("kinds"),
        same=table.choice("same", ("ANYTHING", "CONTRACT", "PROJECT")),
    )
    table.close()
    return rule


def stacking(table: Table | None) -> rules.Stacking | None:
    """Read which support counts towards a common limit, and the limits."""
    if table is None:
        return None
    rule = rules.Stacking(
        clause=table.clause(),
        sources=table.texts("sources"),
        levels=table.texts("levels"),
        limits=tuple(_limit(item) for item in table.tables("limits")),
    )
    if not rule.limits:
        table.problem("limits", "is missing; add [[stacking.limits]] with total_rate_max.")
    table.close()
    return rule


def _limit(table: Table) -> rules.StackLimit:
    limit = rules.StackLimit(
        clause=table.clause(),
        total_rate_max=table.dated_share("total_rate_max"),
        when=_condition(table),
    )
    for _, one in limit.total_rate_max.entries:
        _require_share(table, "total_rate_max", one)
    table.close()
    return limit


def state_aid(table: Table | None) -> rules.StateAidRule | None:
    """Read the ceiling on minimal aid."""
    if table is None:
        return None
    rule = rules.StateAidRule(
        clause=table.clause(),
        regime=table.choice("regime", REGIMES),
        most=table.number("most"),
        currency=table.text("currency", '"EUR"'),
        value_per_hour=table.number_or_none("value_per_hour"),
    )
    if rule.currency and not is_currency(rule.currency):
        table.problem("currency", f"'{rule.currency}' is not a currency known here.")
    table.close()
    return rule


def match(table: Table | None) -> rules.MatchRule | None:
    """Read whose approval is followed."""
    if table is None:
        return None
    rule = rules.MatchRule(
        clause=table.clause(),
        upstream=table.text("upstream", '"xx-nation-2026"'),
        of=table.choice("of", ("BASE", "AWARD")),
    )
    table.close()
    return rule


def target(table: Table | None) -> rules.TargetRule | None:
    """Read what a target letter asks for."""
    if table is None:
        return None
    rule = rules.TargetRule(
        clause=table.clause(),
        measure=table.text("measure", '"PFLOPS"'),
        name_en=table.text("name_en", '"Computing power in use at FP16"'),
        name_zh=table.text("name_zh", '"在用算力（FP16）"'),
        least=table.number("least"),
        full=table.number("full"),
        partial=table.choice("partial", ("NOTHING", "PRO_RATA")),
    )
    table.close()
    return rule


def funder(table: Table) -> rules.Funder:
    """Read who bears which part."""
    rule = rules.Funder(
        clause=table.clause(),
        name=table.text("name", '"PROVINCE"'),
        share=table.share("share"),
    )
    _require_share(table, "share", rule.share)
    table.close()
    return rule


def route(table: Table) -> rules.Route:
    """Read one way in for hours in kind."""
    rule = rules.Route(
        clause=table.clause(),
        name=table.text("name", '"FIRST_STEPS"'),
        title_en=table.text("title_en"),
        title_zh=table.text("title_zh"),
        hours_min=table.number_or_none("hours_min") or Decimal(0),
        hours_max=table.number("hours_max"),
        months=table.whole("months", least=1, most=120),
        kinds=table.texts("kinds", rules.ORGANISATION_KINDS, required=True),
        registered_business=table.flag("registered_business"),
        returning_users=table.choice("returning_users", rules.STANCES, "ALLOW"),
        open=table.period("open"),
    )
    if rule.hours_min > rule.hours_max:
        fix = f"set it to at most hours_max, {rule.hours_max}."
        table.problem("hours_min", f"{rule.hours_min} is above the route's most; {fix}")
    table.close()
    return rule


def rounding(table: Table) -> rules.Rounding:
    """Read the programme's rounding."""
    rule = rules.Rounding(
        clause=table.clause(),
        of=table.number("of"),
        decimals=table.whole("decimals", most=8),
        mode=table.choice("mode", tuple(rules.ROUNDING_MODES)),
    )
    if not rule.of:
        table.problem("of", '"0" is not a unit to round to; write "1", or "10000" for 万元.')
    table.close()
    return rule
