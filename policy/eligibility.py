"""Who may apply: pass, fail or refer, with reasons and clauses."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from policy import gates
from policy.answers import Outcome, Reason, amount_text, missing, plain, worst
from policy.conditions import lies_in
from policy.dates import Period, full_years
from policy.facts import ApplicantFacts, Finding, Findings, by_stance
from policy.rules import Programme, Route

__all__ = ["Answer", "ApplicantFacts", "answer", "answer_provider"]


@dataclass(frozen=True)
class Answer:
    """Pass, fail, or refer to an officer; every reason for it; and the route, if any."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    route: str | None = None


def answer(facts: ApplicantFacts, programme: Programme) -> Answer:
    """Say whether an applicant may have a voucher of a programme.

    One failing rule fails; a fact that a rule needs and nobody knows, or a rule that leaves
    the question to a person, refers. All reasons are given, not only the first.
    """
    findings = [
        *_windows(facts, programme),
        *_applicant(facts, programme),
        *_size(facts, programme),
        *_conduct(facts, programme),
        *gates.of_applicant(facts, programme),
        *gates.of_other_aid(facts, programme),
    ]
    if programme.provider.checked_at == "APPLICATION":
        findings += _provider(facts.provider_related, facts.provider_listed, programme)
        findings += gates.of_provider(facts, programme)
    route = None
    if programme.routes:
        route, found = _choose_route(facts, programme)
        findings += found
    return _sum_up(findings, programme, route)


def answer_provider(related: bool | None, listed: bool | None, programme: Programme) -> Answer:
    """Say whether a provider's compute counts for a beneficiary, on applying or on ordering.

    `related` says whether the two are one undertaking; `listed` whether the provider is on the
    programme's list on the decisive day.
    """
    return _sum_up(list(_provider(related, listed, programme)), programme, None)


def _sum_up(findings: list[Finding], programme: Programme, route: str | None) -> Answer:
    outcome = worst(*[found for found, _ in findings])
    reasons = tuple(reason for _, reason in findings)
    if outcome != "PASS":
        return Answer(outcome, reasons, route if outcome == "REFER" else None)
    return Answer("PASS", (_met(programme.applicant.clause), *reasons), route)


@lru_cache(maxsize=256)
def _met(clause: str) -> Reason:
    return Reason(
        "ALL_MET", "Every condition that was checked is met.", "所核查的条件均已满足。", clause
    )


def _windows(facts: ApplicantFacts, programme: Programme) -> Findings:
    clause = programme.windows.clause
    if programme.windows.application:
        yield from _within(facts.applied_on, programme.windows.application, _APPLIED, clause)
    signed = programme.windows.signed
    if signed and facts.contract_signed_on is None:
        yield "REFER", missing("the day the contract was signed", "合同签订日期", clause)
    elif signed and facts.contract_signed_on:
        yield from _within(facts.contract_signed_on, signed, _SIGNED, clause)


_APPLIED = ("APPLICATION_WINDOW", "Applications are taken", "申请受理期")
_SIGNED = ("CONTRACT_WINDOW", "The contract must be signed", "合同签订期")


def _within(day: date, window: Period, words: tuple[str, str, str], clause: str) -> Findings:
    early = window.first is not None and day < window.first
    late = window.last is not None and day > window.last
    if early or late:
        code, en, zh = words
        first, last = window.first or "…", window.last or "…"
        text_en = f"{en} from {first} to {last}; this was on {day}."
        yield "FAIL", Reason(code, text_en, f"{zh}为 {first} 至 {last}；实际为 {day}。", clause)


def _applicant(facts: ApplicantFacts, programme: Programme) -> Findings:
    rule = programme.applicant
    if facts.organisation_kind not in rule.kinds:
        kinds = ", ".join(rule.kinds)
        yield (
            "FAIL",
            Reason(
                "KIND_NOT_ADMITTED",
                f"This programme is for {kinds}; the organisation is registered here "
                f"as {facts.organisation_kind}.",
                f"本项目面向 {kinds}；贵单位登记类型为 {facts.organisation_kind}。",
                rule.clause,
            ),
        )
    if rule.registered_business and not facts.is_registered_business:
        yield "FAIL", _not_a_business(rule.clause)
    if rule.regions and not lies_in(facts.region, rule.regions):
        places = ", ".join(rule.regions)
        yield (
            "FAIL",
            Reason(
                "REGION_NOT_ADMITTED",
                f"This programme is for organisations registered in {places}; "
                f"the registered region is {facts.region or 'not given'}.",
                f"本项目面向注册地为 {places} 的单位；"
                f"贵单位注册地为 {facts.region or '未填写'}。",
                rule.clause,
            ),
        )


def _size(facts: ApplicantFacts, programme: Programme) -> Findings:
    rule = programme.applicant
    if rule.employees_max is not None:
        yield from _at_most(facts.employees, rule.employees_max, _EMPLOYEES, "", rule.clause)
    if rule.revenue_max is not None:
        yield from _at_most(
            facts.revenue, rule.revenue_max, _REVENUE, programme.unit, rule.clause
        )
    if rule.age_years_max is not None:
        age = (
            None if facts.founded_on is None else full_years(facts.founded_on, facts.applied_on)
        )
        yield from _at_most(age, rule.age_years_max, _AGE, "", rule.clause)


_EMPLOYEES = ("TOO_MANY_EMPLOYEES", "the number of employees", "员工人数")
_REVENUE = ("TOO_MUCH_REVENUE", "the yearly revenue", "年营业收入")
_AGE = ("TOO_OLD", "the organisation's age in years", "单位成立年限")


def _at_most(
    value: int | Decimal | None,
    most: int | Decimal,
    words: tuple[str, str, str],
    unit: str,
    clause: str,
) -> Findings:
    code, en, zh = words
    if value is None:
        yield "REFER", missing(en, zh, clause)
    elif value > most:
        said, limit = (
            amount_text(number, unit) if isinstance(number, Decimal) else str(number)
            for number in (value, most)
        )
        text_en = f"{en[0].upper()}{en[1:]} is {said}; it may be at most {limit}."
        yield "FAIL", Reason(code, text_en, f"{zh}为 {said}，不得超过 {limit}。", clause)


def _conduct(facts: ApplicantFacts, programme: Programme) -> Findings:
    rule = programme.applicant
    years = rule.lookback_years
    if facts.conduct_bars is None and rule.bars:
        words = ("the findings of the registers of conduct", "信用及处罚记录查询结果")
        yield "REFER", missing(*words, rule.clause)
    for bar in sorted((facts.conduct_bars or frozenset()).intersection(rule.bars)):
        within_en = f" within the last {years} years" if years else ""
        within_zh = f"近 {years} 年内" if years else ""
        text_en = f"There is a record{within_en} that bars an award: {bar}."
        text_zh = f"{within_zh}存在不予支持的记录：{bar}。"
        yield "FAIL", Reason("CONDUCT_BAR", text_en, text_zh, rule.clause)
    if facts.other_public_money:
        scope = f" ({rule.other_public_money_scope})" if rule.other_public_money_scope else ""
        yield from by_stance(
            rule.other_public_money,
            Reason(
                "OTHER_PUBLIC_MONEY",
                f"The same compute already has other public support{scope}.",
                f"同一算力服务已获得其他财政支持{scope}。",
                rule.clause,
            ),
        )


def _provider(related: bool | None, listed: bool | None, programme: Programme) -> Findings:
    rule = programme.provider
    if related is None and rule.related != "ALLOW":
        yield (
            "REFER",
            missing("whether the provider is related", "服务商关联关系", rule.clause),
        )
    if related:
        reason = Reason(
            "PROVIDER_RELATED",
            "The provider and the applicant are related; compute must come from an "
            "unrelated provider.",
            "服务商与申请单位存在关联关系；算力服务须由非关联方提供。",
            rule.clause,
        )
        yield from by_stance(rule.related, reason)
    if listed is None and rule.unlisted != "ALLOW":
        yield "REFER", missing("whether the provider is listed", "服务商是否入库", rule.clause)
    if listed is False:
        name = f" ({rule.list_name})" if rule.list_name else ""
        reason = Reason(
            "PROVIDER_NOT_LISTED",
            f"The provider is not on the programme's list{name}; choose one that is.",
            f"服务商不在本项目公布的名单内{name}；请选择名单内的服务商。",
            rule.clause,
        )
        yield from by_stance(rule.unlisted, reason)


def _choose_route(
    facts: ApplicantFacts, programme: Programme
) -> tuple[str | None, list[Finding]]:
    hours = facts.requested_gpu_hours
    if hours is None:
        clause = programme.base.clause
        return None, [("REFER", missing("the GPU-hours asked for", "申请卡时", clause))]
    tried = [(route, list(_route(facts, hours, route))) for route in programme.routes]
    clear = [route for route, found in tried if not found]
    if clear:
        return clear[0].name, [("PASS", _also_open(route)) for route in clear[1:]]
    for route, found in tried:
        if all(outcome == "REFER" for outcome, _ in found):
            return route.name, found
    return None, [finding for _, found in tried for finding in found]


def _route(facts: ApplicantFacts, hours: Decimal, route: Route) -> Findings:
    clause = route.clause
    if not route.takes(hours):
        least, most = plain(route.hours_min), plain(route.hours_max)
        text_en = f"{route.title_en} takes {least} to {most} GPU-hours, not {plain(hours)}."
        text_zh = (
            f"{route.title_zh}的范围为 {least} 至 {most} 卡时，申请为 {plain(hours)} 卡时。"
        )
        yield "FAIL", Reason("ROUTE_HOURS", text_en, text_zh, clause)
    if facts.organisation_kind not in route.kinds:
        kinds = ", ".join(route.kinds)
        text_en = f"{route.title_en} is for {kinds}, not {facts.organisation_kind}."
        text_zh = f"{route.title_zh}面向 {kinds}，不含 {facts.organisation_kind}。"
        yield "FAIL", Reason("ROUTE_KIND", text_en, text_zh, clause)
    if route.registered_business and not facts.is_registered_business:
        yield "FAIL", _not_a_business(clause)
    if route.open:
        words = ("ROUTE_CLOSED", f"{route.title_en} is open", f"{route.title_zh}开放期")
        yield from _within(facts.applied_on, route.open, words, clause)
    if not facts.first_time_user:
        reason = Reason(
            "RETURNING_USER",
            f"{route.title_en} is meant for first-time users and for tests; "
            "say what this request is for.",
            f"{route.title_zh}面向首次使用者及测试用途；请说明本次申请的用途。",
            clause,
        )
        yield from by_stance(route.returning_users, reason)


def _also_open(route: Route) -> Reason:
    return Reason(
        "ROUTE_ALSO_OPEN",
        f"{route.title_en} also takes this request.",
        f"{route.title_zh}亦可受理该申请。",
        route.clause,
    )


def _not_a_business(clause: str) -> Reason:
    return Reason(
        "NOT_A_REGISTERED_BUSINESS",
        "This is for registered businesses; give the registration number if there is one.",
        "仅面向已登记注册的企业；如已登记，请提供登记号。",
        clause,
    )
