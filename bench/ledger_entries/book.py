"""A book to measure on: one programme with its vouchers and payables, opened as ever."""

from django.db import transaction

from bench.ledger_entries.redeem import ACTOR, NOON
from ledger import actions as ledger
from ledger.kinds import AccountKind, ActKind, Flow

UNIT = "CNY"
PLENTY = 10**12


def begin(key: str, kind: ActKind = ActKind.ISSUE_VOUCHER) -> ledger.Act:
    """Begin an act of the book's own."""
    return ledger.begin(
        kind=kind, key=key, actor=ACTOR, about="programme:P", at=NOON, payload={}
    )


@transaction.atomic
def open_book(vouchers: int = 1_000, payables: int = 25, amount: int = PLENTY) -> None:
    """Open the accounts of programme P, allot a budget, and issue to each voucher."""
    act = begin("open the book")
    numbered = [(f"voucher:P:V-{number}", number) for number in range(1, vouchers + 1)]
    for address, kind in (
        ("appropriation:P:2025", AccountKind.APPROPRIATION),
        ("available:P", AccountKind.AVAILABLE),
        ("clearing:P:B-1", AccountKind.CLEARING),
        ("paid:P:O-1", AccountKind.PAID),
        *((address, AccountKind.VOUCHER) for address, _number in numbered),
        *(
            (f"provider_payable:P:O-{number}", AccountKind.PROVIDER_PAYABLE)
            for number in range(1, payables + 1)
        ),
    ):
        ledger.open_account(act, address, kind, UNIT)
    budget = amount * vouchers + PLENTY
    moves = [ledger.Move(Flow.ALLOT, "appropriation:P:2025", "available:P", budget)]
    moves += [
        ledger.Move(Flow.ISSUE, "available:P", address, amount)
        for address, _number in numbered
        if amount
    ]
    ledger.post(act, moves)
