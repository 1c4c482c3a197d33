"""Results kept in a temporary file between reading a document and giving what it came to."""

import pickle
import tempfile
from collections.abc import Iterator
from itertools import islice
from typing import IO

from billing.usage.record import RowResult, UsageRecord

RESULTS_AT_ONCE = 1_000
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
            # A record is a tuple once it is pickled; whatever else lies in a list of one.
            plain = [tuple(one) if isinstance(one, UsageRecord) else [one] for one in some]
            pickle.dump(plain, self._file, pickle.HIGHEST_PROTOCOL)
        return True

    def give(self) -> Iterator[RowResult]:
        """Give the results, and close the file after the last."""
        record = UsageRecord._make
        with self._file as file:
            end = file.tell()
            file.seek(0)
            while file.tell() < end:
                for one in pickle.load(file):  # noqa: S301 - written by `take`
                    yield record(one) if type(one) is tuple else one[0]
