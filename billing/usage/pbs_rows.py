"""The quick way through a PBS log: the ended jobs that had GPUs, as most servers write them."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from billing.usage.job import is_plain_cluster, plain_record
from billing.usage.known import CELLS_KEPT_MAX, Known
from billing.usage.options import Options
from billing.usage.record import RUN_DAYS_MAX, UsageRecord, plain_usage

_LINE = re.compile(
    r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d;E;([^;. ]+)(?:\.([^; ]*))?;([^\"]*)", re.ASCII
)
# Seconds since 1970, of ten digits, from 2001 on and before 2200.
_INSTANT = re.compile(r"[1-6]\d{9}", re.ASCII)
_LONGEST_RUN_S = RUN_DAYS_MAX * 86_400
# A line whose names are these, in this order, with plain values.
_HEAD = r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d;E;([!#-\-/-:<-~]{1,60}+)(?:\.([!#-:<-~]{0,60}+))?;"
_VALUE = r"[!#-~]*+"
_WORD = r"([!#-~]{0,60}+)"
_READ = {
    "start": rf"({_INSTANT.pattern})",
    "end": rf"({_INSTANT.pattern})",
    "Exit_status": _WORD,
    **{f"Resource_List.{name}": _WORD for name in ("ngpus", "nodes", "select", "nodect")},
    **dict.fromkeys(("account", "project", "group"), _WORD),
}
_LAYOUTS_MAX, _LEARNT_MAX = 4, 32


class PbsRows:
    """Reads a line that has nothing to tell but one record of GPUs, and leaves all others alone.

    What it says is what `PbsReader` says of it field by field
    (`tests/billing/usage/test_pbs_rows.py`), at a fraction of the cost. A server writes the same
    fields of all its jobs: once a line was taken apart, those like it are read by one pattern.
    """

    def __init__(
        self,
        options: Options,
        meter: str,
        gpus_text: Callable[[Mapping[str, str]], str],
        gpus_in: Callable[[str], int],
        account_of: Callable[[Mapping[str, str]], str],
        state_of: Callable[[str], str],
    ) -> None:
        self._source = options.source or meter
        self._wants_gpus = options.resource != "CPU"
        self._cluster = options.cluster
        self._gpus: Known[int] = Known(gpus_in)
        self._states: Known[str] = Known(state_of)
        self._gpus_text, self._account_of = gpus_text, account_of
        self._layouts: list[_Layout] = []
        self._may_learn = _LEARNT_MAX if is_plain_cluster(options.cluster) else 0

    def read(self, number: int, line: str) -> UsageRecord | None:
        """Return the record of a plain line, or None where it takes a careful look."""
        for layout in self._layouts:
            match = layout.match(line)
            if match is not None:
                return self._laid_out(number, layout, match.groups(""))
        record = self._taken_apart(number, line)
        if record is not None and self._may_learn:
            self._learn(line)
        return record

    def _learn(self, line: str) -> None:
        self._may_learn -= 1
        layout = _layout_of(line)
        if layout is not None:
            self._layouts = [layout, *self._layouts[: _LAYOUTS_MAX - 1]]

    def _laid_out(
        self, number: int, layout: "_Layout", found: tuple[str, ...]
    ) -> UsageRecord | None:
        job, server, *values = found
        said = tuple([values[place] for place in layout.said])
        known = layout.known.get(said)
        if known is None:
            known = layout.known[said] = self._known_of(
                dict(zip(layout.names, values, strict=True))
            )
            if len(layout.known) > CELLS_KEPT_MAX:
                layout.known.clear()
        gpus, state, account = known
        start, end = int(values[layout.start]), int(values[layout.end])
        if not (gpus and state and start <= end < start + _LONGEST_RUN_S):
            return None
        started_at = datetime.fromtimestamp(start, UTC)
        return plain_usage(
            (
                self._source,
                f"{self._cluster or server}/{job}/{started_at.isoformat()[:19]}Z",
                "GPU",
                gpus * 1000,
                started_at,
                datetime.fromtimestamp(end, UTC),
                state,
                account,
                "",
                number,
                "",
            )
        )

    def _known_of(self, fields: Mapping[str, str]) -> "_Known":
        return (
            self._gpus[self._gpus_text(fields)],
            self._states[fields.get("Exit_status", "")],
            self._account_of(fields),
        )

    def _taken_apart(self, number: int, line: str) -> UsageRecord | None:
        match = _LINE.fullmatch(line) if self._wants_gpus and line.isprintable() else None
        if match is None:
            return None
        job, server, text = match.groups("")
        try:
            fields = dict([one.split("=", 1) for one in text.split()])
            start, end = fields["start"], fields["end"]
        except (KeyError, ValueError):
            # A field without a value, or a time that is missing.
            return None
        if not (_INSTANT.fullmatch(start) and _INSTANT.fullmatch(end)):
            return None
        gpus = self._gpus[self._gpus_text(fields)]
        state = self._states[fields.get("Exit_status", "")]
        if gpus is None or state is None:
            return None
        return plain_record(
            self._source,
            self._cluster or server,
            job,
            self._account_of(fields),
            "",
            ("GPU", gpus),
            state,
            (datetime.fromtimestamp(int(start), UTC), datetime.fromtimestamp(int(end), UTC)),
            number,
        )


# GPUs, state and account; None where it takes a careful look.
_Known = tuple[int | None, str | None, str]


class _Layout:
    """The fields of lines that are alike: how they are matched, and which of them is which."""

    def __init__(self, names: list[str], match: Callable[[str], re.Match[str] | None]) -> None:
        self.match = match
        # Of those that are read, in their order.
        self.names = names
        self.start, self.end = names.index("start"), names.index("end")
        # All but the times come again and again.
        self.said = [n for n in range(len(names)) if n not in (self.start, self.end)]
        self.known: dict[tuple[str, ...], _Known] = {}


def _layout_of(line: str) -> _Layout | None:
    """Return how the fields of a plain line stand, or None where they are not plain."""
    fields = [field.partition("=") for field in line.split(";", 3)[3].split(" ")]
    names = [name for name, _equals, _value in fields]
    if len(set(names)) < len(names) or not all(equals for _name, equals, _value in fields):
        return None
    pattern = " ".join(f"{re.escape(name)}={_READ.get(name, _VALUE)}" for name in names)
    match = re.compile(_HEAD + pattern, re.ASCII).fullmatch
    return _Layout([name for name in names if name in _READ], match) if match(line) else None
