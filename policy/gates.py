"""The gates before an amount is worked out: registers, declarations, other support, facilities."""

from policy.answers import Reason, missing, plain
from policy.claims import OtherAid
from policy.conditions import lies_in
from policy.dates import months_after
from policy.facts import ApplicantFacts, Findings, by_stance
from policy.rules import Exclusion, FacilityGate, Programme


def of_applicant(facts: ApplicantFacts, programme: Programme) -> Findings:
    """Check the registers and declarations that a document asks of an applicant."""
    rule = programme.applicant
    if rule.asks_of_registers:
        yield from _registers(facts, programme)
    yield from _qualifications(facts, programme)
    yield from _declarations(facts, programme)
    yield from _contract_length(facts, programme)


def _registers(facts: ApplicantFacts, programme: Programme) -> Findings:
    rule = programme.applicant
    # A class of industry takes all below it, however deep the classification goes.
    industry = facts.industry
    if industry is not None and industry.startswith(rule.industries):
        industry = rule.industries[0]
    for code, value, places, words in (
        ("TAX_REGION", facts.tax_region, rule.tax_regions, _TAX_REGION),
        ("INSURANCE_REGION", facts.insurance_region, rule.insurance_regions, _INSURANCE_REGION),
        ("INDUSTRY", industry, rule.industries, _INDUSTRY),
        ("SIZE", facts.size or None, rule.sizes, _SIZE),
        ("CREDIT_RATING", facts.credit_rating, rule.credit_ratings, _RATING),
    ):
        is_place = code.endswith("REGION")
        yield from _one_of(code, value, places, words, rule.clause, is_place=is_place)
    for stance, found, words, reason in (
        (rule.tax_debt, facts.has_tax_debt, _TAX_DEBT, _TAX_DEBT_FOUND),
        (rule.is_provider_too, facts.is_provider_too, _TWO_ROLES, _TWO_ROLES_FOUND),
    ):
        if stance != "ALLOW" and found is None:
            yield "REFER", missing(*words, rule.clause)
        elif found:
            yield from by_stance(stance, Reason(*reason, rule.clause))


_TAX_REGION = ("the region of tax registration", "税务登记地")
_INSURANCE_REGION = ("the region where social insurance is paid", "社会保险缴纳地")
_INDUSTRY = ("the industry", "所属行业")
_SIZE = ("the size of the enterprise", "企业规模")
_RATING = ("the credit rating", "信用评级")
_TAX_DEBT = ("whether there is a tax debt", "是否欠税")
_TAX_DEBT_FOUND = (
    "TAX_DEBT",
    "There is a tax debt; settle it and apply again.",
    "存在欠税；请清缴后再申请。",
)
_TWO_ROLES = ("whether the applicant is a provider too", "是否同时为算力服务商")
_TWO_ROLES_FOUND = (
    "TWO_ROLES",
    "The applicant is a provider of compute too; one may not have support in both roles.",
    "申请单位同时为算力服务商；供需双方不得同时享受支持。",
)


def _one_of(
    code: str,
    value: str | None,
    places: tuple[str, ...],
    words: tuple[str, str],
    clause: str,
    *,
    is_place: bool,
) -> Findings:
    if not places:
        return
    if value is None:
        yield "REFER", missing(*words, clause)
    elif not (lies_in(value, places) if is_place else value in places):
        named = ", ".join(places)
        yield (
            "FAIL",
            Reason(
                f"{code}_NOT_ADMITTED",
                f"For this programme {words[0]} must be {named}; it is {value}.",
                f"本项目要求{words[1]}为 {named}；实际为 {value}。",
                clause,
            ),
        )


def _qualifications(facts: ApplicantFacts, programme: Programme) -> Findings:
    rule = programme.applicant
    if not rule.qualifications:
        return
    named = ", ".join(rule.qualifications)
    if facts.qualifications is None:
        words = (f"whether it is one of {named}", f"是否属于 {named}")
        yield "REFER", missing(*words, rule.clause)
    elif not facts.qualifications & set(rule.qualifications):
        yield (
            "FAIL",
            Reason(
                "NOT_QUALIFIED",
                f"This programme is for holders of one of {named}.",
                f"本项目面向具备以下资质之一的单位：{named}。",
                rule.clause,
            ),
        )


def _declarations(facts: ApplicantFacts, programme: Programme) -> Findings:
    rule = programme.applicant
    if rule.declarations and facts.declarations is None:
        words = ("the declarations that this programme asks for", "本项目要求的声明")
        yield "REFER", missing(*words, rule.clause)
        return
    for one in rule.declarations:
        if one not in (facts.declarations or ()):
            yield (
                "FAIL",
                Reason(
                    "NOT_DECLARED",
                    f"The applicant does not declare {one}, which this programme asks for.",
                    f"申请单位未作出本项目要求的声明：{one}。",
                    rule.clause,
                ),
            )


def _contract_length(facts: ApplicantFacts, programme: Programme) -> Findings:
    most, clause = programme.windows.contract_months_max, programme.windows.clause
    if most is None:
        return
    if facts.contract_from is None or facts.contract_until is None:
        yield "REFER", missing("the contract's first and last day", "合同起止日期", clause)
    elif facts.contract_until >= months_after(facts.contract_from, most):
        yield (
            "FAIL",
            Reason(
                "CONTRACT_TOO_LONG",
                f"The contract may last {most} months; this one runs from "
                f"{facts.contract_from} to {facts.contract_until}.",
                f"合同期限不得超过 {most} 个月；该合同为 {facts.contract_from} 至 "
                f"{facts.contract_until}。",
                clause,
            ),
        )


def of_other_aid(facts: ApplicantFacts, programme: Programme) -> Findings:
    """Check the other support that shuts an award out, by level, place and kind."""
    for rule in programme.exclusions:
        if rule.stance == "ALLOW":
            continue
        if facts.other_aid is None:
            words = ("what other public support there is", "其他财政支持情况")
            yield "REFER", missing(*words, rule.clause)
            continue
        answers = [(aid, _is_excluded(aid, facts, rule)) for aid in facts.other_aid]
        if any(answer is None for _, answer in answers):
            words = ("whether other support is for the same", "其他支持是否针对同一内容")
            yield "REFER", missing(*words, rule.clause)
        for aid, answer in answers:
            if answer:
                reason = Reason(
                    "OTHER_SUPPORT",
                    f"{aid.source} supports the same ({aid.level}, since {aid.on}).",
                    f"{aid.source} 已对同一内容给予支持（{aid.level}，自 {aid.on} 起）。",
                    rule.clause,
                )
                yield from by_stance(rule.stance, reason)


def _is_excluded(aid: OtherAid, facts: ApplicantFacts, rule: Exclusion) -> bool | None:
    """Say whether support shuts an award out; None when it hangs on what nobody knows."""
    if rule.same == "ANYTHING" and not aid.is_own:
        return False
    answers: list[bool | None] = []
    for wanted, found in ((rule.levels, aid.level), (rule.kinds, aid.kind)):
        if wanted:
            answers.append(found in wanted if found else None)
    if rule.regions:
        answers.append(lies_in(aid.region, rule.regions) if aid.region else None)
    if rule.same == "CONTRACT":
        is_known = aid.contract and facts.contract
        answers.append(aid.contract == facts.contract if is_known else None)
    if rule.same == "PROJECT":
        is_known = aid.project and facts.project
        answers.append(aid.project == facts.project if is_known else None)
    if False in answers:
        return False
    return None if None in answers else True


def of_provider(facts: ApplicantFacts, programme: Programme) -> Findings:
    """Check where, over what and how large the compute is that is asked for."""
    rule = programme.provider
    for code, value, places, words in (
        ("PROVIDER_REGION", facts.provider_region, rule.regions, _PROVIDER_REGION),
        ("PLATFORM", facts.provider_platform, rule.platforms, _PLATFORM),
    ):
        is_place = code.endswith("REGION")
        yield from _one_of(code, value, places, words, rule.clause, is_place=is_place)
    if rule.own_use != "ALLOW" and facts.provider_is_itself is None:
        words = ("whether the compute is the applicant's own", "是否为自建自用算力")
        yield "REFER", missing(*words, rule.clause)
    elif facts.provider_is_itself:
        reason = Reason(
            "OWN_USE",
            "The compute is the applicant's own; what one builds and uses oneself does not count.",
            "该算力为申请单位自建自用，不在支持范围内。",
            rule.clause,
        )
        yield from by_stance(rule.own_use, reason)
    if rule.facilities:
        yield from _facility(facts, rule.facilities, rule.clause)


_PROVIDER_REGION = ("the region that the compute is in", "算力所在地")
_PLATFORM = ("the platform that it is bought on", "交易平台")


def _facility(facts: ApplicantFacts, gates: tuple[FacilityGate, ...], clause: str) -> Findings:
    if facts.facility_kind is None:
        yield "REFER", missing("the kind of facility", "算力设施类型", clause)
        return
    gate = next((one for one in gates if one.kind == facts.facility_kind), None)
    if gate is None:
        # A kind that no gate names is admitted at any size.
        return
    if facts.facility_size is None:
        words = (f"the facility's {gate.measure}", f"该设施的 {gate.measure}")
        yield "REFER", missing(*words, gate.clause)
        return
    if facts.facility_size > gate.above:
        return
    limit, size = plain(gate.above), plain(facts.facility_size)
    reason = Reason(
        "FACILITY_TOO_SMALL",
        f"The facility must have more than {limit} {gate.measure}; it has {size}.",
        f"该设施须超过 {limit} {gate.measure}；实际为 {size}。",
        gate.clause,
    )
    exactly = facts.facility_size == gate.above
    yield from by_stance(gate.at if exactly else "DENY", reason)
