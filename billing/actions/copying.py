"""Rows written by one COPY after the other; while one is ended, rows for the next are made ready.

The server checks a COPY's rows as a set when it ends, which takes a third of its time. Whoever
waits for that does nothing meanwhile; here the end is sent, and waited for only when the
connection is wanted again.
"""

import contextlib
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, Self

import psycopg
from django.db import connection
from psycopg import errors
from psycopg.copy import LibpqWriter
from psycopg.generators import fetch_many
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from psycopg.waiting import Ready, Wait

from billing.actions import binary_rows as binary

# A COPY ends after so many rows. The last one's end is waited for in any case, so that the first
# are small; later ones are an eighth of what came before, as each looks at all that its GPUs did.
ROWS_LEAST, ROWS_MOST = 25_000, 100_000
# Rows are kept for so many bytes while the server is busy with those before.
_KEPT_BYTES_MAX = 1 << 24


class Copying:
    """Writes rows where a statement says; a context, at whose end all rows are there.

    Between two COPYs, and after `settle`, the connection takes other statements.

    :raises psycopg.Error: from any method, where the server refuses a row.
    """

    def __init__(self, statement: str, at_rest: Callable[[], None]) -> None:
        self._statement = statement
        # Called before each COPY, as the connection can't be asked anything during one.
        self._at_rest = at_rest
        self._open = contextlib.ExitStack()
        self._writer: _Writer | None = None
        self._kept: list[tuple[bytes, int]] = []
        self._kept_bytes = 0
        self._written = self._ends_after = 0

    def __enter__(self) -> Self:
        """Begin with nothing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish what was begun, or break it off after an error."""
        if error is None:
            self.settle()
        else:
            self._open.__exit__(kind, error, trace)

    def write(self, rows: bytes, count: int) -> None:
        """Write so many rows; at once, or when the server is done with those before."""
        if not count:
            return
        self._kept.append((rows, count))
        self._kept_bytes += len(rows)
        if self._kept_bytes < _KEPT_BYTES_MAX and self._is_being_ended():
            return
        self._write_kept()

    def settle(self) -> None:
        """Write all that was kept, and wait until it is there."""
        if self._kept:
            self._write_kept()
        if self._writer is not None:
            self._writer.end()
            self._finish()

    def _is_being_ended(self) -> bool:
        return self._writer is not None and self._writer.is_being_ended()

    def _write_kept(self) -> None:
        for rows, count in self._kept:
            writer = self._ready()
            writer.write(rows)
            self._written += count
            if self._written >= self._ends_after:
                writer.end()
        self._kept.clear()
        self._kept_bytes = 0

    def _ready(self) -> "_Writer":
        if self._writer is not None and self._writer.is_ended:
            self._finish()
        if self._writer is None:
            self._writer = self._begin()
        return self._writer

    def _begin(self) -> "_Writer":
        self._at_rest()
        # psycopg's own: Django's, where it tells of all statements, takes no writer.
        cursor = self._open.enter_context(connection.cursor()).cursor
        writer = _Writer(cursor)
        copy = self._open.enter_context(cursor.copy(self._statement, writer=writer))
        # By the copy itself, which otherwise begins and ends once more.
        copy.write(binary.BEGIN)
        some = min(max(self._written // 8, ROWS_LEAST), ROWS_MOST)
        self._ends_after = self._written + some
        return writer

    def _finish(self) -> None:
        self._writer = None
        self._open.close()


class _Writer(LibpqWriter):
    """Ends a COPY without waiting for what the server says to it; `finish` waits for that."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        super().__init__(cursor)
        self.is_ended = False

    def end(self) -> None:
        """Send what ends the COPY, unless it was sent."""
        if not self.is_ended:
            self.write(binary.END)
            self.is_ended = True
            self.connection.wait(_sent_end(self.connection.pgconn))

    def is_being_ended(self) -> bool:
        """Say whether the end was sent, and the server has not answered it yet."""
        if not self.is_ended:
            return False
        self.connection.pgconn.consume_input()
        return bool(self.connection.pgconn.is_busy())

    def finish(self, exc: BaseException | None = None) -> None:
        """Wait for what the server says, and raise what it refuses; or break the COPY off."""
        if not self.is_ended:
            super().finish(exc)
            return
        (result,) = self.connection.wait(fetch_many(self.connection.pgconn))
        if exc is None and result.status != ExecStatus.COMMAND_OK:
            raise errors.error_from_result(result)


def _sent_end(pgconn: PGconn) -> Generator[Wait, Ready | int, None]:
    while pgconn.put_copy_end() == 0:
        yield Wait.W
    while pgconn.flush() != 0:
        yield Wait.W
