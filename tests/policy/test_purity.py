"""The law's code knows no programme by name, and neither database, clock nor web."""

import ast
import re
from pathlib import Path

import pytest

import policy
from policy.programme import read, shipped

FILES = sorted(Path(policy.__file__).parent.glob("*.py"))
PROGRAMMES = [read(text) for text in shipped().values()]
MAY_IMPORT = {"common.money", "common.days", "policy", "policy.*"}
CLOCKS = {"now", "today", "utcnow", "time", "monotonic"}
# What a code such as `xx-place-2025` shares with every other.
SHARED = {"cn", "uk", "ca", "fi"}


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def names():
    for programme in PROGRAMMES:
        yield from (programme.code, programme.title_en, programme.title_zh, programme.issuer)
        parts = programme.code.split("-")
        yield from (part for part in parts if not part.isdigit() and part not in SHARED)
        yield programme.title_zh[:2]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_programme_is_named_in_code(path):
    source = path.read_text("utf-8").lower()

    assert [name for name in names() if name.lower() in source] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_only_the_standard_library_money_and_days_are_imported(path):
    found = set(imports(ast.parse(path.read_text("utf-8"))))

    ours = {name for name in found if re.match(r"(common|policy)\b", name)}
    assert all(name in MAY_IMPORT or name.startswith("policy.") for name in ours)
    foreign = {name.split(".")[0] for name in found - ours}
    assert not foreign & {"django", "rest_framework", "celery", "pandas", "numpy", "time"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_clock_is_read_and_nothing_is_executed(path):
    tree = ast.parse(path.read_text("utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]

    assert not {call.attr for call in calls if isinstance(call, ast.Attribute)} & CLOCKS
    plain = {call.id for call in calls if isinstance(call, ast.Name)}
    assert not plain & {"exec", "eval", "compile", "float", "__import__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_no_longer_than_400_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= 400
