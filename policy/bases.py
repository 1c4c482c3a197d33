"""The steps that bring a fee to what the share is taken of."""

from datetime import date
from decimal import Decimal
from functools import lru_cache

from policy.answers import Reason, amount_text, amount_words, missing
from policy.claims import Claim
from policy.dates import Period
from policy.rules import Apportion, Programme
from policy.sheet import Labels, Sheet


def take_fee(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Start from the whole fee declared, or from what the programme above decided on."""
    if programme.match is not None:
        _take_upstream(sheet, claim, programme)
        return
    kept = claim.fee_lines
    labels = ("Fee declared", "申报费用")
    if programme.base.tax == "INCLUDED":
        kept = tuple(line._replace(fee=line.fee + line.tax) for line in kept)
        labels = ("Fee declared, with tax", "申报费用（含税）")
    total = sum((line.fee for line in kept), Decimal(0))
    sheet.kept = kept
    sheet.take(total, "fee", labels, programme.base.clause)


def _take_upstream(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    rule, upstream = programme.match, claim.upstream
    assert rule is not None
    sheet.kept = claim.fee_lines
    if upstream is None or not upstream.approved or upstream.programme != rule.upstream:
        reason = Reason(
            "NOT_APPROVED_ABOVE",
            f"This award follows the approval of {rule.upstream}, and there is none.",
            f"本项目依据 {rule.upstream} 的批准结果给予配套，目前没有该批准。",
            rule.clause,
        )
        labels = ("Nothing approved above", "上级项目未批准")
        sheet.take(Decimal(0), "upstream", labels, rule.clause)
        sheet.note("FAIL", reason)
    elif rule.of == "AWARD":
        labels = ("Award of the programme above", "上级项目核定额度")
        sheet.take(upstream.award, "upstream", labels, rule.clause)
    else:
        labels = ("Fees that the programme above counted", "上级项目核定费用")
        sheet.take(upstream.base, "upstream", labels, rule.clause)


def require_new_contract(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Give nothing for a contract that was claimed for before, where once is all."""
    rule = programme.base
    if not rule.once_per_contract:
        return
    if not claim.contract:
        words = ("which contract this is for", "所属合同")
        sheet.note("REFER", missing(*words, rule.clause))
        return
    if all(one.measure != "CLAIMED" or one.contract != claim.contract for one in claim.past):
        return
    reason = Reason(
        "CONTRACT_CLAIMED_BEFORE",
        f"The contract {claim.contract} was claimed for before; each counts once.",
        f"合同 {claim.contract} 已申报过；同一合同只能申报一次。",
        rule.clause,
    )
    labels = ("Claimed for before", "已申报过")
    sheet.take(Decimal(0), "once_per_contract", labels, rule.clause)
    sheet.note("FAIL", reason)


def leave_out(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Leave out the resources that the programme does not support."""
    rule = programme.base
    if programme.match is not None or not (rule.leave_out or rule.take_only):
        return
    kept = tuple(
        line
        for line in sheet.kept
        if line.resource not in rule.leave_out
        and (not rule.take_only or line.resource in rule.take_only)
    )
    total = sum((line.fee for line in kept), Decimal(0))
    sheet.kept = kept
    sheet.take(total, "leave_out", _left_out_words(rule.leave_out, rule.take_only), rule.clause)


@lru_cache(maxsize=256)
def _left_out_words(leave_out: tuple[str, ...], take_only: tuple[str, ...]) -> Labels:
    if take_only:
        only = ", ".join(take_only)
        return f"Counting {only} only", f"仅计 {only}"
    names = ", ".join(leave_out)
    return f"After leaving out {names}", f"剔除 {names} 后"


def take_settled(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Keep the settled part, spread evenly over the resource classes."""
    settled = claim.settled_fee
    if settled is None or settled >= claim.fee_total:
        return
    labels = ("Part settled so far", "已结算部分")
    amount = sheet.amount * settled / claim.fee_total
    sheet.take(amount, "settled", labels, programme.base.clause)


def apportion(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Cut the fee to the window of use, by the days of the contract."""
    rule, window = programme.base.apportion, programme.windows.use
    if rule is None or window is None:
        return
    if claim.contract_from is None or claim.contract_until is None:
        labels = ("Contract days not given", "未提供合同起止日期")
        reason = _no_contract_days(rule.clause)
        sheet.take(Decimal(0), "apportion", labels, rule.clause)
        sheet.note("REFER", reason)
        return
    inside, whole = _days(claim.contract_from, claim.contract_until, window, rule)
    labels = (
        f"Apportioned to the window of use, {inside} of {whole} days",
        f"按使用期分摊：{whole} 天中的 {inside} 天",
    )
    amount = sheet.amount
    if inside != whole:
        # Multiplying first keeps the quotient exact wherever it can be.
        amount = amount * inside / whole
        amount = programme.rounding.apply(amount) if rule.rounded else amount
    sheet.take(amount, "apportion", labels, rule.clause)


def _days(first: date, last: date, window: Period, rule: Apportion) -> tuple[int, int]:
    start = max(first, window.first or first)
    end = min(last, window.last or last)
    extra = 1 if rule.count == "INCLUSIVE" else 0
    whole = max((last - first).days + extra, 0)
    if end < start:
        # A contract of one day has no day between its ends, yet lies outside the window.
        return 0, max(whole, 1)
    return (end - start).days + extra, whole


def require_floor(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Give nothing for a base below the programme's floor, or say that it can't be had."""
    if programme.floor is None:
        return
    least, clause = programme.floor.base_min.on(claim.as_of), programme.floor.clause
    text, counts = amount_text(least, sheet.unit), amount_text(sheet.amount, sheet.unit)
    labels = (f"Counts from {text}", f"起点金额 {text}")
    if sheet.amount >= least:
        sheet.take(sheet.amount, "floor", labels, clause)
        return
    reason = Reason(
        "BELOW_FLOOR",
        f"The fee that counts is {counts}; this programme starts at {text}.",
        f"可计费用为 {counts}，低于本项目起点 {text}。",
        clause,
    )
    sheet.take(Decimal(0), "floor", labels, clause)
    sheet.note("FAIL" if programme.floor.below == "FAIL" else "PASS", reason)


def cut_to_most(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Count no more of the fee than the programme does."""
    most = programme.base.most
    if most is None:
        return
    text = amount_words(most, sheet.unit)
    labels = (f"At most {text} of the fee counts", f"计费上限 {text}")
    amount = min(sheet.amount, most)
    sheet.take(amount, "base_most", labels, programme.base.clause)


def _no_contract_days(clause: str) -> Reason:
    return Reason(
        "CONTRACT_DAYS_MISSING",
        "The fee counts by the contract's days; give its first and last day.",
        "费用按合同天数分摊；请提供合同的开始和结束日期。",
        clause,
    )
