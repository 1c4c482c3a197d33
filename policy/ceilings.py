"""The steps after the share: standing, ceilings, pool and rounding."""

from decimal import Decimal
from functools import lru_cache

from common.money import major
from policy import history
from policy.answers import Reason, amount_words, missing, plain
from policy.claims import Claim
from policy.conditions import fits
from policy.rules import Cap, Programme
from policy.shares import route_of
from policy.sheet import Labels, Sheet, times


def weigh_standing(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Multiply by the applicant's standing, within the policy's reach."""
    rule = programme.standing
    if rule is None:
        return
    # A stored multiplier is bounded again here: no score takes more than the policy lets it.
    lowest, highest = 1 - rule.amount_reach, 1 + rule.amount_reach
    multiplier = min(max(claim.multiplier, lowest), highest)
    amount = sheet.amount if multiplier == 1 else sheet.amount * multiplier
    if rule.ceiling == "SHARE":
        amount = min(amount, sheet.full)
    labels = (f"Standing × {plain(multiplier)}", f"绩效系数 × {plain(multiplier)}")
    if rule.ceiling == "CAPS" and multiplier > 1:
        labels = (
            f"{labels[0]} (each purchase is still paid by its share alone)",
            f"{labels[1]}（每笔采购仍只按比例抵扣）",
        )
    sheet.take(amount, "standing", labels, rule.clause)


def leave_self_pay(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Leave to the beneficiary what it must bear itself."""
    rule = programme.self_pay
    if rule is None:
        return
    own = rule.amount_min or Decimal(0)
    if rule.share_min is not None:
        own = max(own, times(sheet.base, rule.share_min))
    text = amount_words(own, sheet.unit)
    labels = (f"The beneficiary bears {text} itself", f"申请单位自付 {text}")
    left = max(sheet.base - own, Decimal(0))
    reason = Reason(
        "SELF_PAY",
        f"At least {text} must be borne by the beneficiary.",
        f"申请单位至少自付 {text}。",
        rule.clause,
    )
    sheet.cap(left, "self_pay", labels, reason)


def cap_route(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Stay within the most hours of the route, where standing would pass them."""
    route = route_of(claim, programme)
    if route is None or sheet.amount <= route.hours_max:
        return
    text = amount_words(route.hours_max, sheet.unit)
    labels = (f"At most {text}", f"通道上限 {text}")
    sheet.cap(route.hours_max, "cap_route", labels, _reached(text, route.clause))


def cap_awards(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Stay within the ceilings of one application, contract and project."""
    _cap_all(sheet, claim, programme, ("APPLICATION", "CONTRACT", "PROJECT"))


def cap_organisation(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Stay within what the organisation, and its undertaking, have left of their ceilings."""
    _cap_all(sheet, claim, programme, ("ORGANISATION", "UNDERTAKING"))


def _cap_all(sheet: Sheet, claim: Claim, programme: Programme, scopes: tuple[str, ...]) -> None:
    for scope in scopes:
        for cap in programme.caps:
            if cap.scope == scope:
                _cap(sheet, claim, cap)


def _cap(sheet: Sheet, claim: Claim, cap: Cap) -> None:
    is_for_claim = fits(cap.when, claim)
    is_exempt = _is_exempt(claim, cap)
    if is_for_claim is False:
        return
    if is_exempt:
        labels = ("Exempt from the ceiling", "不受该上限限制")
        sheet.take(sheet.amount, _step_name(cap), labels, cap.clause)
        return
    most, used = cap.amount.on(claim.as_of), major(history.used(claim, cap), sheet.unit)
    text, used_text = amount_words(most, sheet.unit), amount_words(used, sheet.unit)
    left = max(most - used, Decimal(0))
    is_cut = sheet.amount > left
    sheet.cap(
        left, _step_name(cap), _cap_labels(cap, text, used_text), _reached(text, cap.clause)
    )
    if unknown := _unknown_scope(claim, cap):
        sheet.note("REFER", missing(*unknown, cap.clause))
    elif is_cut and None in (is_for_claim, is_exempt):
        doubt = missing(
            "whether this ceiling holds for the applicant", "该上限是否适用", cap.clause
        )
        sheet.note("REFER", doubt)
    else:
        _note_two_years(sheet, claim, cap)


def _unknown_scope(claim: Claim, cap: Cap) -> tuple[str, str] | None:
    """Return what has to be known before it can be said what a ceiling counts."""
    if cap.scope == "CONTRACT" and not claim.contract:
        return "which contract this is for", "所属合同"
    if cap.scope == "PROJECT" and not claim.project:
        return "which project this is for", "所属项目"
    if cap.scope == "UNDERTAKING" and not claim.undertaking_known:
        return "which organisations are one undertaking with the applicant", "关联主体范围"
    is_by_round = cap.period == "ROUND" and cap.scope in ("ORGANISATION", "UNDERTAKING")
    if is_by_round and not claim.round:
        return "which round this is in", "所属批次"
    return None


def _note_two_years(sheet: Sheet, claim: Claim, cap: Cap) -> None:
    """Refer where one award may count in two periods and the text does not say in which."""
    if not ({"CLAIMED", "REDEEMED"} <= set(cap.measured) and claim.contract_until):
        return
    if claim.contract_until.year == claim.as_of.year:
        return
    reason = Reason(
        "CAP_TWO_YEARS",
        "What is claimed this year may be redeemed in another; which year's ceiling it counts "
        "to is for an officer to say.",
        "本年度申领的额度可能在其他年度兑付；计入哪一年度的上限须由工作人员确定。",
        cap.clause,
    )
    sheet.note("REFER", reason)


def _is_exempt(claim: Claim, cap: Cap) -> bool | None:
    if not cap.exempt:
        return False
    if claim.qualifications is None:
        return None
    return bool(claim.qualifications & set(cap.exempt))


def _step_name(cap: Cap) -> str:
    return f"cap_{cap.scope.lower()}"


def _cap_labels(cap: Cap, text: str, used: str) -> Labels:
    if cap.scope == "APPLICATION":
        return f"At most {text} for one application", f"单次申请上限 {text}"
    en, zh = _OF[cap.scope] if cap.scope in _OF else _PER[cap.period]
    when_zh = "本年度已使用" if cap.period == "CALENDAR_YEAR" else "已使用"
    return f"At most {text} {en}, {used} already used", f"{zh}上限 {text}，{when_zh} {used}"


_PER = {
    "CALENDAR_YEAR": ("a year", "年度"),
    "FISCAL_YEAR": ("a fiscal year", "财政年度"),
    "ROLLING": ("in the years up to this day", "截至当日滚动期间"),
    "ROUND": ("a round", "批次"),
    "LIFETIME": ("in all", "累计"),
}
_OF = {"CONTRACT": ("for one contract", "单个合同"), "PROJECT": ("for one project", "单个项目")}


def cap_pool(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Stay within the programme's yearly pool, and what is known to be left of it."""
    cap = programme.cap("PROGRAMME")
    limits = [cap.amount.on(claim.as_of)] if cap else []
    if claim.pool_left is not None:
        limits.append(major(claim.pool_left, sheet.unit))
    if not limits:
        return
    most = min(limits)
    clause = cap.clause if cap else programme.base.clause
    sheet.cap(most, "pool", *_pool_words(amount_words(most, sheet.unit), clause))


@lru_cache(maxsize=1024)
def _pool_words(text: str, clause: str) -> tuple[Labels, Reason]:
    reason = Reason(
        "POOL_REACHED",
        f"The programme has {text} to give.",
        f"本项目可用资金为 {text}。",
        clause,
    )
    return (f"Within the pool of {text}", f"不超过资金池 {text}"), reason


def round_off(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Round by the programme's rule, never above a ceiling already met."""
    rule = programme.rounding
    amount = rule.apply(sheet.amount)
    if sheet.limit is not None and amount > sheet.limit:
        amount = rule.apply(sheet.limit, "DOWN")
    # Standing may lift an award above this fee where the policy lets it; rounding never does.
    if sheet.amount <= sheet.base < amount:
        amount = rule.apply(sheet.amount, "DOWN")
    labels = rounding_words(rule.mode, amount_words(rule.step, sheet.unit))
    if sheet.outcome == "FAIL":
        amount = Decimal(0)
    sheet.take(amount, "round", labels, rule.clause)


@lru_cache(maxsize=256)
def rounding_words(mode: str, step: str) -> Labels:
    """Return how an amount was rounded, in both languages."""
    return f"Rounded ({mode}) to {step}", f"取整（{_ROUNDING_ZH[mode]}）至 {step}"


_ROUNDING_ZH = {
    "DOWN": "截尾",
    "HALF_UP": "四舍五入",
    "HALF_EVEN": "四舍六入五成双",
    "UP": "进位",
}


@lru_cache(maxsize=1024)
def _reached(text: str, clause: str) -> Reason:
    return Reason(
        "CAP_REACHED", f"The cap of {text} was reached.", f"已达到上限 {text}。", clause
    )
