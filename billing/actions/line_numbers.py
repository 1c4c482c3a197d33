"""Numbers for new usage lines: each begins with its line's month, and none is given twice."""

from datetime import datetime
from weakref import WeakKeyDictionary

from django.db import connection
from psycopg.types.numeric import Int4

from billing.models.usage import MONTH_BITS
from common.statements import quick_rows

# So many numbers come with one value of the sequence.
BLOCK = 64
_FETCH = "select nextval('billing_usageline_block') from generate_series(1, %s)"


class LineNumbers:
    """Numbers fetched ahead, given one by one; `len` is how many are left."""

    def __init__(self) -> None:
        self._blocks: list[int] = []
        self._next = 0
        self._left = 0

    def __len__(self) -> int:
        """Return how many numbers are left."""
        return len(self._blocks) * BLOCK + self._left

    def fetch(self, count: int) -> None:
        """Fetch until there are at least so many numbers."""
        missing = -(-max(count - len(self), 0) // BLOCK)
        if not missing:
            return
        fetched = quick_rows(_FETCH, [Int4(missing)])
        # The first of a block is the one used first.
        self._blocks[:0] = [block for (block,) in reversed(fetched)]

    def take(self, count: int) -> list[int]:
        """Return so many numbers without their month, for rows of which each has one to itself."""
        taken: list[int] = []
        while (missing := count - len(taken)) > 0:
            if not self._left:
                self._next, self._left = self._blocks.pop(), BLOCK
            some = min(missing, self._left)
            taken.extend(range(self._next, self._next + some))
            self._next += some
            self._left -= some
        return taken

    def next(self, started_at: datetime) -> int:
        """Return the number of a line that started at an instant in UTC."""
        if not self._left:
            self._next, self._left = self._blocks.pop(), BLOCK
        number = self._next
        self._next += 1
        self._left -= 1
        return month_part(started_at) + number


def month_part(started_at: datetime) -> int:
    """Return what the number of a line that started at an instant in UTC has of its month."""
    return ((started_at.year - 1970) * 12 + started_at.month - 1) << MONTH_BITS


# What a request did not use of its last block is there for the connection's next: a number
# that was given out in a transaction that failed is merely never used.
_LEFT: WeakKeyDictionary[object, LineNumbers] = WeakKeyDictionary()


def numbers_left() -> LineNumbers:
    """Return the numbers that are left to the database connection, for requests of a few rows."""
    connection.ensure_connection()
    return _LEFT.setdefault(connection.connection, LineNumbers())
