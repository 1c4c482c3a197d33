"""The steps that bring a base, or hours asked for, to its share."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

from policy.answers import Outcome, Reason, amount_words, missing, percent_text, plain
from policy.claims import Claim, FeeLine
from policy.conditions import fits
from policy.rules import Programme, Rate, Route, Stance
from policy.sheet import Labels, Sheet, times

__all__ = ["Claim", "rate_for", "route_of"]


def rate_for(
    programme: Programme,
    *,
    on: date | None = None,
    organisation_kind: str = "",
    year_total: Decimal | None = None,
) -> tuple[Rate, Fraction]:
    """Return the first tier with a share that fits, and its share on a day (the newest without).

    A tier by yearly total looks at the whole cumulated amount (a cliff, not a bracket of
    each yuan); when the total isn't known such a tier doesn't fit.

    :raises ValueError: if the programme has no share for it, as in mode M5.
    """
    claim = Claim(as_of=on or date.max, organisation_kind=organisation_kind)
    for tier in programme.tiers:
        if tier.rate is not None and fits(tier.when, claim, year_total=year_total):
            return tier, tier.rate.on(on)
    raise ValueError(f"{programme.code} has no share of such a fee.")


def route_of(claim: Claim, programme: Programme) -> Route | None:
    """Return the route that a claim names or, when it names none, the first for its hours."""
    if claim.route is not None:
        return programme.route(claim.route)
    hours = claim.requested_gpu_hours or Decimal(0)
    return next((route for route in programme.routes if route.takes(hours)), None)


def take_share(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Take the share of the tier that fits each fee line, or each part of the year's fees."""
    rule = programme.share
    sheet.base = sheet.amount
    if rule is not None and rule.select == "MARGINAL":
        _take_brackets(sheet, claim, programme)
        return
    total = claim.declared_this_year + sheet.amount
    lines = sheet.kept or (FeeLine("", Decimal(0)),)
    chosen = [_tier_for(line, claim, programme, total) for line in lines]
    # Without conditions there is nothing to doubt.
    is_plain = rule is None and not programme.tiers[0].conditional
    for outcome, reason in () if is_plain else _doubts(claim, programme, lines, chosen, total):
        sheet.note(outcome, reason)
    if any(tier.fixed for tier in chosen if tier):
        _take_fixed(sheet, claim, chosen[0])
        return
    shares = [_rate(tier, claim) for tier in chosen]
    amount = sheet.shared(shares)
    labels, clause = _share_labels(chosen, shares, programme)
    sheet.full = amount
    sheet.take(amount, "share", labels, clause)


def _tier_for(line: FeeLine, claim: Claim, programme: Programme, total: Decimal) -> Rate | None:
    fitting = (tier for tier in programme.tiers if fits(tier.when, claim, line, total))
    if programme.share and programme.share.select == "HIGHEST":
        return max(fitting, key=lambda tier: _rate(tier, claim), default=None)
    return next(fitting, None)


def _rate(tier: Rate | None, claim: Claim) -> Fraction:
    return tier.rate.on(claim.as_of) if tier and tier.rate else Fraction(0)


def _take_fixed(sheet: Sheet, claim: Claim, tier: Rate | None) -> None:
    assert tier is not None
    assert tier.fixed is not None
    fixed = tier.fixed.on(claim.as_of)
    text = amount_words(fixed, sheet.unit)
    labels = (f"{text}, never more than the fee", f"定额 {text}，不超过费用")
    amount = min(fixed, sheet.amount)
    sheet.full = amount
    sheet.take(amount, "share", labels, tier.clause)


def _share_labels(
    chosen: list[Rate | None], shares: list[Fraction], programme: Programme
) -> tuple[Labels, str]:
    tier = chosen[0]
    if tier and all(other is tier for other in chosen):
        return _one_share_words(percent_text(shares[0])), tier.clause
    clauses = {tier.clause: None for tier in chosen if tier}
    clause = "; ".join(clauses) or programme.base.clause
    texts = dict.fromkeys(percent_text(share) for share in shares)
    if len(texts) == 1:
        return _one_share_words(next(iter(texts))), clause
    said = ", ".join(texts)
    return (f"Shares of {said}, each of its fees", f"分项补助比例 {said}"), clause


def _one_share_words(text: str) -> Labels:
    return f"Share of {text}", f"补助比例 {text}"


def _doubts(
    claim: Claim,
    programme: Programme,
    lines: tuple[FeeLine, ...],
    chosen: list[Rate | None],
    total: Decimal,
) -> Iterator[tuple[Outcome, Reason]]:
    rule = programme.share
    for line, tier in zip(lines, chosen, strict=True):
        for other in _passed_over(tier, programme):
            if fits(other.when, claim, line, total) is None:
                words = ("what this share depends on", "该比例所依据的信息")
                yield "REFER", missing(*words, other.clause)
        if rule and tier is None and line.fee:
            yield (
                "REFER" if rule.otherwise == "REFER" else "PASS",
                _no_share(line, programme, rule.clause),
            )
        if rule and _crosses(tier, line, claim, programme):
            yield _BY_STANCE[rule.crossing], _crossed(rule.clause)


_BY_STANCE: dict[Stance, Outcome] = {"ALLOW": "PASS", "REFER": "REFER", "DENY": "FAIL"}


def _passed_over(chosen: Rate | None, programme: Programme) -> tuple[Rate, ...]:
    """Return the tiers that would have been taken before the chosen one."""
    if chosen is None or (programme.share and programme.share.select == "HIGHEST"):
        return programme.tiers
    return programme.tiers[: programme.tiers.index(chosen)]


def _no_share(line: FeeLine, programme: Programme, clause: str) -> Reason:
    text = amount_words(line.fee, programme.unit)
    return Reason(
        "NO_SHARE",
        f"No share is given for {text} of {line.resource or 'these fees'}.",
        f"{line.resource or '该项费用'} {text} 不在补助范围内。",
        clause,
    )


def _crossed(clause: str) -> Reason:
    return Reason(
        "BRACKET_CROSSED",
        "With this claim the year's fees pass a limit, so that earlier claims of the year would "
        "have had another share.",
        "计入本次申报后，全年累计费用越过档位界限，本年度此前申报的比例将有所不同。",
        clause,
    )


def _crosses(chosen: Rate | None, line: FeeLine, claim: Claim, programme: Programme) -> bool:
    earlier = claim.declared_this_year
    return bool(earlier) and _tier_for(line, claim, programme, earlier) is not chosen


def _take_brackets(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Give each part of the year's fees the share of its own bracket."""
    start = claim.declared_this_year
    end = start + sheet.amount
    lower = Decimal(0)
    amount = Decimal(0)
    said: list[tuple[str, str]] = []
    clauses: dict[str, None] = {}
    for tier in programme.tiers:
        upper = tier.when.year_total_max
        part = (end if upper is None else min(end, upper)) - max(start, lower)
        if part > 0:
            share = _rate(tier, claim)
            amount += times(part, share)
            said.append((amount_words(part, sheet.unit), percent_text(share)))
            clauses[tier.clause] = None
        lower = end if upper is None else upper
    rule = programme.share
    if rule and (rest := end - max(start, lower)) > 0:
        outcome: Outcome = "REFER" if rule.otherwise == "REFER" else "PASS"
        sheet.note(outcome, _no_share(FeeLine("", rest), programme, rule.clause))
    en = " + ".join(f"{rate} of {part}" for part, rate in said) or "Nothing left to share"
    zh = " + ".join(f"{part} × {rate}" for part, rate in said) or "无可计费用"
    clause = "; ".join(clauses) or programme.base.clause
    sheet.full = amount
    sheet.take(amount, "share", (en, zh), clause)


def take_hours(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Start from the GPU-hours asked for."""
    asked = claim.requested_gpu_hours or Decimal(0)
    labels = ("GPU-hours asked for", "申请卡时")
    sheet.full = sheet.base = asked
    sheet.take(asked, "hours", labels, programme.base.clause)


def require_route(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Give nothing for hours that no route takes."""
    if not programme.routes:
        return
    route = route_of(claim, programme)
    if route and route.takes(sheet.amount):
        least, most = plain(route.hours_min), plain(route.hours_max)
        labels = (
            f"{route.title_en}, {least} to {most} GPU-hours",
            f"{route.title_zh}，{least} 至 {most} 卡时",
        )
        sheet.take(sheet.amount, "route", labels, route.clause)
        return
    clause = programme.base.clause
    labels = ("No route", "无适用通道")
    sheet.full = Decimal(0)
    sheet.take(Decimal(0), "route", labels, clause)
    sheet.note("PASS", _no_route(programme))


def _no_route(programme: Programme) -> Reason:
    ways = [
        (route, f"{plain(route.hours_min)}–{plain(route.hours_max)}")
        for route in programme.routes
    ]
    en = "; ".join(f"{hours} ({route.title_en})" for route, hours in ways)
    zh = "；".join(f"{hours}（{route.title_zh}）" for route, hours in ways)
    return Reason(
        "NO_ROUTE",
        f"No route takes this number of GPU-hours. Ask for {en}.",
        f"没有通道适用该卡时数。可申请：{zh}。",
        programme.base.clause,
    )
