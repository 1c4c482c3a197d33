"""Rows as PostgreSQL's binary COPY takes them: its server need not read figures and times.

The format is that of "File Formats, Binary Format" under COPY in PostgreSQL's manual: each row
the number of its fields, each field its length in bytes and then its value, -1 for none.
"""

import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from psycopg.types.numeric import DecimalBinaryDumper

BEGIN = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
END = struct.pack(">h", -1)
NONE = struct.pack(">i", -1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TEXTS_KEPT_MAX = 10_000

bigint = struct.Struct(">iq").pack
# Six integers of eight bytes, or five and none, and the length of the text that comes next.
six_and_length = struct.Struct(">iqiqiqiqiqiqi").pack
five_and_length = struct.Struct(">iqiqiqiqiqii").pack
_integer = struct.Struct(">ii").pack
_length = struct.Struct(">i").pack
_decimal = DecimalBinaryDumper(Decimal)


def fields(count: int) -> bytes:
    """Return what a row of so many fields begins with."""
    return struct.pack(">h", count)


def integer(value: int) -> bytes:
    """Return an integer of four bytes."""
    return _integer(4, value)


def bigint_or_none(value: int | None) -> bytes:
    """Return an integer of eight bytes, or none."""
    return NONE if value is None else bigint(8, value)


def decimal_or_none(value: Decimal | None) -> bytes:
    """Return a numeric, or none."""
    if value is None:
        return NONE
    written = bytes(_decimal.dump(value) or b"")
    return _length(len(written)) + written


def instant(at: datetime) -> int:
    """Return what a timestamptz counts: microseconds since the year 2000."""
    return (at - _EPOCH) // _MICROSECOND


def text(value: str) -> bytes:
    """Return a text."""
    written = value.encode()
    return _length(len(written)) + written


class Texts(dict[str, bytes]):
    """Texts that come again and again, each written once."""

    def __missing__(self, value: str) -> bytes:
        """Write a text that was not met before."""
        if len(self) >= _TEXTS_KEPT_MAX:
            self.clear()
        self[value] = written = text(value)
        return written
