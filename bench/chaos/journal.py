"""What a client has asked and was answered, on disk before it asks the next thing.

A line is written whole by one call of the system, so it outlives every kill of a process. After a
kill the last line may be a request without an answer: it is sent again with its key.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.chaos.model import Answer, Request, line


@dataclass(frozen=True, slots=True)
class Entry:
    """One request, with what all its sendings came to; no answer when it was cut off."""

    number: int
    kind: str
    request: Request
    answer: Answer | None
    sendings: int = 0
    replays: int = 0
    lost: int = 0


class Journal:
    """The file of one client, open for writing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_half_line(path)
        self._file = path.open("ab", buffering=0)

    def ask(self, number: int, kind: str, request: Request) -> None:
        """Write down what is asked next; `number` is the operation's in the plan."""
        self._file.write(line(["ask", number, kind, request.to_json()]).encode())

    def got(self, number: int, answer: Answer, sendings: int, replays: int, lost: int) -> None:
        """Write down what it was answered."""
        words = ["got", number, answer.code, answer.act, answer.number, sendings, replays, lost]
        self._file.write(line(words).encode())

    def bad(self, number: int, words: str) -> None:
        """Write down that an answer contradicts the model."""
        self._file.write(line(["bad", number, words]).encode())


def _drop_half_line(path: Path) -> None:
    """Cut off what a full disk or the like left of a last line."""
    if path.exists():
        data = path.read_bytes()
        if not data.endswith(b"\n"):
            path.write_bytes(data[: data.rfind(b"\n") + 1])


def _lines(path: Path) -> Iterator[list[Any]]:
    if path.exists():
        with path.open() as file:
            for text in file:
                if text.endswith("\n"):
                    yield json.loads(text)


def entries(path: Path) -> Iterator[Entry]:
    """Return every request of a journal in order; only the last may be without an answer."""
    asked: list[Any] | None = None
    for words in _lines(path):
        if words[0] == "ask":
            asked = words
        elif words[0] == "got" and asked is not None:
            _word, number, code, act, hold, sendings, replays, lost = words
            request = Request.from_json(asked[3])
            answer = Answer(code, act, False, hold)
            yield Entry(number, asked[2], request, answer, sendings, replays, lost)
            asked = None
    if asked is not None:
        yield Entry(asked[1], asked[2], Request.from_json(asked[3]), None)


def violations(path: Path) -> list[str]:
    """Return what a journal says contradicts the model."""
    return [str(words[2]) for words in _lines(path) if words[0] == "bad"]
