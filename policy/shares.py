"""The steps that bring a fee, or hours asked for, to its share."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from policy.answers import Line, Reason, amount_text, percent_text, plain
from policy.rules import Apportion, Period, Programme, Rate, Route


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What an award is worked out from.

    Fees are in whole currency units, by resource class; they are the kind of fee that the
    programme's `[base]` names. `used_this_year` (what the organisation already used this
    calendar year) and `pool_left` are in minor units, or GPU-ms in mode M5. `settled_fee` is
    the part of all fees settled so far, `declared_this_year` the organisation's earlier fees
    of the year. The multipliers are the applicant's standing.
    """

    as_of: date
    fee_lines: tuple[tuple[str, Decimal], ...] = ()
    settled_fee: Decimal | None = None
    contract_from: date | None = None
    contract_until: date | None = None
    requested_gpu_hours: Decimal | None = None
    used_this_year: int = 0
    pool_left: int | None = None
    declared_this_year: Decimal = Decimal(0)
    organisation_kind: str = ""
    route: str | None = None
    multiplier: Decimal = Decimal(1)
    validity_multiplier: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Refuse what would turn a fee into a debt."""
        amounts = [fee for _, fee in self.fee_lines]
        amounts += [self.settled_fee or Decimal(0), self.requested_gpu_hours or Decimal(0)]
        amounts += [self.declared_this_year, self.multiplier, self.validity_multiplier]
        if any(not amount.is_finite() or amount < 0 for amount in amounts):
            raise ValueError("A claim's fees, hours and multipliers must be 0 or more.")
        if self.used_this_year < 0 or (self.pool_left or 0) < 0:
            raise ValueError("A claim's used_this_year and pool_left must be 0 or more.")

    @property
    def fee_total(self) -> Decimal:
        """All fees declared, whatever their resource class."""
        return sum((fee for _, fee in self.fee_lines), Decimal(0))


@dataclass(frozen=True)
class SoFar:
    """The amount after the steps taken, what they said, and the limits they set.

    `full` is the amount at the share; `limit` the lowest ceiling met.
    """

    unit: str
    amount: Decimal = Decimal(0)
    full: Decimal = Decimal(0)
    limit: Decimal | None = None
    working: tuple[Line, ...] = ()
    reasons: tuple[Reason, ...] = ()

    def then(
        self,
        amount: Decimal,
        name: str,
        labels: tuple[str, str],
        clause: str,
        reason: Reason | None = None,
    ) -> "SoFar":
        """Return what is so far after one more step, its labels in English and Chinese."""
        line = Line(name, *labels, amount_text(amount, self.unit), clause)
        return replace(
            self,
            amount=amount,
            working=(*self.working, line),
            reasons=(*self.reasons, reason) if reason else self.reasons,
        )

    def capped(
        self, limit: Decimal, name: str, labels: tuple[str, str], reason: Reason
    ) -> "SoFar":
        """Return what is so far under one more ceiling, with the reason if it cuts."""
        lower = limit if self.limit is None else min(limit, self.limit)
        cuts = reason if self.amount > limit else None
        amount = min(self.amount, limit)
        return replace(self, limit=lower).then(amount, name, labels, reason.clause, cuts)


def rate_for(
    programme: Programme,
    *,
    on: date | None = None,
    organisation_kind: str = "",
    year_total: Decimal | None = None,
) -> tuple[Rate, Decimal]:
    """Return the first tier that fits, and its share on a day (the newest without one).

    A tier by yearly total looks at the whole cumulated amount (a cliff, not a bracket of
    each yuan); when the total isn't known such a tier doesn't fit.

    :raises ValueError: if the programme has no share, as in mode M5.
    """
    for tier in programme.tiers:
        kind_fits = not tier.kinds or organisation_kind in tier.kinds
        most = tier.year_total_max
        total_fits = most is None or (year_total is not None and year_total <= most)
        if kind_fits and total_fits:
            return tier, tier.rate.on(on)
    raise ValueError(f"{programme.code} has no share of a fee.")


def route_of(claim: Claim, programme: Programme) -> Route | None:
    """Return the route that a claim names or, when it names none, the first for its hours."""
    if claim.route is not None:
        return programme.route(claim.route)
    hours = claim.requested_gpu_hours or Decimal(0)
    return next((route for route in programme.routes if route.takes(hours)), None)


def take_fee(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Start from the whole fee declared."""
    labels = ("Fee declared", "申报费用")
    return so_far.then(claim.fee_total, "fee", labels, programme.base.clause)


def leave_out(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Leave out the resource classes that the programme does not support."""
    left_out = programme.base.leave_out
    if not left_out:
        return so_far
    kept = sum((fee for name, fee in claim.fee_lines if name not in left_out), Decimal(0))
    names = ", ".join(left_out)
    labels = (f"After leaving out {names}", f"剔除 {names} 后")
    return so_far.then(kept, "leave_out", labels, programme.base.clause)


def take_settled(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Keep the settled part, spread evenly over the resource classes."""
    settled = claim.settled_fee
    if settled is None or settled >= claim.fee_total:
        return so_far
    labels = ("Part settled so far", "已结算部分")
    amount = so_far.amount * settled / claim.fee_total
    return so_far.then(amount, "settled", labels, programme.base.clause)


def apportion(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Cut the fee to the window of use, by the days of the contract."""
    rule, window = programme.base.apportion, programme.windows.use
    if rule is None or window is None:
        return so_far
    if claim.contract_from is None or claim.contract_until is None:
        labels = ("Contract days not given", "未提供合同起止日期")
        reason = _no_contract_days(rule.clause)
        return so_far.then(Decimal(0), "apportion", labels, rule.clause, reason)
    inside, whole = _days(claim.contract_from, claim.contract_until, window, rule)
    labels = (
        f"Apportioned to the window of use, {inside} of {whole} days",
        f"按使用期分摊：{whole} 天中的 {inside} 天",
    )
    amount = so_far.amount
    if inside != whole:
        # Multiplying first keeps the quotient exact wherever it can be.
        amount = amount * inside / whole
        amount = programme.rounding.apply(amount) if rule.rounded else amount
    return so_far.then(amount, "apportion", labels, rule.clause)


def _days(first: date, last: date, window: Period, rule: Apportion) -> tuple[int, int]:
    start = max(first, window.first or first)
    end = min(last, window.last or last)
    extra = 1 if rule.count == "INCLUSIVE" else 0
    whole = max((last - first).days + extra, 0)
    if end < start:
        # A contract of one day has no day between its ends, yet lies outside the window.
        return 0, max(whole, 1)
    return (end - start).days + extra, whole


def require_floor(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Give nothing for a base below the programme's floor."""
    if programme.floor is None:
        return so_far
    least, clause = programme.floor.base_min.on(claim.as_of), programme.floor.clause
    text, counts = amount_text(least, so_far.unit), amount_text(so_far.amount, so_far.unit)
    labels = (f"Counts from {text}", f"起点金额 {text}")
    if so_far.amount >= least:
        return so_far.then(so_far.amount, "floor", labels, clause)
    reason = Reason(
        "BELOW_FLOOR",
        f"The fee that counts is {counts}; this programme starts at {text}.",
        f"可计费用为 {counts}，低于本项目起点 {text}。",
        clause,
    )
    return so_far.then(Decimal(0), "floor", labels, clause, reason)


def take_share(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Take the share of the tier that fits the claim."""
    tier, rate = rate_for(
        programme,
        on=claim.as_of,
        organisation_kind=claim.organisation_kind,
        year_total=claim.declared_this_year + so_far.amount,
    )
    labels = (f"Share of {percent_text(rate)}", f"补助比例 {percent_text(rate)}")
    amount = so_far.amount * rate
    return replace(so_far, full=amount).then(amount, "share", labels, tier.clause)


def take_hours(so_far: SoFar, claim: Claim, programme: Programme) -> SoFar:
    """Start from the GPU-hours asked for."""
    asked = claim.requested_gpu_hours or Decimal(0)
    labels = ("GPU-hours asked for", "申请卡时")
    return replace(so_far, full=asked).then(asked, "hours", labels, programme.base.clause)


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


def _no_contract_days(clause: str) -> Reason:
    return Reason(
        "CONTRACT_DAYS_MISSING",
        "The fee counts by the contract's days; give its first and last day.",
        "费用按合同天数分摊；请提供合同的开始和结束日期。",
        clause,
    )


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
