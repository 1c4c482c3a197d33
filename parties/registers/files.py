"""A register kept as a file of the authority's own: `conduct.json` in the registers' folder."""

import json
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from parties.kinds import Register
from parties.registers.facts import (
    NOTHING,
    Facts,
    Identifier,
    Place,
    a_name,
    an_object,
    facts_from,
    identifier,
)
from parties.registers.failures import RegisterAnswerInvalid, RegisterDown

FILE_BYTES_MAX = 64 * 1024 * 1024
_FIELDS = frozenset({"source", "complete", "organisations"})


def file_of(folder: Path, register: Register) -> Path:
    """Return where a register's file lies, whether it is there or not."""
    return folder / f"{register.lower()}.json"


def look_up(file: Path, register: Register, whose: Identifier) -> tuple[str, Facts] | None:
    """Return a file's source and what it says of an organisation; None where it says nothing.

    A file that says `"complete": true` lists everybody of whom there is something, so whoever
    is not in it has no findings, links or aid. Without it whoever is missing stays unknown.

    :raises RegisterDown: if the file is there and can't be opened.
    :raises RegisterAnswerInvalid: naming the first place that can't be read, and its fix.
    """
    source, is_complete, listed = _read(file, register)
    if whose in listed:
        return source, facts_from(register, listed[whose], f"organisations.{whose}")
    nothing = NOTHING.get(register)
    return (source, nothing) if is_complete and nothing is not None else None


def _read(file: Path, register: Register) -> tuple[str, bool, dict[Identifier, Any]]:
    try:
        found = file.stat()
        return _read_once(file, register, found.st_mtime_ns, found.st_size)
    except OSError as error:
        raise RegisterDown(register, error.strerror or type(error).__name__) from error


@lru_cache(maxsize=8)
def _read_once(
    file: Path, register: Register, _changed_ns: int, size: int
) -> tuple[str, bool, dict[Identifier, Any]]:
    """Read a whole file once for each of its versions, by its time and size."""
    place = Place(register, file.name)
    if size > FILE_BYTES_MAX:
        raise place.wrong(size, _("Keep the file below 64 MB."))
    values = an_object(json_of(file.read_bytes(), place), place, _FIELDS)
    source = a_name(values.get("source"), place.at("source"))
    is_complete = values.get("complete", False)
    if not isinstance(is_complete, bool):
        raise place.at("complete").wrong(is_complete, _("Write true or false."))
    listed: dict[Identifier, Any] = {}
    inside = place.at("organisations")
    organisations = values.get("organisations")
    if not isinstance(organisations, dict):
        raise inside.wrong(organisations, _("List organisations by scheme and number."))
    for key, value in organisations.items():
        one = identifier(key, inside)
        if one in listed:
            raise inside.wrong(key, _("This organisation is there twice. Keep one."))
        listed[one] = value
    return source, is_complete, listed


def json_of(content: bytes, place: Place) -> Any:
    """Return what JSON text says: fractions as decimals, no field twice, no NaN.

    :raises RegisterAnswerInvalid: if it is no such JSON.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a field stands twice")
        return found

    def no_number(word: str) -> Any:
        raise ValueError(f"{word} is no number")

    try:
        return json.loads(
            content.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=no_number,
            object_pairs_hook=once,
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        fix = _("Send JSON in UTF-8, each field once.")
        raise RegisterAnswerInvalid(place.register, place.path, str(error), fix) from error
