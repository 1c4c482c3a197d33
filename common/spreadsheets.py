"""Texts that go into a spreadsheet, and tables of text that come out of one."""

import codecs
import unicodedata

from django.utils.translation import gettext_lazy as _

from common.errors import Refused

# full-width forms that some read alike.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


class FileUnreadable(Refused):
    """A file that cannot be read as a whole; no row of it counts."""

    code = "file_unreadable"
    sentence = _("We cannot read this file.")


class FileEmpty(FileUnreadable):
    """A file without a single row."""

    code = "file_empty"
    sentence = _("The file has no rows. Check that you chose the right file.")


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before one."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def tidy(text: str) -> str:
    """Return a cell without full-width look-alikes and outer blanks (Unicode NFKC)."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def text_of(data: bytes) -> str | None:
    """Return what a file says, in UTF-8 or GB18030, or None where it is no text."""
    if b"\0" in data or data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def separator_of(text: str) -> str:
    """Return what parts the cells of a table's first line: a comma, a tabulator or a semicolon."""
    first = text.partition("\n")[0]
    return max(",\t;", key=first.count)
