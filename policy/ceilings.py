"""The steps after the share: standing, ceilings, pool and rounding."""

from decimal import Decimal

from common.money import major
from policy.answers import Reason, amount_words, plain
from policy.rules import Programme
from policy.shares import Claim, SoFar, route_of


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


def cap_route(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Stay within the most hours of the route, where standing would pass them."""
    route = route_of(claim, programme)
    if route is None or so_far.amount <= route.hours_max:
        return so_far
    text = amount_words(route.hours_max, so_far.unit)
    labels = (f"At most {text}", f"通道上限 {text}")
    return so_far.capped(route.hours_max, "cap_route", labels, _reached(text, route.clause))


def cap_application(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Stay within the ceiling of one application."""
    cap = programme.cap("APPLICATION")
    if cap is None:
        return so_far
    most = cap.amount.on(claim.as_of)
    text = amount_words(most, so_far.unit)
    labels = (f"At most {text} for one application", f"单次申请上限 {text}")
    return so_far.capped(most, "cap_application", labels, _reached(text, cap.clause))


def cap_organisation(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Stay within what the organisation has left of its ceiling of the calendar year."""
    cap = programme.cap("ORGANISATION")
    if cap is None:
        return so_far
    most, used = cap.amount.on(claim.as_of), major(claim.used_this_year, so_far.unit)
    text, used_text = amount_words(most, so_far.unit), amount_words(used, so_far.unit)
    labels = (
        f"At most {text} a year, {used_text} already used",
        f"年度上限 {text}，本年度已使用 {used_text}",
    )
    left = max(most - used, Decimal(0))
    return so_far.capped(left, "cap_organisation", labels, _reached(text, cap.clause))


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
