"""How a programme takes back what was paid and not owed, where its law says so."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Home = Literal["VOUCHER", "BUDGET"]
HOMES: tuple[Home, ...] = ("VOUCHER", "BUDGET")
# No published scheme was found to charge any; a law that does is refused and not half obeyed.
INTEREST: tuple[Literal["NONE"], ...] = ("NONE",)


@dataclass(frozen=True)
class RecoveryRule:
    """How long a debtor may reply and then pay, what is set off, and where the value goes.

    `offset` sets what is owed off against the next batch by itself. What is got back returns to
    the voucher while that is valid, or to the budget.
    """

    clause: str
    reply_days: int
    due_days: int
    offset: bool
    returns_to: Home

    def reply_until(self, noticed_on: date) -> date:
        """Return the last day on which a debtor who was told on a day may reply."""
        return noticed_on + timedelta(days=self.reply_days)

    def due_on(self, decided_on: date) -> date:
        """Return the last day on which what was upheld on a day is paid in time."""
        return decided_on + timedelta(days=self.due_days)
