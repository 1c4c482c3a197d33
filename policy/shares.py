"""The steps that bring a base, or hours asked for, to its share."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from policy.answers import Outcome, Reason, amount_words, missing, percent_text, plain
from policy.claims import Claim, FeeLine
from policy.conditions import fits
from policy.rules import Programme, Rate, Route, Stance
from policy.so_far import SoFar, times

__all__ = ["Claim", "SoFar", "rate_for", "route_of"]


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


def take_share(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Take the share of the tier that fits each fee line, or each part of the year's fees."""
    rule = programme.share
    so_far = replace(so_far, base=so_far.amount)
    if rule is not None and rule.select == "MARGINAL":
        return _take_brackets(so_far, claim, programme)
    total = claim.declared_this_year + so_far.amount
    lines = so_far.kept or (FeeLine("", Decimal(0)),)
    chosen = [_tier_for(line, claim, programme, total) for line in lines]
    so_far = _noting_doubts(so_far, claim, programme, lines, total)
    if any(tier.fixed for tier in chosen if tier):
        return _take_fixed(so_far, claim, chosen[0])
    shares = [_rate(tier, claim) for tier in chosen]
    amount = so_far.shared(shares)
    labels, clause = _share_labels(chosen, shares, programme)
    return replace(so_far, full=amount).then(amount, "share", labels, clause)


def _tier_for(line: FeeLine, claim: Claim, programme: Programme, total: Decimal) -> Rate | None:
    fitting = [tier for tier in programme.tiers if fits(tier.when, claim, line, total)]
    if programme.share and programme.share.select == "HIGHEST":
        return max(fitting, key=lambda tier: _rate(tier, claim), default=None)
    return next(iter(fitting), None)


def _rate(tier: Rate | None, claim: Claim) -> Fraction:
    return tier.rate.on(claim.as_of) if tier and tier.rate else Fraction(0)


def _take_fixed(so_far: SoFar, claim: Claim, tier: Rate | None) -> SoFar:
    assert tier is not None
    assert tier.fixed is not None
    fixed = tier.fixed.on(claim.as_of)
    text = amount_words(fixed, so_far.unit)
    labels = (f"{text}, never more than the fee", f"定额 {text}，不超过费用")
    amount = min(fixed, so_far.amount)
    return replace(so_far, full=amount).then(amount, "share", labels, tier.clause)


def _share_labels(
    chosen: list[Rate | None], shares: list[Fraction], programme: Programme
) -> tuple[tuple[str, str], str]:
    clauses = {tier.clause: None for tier in chosen if tier}
    clause = "; ".join(clauses) or programme.base.clause
    texts = dict.fromkeys(percent_text(share) for share in shares)
    if len(texts) == 1:
        (text,) = texts
        return (f"Share of {text}", f"补助比例 {text}"), clause
    said = ", ".join(texts)
    return (f"Shares of {said}, each of its fees", f"分项补助比例 {said}"), clause


def _noting_doubts(
    so_far: SoFar,
    claim: Claim,
    programme: Programme,
    lines: tuple[FeeLine, ...],
    total: Decimal,
) -> SoFar:
    for outcome, reason in _doubts(claim, programme, lines, total):
        so_far = so_far.noting(outcome, reason)
    return so_far


def _doubts(
    claim: Claim, programme: Programme, lines: tuple[FeeLine, ...], total: Decimal
) -> Iterator[tuple[Outcome, Reason]]:
    rule = programme.share
    for line in lines:
        chosen = _tier_for(line, claim, programme, total)
        for tier in _passed_over(chosen, programme):
            if fits(tier.when, claim, line, total) is None:
                words = ("what this share depends on", "该比例所依据的信息")
                yield "REFER", missing(*words, tier.clause)
        if rule and chosen is None and line.fee:
            yield (
                "REFER" if rule.otherwise == "REFER" else "PASS",
                _no_share(line, programme, rule.clause),
            )
        if rule and chosen and _crosses(chosen, line, claim, programme):
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


def _crosses(chosen: Rate, line: FeeLine, claim: Claim, programme: Programme) -> bool:
    earlier = claim.declared_this_year
    return bool(earlier) and _tier_for(line, claim, programme, earlier) is not chosen


def _take_brackets(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Give each part of the year's fees the share of its own bracket."""
    start = claim.declared_this_year
    end = start + so_far.amount
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
            said.append((amount_words(part, so_far.unit), percent_text(share)))
            clauses[tier.clause] = None
        lower = lower if upper is None else upper
    en = " + ".join(f"{rate} of {part}" for part, rate in said) or "Nothing left to share"
    zh = " + ".join(f"{part} × {rate}" for part, rate in said) or "无可计费用"
    clause = "; ".join(clauses) or programme.base.clause
    return replace(so_far, full=amount).then(amount, "share", (en, zh), clause)


def take_hours(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Start from the GPU-hours asked for."""
    asked = claim.requested_gpu_hours or Decimal(0)
    labels = ("GPU-hours asked for", "申请卡时")
    begun = replace(so_far, full=asked, base=asked)
    return begun.then(asked, "hours", labels, programme.base.clause)


def require_route(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Give nothing for hours that no route takes."""
    if not programme.routes:
        return so_far
    route = route_of(claim, programme)
    if route and route.takes(so_far.amount):
        least, most = plain(route.hours_min), plain(route.hours_max)
        labels = (
            f"{route.title_en}, {least} to {most} GPU-hours",
            f"{route.title_zh}，{least} 至 {most} 卡时",
        )
        return so_far.then(so_far.amount, "route", labels, route.clause)
    clause = programme.base.clause
    nothing = replace(so_far, full=Decimal(0))
    labels = ("No route", "无适用通道")
    return nothing.then(Decimal(0), "route", labels, clause, _no_route(programme))


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
