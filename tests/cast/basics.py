"""When it is, which schemes there are, and numbers and keys that nobody has yet."""

import itertools
from datetime import UTC, date, datetime

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
TODAY = date(2025, 6, 2)
FISCAL_YEAR = 2025
HOUR = 3_600_000  # GPU-ms in a GPU-hour

M1, M3, M5 = "cn-nanning-2025", "cn-chengdu-2025", "uk-airr"

_numbers = itertools.count(1)


def a_key(word: str = "key") -> str:
    """Return a key that nothing was asked with yet."""
    return f"{word}-{next(_numbers)}"
