"""The plain CSV as a format: recognised by the names in its header."""

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Head, LineAdapter
from billing.usage.plain_csv import COLUMNS, SEPARATORS, PlainCsvReader
from common.spreadsheets import tidy

NAMES = frozenset(name for names in COLUMNS.values() for name in names)
NAMES_LEAST = 3


def names_in(line: str) -> set[str]:
    """Return the names in a header, by the separator that finds the most of them."""
    found = [
        {tidy(name.strip().strip('"')).casefold().replace(" ", "_") for name in line.split(one)}
        for one in SEPARATORS
    ]
    return max(found, key=len)


def _looks_like_plain(head: Head) -> bool:
    # With three of its names a file is meant to be one; which are missing is then said.
    return len(names_in(head.first_line) & NAMES) >= NAMES_LEAST


ADAPTER = LineAdapter("CSV", _("A table with our columns"), _looks_like_plain, PlainCsvReader)
