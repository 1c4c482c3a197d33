"""The quick way through a PBS log: the ended jobs that had GPUs, as most servers write them."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from billing.usage.job import plain_record
from billing.usage.known import Known
from billing.usage.options import Options
from billing.usage.record import UsageRecord

_LINE = re.compile(
    r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d;E;([^;. ]+)(?:\.([^; ]*))?;([^\"]*)", re.ASCII
)
# Seconds since 1970, of ten digits, from 2001 on and before 2200.
_INSTANT = re.compile(r"[1-6]\d{9}", re.ASCII)


class PbsRows:
    """Reads a line that has nothing to tell but one record of GPUs, and leaves all others alone.

    What it says is what `PbsReader` says of it field by field
    (`tests/billing/usage/test_pbs_rows.py`), at a fraction of the cost.
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

    def read(self, number: int, line: str) -> UsageRecord | None:
        """Return the record of a plain line, or None where it takes a careful look."""
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
