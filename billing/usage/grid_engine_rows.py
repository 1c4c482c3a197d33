"""The quick way through Grid Engine's accounting: ended jobs with GPUs, as most cells are."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from billing.usage.job import is_plain_cluster, plain_record
from billing.usage.known import Known
from billing.usage.options import Options
from billing.usage.record import UsageRecord

# Seconds since 1970, from 2001 to 2191; milliseconds take a careful look.
_INSTANT = re.compile(r"[1-6]\d{9}", re.ASCII)


class GridEngineRows:
    """Reads a line that has nothing to tell but one record of GPUs, and leaves all others alone.

    What it says is what `GridEngineReader` says of it field by field
    (`tests/billing/usage/test_grid_engine_rows.py`), at a fraction of the cost.

    :param places: where the job, its array task, the project, the account, the start, the end,
        the failure, the exit status, the slots, the category and the parallel task stand.
    :param read_gpus: what a category's requests come to.
    :param read_state: what `failed` and `exit_status`, one line each, come to.
    """

    def __init__(
        self,
        options: Options,
        meter: str,
        places: tuple[int, ...],
        fields_least: int,
        defaults: frozenset[str],
        read_gpus: Callable[[str], int],
        read_state: Callable[[str], str],
    ) -> None:
        self._source, self._cluster = options.source or meter, options.cluster
        self._places, self._fields_least = places, fields_least
        self._defaults = defaults
        self._gpus: Known[int] = Known(read_gpus)
        self._states: Known[str] = Known(read_state)
        self._is_wanted = options.resource != "CPU" and is_plain_cluster(options.cluster)

    def read(self, number: int, line: str) -> UsageRecord | None:
        """Return the record of a plain line, or None where it takes a careful look."""
        if not self._is_wanted or line.startswith("#"):
            return None
        if not (line.isascii() and line.isprintable()):
            return None
        cells = line.split(":")
        if len(cells) < self._fields_least:
            return None
        job, task, project, account, start, end, failed, status, slots, category, part = (
            cells[place] for place in self._places
        )
        if not (_INSTANT.fullmatch(start) and _INSTANT.fullmatch(end)):
            return None
        if part not in self._defaults or not (slots.isdigit() and len(slots) <= 9):
            return None
        return plain_record(
            self._source,
            self._cluster,
            job if task in {"0", ""} else f"{job}.{task}",
            account if project in self._defaults else project,
            "",
            ("GPU", self._gpus[category] or 0),
            self._states[f"{failed}\n{status}"] or "",
            (datetime.fromtimestamp(int(start), UTC), datetime.fromtimestamp(int(end), UTC)),
            number,
        )
