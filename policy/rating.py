"""How one line of a bill came to what is paid of it, step by step, each with its clause."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple

from common.money import GPU_MS_PER_HOUR, major
from policy.answers import PRECISION, Line, amount_text, percent_text, plain
from policy.calculation import rate_for
from policy.holds import basis_of
from policy.rules import Programme


class FunderPart(NamedTuple):
    """What one funder bears, in minor units (or GPU-ms)."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class Rated:
    """The figures of one settled line; `covered`, `co_payment` and `beyond` make `accepted`.

    `metered_ms` is what the meter shows in the bill's period, `billed_ms` what was billed of it;
    money is in minor units (in kind, GPU-ms).
    """

    metered_ms: int
    billed_ms: int
    rate: Decimal
    amount: int
    accepted: int
    covered: int
    co_payment: int
    parts: tuple[FunderPart, ...]

    @property
    def beyond(self) -> int:
        """What the share would have covered and the hold no longer reached."""
        return self.accepted - self.covered - self.co_payment


def line_working(
    rated: Rated, programme: Programme, *, on: date, organisation_kind: str = ""
) -> tuple[Line, ...]:
    """Return the steps from a line's metered quantity to what each funder bears of it.

    `on` is the day whose share counts, that of the order. The share of a line is its part of its
    order's, by largest remainders (`policy.settlement.split_bill`), so that it may differ by one
    unit from the share of the line alone.
    """
    clause = programme.settlement.clause
    lines = [_hours("metered", "Metered", "计量用量", rated.metered_ms, clause)]
    if programme.settlement.increment_seconds:
        seconds = programme.settlement.increment_seconds
        words = (f"Billed, by started {seconds} seconds", f"计费用量（按 {seconds} 秒进位）")
        lines.append(_hours("billed_quantity", *words, rated.billed_ms, clause))
    if programme.mode != "M5":
        price = plain(rated.rate)
        words = (f"Billed, at {price} an hour", f"账单金额（每小时 {price}）")
        lines.append(_line(programme, "billed", *words, rated.amount, clause))
    lines.append(_line(programme, "accepted", "Accepted", "认定金额", rated.accepted, clause))
    if programme.settlement.tax_rate is not None:
        text = percent_text(programme.settlement.tax_rate)
        words = (f"Without tax of {text}", f"不含 {text} 税额")
        basis = basis_of(rated.accepted, programme)
        lines.append(_line(programme, "basis", *words, basis, clause))
    lines += _covered(rated, programme, on, organisation_kind)
    return (*lines, *_borne(rated.parts, programme))


def _covered(rated: Rated, programme: Programme, on: date, kind: str) -> list[Line]:
    clause = programme.settlement.clause
    lines = []
    if programme.mode != "M5":
        tier, rate = rate_for(programme, on=on, organisation_kind=kind)
        words = (
            f"Part of the order's share of {percent_text(rate)}",
            f"在订单抵扣额（{percent_text(rate)}）中的份额",
        )
        share = rated.covered + rated.beyond
        lines.append(_line(programme, "share", *words, share, tier.clause))
        words = ("Co-payment", "自付部分")
        lines.append(_line(programme, "co_payment", *words, rated.co_payment, clause))
    if rated.beyond:
        words = ("Beyond the hold", "超出预占")
        lines.append(_line(programme, "beyond_hold", *words, rated.beyond, clause))
    words = ("Covered by the voucher", "算力券抵扣")
    lines.append(_line(programme, "covered", *words, rated.covered, clause))
    return lines


def _borne(parts: Sequence[FunderPart], programme: Programme) -> list[Line]:
    clauses = {funder.name: funder.clause for funder in programme.funders}
    return [
        _line(
            programme,
            "funder",
            f"Borne by {part.name}",
            f"由 {part.name} 承担",
            part.amount,
            clauses.get(part.name, programme.settlement.clause),
        )
        for part in parts
    ]


def _hours(name: str, label_en: str, label_zh: str, quantity_ms: int, clause: str) -> Line:
    with localcontext(prec=PRECISION):
        text = amount_text(Decimal(quantity_ms) / GPU_MS_PER_HOUR, "GPU")
    return Line(name, label_en, label_zh, text, clause)


def _line(
    programme: Programme, name: str, label_en: str, label_zh: str, amount: int, clause: str
) -> Line:
    with localcontext(prec=PRECISION):
        text = amount_text(major(amount, programme.unit), programme.unit)
    return Line(name, label_en, label_zh, text, clause)
