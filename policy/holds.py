"""How much of a voucher an order sets aside, and for how long."""

from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

from common.money import GPU_MS_PER_HOUR, major
from policy.answers import PRECISION, Line, amount_text, amount_words, percent_text
from policy.calculation import rate_for
from policy.rules import Programme, minor
from policy.sheet import times


def last_day(placed_on: date, programme: Programme) -> date:
    """Return the last day of a hold: so many days after the day it was placed.

    :raises ValueError: if the programme's mode places no holds.
    """
    if programme.hold is None:
        raise ValueError(f"{programme.code} pays after use and places no holds.")
    return placed_on + timedelta(days=int(programme.hold.days.on(placed_on)))


def last_day_to_accept(placed_on: date, programme: Programme) -> date:
    """Return the last day on which a provider may accept an order placed by its holder.

    It is never later than the hold's own last day.

    :raises ValueError: if the programme's mode places no holds.
    """
    lasts = last_day(placed_on, programme)
    assert programme.hold is not None
    return min(lasts, placed_on + timedelta(days=programme.hold.accept_days))


def hold_amount(
    order_price: int,
    free: int,
    used_this_year: int,
    programme: Programme,
    *,
    on: date | None = None,
    organisation_kind: str = "",
) -> tuple[int, tuple[Line, ...]]:
    """Return what to set aside of a voucher for an order, with its working.

    All amounts are minor units, or GPU-ms in mode M5. In mode M3 it is the programme's share
    of the price; in mode M5 the order's time up to the next whole hour (what is left of a
    voucher below that may be held as it is). It is never more than the voucher's free
    balance, nor than what the organisation's cap leaves this calendar year. A mode without
    holds gives 0.
    """
    if min(order_price, free, used_this_year) < 0:
        raise ValueError("An order's price, a free balance and a used amount are 0 or more.")
    if programme.hold is None:
        line = _line(programme, "no_hold", "No hold in this mode", "本模式不预占", 0, "")
        return 0, (line,)
    first = _line(
        programme, "price", "Price of the order", "订单价格", order_price, programme.hold.clause
    )
    amount, covered = _covered(order_price, programme, on, organisation_kind)
    lines = [first, covered]
    for limit, name, label_en, label_zh, clause in _limits(free, used_this_year, programme, on):
        amount = min(amount, limit)
        lines.append(_line(programme, name, label_en, label_zh, amount, clause))
    return amount, tuple(lines)


def covered_share(
    order_price: int, programme: Programme, *, on: date, organisation_kind: str = ""
) -> int:
    """Return what the programme would pay of an order's price if nothing limited it.

    As the first step of `hold_amount`, in the same units: the share in mode M3, whole hours in
    mode M5.
    """
    return _covered(order_price, programme, on, organisation_kind)[0]


def _covered(price: int, programme: Programme, on: date | None, kind: str) -> tuple[int, Line]:
    if programme.mode == "M5":
        amount = -(-price // GPU_MS_PER_HOUR) * GPU_MS_PER_HOUR
        clause = programme.rounding.clause
        label = ("Up to whole hours", "进位至整卡时")
        return amount, _line(programme, "whole_hours", *label, amount, clause)
    tier, rate = rate_for(programme, on=on, organisation_kind=kind)
    amount = covered_most(price, rate, programme)
    label = (f"Share of {percent_text(rate)}", f"抵扣比例 {percent_text(rate)}")
    return amount, _line(programme, "share", *label, amount, tier.clause)


def _limits(
    free: int, used_this_year: int, programme: Programme, on: date | None
) -> list[tuple[int, str, str, str, str]]:
    clause = programme.hold.clause if programme.hold else ""
    limits = [
        (free, "free", "Within the voucher's free balance", "不超过算力券可用余额", clause)
    ]
    cap = programme.cap("ORGANISATION")
    if cap is not None:
        most = cap.amount.on(on)
        left = max(minor(most, programme.unit) - used_this_year, 0)
        text = amount_words(most, programme.unit)
        label_en, label_zh = f"Within {text} a year", f"不超过年度上限 {text}"
        limits.append((left, "cap_organisation", label_en, label_zh, cap.clause))
    return limits


def covered_most(amount: int, rate: Fraction, programme: Programme) -> int:
    """Return what is covered of a price at a rate, if nothing else limits it; minor units.

    The share is of the price on the programme's tax basis, rounded once by its rule. A coarse
    step rounding up may pass a small amount: it is never more than the basis, less what the
    beneficiary must bear of that.
    """
    basis = basis_of(amount, programme)
    share = share_of(amount, rate * programme.settlement.counted, programme)
    return min(share, basis - own_part(basis, programme))


def basis_of(amount: int, programme: Programme) -> int:
    """Return the part of a price that counts toward the share, cut to the minor unit."""
    return int(amount * programme.settlement.counted)


def own_part(amount: int, programme: Programme) -> int:
    """Return what of a price the beneficiary must bear at least, up to the whole, rounded up."""
    rule = programme.self_pay
    if rule is None:
        return 0
    with localcontext(prec=PRECISION):
        exact = rule.amount_min or Decimal(0)
        if rule.share_min is not None:
            exact = max(exact, times(major(amount, programme.unit), rule.share_min))
        return min(minor(programme.rounding.apply(exact, "UP"), programme.unit), amount)


def share_of(amount: int, rate: Fraction, programme: Programme) -> int:
    """Return a share of an amount in minor units, by the programme's rounding."""
    with localcontext(prec=PRECISION):
        exact = times(major(amount, programme.unit), rate)
        return minor(programme.rounding.apply(exact), programme.unit)


def _line(
    programme: Programme, name: str, label_en: str, label_zh: str, amount: int, clause: str
) -> Line:
    with localcontext(prec=PRECISION):
        text = amount_text(major(amount, programme.unit), programme.unit)
    return Line(name, label_en, label_zh, text, clause or programme.base.clause)
