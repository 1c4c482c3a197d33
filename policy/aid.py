"""The steps that look at what others gave: a common limit, and the ceiling on minimal aid."""

from decimal import Decimal
from fractions import Fraction

from policy.answers import Reason, amount_words, missing
from policy.claims import Claim, FeeLine, OtherAid
from policy.conditions import fits
from policy.history import aid_counted
from policy.rules import Programme, Stacking, StateAidRule
from policy.sheet import Sheet


def limit_stack(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Stay within what this award and other support may reach together."""
    rule = programme.stacking
    if rule is None:
        return
    # Without other support known, none is counted: what is certain is the limit itself.
    known = claim.other_aid or ()
    stacked = [aid for aid in known if _stacks(aid, claim, rule)]
    counted = sum((aid.amount for aid in stacked), Decimal(0))
    foreign = any(aid.currency not in ("", programme.unit) for aid in stacked)
    if claim.other_aid is None or foreign:
        doubt = missing(
            "what other support there is, in the programme's currency",
            "以本项目货币计的其他财政支持情况",
            rule.clause,
        )
        sheet.note("REFER", doubt)
    total = claim.declared_this_year + sheet.base
    lines = sheet.kept or (FeeLine("", Decimal(0)),)
    found = [_limit_for(line, claim, rule, total) for line in lines]
    if any(doubted for _, doubted in found):
        doubt = missing(
            "which common limit holds for these fees", "适用的合计支持上限", rule.clause
        )
        sheet.note("REFER", doubt)
    most = sheet.shared([share for share, _ in found], sheet.base)
    text, had = amount_words(most, sheet.unit), amount_words(counted, sheet.unit)
    labels = (
        f"With other support at most {text}, of which {had} was given",
        f"与其他支持合计不超过 {text}，其中已获 {had}",
    )
    reason = Reason(
        "STACK_LIMIT",
        f"All support together may reach {text}.",
        f"各项支持合计不得超过 {text}。",
        rule.clause,
    )
    sheet.cap(max(most - counted, Decimal(0)), "stacking", labels, reason)


def _stacks(aid: OtherAid, claim: Claim, rule: Stacking) -> bool:
    if aid.contract and claim.contract and aid.contract != claim.contract:
        return False
    # What another organisation had stacks where it was for the same contract.
    if not aid.is_own and not (aid.contract and claim.contract):
        return False
    return aid.source in rule.sources or aid.level in rule.levels


def _limit_for(
    line: FeeLine, claim: Claim, rule: Stacking, total: Decimal
) -> tuple[Fraction, bool]:
    """Return the limit of a fee, and whether it is in doubt: then the lowest that may hold."""
    may_hold: list[Fraction] = []
    for limit in rule.limits:
        answer = fits(limit.when, claim, line, total)
        if answer is not False:
            may_hold.append(limit.total_rate_max.on(claim.as_of))
        if answer:
            return min(may_hold), len(may_hold) > 1
    every = [limit.total_rate_max.on(claim.as_of) for limit in rule.limits]
    return min(may_hold or every), True


def limit_state_aid(sheet: Sheet, claim: Claim, programme: Programme) -> None:
    """Stay within what the undertaking may still have as minimal aid."""
    rule = programme.state_aid
    if rule is None:
        return
    counted, is_whole = aid_counted(claim, rule, programme.unit)
    left = max(rule.most - counted, Decimal(0))
    text, had = amount_words(rule.most, rule.currency), amount_words(counted, rule.currency)
    labels = (
        f"Minimal aid up to {text}, of which {had} was given",
        f"小额援助上限 {text}，其中已获 {had}",
    )
    reason = Reason(
        "STATE_AID_REACHED",
        f"{had} of {text} of minimal aid was given already.",
        f"小额援助上限 {text}，已获 {had}。",
        rule.clause,
    )
    sheet.cap(_in_unit(left, rule), "state_aid", labels, reason)
    if not is_whole:
        words = ("all aid of this kind, in one currency", "以同一货币计的全部此类援助")
        sheet.note("REFER", missing(*words, rule.clause))
    if not claim.undertaking_known:
        words = ("which organisations are one undertaking with the applicant", "关联主体范围")
        sheet.note("REFER", missing(*words, rule.clause))


def _in_unit(left: Decimal, rule: StateAidRule) -> Decimal:
    """Return what is left, in GPU-hours at their cash equivalent where the award is in kind."""
    return left / rule.value_per_hour if rule.value_per_hour else left
