"""The quick way through XML usage records: those laid out like one that was read with care.

A program writes all its records alike. One that the parser has read is made a pattern of: its tags
and blanks as they are, in place of each text one of plain characters. What the pattern matches is
well-formed and says what the parser would say of it
(`tests/billing/usage/test_xml_layouts.py`).
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from lxml import etree

from billing.usage.known import Known
from billing.usage.record import RUN_DAYS_MAX, UsageRecord, plain_usage
from billing.usage.xml_stream import local_name, namespace_of

_TAG_NAME = r"(?:[A-Za-z_][\w.-]{0,80}:)?[A-Za-z_][\w.-]{0,80}"
_ATTRIBUTE = re.compile(
    rf"([ \t\r\n]{{1,200}}({_TAG_NAME})=)(?:(\")([^<>&\"]*+)\"|(')([^<>&']*+)')", re.ASCII
)
_TOKEN = re.compile(
    rf"<(?P<closes>/?)(?P<name>{_TAG_NAME})"
    rf"(?P<attributes>(?:[ \t\r\n]{{1,200}}{_TAG_NAME}=(?:\"[^<>&\"]*+\"|'[^<>&']*+'))*+)"
    r"(?P<blanks>[ \t\r\n]{0,200})(?P<empty>/?)>|(?P<text>[^<>&]++)",
    re.ASCII,
)
_BLANKS = re.compile(r"[ \t\r\n]*+")
_JOBS = frozenset({"UsageRecord", "JobUsageRecord"})
# Printable ASCII but for what XML gives a meaning; in attributes also without quotation marks.
_TEXT = r"[ -%'-;=?-~]*+"
_VALUE = r"[ !#-%(-;=?-~]*+"
_WORD = r"[!-%'-;=?-~]{0,60}+"
_INSTANT = r"(?:19[89]|20\d|21\d)\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
# Where an account is looked for, the first that says something.
ACCOUNTS = ("ProjectName", "Group", "LocalGroup", "LocalUserId")
_SHAPES: Mapping[str, str] = {
    **{name: f"(?P<{name}>{_WORD})" for name in ("LocalJobId", "GlobalJobId", "MachineName")},
    "Status": r"(?P<Status>[A-Za-z_]{0,30}+)",
    "WallDuration": r"PT(?P<WallDuration>\d{1,8}+)S",
    "StartTime": f"(?P<StartTime>{_INSTANT})",
    "EndTime": f"(?P<EndTime>{_INSTANT})",
    "Processors": r"(?P<Processors>\d{1,9}+)",
    **{name: f"(?P<{name}>{_WORD})" for name in ACCOUNTS},
}
_FIELDS = tuple(_SHAPES)
_NEEDED = frozenset({"StartTime", "EndTime", "WallDuration", "Processors"})
_TOKENS_MAX = 500
_LONGEST_RUN = timedelta(days=RUN_DAYS_MAX)
# One after the other, layouts cost more to learn than records to read.
_LAYOUTS_MAX, _LEARNT_MAX = 4, 16


class XmlLayouts:
    """Reads records laid out like those it was shown; all others it leaves alone."""

    def __init__(
        self, source: str, cluster: str, states: Known[str], *, may_learn: bool
    ) -> None:
        self._source, self._cluster, self._states = source, cluster, states
        self._may_learn = may_learn
        self._layouts: list[re.Pattern[str]] = []
        self._learnt = 0

    def forget(self) -> None:
        """Forget all layouts: elsewhere in a document the same names may mean something else."""
        self._layouts.clear()

    def learn(self, text: str, record: etree._Element) -> None:
        """Learn how a record is laid out that the parser has read.

        :param text: the record's own bytes, as Latin-1, perhaps after blanks.
        """
        if not self._may_learn or self._learnt >= _LEARNT_MAX:
            return
        if local_name(record) not in _JOBS or "storage" in namespace_of(record):
            return
        text = text[_end_of_blanks(text, 0) :]
        if any(layout.match(text) for layout in self._layouts):
            return
        self._learnt += 1
        layout = _layout_of(text)
        if layout is not None and layout.match(text):
            self._layouts = [layout, *self._layouts[: _LAYOUTS_MAX - 1]]

    def read(self, text: str, at: int, number: int) -> tuple[UsageRecord, int] | None:
        """Return the plain record that begins at a place, perhaps after blanks, and where it ends.

        :param number: its row.
        """
        for layout in self._layouts:
            match = layout.match(text, at)
            if match is not None:
                record = self._record_of(match, number)
                if layout is not self._layouts[0]:
                    self._layouts.remove(layout)
                    self._layouts.insert(0, layout)
                return None if record is None else (record, match.end())
        return None

    def _record_of(self, match: re.Match[str], number: int) -> UsageRecord | None:
        local, other, machine, status, seconds, start, end, count, *accounts = match.group(
            *_FIELDS
        )
        state, job, thousandths = self._states[status], local or other, int(count) * 1000
        try:
            started_at, ended_at = datetime.fromisoformat(start), datetime.fromisoformat(end)
        except ValueError:
            # A day that no calendar has.
            return None
        run = timedelta(seconds=int(seconds))
        until = started_at + run
        if not (state and job and thousandths and until <= ended_at and run < _LONGEST_RUN):
            return None
        account = next(filter(None, accounts), "")
        key = f"{self._cluster or machine}/{job}/{start}"
        return plain_usage(
            (
                self._source,
                key,
                "GPU",
                thousandths,
                started_at,
                until,
                state,
                account,
                "",
                number,
                "",
            )
        )


def _end_of_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _layout_of(text: str) -> re.Pattern[str] | None:
    """Return what matches records laid out like one, or None where that is not plain."""
    tokens = _tokens_of(text)
    if tokens is None:
        return None
    parts, named, is_said = [_BLANKS.pattern], set[str](), False
    for place, token in enumerate(tokens):
        if token["text"] is not None:
            if not is_said:
                parts.append(_between(token["text"]))
            continue
        parts.append(_tag(token))
        is_said = _is_leaf(tokens, place)
        name = token["name"].rpartition(":")[2]
        if token["closes"] or name not in _SHAPES:
            parts.append(_TEXT if is_said else "")
        elif name not in named and is_said and _counts(token, name):
            named.add(name)
            parts.append(_SHAPES[name])
        elif name in named and name != "Processors":
            # The first of a name is what counts.
            parts.append(_TEXT if is_said else "")
        else:
            return None
    if not named >= _NEEDED:
        return None
    parts += [f"(?P<{name}>)" for name in _FIELDS if name not in named]
    return re.compile("".join(parts), re.ASCII)


def _tokens_of(text: str) -> list[re.Match[str]] | None:
    """Return the tags of one element and the texts between; None where there is more to it."""
    tokens: list[re.Match[str]] = []
    open_tags: list[str] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or (tokens and not open_tags) or len(tokens) > _TOKENS_MAX:
            return None
        if token["text"] is None and not token["empty"]:
            if not token["closes"]:
                open_tags.append(token["name"])
            elif not open_tags or open_tags.pop() != token["name"]:
                return None
        tokens.append(token)
        at = token.end()
    return tokens if tokens and not open_tags else None


def _is_leaf(tokens: list[re.Match[str]], place: int) -> bool:
    """Say whether a tag opens an element that has nothing in it, or a text."""
    if tokens[place]["closes"] or tokens[place]["empty"]:
        return False
    after = tokens[place + 1]
    return bool((tokens[place + 2] if after["text"] is not None else after)["closes"])


def _counts(token: re.Match[str], name: str) -> bool:
    """Say whether an element may be read: processors are GPUs if an attribute says so."""
    if name != "Processors":
        return True
    values = (one[4] or one[6] or "" for one in _ATTRIBUTE.finditer(token["attributes"]))
    return any("gpu" in value.casefold() for value in values)


def _between(text: str) -> str:
    return re.escape(text) if not text.strip(" \t\r\n") else _TEXT


def _tag(token: re.Match[str]) -> str:
    """Return what matches a tag whose attributes may say something else."""
    closes, name, blanks, empty = token.group("closes", "name", "blanks", "empty")
    # What processors are, and what names mean, is as it was.
    is_fixed = name.rpartition(":")[2] == "Processors"
    attributes = []
    for before, named, *values in _ATTRIBUTE.findall(token["attributes"]):
        mark = values[0] or values[2]
        value = _VALUE if not (is_fixed or named.startswith("xml")) else ""
        value = value or re.escape(values[1] or values[3])
        attributes.append(f"{re.escape(before)}{mark}{value}{mark}")
    return f"<{closes}{re.escape(name)}{''.join(attributes)}{re.escape(blanks)}{empty}>"
