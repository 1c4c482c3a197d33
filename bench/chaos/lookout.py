"""The superuser's eyes on a run's database, which go on seeing after each crash."""

import contextlib
import time
from typing import Any

import psycopg

from bench.chaos.stack import Stack

_CONNECT_SECONDS = 90.0

# What all race for, looked at while it is young: the whole proof comes afterwards.
_BROKEN = """
    select 'account ' || a.address || ' is below nothing'
    from (select id, address from ledger_account where address like 'provider\\_payable:HOT:%'
          order by id desc limit 12) a
    where (select coalesce(sum(amount), 0) from ledger_transfer
           where debit_id = a.id and kind in (1, 3, 5))
        > (select coalesce(sum(amount), 0) from ledger_transfer
           where credit_id = a.id and kind in (1, 3, 5))
    union all
    select 'balance ' || account_id || ' is below nothing' from ledger_balance
    where guard = 1 and debit_posted + debit_pending > credit_posted
    union all
    select 'hold ' || h.id || ' has ' || h.remaining || ' left, its transfers do not'
    from (select o.id, o.amount, o.remaining from ledger_hold o
          join ledger_account v on v.id = o.debit_id and v.address = 'voucher:HOT:V-1'
          order by o.id desc limit 20) h
    where h.remaining <> h.amount - (
        select coalesce(sum(amount), 0) from ledger_transfer t where t.hold_id = h.id)
"""


class Lookout:
    """A session as superuser: who is inside a transaction, what is broken already."""

    def __init__(self, stack: Stack) -> None:
        self.deadlocks = 0
        self._stack = stack
        self._session: psycopg.Connection[Any] | None = None

    def ask(self, question: str, *values: Any) -> list[Any]:
        """Return the first column of an answer; a session that has ended is replaced."""
        deadline = time.monotonic() + _CONNECT_SECONDS
        while True:
            try:
                if self._session is None or self._session.closed:
                    url = self._stack.superuser_url()
                    self._session = psycopg.connect(url, autocommit=True, connect_timeout=10)
                answer = self._session.execute(question, values or None).fetchall()
                return [row[0] for row in answer]
            except psycopg.OperationalError:
                self._session = None
                if time.monotonic() > deadline:
                    raise
                self._stack.tend()
                time.sleep(0.05)

    def tell(self, statement: str, *values: Any) -> None:
        """Run a statement on the session that is open, if it still is."""
        with contextlib.suppress(psycopg.Error):
            if self._session is not None:
                self._session.execute(statement, values)

    def broken(self) -> list[str]:
        """Return what all race for and is out of bounds already."""
        return self.ask(_BROKEN)

    def count_deadlocks(self) -> None:
        """Keep the server's own count, which it forgets in each crash."""
        asked = "select deadlocks from pg_stat_database where datname = current_database()"
        self.deadlocks = max(self.deadlocks, *self.ask(asked))

    def close(self) -> None:
        """Leave the server."""
        if self._session is not None:
            self._session.close()
            self._session = None
