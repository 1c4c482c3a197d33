"""Read a programme document, check its shape, and list the shipped ones."""

import tomllib
from pathlib import Path

from policy.contradictions import find_contradictions
from policy.document import Problems, Table
from policy.rules import ORGANISATION_KINDS, Mode, Payee, Programme
from policy.sections import read_programme

__all__ = [
    "ORGANISATION_KINDS",
    "Mode",
    "Payee",
    "Programme",
    "ProgrammeInvalid",
    "read",
    "shipped",
]

TEXT_MOST = 200_000  # characters; the longest real document is a twentieth of it


class ProgrammeInvalid(ValueError):
    """A document that can't be a programme; each problem names place, value and fix."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read(text: str) -> Programme:
    """Read a programme from its TOML text.

    Every problem of shape is reported at once; contradictions between sections are looked
    for once the shape is sound.

    :raises ProgrammeInvalid: if anything in the document can't be taken as it stands.
    """
    if len(text) > TEXT_MOST:
        message = f"the document has {len(text)} characters; keep it under {TEXT_MOST}."
        raise ProgrammeInvalid((message,))
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProgrammeInvalid((f"this is not TOML: {error}.",)) from error
    problems = Problems(text)
    programme = read_programme(Table(values, "", problems))
    if not problems.found:
        find_contradictions(programme, problems)
    if problems.found:
        raise ProgrammeInvalid(tuple(problems.found))
    return programme


def shipped() -> dict[str, str]:
    """Return the text of each programme that comes with the project, by its code."""
    folder = Path(__file__).parent / "programmes"
    return {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.toml"))}
