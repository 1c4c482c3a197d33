"""The page about usage formats says what the code does: its examples are read, its codes are ours."""

import io
import re
from pathlib import Path

import pytest

from billing.usage.formats import CODES
from billing.usage.intake import read_usage
from billing.usage.record import PROBLEMS
from tests.billing.usage.samples import TEXTS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "usage-formats.md"
EXAMPLE = re.compile(r"<!-- example: (\w+) -->\n```\w+\n(.*?)\n```", re.DOTALL)


def codes_table():
    """Return the table of codes as the page has it; a failing test shows what it should be."""
    rows = [
        f"| `{code}` | {problem} | {fix} |" for code, (problem, fix) in sorted(PROBLEMS.items())
    ]
    table = "\n".join(["| code | what is wrong | what to do |", "|---|---|---|", *rows])
    return re.sub(r"%\((\w+)\)s", r"‹\1›", table)


def examples():
    return dict(EXAMPLE.findall(PAGE.read_text("utf-8")))


def test_every_format_is_on_the_page_and_every_text_has_its_example():
    assert [code for code in CODES if f"`{code}`" not in PAGE.read_text("utf-8")] == []
    assert set(examples()) == set(TEXTS)


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_an_example_is_recognised_and_read_without_an_error(code):
    parsed = read_usage(io.BytesIO(f"{examples()[code]}\n".encode()))

    records = list(parsed)

    assert parsed.format == code
    assert records
    assert parsed.errors == []


def test_the_codes_are_those_of_the_code():
    assert codes_table() in PAGE.read_text("utf-8")
