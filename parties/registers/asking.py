"""Ask the registers about one organisation: each by its address if one is set, else its file."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from parties.kinds import Register
from parties.registers import files, http
from parties.registers.facts import Facts, Identifier
from parties.registers.failures import RegisterFailed


@dataclass(frozen=True)
class Answer:
    """What a register said of an organisation, and who says so."""

    register: Register
    source: str
    facts: Facts


@dataclass(frozen=True)
class Asked:
    """What the registers answered, and why others that are connected did not."""

    answers: tuple[Answer, ...]
    failures: tuple[RegisterFailed, ...]


def is_connected(register: Register) -> bool:
    """Say whether a register has an address or a file here."""
    if settings.REGISTER_URLS.get(register):
        return True
    try:
        return _file(register).is_file()
    except OSError:
        # Something is there that can't be looked at: asking it will say so.
        return True


def ask_business(whose: Identifier) -> Answer | None:
    """Return size, age, place, industry and standing with the state of an organisation.

    None where the register is not connected or does not know it; the same for the others.

    :raises RegisterDown: if it can't be reached; the same for the others.
    :raises RegisterAnswerInvalid: if its answer can't be read; the same for the others.
    """
    return _ask(Register.BUSINESS, whose)


def ask_conduct(whose: Identifier) -> Answer | None:
    """Return the findings about an organisation's conduct, each of a kind and a day."""
    return _ask(Register.CONDUCT, whose)


def ask_ownership(whose: Identifier) -> Answer | None:
    """Return who holds which share of an organisation, what it holds, and who controls whom."""
    return _ask(Register.OWNERSHIP, whose)


def ask_aid(whose: Identifier) -> Answer | None:
    """Return the public support that an organisation has from elsewhere."""
    return _ask(Register.AID, whose)


_ASK: dict[Register, Callable[[Identifier], Answer | None]] = {
    Register.BUSINESS: ask_business,
    Register.CONDUCT: ask_conduct,
    Register.OWNERSHIP: ask_ownership,
    Register.AID: ask_aid,
}


def ask(whose: Identifier, registers: Iterable[Register] = tuple(Register)) -> Asked:
    """Ask several registers at once; one that fails does not keep the others from answering.

    Never called inside a transaction: a slow register would hold its locks.
    """

    def answer_of(register: Register) -> Answer | RegisterFailed | None:
        try:
            return _ASK[register](whose)
        except RegisterFailed as failure:
            return failure

    # Together they take as long as the slowest of them, and somebody waits for the page.
    with ThreadPoolExecutor(len(_ASK)) as pool:
        found = list(pool.map(answer_of, registers))
    return Asked(
        tuple(one for one in found if isinstance(one, Answer)),
        tuple(one for one in found if isinstance(one, RegisterFailed)),
    )


def _ask(register: Register, whose: Identifier) -> Answer | None:
    url = settings.REGISTER_URLS.get(register, "")
    if url:
        found = http.look_up(url, register, whose, settings.REGISTER_TIMEOUT_SECONDS)
    elif is_connected(register):
        found = files.look_up(_file(register), register, whose)
    else:
        return None
    return Answer(register, *found) if found else None


def _file(register: Register) -> Path:
    return files.file_of(Path(settings.REGISTERS_FOLDER), register)
