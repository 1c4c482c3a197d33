"""The rules of the house that no linter knows."""

import ast
import re
from pathlib import Path

from celery import current_app
from django.conf import settings

from ledger.kinds import ActKind
from policy.programme import shipped

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = (
    "parties",
    "ledger",
    "policy",
    "safeguards",
    "providers",
    "vouchers",
    "billing",
    "scoring",
    "notices",
    "common",
)


def sources(*apps):
    for app in apps or APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, path.read_text("utf-8")


def test_only_doors_read_the_clock():
    doors = re.compile(r"(views|api|tasks|authentication)(\.py$|/)|management/")
    readers = [
        str(path.relative_to(ROOT))
        for path, text in sources()
        if re.search(r"\b(timezone\.now|datetime\.now|date\.today|time\.time)\(", text)
        and not doors.search(str(path.relative_to(ROOT)))
    ]
    assert readers == []


def test_no_programme_is_named_in_code():
    named = [
        f"{path.relative_to(ROOT)}: {code}"
        for path, text in sources()
        for code in shipped()
        if code in text
    ]
    assert named == []


def test_every_sweep_is_on_the_timetable_and_nothing_else_is():
    current_app.loader.import_default_modules()
    tasks = {name for name in current_app.tasks if not name.startswith("celery.")}
    timed = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    assert tasks == timed


def test_tasks_are_never_sent_from_an_action():
    senders = [
        str(path.relative_to(ROOT))
        for path, text in sources()
        if re.search(r"\.(delay|apply_async)\(", text) and "actions" in str(path)
    ]
    assert senders == []


def test_every_kind_of_act_is_written_by_one_action():
    written: dict[str, set[str]] = {kind.name: set() for kind in ActKind}
    for path, text in sources():
        if path.name == "kinds.py" or path.is_relative_to(ROOT / "notices"):
            continue
        for node in ast.walk(ast.parse(text)):
            names_a_kind = (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "ActKind"
                and node.attr in written
            )
            if names_a_kind and "actions" in str(path):
                written[node.attr].add(str(path.relative_to(ROOT)))
    unwritten = [name for name, places in written.items() if not places]
    twice = {name: places for name, places in written.items() if len(places) > 1}
    assert unwritten == []
    assert twice == {}


def test_no_model_hides_work_in_save_or_clean():
    hidden = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path, text in sources()
        if path.name == "models.py"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and node.name in ("save", "delete", "clean", "full_clean")
    ]
    assert hidden == []


def test_no_module_is_named_for_nothing():
    banned = {"utils", "helpers", "misc", "services", "managers", "signals", "base", "core"}
    found = [str(path.relative_to(ROOT)) for path, _text in sources() if path.stem in banned]
    assert found == []


def test_pages_are_served_under_a_policy_that_trusts_nobody_else():
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    allowed = {source for sources in directives.values() for source in sources}
    assert allowed == {"'self'", "'none'"}
