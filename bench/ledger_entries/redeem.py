"""One redemption, the one place that says how: a hold, then its capture, each committed."""

import random
import secrets
from datetime import UTC, datetime, timedelta

from bench.clients import Step, Work
from ledger import actions as ledger
from ledger.kinds import ActKind, Flow

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
EXPIRES_AT = NOON + timedelta(days=30)
ACTOR = "user:1"


def hold(key: str, voucher: str, payable: str, amount: int) -> int:
    """Set value of a voucher aside for a provider, and return the hold's number."""
    request = ledger.Request(
        kind=ActKind.PLACE_HOLD,
        key=key,
        actor=ACTOR,
        about=voucher,
        at=NOON,
        payload={"payable": payable, "amount": amount},
    )
    move = ledger.Move(Flow.REDEEM, voucher, payable, amount)
    return ledger.request_hold(request, move, expires_at=EXPIRES_AT).hold


def capture(key: str, voucher: str, held: int, amount: int) -> int:
    """Turn a hold into a payable for good, and return the amount."""
    request = ledger.Request(
        kind=ActKind.SETTLE_BILL,
        key=key,
        actor=ACTOR,
        about=voucher,
        at=NOON,
        payload={"hold": held, "amount": amount},
    )
    taken = ledger.request_capture(request, ledger.Capture(held, amount, is_final=True))
    return taken.amount


def redeem(key: str, voucher: str, payable: str, amount: int) -> int:
    """Hold and capture in two durable transactions; return how many those were."""
    held = hold(key, voucher, payable, amount)
    capture(key, voucher, held, amount)
    return 2


def redeeming(vouchers: int, payables: int) -> Work:
    """Return what a client does: redeem from any of some vouchers toward any of some payables."""

    def work(number: int) -> Step:
        chance = random.Random(number)
        run = secrets.token_hex(6)
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            voucher = f"voucher:P:V-{chance.randint(1, vouchers)}"
            payable = f"provider_payable:P:O-{chance.randint(1, payables)}"
            return redeem(f"{run}-{count}", voucher, payable, chance.randint(1, 9_999))

        return step

    return work
