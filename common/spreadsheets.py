"""Texts that go into a spreadsheet."""

# full-width forms that some read alike.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before one."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
