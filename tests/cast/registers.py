"""What registers say of organisations: kept as answers, or lying in their folder as files."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from ledger.actions import SYSTEM
from parties import actions as parties
from parties.kinds import Register
from parties.models import Organisation, RegisterAnswer
from parties.registers import Answer, facts_from
from tests.cast.basics import NOON, a_key


def an_answer(register: Register, facts: dict[str, Any], source: str = "A register") -> Answer:
    """Return an answer of a register, read from plain values as it would come."""
    return Answer(register, source, facts_from(register, facts))


def told(
    organisation: Organisation, *, at: datetime = NOON, **facts: dict[str, Any]
) -> tuple[RegisterAnswer, ...]:
    """Keep what registers say of an organisation: `business={"employees": 7}` and the like."""
    return parties.keep_register_answers(
        organisation=organisation,
        answers=[an_answer(Register[name.upper()], one) for name, one in facts.items()],
        actor=SYSTEM,
        at=at,
        key=a_key("registers"),
    )


def number_of(organisation: Organisation) -> str:
    """Return an organisation as registers write it: scheme and number."""
    return f"{organisation.identifier_scheme}:{organisation.identifier}"


def a_link(
    owner: Organisation | str,
    owned: Organisation | str,
    share: str = "1",
    control: str = "VOTES",
) -> dict[str, str]:
    """Return one link as a register of ownership writes it; ends may be unknown here."""
    ends = [one if isinstance(one, str) else number_of(one) for one in (owner, owned)]
    return {"owner": ends[0], "owned": ends[1], "share": share, "control": control}


def links(*found: dict[str, str]) -> dict[str, Any]:
    """Return what a register of ownership says: these links and no others."""
    return {"links": list(found)}


def a_register_file(
    folder: Path, register: Register, organisations: dict[str, Any], **more: Any
) -> Path:
    """Write a register's file into a folder, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{register.lower()}.json"
    text = {"source": "The register's own copy", "organisations": organisations, **more}
    file.write_text(json.dumps(text), "utf-8")
    return file
