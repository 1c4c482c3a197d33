"""What the target of a performance contract earns by its newest assessment."""

from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

from common.money import major
from policy.answers import PRECISION, Line, amount_text, amount_words, plain
from policy.ceilings import rounding_words
from policy.rules import Programme, TargetRule, minor
from policy.settlement import Share
from policy.sheet import Labels, times


def earned(award: int, figure: Decimal, programme: Programme) -> tuple[int, tuple[Line, ...]]:
    """Return what an assessed figure earns of a letter's award, with its working.

    In minor units, rounded once by the programme's rule and never more than the award; whatever
    share the rule gives of the fee was taken when the award was decided.

    :raises ValueError: if the programme has no target, or an amount or figure is below 0.
    """
    rule = programme.target
    if rule is None:
        raise ValueError(f"{programme.code} has no target.")
    if award < 0 or not figure.is_finite() or figure < 0:
        raise ValueError("An award and an assessed figure are 0 or more.")
    unit, clause, rounding = programme.unit, programme.settlement.clause, programme.rounding
    with localcontext(prec=PRECISION):
        whole = major(award, unit)
        exact = times(whole, part(rule, figure))
        amount = minor(min(rounding.apply(exact), whole), unit)
        letter = ("Award of the target letter", "目标书核定额度")
        rounded = rounding_words(rounding.mode, amount_words(rounding.step, unit))
        working = (
            Line("award", *letter, _text(award, unit), clause),
            _assessed(rule, figure),
            Line("target", *_part_words(rule, figure), amount_text(exact, unit), rule.clause),
            Line("round", *rounded, _text(amount, unit), rounding.clause),
        )
    return amount, working


def part(rule: TargetRule, figure: Decimal) -> Fraction:
    """Return which part of the award a figure earns, from nothing to the whole."""
    if figure >= rule.full:
        return Fraction(1)
    if figure < rule.least or rule.partial == "NOTHING":
        return Fraction(0)
    return Fraction(figure) / Fraction(rule.full)


def settle_target(
    award: int, figure: Decimal, paid_before: int, balance: int, programme: Programme
) -> Share:
    """Return what is due for a target by an assessed figure, beside what was paid before.

    Never more than the voucher's balance; the beneficiary owes nothing, so that the parts
    `covered` and `beyond_hold` make what is due. Minor units.

    :raises ValueError: if an amount is below 0, or the programme has no target.
    """
    if min(paid_before, balance) < 0:
        raise ValueError("What was paid and a voucher's balance are 0 or more.")
    amount, working = earned(award, figure, programme)
    due = max(amount - paid_before, 0)
    covered = min(due, balance)
    unit, clause = programme.unit, programme.settlement.clause
    if paid_before:
        words = ("Less what was paid for it before", "扣除此前已兑付部分")
        working = (*working, Line("paid_before", *words, _text(due, unit), clause))
    words = ("Within the voucher's balance", "不超过算力券余额")
    within = Line("covered", *words, _text(covered, unit), clause)
    return replace(Share(covered, 0, due - covered), working=(*working, within))


def _assessed(rule: TargetRule, figure: Decimal) -> Line:
    # The figure stands in the column of the amounts, with its own measure.
    whole, _point, rest = plain(figure).partition(".")
    text = f"{whole}.{rest.ljust(4, '0')} {rule.measure}"
    en, zh = f"Assessed: {rule.name_en}", f"评估结果：{rule.name_zh}"
    return Line("assessed", en, zh, text, rule.clause)


def figure_words(figure: Decimal, measure: str) -> str:
    """Write a figure in its measure: `4,000.5 PFLOPS`."""
    whole, _point, rest = plain(figure).partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "") + f" {measure}"


def _part_words(rule: TargetRule, figure: Decimal) -> Labels:
    least, full = (figure_words(one, rule.measure) for one in (rule.least, rule.full))
    if figure >= rule.full:
        return f"The target of {full} is met", f"达到目标 {full}"
    if figure < rule.least:
        return f"Below {least} nothing is earned", f"低于 {least} 不予兑付"
    if rule.partial == "NOTHING":
        return f"Nothing is earned below {full}", f"低于 {full} 不予兑付"
    said = figure_words(figure, rule.measure)
    en = f"{said} of {full} are met, and that part is earned"
    return en, f"完成 {said}，目标 {full}，按比例兑付"


def _text(amount: int, unit: str) -> str:
    return amount_text(major(amount, unit), unit)
