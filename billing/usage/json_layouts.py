"""JSON values laid out alike: one that was decoded is made a pattern of, which reads the others.

A program writes all its records with the same names in the same order. The pattern has a value's
names, marks and blanks as they are, and in place of each text and number what any other may be.
Text that it matches is JSON, of the same shape, and says the same as if it had been decoded.
"""

import re
from collections.abc import Mapping

# Where a value stands: the names and places on the way to it.
Path = tuple[str | int, ...]

_BLANKS = r"[ \t\r\n]*+"
_PLAIN = r'[^"\\\x00-\x1f]*+'
_TEXT = rf'"{_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*+"'
_NUMBER = r"-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][-+]?\d++)?"
_TOKEN = re.compile(
    rf"(?P<blanks>{_BLANKS})"
    rf"(?:(?P<mark>[{{}}\[\],:])|(?P<text>{_TEXT})|(?P<number>{_NUMBER})|(?P<word>true|false|null))",
    re.ASCII,
)
_TOKENS_MAX = 1_000


def layout_of(
    text: str,
    wanted: Mapping[Path, str],
    fixed: frozenset[Path] = frozenset(),
    numbers: frozenset[Path] = frozenset(),
) -> re.Pattern[str] | None:
    """Return what matches values laid out like one, or None where a name in it is not plain.

    :param text: a JSON value, without blanks around it.
    :param wanted: what the texts at some places look like between their quotation marks, each
        with a group of its own; groups of places that are not there match nothing.
    :param fixed: places at which, and below which, all stays as it is.
    :param numbers: which of the wanted may be numbers, that look the same.
    """
    learner = _Learner(wanted, fixed, numbers)
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or not learner.take(token):
            return None
        at = token.end()
    pattern = learner.pattern()
    return pattern if pattern.fullmatch(text) else None


class _Learner:
    """Walks through a value's tokens, and keeps what stands for each."""

    def __init__(
        self, wanted: Mapping[Path, str], fixed: frozenset[Path], numbers: frozenset[Path]
    ) -> None:
        self._wanted, self._fixed, self._numbers = wanted, fixed, numbers
        self._parts: list[str] = []
        # Of each object or list around: the names that came in it, or none, and the present place.
        self._names: list[set[str] | None] = []
        self._path: list[str | int] = []
        self._found: set[Path] = set()
        self._is_name_next = False

    def take(self, token: re.Match[str]) -> bool:
        """Take the next token into account; return whether it can be."""
        if len(self._parts) > _TOKENS_MAX:
            return False
        self._parts.append(re.escape(token["blanks"]))
        if token["mark"] is not None:
            self._take_mark(token["mark"])
        elif self._is_name_next:
            return self._take_name(token["text"] or "")
        else:
            return self._take_value(token)
        return True

    def pattern(self) -> re.Pattern[str]:
        """Return what matches a value whose tokens were these."""
        missing = (shape for path, shape in self._wanted.items() if path not in self._found)
        # A group that no text can be in.
        groups = (re.sub(r"\(\?P<(\w+)>.*", r"(?P<\1>)", shape) for shape in missing)
        return re.compile("".join([*self._parts, *groups]), re.ASCII)

    def _take_mark(self, mark: str) -> None:
        self._parts.append(re.escape(mark))
        if mark in "{[":
            self._names.append(set() if mark == "{" else None)
            self._path.append("" if mark == "{" else 0)
        elif mark in "}]":
            self._names.pop()
            self._path.pop()
        elif mark == "," and self._names[-1] is None:
            self._path[-1] = int(self._path[-1]) + 1
        self._is_name_next = mark in "{," and self._names[-1] is not None

    def _take_name(self, text: str) -> bool:
        name, names = text[1:-1], self._names[-1]
        # Of a name that comes twice the last counts.
        if names is None or "\\" in name or name in names:
            return False
        names.add(name)
        self._path[-1] = name
        self._is_name_next = False
        self._parts.append(re.escape(text))
        return True

    def _take_value(self, token: re.Match[str]) -> bool:
        path = tuple(self._path)
        written = token.group(0)[len(token["blanks"]) :]
        is_fixed = any(path[:length] in self._fixed for length in range(1, len(path) + 1))
        if is_fixed or written == "null":
            self._parts.append(re.escape(written))
        elif path in self._wanted:
            if token["text"] is None and path not in self._numbers:
                return False
            mark = '"' if token["text"] is not None else ""
            self._found.add(path)
            self._parts.append(f"{mark}{self._wanted[path]}{mark}")
        elif token["word"] is not None:
            self._parts.append(re.escape(written))
        else:
            self._parts.append(_NUMBER if token["text"] is None else _TEXT)
        return True
