"""The steps after the share: standing, ceilings, pool and rounding."""

from decimal import Decimal

from common.money import major
from policy import history
from policy.answers import Reason, amount_words, missing, plain
from policy.claims import Claim
from policy.conditions import fits
from policy.rules import Cap, Programme
from policy.shares import route_of
from policy.so_far import Labels, SoFar, times


def weigh_standing(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Multiply by the applicant's standing, within the policy's reach."""
    rule = programme.standing
    if rule is None:
        return so_far
    # A stored multiplier is bounded again here: no score takes more than the policy lets it.
    lowest, highest = 1 - rule.amount_reach, 1 + rule.amount_reach
    multiplier = min(max(claim.multiplier, lowest), highest)
    amount = so_far.amount * multiplier
    if rule.ceiling == "SHARE":
        amount = min(amount, so_far.full)
    labels = (f"Standing × {plain(multiplier)}", f"绩效系数 × {plain(multiplier)}")
    if rule.ceiling == "CAPS" and multiplier > 1:
        labels = (
            f"{labels[0]} (each purchase is still paid by its share alone)",
            f"{labels[1]}（每笔采购仍只按比例抵扣）",
        )
    return so_far.then(amount, "standing", labels, rule.clause)


def leave_self_pay(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Leave to the beneficiary what it must bear itself."""
    rule = programme.self_pay
    if rule is None:
        return so_far
    own = rule.amount_min or Decimal(0)
    if rule.share_min is not None:
        own = max(own, times(so_far.base, rule.share_min))
    text = amount_words(own, so_far.unit)
    labels = (f"The beneficiary bears {text} itself", f"申请单位自付 {text}")
    left = max(so_far.base - own, Decimal(0))
    reason = Reason(
        "SELF_PAY",
        f"At least {text} must be borne by the beneficiary.",
        f"申请单位至少自付 {text}。",
        rule.clause,
    )
    return so_far.capped(left, "self_pay", labels, reason)


def cap_route(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Stay within the most hours of the route, where standing would pass them."""
    route = route_of(claim, programme)
    if route is None or so_far.amount <= route.hours_max:
        return so_far
    text = amount_words(route.hours_max, so_far.unit)
    labels = (f"At most {text}", f"通道上限 {text}")
    return so_far.capped(route.hours_max, "cap_route", labels, _reached(text, route.clause))


def cap_awards(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Stay within the ceilings of one application, contract and project."""
    return _cap_all(so_far, claim, programme, ("APPLICATION", "CONTRACT", "PROJECT"))


def cap_organisation(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Stay within what the organisation, and its undertaking, have left of their ceilings."""
    return _cap_all(so_far, claim, programme, ("ORGANISATION", "UNDERTAKING"))


def _cap_all(
    so_far: SoFar, claim: Claim, programme: Programme, scopes: tuple[str, ...]
) -> SoFar:
    for scope in scopes:
        for cap in programme.caps:
            if cap.scope == scope:
                so_far = _cap(so_far, claim, cap)
    return so_far


def _cap(so_far: SoFar, claim: Claim, cap: Cap) -> SoFar:
    is_for_claim = fits(cap.when, claim)
    is_exempt = _is_exempt(claim, cap)
    if is_for_claim is False:
        return so_far
    if is_exempt:
        labels = ("Exempt from the ceiling", "不受该上限限制")
        return so_far.then(so_far.amount, _step_name(cap), labels, cap.clause)
    most, used = cap.amount.on(claim.as_of), major(history.used(claim, cap), so_far.unit)
    text, used_text = amount_words(most, so_far.unit), amount_words(used, so_far.unit)
    left = max(most - used, Decimal(0))
    cut = so_far.capped(
        left, _step_name(cap), _cap_labels(cap, text, used_text), _reached(text, cap.clause)
    )
    if cap.scope in ("CONTRACT", "PROJECT") and not history.scope_key(claim, cap):
        what = {
            "CONTRACT": ("which contract this is for", "所属合同"),
            "PROJECT": ("which project this is for", "所属项目"),
        }[cap.scope]
        return cut.noting("REFER", missing(*what, cap.clause))
    if so_far.amount > left and None in (is_for_claim, is_exempt):
        doubt = missing(
            "whether this ceiling holds for the applicant", "该上限是否适用", cap.clause
        )
        return cut.noting("REFER", doubt)
    return _noting_two_years(cut, claim, cap)


def _noting_two_years(so_far: SoFar, claim: Claim, cap: Cap) -> SoFar:
    """Refer where one award may count in two periods and the text does not say in which."""
    if not ({"CLAIMED", "REDEEMED"} <= set(cap.measured) and claim.contract_until):
        return so_far
    if claim.contract_until.year == claim.as_of.year:
        return so_far
    reason = Reason(
        "CAP_TWO_YEARS",
        "What is claimed this year may be redeemed in another; which year's ceiling it counts "
        "to is for an officer to say.",
        "本年度申领的额度可能在其他年度兑付；计入哪一年度的上限须由工作人员确定。",
        cap.clause,
    )
    return so_far.noting("REFER", reason)


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


def cap_pool(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Stay within the programme's yearly pool, and what is known to be left of it."""
    cap = programme.cap("PROGRAMME")
    limits = [cap.amount.on(claim.as_of)] if cap else []
    if claim.pool_left is not None:
        limits.append(major(claim.pool_left, so_far.unit))
    if not limits:
        return so_far
    text = amount_words(min(limits), so_far.unit)
    reason = Reason(
        "POOL_REACHED",
        f"The programme has {text} to give.",
        f"本项目可用资金为 {text}。",
        cap.clause if cap else programme.base.clause,
    )
    labels = (f"Within the pool of {text}", f"不超过资金池 {text}")
    return so_far.capped(min(limits), "pool", labels, reason)


def round_off(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Round by the programme's rule, never above a ceiling already met."""
    rule = programme.rounding
    amount = rule.apply(so_far.amount)
    if so_far.limit is not None and amount > so_far.limit:
        amount = rule.apply(so_far.limit, "DOWN")
    step = amount_words(rule.step, so_far.unit)
    labels = (f"Rounded ({rule.mode}) to {step}", f"取整（{_ROUNDING_ZH[rule.mode]}）至 {step}")
    if so_far.outcome == "FAIL":
        amount = Decimal(0)
    return so_far.then(amount, "round", labels, rule.clause)


_ROUNDING_ZH = {
    "DOWN": "截尾",
    "HALF_UP": "四舍五入",
    "HALF_EVEN": "四舍六入五成双",
    "UP": "进位",
}


def _reached(text: str, clause: str) -> Reason:
    return Reason(
        "CAP_REACHED", f"The cap of {text} was reached.", f"已达到上限 {text}。", clause
    )
