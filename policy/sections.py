"""Read each section of a programme document into its dataclass."""

import re
from decimal import Decimal
from zoneinfo import ZoneInfo

from common.money import is_currency
from policy import amount_sections as amounts
from policy import process_sections as process
from policy import rules
from policy.conditions import SIZES
from policy.document import Table
from policy.size import STANDARDS

CEILINGS = ("SHARE", "CAPS")
_ACCEPT_DAYS, _ACCEPT_DAYS_MOST = 5, 60
_INCREMENT_MOST = 86_400
_OBJECTION_DAYS_MOST = 365
LEVELS = ("NATIONAL", "PROVINCE", "CITY", "DISTRICT", "PARK")
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_GPU = re.compile(r"GPU:[A-Z0-9][A-Z0-9\-]{0,30}")


def read_programme(top: Table) -> rules.Programme:
    """Read a whole document; what is wrong is kept in the table's problems."""
    programme = rules.Programme(
        code=_code(top),
        title_en=top.text("title_en"),
        title_zh=top.text("title_zh"),
        issuer=top.text("issuer"),
        level=top.choice("level", ("", *LEVELS), ""),
        supersedes=top.text("supersedes", required=False),
        mode=top.choice("mode", rules.MODES),
        unit=_unit(top),
        zone=_zone(top),
        sources=top.texts("sources"),
        windows=_windows(_section(top, "windows")),
        applicant=_applicant(_section(top, "applicant")),
        provider=_provider(_section(top, "provider")),
        base=amounts.base(_section(top, "base")),
        floor=amounts.floor(top.table("floor")),
        share=amounts.share(top.table("share")),
        tiers=tuple(amounts.rate(item) for item in top.tables("tiers")),
        self_pay=amounts.self_pay(top.table("self_pay")),
        exclusions=tuple(amounts.exclusion(item) for item in top.tables("exclusions")),
        stacking=amounts.stacking(top.table("stacking")),
        caps=tuple(amounts.cap(item) for item in top.tables("caps")),
        state_aid=amounts.state_aid(top.table("state_aid")),
        match=amounts.match(top.table("match")),
        target=amounts.target(top.table("target")),
        funders=tuple(amounts.funder(item) for item in top.tables("funders")),
        routes=tuple(amounts.route(item) for item in top.tables("routes")),
        rounding=amounts.rounding(_section(top, "rounding")),
        hold=_hold(top.table("hold")),
        validity=_validity(_section(top, "validity")),
        approval=_approval(_section(top, "approval")),
        duties=_duties(top.table("duties")),
        metering=process.metering(top.table("metering")),
        payment=process.payment(top.table("payment")),
        settlement=_settlement(_section(top, "settlement")),
        recovery=process.recovery(top.table("recovery")),
        standing=_standing(top.table("standing")),
        outcome=_outcome(top.table("outcome")),
        review=process.review(top.table("review")),
        allocation=process.allocation(top.table("allocation")),
        notice=process.notice(top.table("notice")),
        appeal=process.appeal(top.table("appeal")),
        voucher=process.voucher(top.table("voucher")),
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
        contract_months_max=table.whole_or_none("contract_months_max", 1_200),
    )
    table.close()
    return windows


def _applicant(table: Table) -> rules.ApplicantRule:
    rule = rules.ApplicantRule(
        clause=table.clause(),
        kinds=table.texts("kinds", rules.ORGANISATION_KINDS, required=True),
        regions=table.texts("regions"),
        tax_regions=table.texts("tax_regions"),
        insurance_regions=table.texts("insurance_regions"),
        industries=table.texts("industries"),
        sizes=table.texts("sizes", SIZES),
        size_standard=table.choice("size_standard", ("", *STANDARDS), ""),
        qualifications=table.texts("qualifications"),
        declarations=table.texts("declarations"),
        credit_ratings=table.texts("credit_ratings"),
        tax_debt=table.choice("tax_debt", rules.STANCES, "ALLOW"),
        is_provider_too=table.choice("is_provider_too", rules.STANCES, "ALLOW"),
        registered_business=table.flag("registered_business"),
        employees_max=table.whole_or_none("employees_max"),
        revenue_max=table.number_or_none("revenue_max"),
        age_years_max=table.whole_or_none("age_years_max"),
        bars=table.texts("bars"),
        lookback_years=table.whole_or_none("lookback_years"),
        other_public_money=table.choice("other_public_money", rules.STANCES),
        other_public_money_scope=table.text("other_public_money_scope", required=False),
        undertaking_above=table.number_or_none("undertaking_above"),
    )
    above = rule.undertaking_above
    if above is not None and not 0 <= above < 1:
        fix = 'write "0.5" for more than half of the votes, or another share below "1".'
        table.problem("undertaking_above", f"'{above}' is no share that controls; {fix}")
    table.close()
    return rule


def _provider(table: Table) -> rules.ProviderRule:
    rule = rules.ProviderRule(
        clause=table.clause(),
        related=table.choice("related", rules.STANCES),
        related_from=table.number_or_none("related_from"),
        own_use=table.choice("own_use", rules.STANCES, "ALLOW"),
        unlisted=table.choice("unlisted", rules.STANCES),
        checked_at=table.choice("checked_at", ("APPLICATION", "ORDER")),
        list_name=table.text("list_name", required=False),
        regions=table.texts("regions"),
        platforms=table.texts("platforms"),
        facilities=tuple(_facility(item) for item in table.tables("facilities")),
    )
    since = rule.related_from
    if since is not None and not 0 < since <= 1:
        fix = 'write a share above nothing and up to "1", such as "0.25".'
        table.problem("related_from", f"'{since}' is no share; {fix}")
    table.close()
    return rule


def _facility(table: Table) -> rules.FacilityGate:
    gate = rules.FacilityGate(
        clause=table.clause(),
        kind=table.text("kind", '"AI_CENTRE"'),
        measure=table.text("measure", '"PFLOPS"'),
        above=table.number("above"),
        at=table.choice("at", rules.STANCES),
    )
    table.close()
    return gate


def _hold(table: Table | None) -> rules.HoldRule | None:
    if table is None:
        return None
    accept_days = table.whole_or_none("accept_days", _ACCEPT_DAYS_MOST)
    rule = rules.HoldRule(
        clause=table.clause(),
        days=table.dated("days", whole=True),
        accept_days=_ACCEPT_DAYS if accept_days is None else accept_days,
    )
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
        increment_seconds=table.whole_or_none("increment_seconds", _INCREMENT_MOST),
        tax_basis=table.choice("tax_basis", rules.TAX_BASES, "INCLUSIVE"),
        tax_rate=table.share_or_none("tax_rate"),
        silence=table.choice("silence", rules.SILENCES, "ACCEPTS"),
        own_share=table.choice("own_share", rules.OWN_SHARES, "NOT_ASKED"),
        invoice=table.choice("invoice", rules.INVOICE_NEEDS, "OPTIONAL"),
        reply_days=table.whole_or_none("reply_days", _OBJECTION_DAYS_MOST),
        reply_silence=table.choice("reply_silence", rules.REPLY_SILENCES, "WAITS"),
        verdict_days=table.whole_or_none("verdict_days", _OBJECTION_DAYS_MOST),
        verdict_silence=table.choice("verdict_silence", rules.VERDICT_SILENCES, "WAITS"),
    )
    if (rule.tax_basis == "EXCLUSIVE") != (rule.tax_rate is not None):
        fix = 'write tax_rate, such as "0.06", with tax_basis = "EXCLUSIVE", and only there.'
        table.problem("tax_rate", f"prices without tax need the tax's rate: {fix}")
    elif rule.tax_rate is not None and not 0 < rule.tax_rate < 1:
        table.problem(
            "tax_rate", 'is no rate of tax; write one above 0 and below 1, as "0.06".'
        )
    if rule.increment_seconds == 0:
        table.problem("increment_seconds", "0 rounds nothing; write 1 or more, or take it out.")
    _silences_have_days(table, rule)
    table.close()
    return rule


def _silences_have_days(table: Table, rule: rules.SettlementRule) -> None:
    for side, days, silence in (
        ("reply", rule.reply_days, rule.reply_silence),
        ("verdict", rule.verdict_days, rule.verdict_silence),
    ):
        if days == 0:
            table.problem(f"{side}_days", "0 leaves no day; write 1 or more, or take it out.")
        elif days is None and silence != "WAITS":
            fix = f"add {side}_days, such as {side}_days = 10, or take it out."
            table.problem(f"{side}_silence", f"nobody is silent where no day is set; {fix}")


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
