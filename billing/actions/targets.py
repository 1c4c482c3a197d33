"""Weigh a claim of a target: what its newest assessment earns, beside what was settled before."""

from django.utils.translation import gettext_lazy as _

from billing.actions.verdicts import Weighed, claim_row, is_kept_back, kept_back
from billing.models import Bill, BillLine, Settlement, Verdict
from common.errors import Refused
from policy.settlement import Share
from policy.targets import figure_words, settle_target
from vouchers.actions import locked_voucher
from vouchers.models import Programme, Voucher
from vouchers.queries import law_of_voucher, newest_assessment, voucher_balance


class NotAssessed(Refused):
    """Nobody assessed the target yet."""

    code = "not_assessed"
    sentence = _(
        "The target %(voucher)s was not assessed yet, so nothing of it can be claimed. Ask the "
        "authority to have it assessed and recorded."
    )


class TargetClaimed(Refused):
    """The target was claimed before."""

    code = "target_claimed"
    sentence = _(
        "The target %(voucher)s was claimed with %(bill)s, and a target is claimed once. See "
        "there what becomes of it."
    )


class NothingMoreEarned(Refused):
    """The newest assessment leaves nothing to accept."""

    code = "nothing_more_earned"
    sentence = _(
        "By its newest assessment the target %(voucher)s earns no more than was settled. Decline "
        "the rest, or have a newer assessment recorded first."
    )


def is_of_target(bill: Bill) -> bool:
    """Say whether a bill is a claim of a target."""
    return bill.kind == Bill.Kind.CLAIM and bill.programme.mode == Programme.Mode.M7


def target_due(bill: Bill, voucher: Voucher) -> Share:
    """Return what the newest assessment earns, beside what this claim was settled for before."""
    found = newest_assessment(voucher)
    assert found is not None, "a target is claimed after its assessment"
    settled = sum(one.accepted for one in Settlement.objects.filter(bill=bill))
    balance = voucher_balance(voucher).free
    return settle_target(
        voucher.amount, found.figure, settled, balance, law_of_voucher(voucher)
    )


def weigh_target(bill: Bill, line: BillLine, *, is_overruled: bool = False) -> Weighed:
    """Return the verdict of a target's one line: what is earned and was not settled before.

    No assessment is recorded until the action ends. The rules for bills do not look: there is
    no use, no price and no invoice that they could compare.
    """
    row = claim_row(line, 0)
    if is_kept_back(row) and not is_overruled:
        return kept_back(row)
    assert line.voucher is not None, "a claim is of a voucher"
    voucher = locked_voucher(line.voucher)
    share = target_due(bill, voucher)
    due = share.covered + share.beyond_hold
    if due == row.amount:
        return Weighed(row, due)
    found, rule = newest_assessment(voucher), law_of_voucher(voucher).target
    assert found is not None
    assert rule is not None
    values = {
        name: figure_words(one, rule.measure)
        for name, one in (("figure", found.figure), ("least", rule.least), ("full", rule.full))
    }
    reason = "target_missed" if found.figure < rule.least else "target_part_met"
    return Weighed(row, due, reason, values)


def weigh_rest_of_target(bill: Bill, line: BillLine, before: Verdict) -> Weighed:
    """Return the verdict of what is withheld of a target, by its newest assessment.

    :raises NothingMoreEarned: if that earns no more than was settled.
    """
    weighed = weigh_target(bill, line, is_overruled=True)
    if not weighed.accepted:
        assert line.voucher is not None
        raise NothingMoreEarned(voucher=line.voucher.code)
    weighed.line = weighed.line._replace(amount=before.withheld)
    return weighed


def require_unclaimed(voucher: Voucher) -> None:
    """Refuse a target of which a claim waits, was paid, or has something still withheld.

    :raises TargetClaimed: naming that claim.
    """
    claims = Bill.objects.filter(kind=Bill.Kind.CLAIM, lines__voucher=voucher).order_by("pk")
    for bill in claims:
        verdict = Verdict.objects.filter(line__bill=bill).order_by("-pk").first()
        if verdict is None or verdict.accepted or verdict.outcome != Verdict.Outcome.DECLINED:
            raise TargetClaimed(voucher=voucher.code, bill=bill.number)
