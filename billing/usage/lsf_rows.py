"""The quick way through lsb.acct: ended jobs with GPUs, laid out like one before."""

from collections.abc import Callable
from datetime import UTC, datetime

from billing.usage.job import is_plain_cluster
from billing.usage.line_layouts import LineLayouts, Shapes
from billing.usage.options import Options
from billing.usage.record import RUN_DAYS_MAX, UsageRecord, plain_usage

_INSTANT = r"([1-6]\d{9})"
_WORD = "([!#-~]{0,60}+)"
_TEXT = "([ !#-~]*+)"
_LONGEST_RUN_S = RUN_DAYS_MAX * 86_400
# GPUs and state.
_Known = tuple[int, str]
_HOSTS = 22


class LsfRows:
    """Reads a line that has nothing to tell but one record of GPUs, and leaves all others alone.

    What it says is what `LsfReader` says of it field by field
    (`tests/billing/usage/test_lsf_rows.py`), at a fraction of the cost.
    """

    def __init__(
        self, options: Options, meter: str, known_of: Callable[[tuple[str, ...]], _Known]
    ) -> None:
        self._source, self._cluster = options.source or meter, options.cluster
        self._known_of = known_of
        self._layouts: LineLayouts[_Known] = LineLayouts(" ", _shapes_of)
        self._is_wanted = options.resource != "CPU" and is_plain_cluster(options.cluster)

    def learn(self, line: str) -> None:
        """Learn how a line is laid out that came to a record."""
        if self._is_wanted:
            self._layouts.learn(line)

    def read(self, number: int, line: str) -> UsageRecord | None:
        """Return the record of a line laid out like one before, or None."""
        found = self._layouts.find(line)
        if found is None:
            return None
        (
            layout,
            (end_text, job, start_text, asked_for, *hosts, status, account, index, why, force),
        ) = found
        said = (asked_for, " ".join(hosts), status, why, force)
        gpus, state = layout.known(said, self._known_of)
        start, end = int(start_text), int(end_text)
        if not (gpus and start <= end < start + _LONGEST_RUN_S):
            return None
        started_at = datetime.fromtimestamp(start, UTC)
        name = job if index == "0" else f"{job}[{index}]"
        return plain_usage(
            (
                self._source,
                f"{self._cluster}/{name}/{started_at.isoformat()[:19]}Z",
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


def _shapes_of(cells: list[str]) -> Shapes | None:
    """Return what the fields of a finished job look like, by the places that they have in it.

    The lengths of lists within stay as they are, since they say where all else stands.
    """
    try:
        asked = int(cells[_HOSTS])
        hosts = _HOSTS + 1 + asked
        first, count = hosts + 1, int(cells[hosts])
        status = first + count
        later = status + 24
        # The figures of use by event, and by host; then three fields to what was in force.
        figures = later + 29
        extras = figures + 1 + 2 * int(cells[figures])
        in_force = extras + 1 + 6 * int(cells[extras]) + 3
        fixed = {place: cells[place] for place in (_HOSTS, hosts, figures, extras)}
    except (IndexError, ValueError):
        return None
    if not all(text.isascii() and text.isdigit() for text in fixed.values()):
        return None
    if in_force >= len(cells) or max(map(int, fixed.values())) > 100:
        return None
    return {
        **fixed,
        0: "JOB_FINISH",
        2: _INSTANT,
        3: r"([!#-~]{1,20}+)",
        6: r"\d{1,9}+",
        10: _INSTANT,
        13: _TEXT,
        **dict.fromkeys(range(first, first + count), "([!#-~]{1,60}+)"),
        status: _WORD,
        later: _WORD,
        later + 5: "([!#-~]{1,20}+)",
        later + 14: _WORD,
        in_force: _TEXT,
    }
