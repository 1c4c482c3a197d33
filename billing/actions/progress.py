"""How far a long reading of a file has come, told beside its transaction while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import DEFAULT_DB_ALIAS, connections

ROWS_BETWEEN = 20_000

_told: ContextVar[Callable[[int], None] | None] = ContextVar("told", default=None)


def tell_progress(rows: int) -> None:
    """Say that so many rows were read since the last time; where nobody listens, to nobody."""
    listener = _told.get()
    if listener is not None:
        listener(rows)


@contextmanager
def telling_progress_to(task: int) -> Iterator[None]:
    """Write the rows read to a file task, by a connection of its own, every so many rows.

    The rows read are of the whole task: a file that is read twice counts twice.
    """
    beside = connections.create_connection(DEFAULT_DB_ALIAS)
    read = told = 0

    def listen(rows: int) -> None:
        nonlocal read, told
        read += rows
        if read - told >= ROWS_BETWEEN:
            told = read
            with beside.cursor() as cursor:
                cursor.execute(
                    "update billing_filetask set rows_read = %s where id = %s", [read, task]
                )

    token = _told.set(listen)
    try:
        yield
    finally:
        _told.reset(token)
        beside.close()
