"""Read each section of a programme document into its dataclass."""

import re
from decimal import Decimal
from zoneinfo import ZoneInfo

from common.money import is_currency
from policy import rules
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
    "HOURS",
)
CAP_SCOPES = ("ORGANISATION", "APPLICATION", "PROGRAMME")
CEILINGS = ("SHARE", "CAPS")
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_GPU = re.compile(r"GPU:[A-Z0-9][A-Z0-9\-]{0,30}")


def read_programme(top: Table) -> rules.Programme:
    """Read a whole document; what is wrong is kept in the table's problems."""
    programme = rules.Programme(
        code=_code(top),
        title_en=top.text("title_en"),
        title_zh=top.text("title_zh"),
        issuer=top.text("issuer"),
        mode=top.choice("mode", rules.MODES),
        unit=_unit(top),
        zone=_zone(top),
        sources=top.texts("sources"),
        windows=_windows(_section(top, "windows")),
        applicant=_applicant(_section(top, "applicant")),
        provider=_provider(_section(top, "provider")),
        base=_base(_section(top, "base")),
        floor=_floor(top.table("floor")),
        tiers=tuple(_rate(item) for item in top.tables("tiers")),
        caps=tuple(_cap(item) for item in top.tables("caps")),
        routes=tuple(_route(item) for item in top.tables("routes")),
        rounding=_rounding(_section(top, "rounding")),
        hold=_hold(top.table("hold")),
        validity=_validity(_section(top, "validity")),
        approval=_approval(_section(top, "approval")),
        duties=_duties(top.table("duties")),
        settlement=_settlement(_section(top, "settlement")),
        standing=_standing(top.table("standing")),
        outcome=_outcome(top.table("outcome")),
    )
    top.close()
    return programme


class _Absent(Table):
    """A required section that isn't there: reported once, not once a field."""

    def problem(self, key: str, message: str) -> None:
        """Say nothing more."""


def _section(top: Table, key: str) -> Table:
    return top.table(key, required=True) or _Absent({}, key, top.problems)


def _code(top: Table) -> str:
    code = top.text("code", '"xx-place-2026"')
    if code and not _CODE.fullmatch(code):
        top.problem("code", f"'{code}' can't be read; use a-z, 0-9 and single hyphens.")
    return code


def _unit(top: Table) -> str:
    unit = top.text("unit", '"CNY"')
    if unit and not is_currency(unit) and not _GPU.fullmatch(unit):
        fix = "write a currency that is in use here, such as CNY, or a class, such as GPU:H100."
        top.problem("unit", f"'{unit}' is not a unit known here; {fix}")
        return "CNY"
    return unit or "CNY"


def _zone(top: Table) -> str:
    zone = top.text("zone", '"Asia/Shanghai"')
    try:
        ZoneInfo(zone or "UTC")
    except (KeyError, ValueError, OSError):
        top.problem("zone", f"'{zone}' is not an IANA time zone; write one as Asia/Shanghai.")
    return zone


def _windows(table: Table) -> rules.Windows:
    windows = rules.Windows(
        clause=table.clause(),
        application=table.period("application"),
        signed=table.period("signed"),
        use=table.period("use"),
    )
    table.close()
    return windows


def _applicant(table: Table) -> rules.ApplicantRule:
    rule = rules.ApplicantRule(
        clause=table.clause(),
        kinds=table.texts("kinds", rules.ORGANISATION_KINDS, required=True),
        regions=table.texts("regions"),
        registered_business=table.flag("registered_business"),
        employees_max=table.whole_or_none("employees_max"),
        revenue_max=table.number_or_none("revenue_max"),
        age_years_max=table.whole_or_none("age_years_max"),
        bars=table.texts("bars"),
        lookback_years=table.whole_or_none("lookback_years"),
        other_public_money=table.choice("other_public_money", rules.STANCES),
        other_public_money_scope=table.text("other_public_money_scope", required=False),
    )
    table.close()
    return rule


def _provider(table: Table) -> rules.ProviderRule:
    rule = rules.ProviderRule(
        clause=table.clause(),
        related=table.choice("related", rules.STANCES),
        unlisted=table.choice("unlisted", rules.STANCES),
        checked_at=table.choice("checked_at", ("APPLICATION", "ORDER")),
        list_name=table.text("list_name", required=False),
    )
    table.close()
    return rule


def _base(table: Table) -> rules.BaseRule:
    rule = rules.BaseRule(
        clause=table.clause(),
        kind=table.choice("kind", BASE_KINDS),
        leave_out=table.texts("leave_out"),
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


def _floor(table: Table | None) -> rules.Floor | None:
    if table is None:
        return None
    floor = rules.Floor(clause=table.clause(), base_min=table.dated("base_min"))
    table.close()
    return floor


def _rate(table: Table) -> rules.Rate:
    tier = rules.Rate(
        clause=table.clause(),
        rate=table.dated("rate"),
        kinds=table.texts("kinds", rules.ORGANISATION_KINDS),
        year_total_max=table.number_or_none("year_total_max"),
    )
    for _, rate in tier.rate.entries:
        if not 0 < rate <= 1:
            table.problem("rate", f"{rate} is not a share; write one above 0 and up to 1.")
    table.close()
    return tier


def _cap(table: Table) -> rules.Cap:
    cap = rules.Cap(
        clause=table.clause(),
        scope=table.choice("scope", CAP_SCOPES),
        amount=table.dated("amount"),
    )
    table.close()
    return cap


def _route(table: Table) -> rules.Route:
    route = rules.Route(
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
    if route.hours_min > route.hours_max:
        fix = f"set it to at most hours_max, {route.hours_max}."
        table.problem("hours_min", f"{route.hours_min} is above the route's most; {fix}")
    table.close()
    return route


def _rounding(table: Table) -> rules.Rounding:
    rounding = rules.Rounding(
        clause=table.clause(),
        of=table.number("of"),
        decimals=table.whole("decimals", most=8),
        mode=table.choice("mode", tuple(rules.ROUNDING_MODES)),
    )
    if not rounding.of:
        table.problem("of", '"0" is not a unit to round to; write "1", or "10000" for 万元.')
    table.close()
    return rounding


def _hold(table: Table | None) -> rules.HoldRule | None:
    if table is None:
        return None
    rule = rules.HoldRule(clause=table.clause(), days=table.dated("days", whole=True))
    table.close()
    return rule


def _validity(table: Table) -> rules.ValidityRule:
    rule = rules.ValidityRule(
        clause=table.clause(),
        days=table.dated("days", whole=True),
        days_min=table.whole("days_min", least=1),
    )
    if any(days < rule.days_min for _, days in rule.days.entries):
        fix = "set it to the shortest of `days` or less."
        table.problem("days_min", f"{rule.days_min} is more than the voucher's days; {fix}")
    table.close()
    return rule


def _approval(table: Table) -> rules.ApprovalRule:
    clause = table.clause()
    tiers = tuple(_tier(item) for item in table.tables("tiers"))
    limits = [tier.up_to for tier in tiers]
    rising = [limit for limit in limits[:-1] if limit is not None]
    if not tiers or limits[-1] is not None or len(rising) != len(tiers) - 1:
        table.problem("tiers", "every tier needs `up_to`, except the last, which has none.")
    elif rising != sorted(set(rising)):
        table.problem("tiers", "put the tiers in rising order of `up_to`.")
    table.close()
    return rules.ApprovalRule(clause, tiers)


def _tier(table: Table) -> rules.Tier:
    tier = rules.Tier(
        name=table.text("name", '"ONE_OFFICER"'),
        people=table.whole("people", most=5),
        up_to=table.number_or_none("up_to"),
        clause=table.clause(),
    )
    table.close()
    return tier


def _duties(table: Table | None) -> rules.DutiesRule | None:
    if table is None:
        return None
    clause = table.clause()
    apart = tuple(_pair(item) for item in table.tables("apart"))
    table.close()
    return rules.DutiesRule(clause, apart)


def _pair(table: Table) -> tuple[str, str]:
    pair = (table.text("act", '"settle_bill"'), table.text("after", '"submit_bill"'))
    table.close()
    return pair


def _settlement(table: Table) -> rules.SettlementRule:
    rule = rules.SettlementRule(
        clause=table.clause(),
        payee=table.choice("payee", rules.PAYEES),
        objection_days=table.whole("objection_days"),
        payment_days=table.whole("payment_days"),
    )
    table.close()
    return rule


def _standing(table: Table | None) -> rules.StandingRule | None:
    if table is None:
        return None
    rule = rules.StandingRule(
        clause=table.clause(),
        amount_reach=table.number("amount_reach"),
        validity_reach=table.number("validity_reach"),
        steepness=table.number("steepness"),
        z_max=table.number("z_max"),
        evidence_vouchers=table.number("evidence_vouchers"),
        evidence_drop=table.number("evidence_drop"),
        ceiling=table.choice("ceiling", CEILINGS),
        weights=_weights(table),
    )
    for key in ("amount_reach", "validity_reach", "evidence_drop"):
        if getattr(rule, key) >= 1:
            table.problem(
                key, f"{getattr(rule, key)} could take everything; write less than 1."
            )
    if not rule.evidence_vouchers:
        table.problem("evidence_vouchers", '"0" is no evidence; write "1" or more.')
    table.close()
    return rule


def _weights(table: Table) -> tuple[tuple[str, Decimal], ...]:
    inner = table.table("weights", required=True)
    if inner is None:
        return ()
    weights = tuple((key, inner.number(key)) for key in inner.names())
    total = sum((weight for _, weight in weights), Decimal(0))
    if total != 1:
        table.problem("weights", f"they add up to {total}; make them add up to 1.")
    return weights


def _outcome(table: Table | None) -> rules.OutcomeRule | None:
    if table is None:
        return None
    rule = rules.OutcomeRule(
        clause=table.clause(),
        due_months=table.wholes("due_months"),
        kinds=table.texts("kinds", required=True),
    )
    table.close()
    return rule
