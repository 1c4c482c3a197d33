"""Afterwards, the trade: each order, bill, payment and bank line once, and all sums agree."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from bench.chaos.proof import Findings
from bench.chaos.trade.scene import Scene
from billing.models import (
    BankLine,
    BankStatement,
    Batch,
    Bill,
    ClosedPeriod,
    Collection,
    Payment,
    Recovery,
    Settlement,
    UsageLine,
    Verdict,
)
from billing.queries import UNRELEASED, bills_to_settle, is_due
from common.days import day_of
from ledger.queries import accounts_found, balances, holds_remaining
from vouchers.models import Order, Programme, Voucher
from vouchers.queries import orders_lapsed_by, voucher_balance, vouchers_expired_by

# An hour costs 25.00, of which the programme pays 60 %.
COVERED_AN_HOUR = 15_00

Step = dict[str, Any]


def steps_of(path: Path) -> tuple[list[Step], list[str]]:
    """Return what the trade's journal says was done, and what it says was wrong."""
    steps: dict[str, Step] = {}
    bad: list[str] = []
    for text in path.read_text().splitlines() if path.exists() else []:
        words = json.loads(text)
        if words[0] == "bad":
            bad.append(str(words[2]))
        elif words[0] == "step":
            _word, _errand, step, key, answer, facts, sendings, lost = words
            told = {"step": step, "answer": answer, "sendings": sendings, "lost": lost}
            steps[key] = {**told, **facts}
    return list(steps.values()), bad


def is_swept() -> bool:
    """Say whether the worker has done all that is due."""
    now = timezone.now()
    waits = (
        any(is_due(bill, now) for bill in bills_to_settle()),
        bool(list(orders_lapsed_by(now))),
        bool(list(vouchers_expired_by(now))),
    )
    return not any(waits)


def prove_trade(steps: list[Step], scene: Scene, findings: Findings) -> None:
    """Compare the product's rows with what was acknowledged, with each other, and the ledger."""
    if not is_swept():
        findings.add("the worker left undone what is due")
    _orders(steps, findings)
    _bills(steps, findings)
    _payments(steps, Programme.objects.get(pk=scene.programme), findings)
    programme = Programme.objects.get(pk=scene.programme)
    _recoveries(steps, programme, findings)
    _months(steps, programme, findings)
    _old_vouchers(scene, findings)


def _answers(steps: Iterable[Step], *names: str) -> list[Any]:
    return [_name(one["answer"]) for one in steps if one["step"].split(" ")[0] in names]


def _name(answer: Any) -> Any:
    """Return what an answer names: a page's is the address that it leads to."""
    is_address = isinstance(answer, str) and answer.startswith("/")
    return answer.split("/")[2] if is_address else answer


def _each_once(
    what: str, acknowledged: list[Any], found: list[Any], findings: Findings
) -> None:
    """Note what was acknowledged and is not there, and what is there twice or unasked."""
    told, there = Counter(acknowledged), Counter(found)
    findings.lost += [f"{what} {one}" for one in told if not there[one]]
    findings.repeated += [f"{what} {one}" for one, times in there.items() if times > 1]
    findings.repeated += [f"{what} {one}" for one, times in told.items() if times > 1]
    for one in there - told:
        findings.add(f"{what} {one} is there, and nobody was told so")


def _orders(steps: list[Step], findings: Findings) -> None:
    orders = list(Order.objects.all())
    codes = [one.code for one in orders]
    _each_once("order", _answers(steps, "redeem", "place"), codes, findings)
    left = holds_remaining(one.hold for one in orders)
    lapsing = {one["answer"] for one in steps if one.get("lapses")}
    for order in orders:
        is_open = order.status == Order.Status.OPEN
        if is_open != (left.get(order.hold, 0) > 0):
            findings.add(f"order {order.code} is {order.status}, {left.get(order.hold)} held")
        if order.code in lapsing and order.status != Order.Status.LAPSED:
            findings.add(f"order {order.code} has not lapsed")
    if len({one.hold for one in orders}) != len(orders):
        findings.add("two orders share a hold")
    released = sum(one.status == Order.Status.RELEASED for one in orders)
    if released != len(_answers(steps, "release")):
        findings.add(f"{released} orders are released")


def _bills(steps: list[Step], findings: Findings) -> None:
    bills = [one for one in steps if one["step"] == "bill"]
    numbers = list(Bill.objects.values_list("number", flat=True))
    _each_once("bill", [one["answer"] for one in bills], numbers, findings)
    jobs = [one["job"] for one in steps if one["step"] == "use"]
    lines = list(UsageLine.objects.values_list("key", flat=True))
    _each_once("use", jobs, lines, findings)
    accepted = Verdict.objects.exclude(usage_line=None).values("usage_line", "usage_from")
    for row in accepted.annotate(times=Count("pk")).filter(times__gt=1):
        findings.repeated.append(f"use {row['usage_line']} was accepted {row['times']} times")
    told = {one["answer"]: one for one in bills}
    decided = [one for one in steps if one["step"] == "decide"]
    declined = {one["disputed"] for one in decided if not one["accepts"]}
    covered: Counter[str] = Counter()
    for settlement in Settlement.objects.select_related("bill", "order"):
        number = settlement.bill.number
        covered[number] += settlement.covered
        order = settlement.order.code if settlement.order else None
        if order != told.get(number, {}).get("order"):
            findings.add(f"bill {number} is settled for order {order}")
    for number, bill in told.items():
        expected = 0 if number in declined else COVERED_AN_HOUR * bill["hours"]
        if covered[number] != expected:
            findings.add(f"bill {number} covers {covered[number]}, expected {expected}")
    settled = Counter(Settlement.objects.values_list("bill__number", flat=True))
    finished = Counter(
        Bill.objects.filter(status=Bill.Status.SETTLED).values_list("number", flat=True)
    )
    # A line that is accepted after all makes a settlement of its own.
    finished.update(one["disputed"] for one in decided if one["accepts"])
    if settled != finished:
        findings.add(f"settlements of bills {settled - finished or finished - settled}")


def _payments(steps: list[Step], programme: Programme, findings: Findings) -> None:
    batches = list(Batch.objects.all())
    prepared = [one for one in _answers(steps, "prepare") if one != "nothing_due"]
    _each_once("batch", prepared, [one.code for one in batches], findings)
    statements = [str(pk) for pk in BankStatement.objects.values_list("pk", flat=True)]
    read = [str(one) for one in _answers(steps, "statement")]
    _each_once("statement", read, statements, findings)
    for batch in batches:
        _batch(batch, programme, findings)
    covered = _sum(Settlement.objects.all(), "covered")
    covered -= sum(one["corrected"] for one in steps if one["step"] == "correct")
    paid = _sum(Payment.objects.filter(status=Payment.Status.PAID), "amount")
    addresses = _addresses(programme, "provider_payable") + _addresses(programme, "paid")
    found = balances(addresses)
    owed = sum(one.net for one in found.values() if one.address.startswith("provider"))
    out = sum(one.net for one in found.values() if one.address.startswith("paid"))
    waiting = _sum(Payment.objects.filter(status=Payment.Status.SENT), "amount")
    set_off = _sum(Collection.objects.all(), "amount")
    if (covered, paid) != (owed + waiting + out + set_off, out):
        findings.add(
            f"covered {covered}, paid {paid}; owed {owed}, sent {waiting}, out {out},"
            f" set off {set_off}"
        )


def _recoveries(steps: list[Step], programme: Programme, findings: Findings) -> None:
    codes = list(Recovery.objects.values_list("code", flat=True))
    _each_once("recovery", _answers(steps, "recovery"), codes, findings)
    upheld = sum(one["upheld"] for one in steps if one["step"] == "uphold")
    got_back = _sum(Collection.objects.all(), "amount")
    found = balances(_addresses(programme, "receivable") + _addresses(programme, "recovered"))
    still = {
        kind: sum(one.net for one in found.values() if one.address.startswith(kind))
        for kind in ("receivable", "recovered")
    }
    if (-still["receivable"], still["recovered"]) != (upheld - got_back,) * 2:
        findings.add(f"upheld {upheld}, got back {got_back}, and the ledger says {still}")


def _months(steps: list[Step], programme: Programme, findings: Findings) -> None:
    closed = [
        f"{day_of(one.period_from, programme.zone):%Y-%m}" for one in ClosedPeriod.objects.all()
    ]
    told = [one["month"] for one in steps if one["step"] == "close"]
    _each_once("closed month", told, closed, findings)


def _batch(batch: Batch, programme: Programme, findings: Findings) -> None:
    payments = list(batch.payments.all())
    total = sum(one.amount for one in payments)
    clearing = balances([programme.account("clearing", batch.code)])
    cleared = [(one.credit, one.debit) for one in clearing.values()]
    is_sent = batch.status not in UNRELEASED
    answered = (Payment.Status.PAID, Payment.Status.RETURNED)
    is_answered = all(one.status in answered for one in payments)
    expected = [(total, total if is_answered else 0)] if is_sent else []
    if batch.total != total or cleared != expected:
        findings.add(f"batch {batch.code} of {batch.total}: {total} paid, clearing {cleared}")
    for payment in payments:
        lines = Counter(
            BankLine.objects.filter(payment=payment).values_list("match", flat=True)
        )
        # What comes back was paid first, as the bank tells it.
        told = {
            "PAID": int(payment.status in answered),
            "RETURNED": int(payment.status == Payment.Status.RETURNED),
        }
        if lines != Counter({match: 1 for match, times in told.items() if times}):
            findings.add(f"payment {payment.end_to_end_id}: {payment.status}, told {lines}")


def _old_vouchers(scene: Scene, findings: Findings) -> None:
    for voucher in Voucher.objects.exclude(pk=scene.voucher).select_related("programme"):
        balance = voucher_balance(voucher)
        if voucher.status != Voucher.Status.EXPIRED or balance.net:
            words = f"{voucher.status} with {balance.net}"
            findings.add(f"voucher {voucher.code} of last year is {words}")


def _addresses(programme: Programme, kind: str) -> list[str]:
    return [one.address for one in accounts_found(f"{kind}:{programme.code}:")]


def _sum(rows: Any, field: str) -> int:
    return int(rows.aggregate(total=Sum(field))["total"] or 0)
