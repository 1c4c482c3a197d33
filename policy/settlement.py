"""How a bill is split between the voucher and the beneficiary."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Generic, TypeVar

from common.money import major
from policy.answers import PRECISION, Line, amount_text, percent_text
from policy.calculation import rate_for, work_out
from policy.claims import Claim
from policy.holds import basis_of, covered_most
from policy.rules import Programme, minor

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Share:
    """How an accepted amount splits: the three parts add up to it exactly.

    `covered` is the voucher's; `co_payment` the beneficiary's own share by the policy;
    `beyond_hold` what the policy would have covered and the hold (or balance) no longer
    reaches, which the beneficiary also owes. Minor units, or GPU-ms in mode M5.
    """

    covered: int
    co_payment: int
    beyond_hold: int
    working: tuple[Line, ...] = ()

    @property
    def own(self) -> int:
        """What the beneficiary bears of it: whatever the voucher does not."""
        return self.co_payment + self.beyond_hold


@dataclass(frozen=True)
class BillShare(Generic[Key]):
    """A whole bill's split, and each line's part of it; the lines add up to the total."""

    total: Share
    lines: tuple[tuple[Key, Share], ...]


def split_line(
    billed: int,
    accepted: int,
    hold_left: int,
    programme: Programme,
    *,
    on: date | None = None,
    organisation_kind: str = "",
) -> Share:
    """Split one accepted amount, never drawing more than the hold has left.

    In mode M5 all of the accepted time is covered, otherwise the programme's share, rounded by
    its rule, less what the beneficiary must bear at least of each amount. Give `on`, the day
    whose share counts, where the share changed in mid-life. In modes claimed after use
    `hold_left` is the voucher's balance; a claim with windows or a floor
    is settled by `settle_claim`.

    :raises ValueError: if an amount is below 0, or more was accepted than billed.
    """
    if min(accepted, hold_left) < 0 or accepted > billed:
        raise ValueError("An accepted amount lies between 0 and what was billed.")
    full, covered_line = _full(accepted, programme, on, organisation_kind)
    clause = programme.settlement.clause
    covered = min(full, hold_left)
    share = Share(covered, accepted - full, full - covered)
    working: tuple[Line, ...] = (
        _line(programme, "billed", "Billed", "账单金额", billed, clause),
        _line(programme, "accepted", "Accepted", "认定金额", accepted, clause),
        *_without_tax(accepted, programme),
        covered_line,
        _line(programme, "covered", "Within the hold", "不超过预占余额", covered, clause),
        _line(programme, "co_payment", "Co-payment", "自付部分", share.co_payment, clause),
    )
    if share.beyond_hold:
        beyond = _line(
            programme, "beyond_hold", "Beyond the hold", "超出预占", share.beyond_hold, clause
        )
        working = (*working, beyond)
    return replace(share, working=working)


def split_bill(
    lines: Sequence[tuple[Key, int]],
    hold_left: int,
    programme: Programme,
    *,
    on: date | None = None,
    organisation_kind: str = "",
) -> BillShare[Key]:
    """Split a whole bill of (key, accepted amount), rounding once.

    The total is rounded by the programme's rule and then handed to the lines in proportion,
    the odd units going to the largest remainders (to the earlier line among equals), so that
    the lines add up to the total exactly and no line is covered beyond its amount.

    :raises ValueError: if an amount is below 0.
    """
    amounts = [accepted for _, accepted in lines]
    if min(amounts, default=0) < 0:
        raise ValueError("An accepted amount is 0 or more.")
    accepted = sum(amounts)
    total = split_line(
        accepted, accepted, hold_left, programme, on=on, organisation_kind=organisation_kind
    )
    # The covered part is handed out over the shares, not over the amounts: largest remainders
    # of a smaller total may otherwise give one line more than its share.
    shares = _hand_out(total.covered + total.beyond_hold, amounts)
    covered = _hand_out(total.covered, shares) if total.beyond_hold else shares
    parts = (
        (key, Share(part, amount - share, share - part))
        for (key, amount), share, part in zip(lines, shares, covered, strict=True)
    )
    return BillShare(total, tuple(parts))


def settle_claim(claim: Claim, balance: int, programme: Programme) -> Share:
    """Split a claim for fees already paid (mode M1), never beyond the voucher's balance.

    The award is worked out anew on what was paid, without standing: that already moved the
    voucher's amount when it was issued. The payment goes to whom the programme names.

    :raises ValueError: if the balance is below 0.
    """
    if balance < 0:
        raise ValueError("A voucher's balance is 0 or more.")
    award = work_out(replace(claim, multiplier=Decimal(1)), programme)
    declared = claim.fee_total
    settled = declared if claim.settled_fee is None else min(claim.settled_fee, declared)
    paid = minor(settled, programme.unit)
    full = min(award.recommended, paid)
    covered = min(full, balance)
    within = _line(
        programme,
        "covered",
        "Within the voucher's balance",
        "不超过算力券余额",
        covered,
        programme.settlement.clause,
    )
    return Share(covered, paid - full, full - covered, (*award.working, within))


def _full(accepted: int, programme: Programme, on: date | None, kind: str) -> tuple[int, Line]:
    if programme.mode == "M5":
        line = _line(
            programme, "share", "All in kind", "全额实物支持", accepted, programme.base.clause
        )
        return accepted, line
    tier, rate = rate_for(programme, on=on, organisation_kind=kind)
    full = covered_most(accepted, rate, programme)
    label = (f"Share of {percent_text(rate)}", f"抵扣比例 {percent_text(rate)}")
    return full, _line(programme, "share", *label, full, tier.clause)


def _without_tax(accepted: int, programme: Programme) -> tuple[Line, ...]:
    rule = programme.settlement
    if rule.tax_rate is None:
        return ()
    text = percent_text(rule.tax_rate)
    labels = (f"Without tax of {text}", f"不含 {text} 税额")
    return (_line(programme, "basis", *labels, basis_of(accepted, programme), rule.clause),)


def _hand_out(total: int, weights: Sequence[int]) -> list[int]:
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    odd = total - sum(parts)
    if not odd:
        return parts
    by_remainder = sorted(
        range(len(weights)), key=lambda place: total * weights[place] % whole, reverse=True
    )
    for place in by_remainder[:odd]:
        parts[place] += 1
    return parts


def _line(
    programme: Programme, name: str, label_en: str, label_zh: str, amount: int, clause: str
) -> Line:
    with localcontext(prec=PRECISION):
        text = amount_text(major(amount, programme.unit), programme.unit)
    return Line(name, label_en, label_zh, text, clause)
