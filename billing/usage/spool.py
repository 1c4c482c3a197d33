"""Results kept in a temporary file between reading a document and giving what it came to."""

import pickle
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import IO

from billing.usage.record import RowResult, UsageRecord

RESULTS_AT_ONCE = 1_000
_RECORDS, _OTHERS = "records", "others"
_PROTOCOL = pickle.HIGHEST_PROTOCOL
# What was a record before is one again, without being checked anew.
_record: Callable[[tuple[object, ...]], UsageRecord] = partial(tuple.__new__, UsageRecord)
_plain: Callable[[RowResult], tuple[object, ...]] = tuple  # type: ignore[assignment]
# A file of a few thousand records never touches the disk.
_BYTES_IN_MEMORY = 4 << 20


class Spool:
    """Takes results in flat memory, and gives them back in their order.

    The file has no name and is gone with the spool; what is in it was written here alone, so
    unpickling it is no trust in a stranger.
    """

    def __init__(self) -> None:
        self.results = 0
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by `give`, or with the spool
            _BYTES_IN_MEMORY
        )

    def take(self, results: Iterator[RowResult], most: int) -> bool:
        """Take all results, and say whether they are no more than `most`."""
        while some := list(islice(results, RESULTS_AT_ONCE)):
            self.results += len(some)
            if self.results > most:
                return False
            if {*map(type, some)} == {UsageRecord}:
                # As a tuple a record is pickled, and made again, at a fraction of the cost.
                pickle.dump((_RECORDS, [*map(_plain, some)]), self._file, _PROTOCOL)
            else:
                pickle.dump((_OTHERS, some), self._file, _PROTOCOL)
        return True

    def give(self) -> Iterator[RowResult]:
        """Give the results, and close the file after the last."""
        with self._file as file:
            end = file.tell()
            file.seek(0)
            while file.tell() < end:
                what, some = pickle.load(file)  # noqa: S301 - written by `take`
                yield from map(_record, some) if what == _RECORDS else some
