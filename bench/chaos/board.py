"""What the harness and its clients see of each other: one page of shared memory."""

import mmap
import struct

_LONG = struct.Struct("q")
_OVER, _MOMENT, _PAYDAY, _COUNTS = 0, 8, 16, 64


class Board:
    """The moment of the run, whether it is over, and how much each client has done.

    Made before the clients are forked; the page ends with its last process.
    """

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)

    @property
    def is_over(self) -> bool:
        """Whether clients end after what they are at."""
        return self._page[_OVER] != 0

    def end(self) -> None:
        """Tell the clients to end."""
        self._page[_OVER] = 1

    @property
    def moment(self) -> int:
        """The number of the hold and of the payable that every client races for."""
        return self._get(_MOMENT)

    def set_moment(self, moment: int) -> None:
        """Let all race for the next things."""
        _LONG.pack_into(self._page, _MOMENT, moment)

    @property
    def payday(self) -> int:
        """The moment whose payable all want to pay."""
        return self._get(_PAYDAY)

    def set_payday(self) -> None:
        """Let all want to pay what was captured in the moment before this one."""
        _LONG.pack_into(self._page, _PAYDAY, self.moment - 1)

    def count(self, client: int) -> None:
        """Count one more request of a client as answered."""
        place = _COUNTS + 8 * client
        _LONG.pack_into(self._page, place, self._get(place) + 1)

    def counted(self, clients: int) -> int:
        """Return how many requests were answered since the board was made."""
        return sum(self._get(_COUNTS + 8 * client) for client in range(clients))

    def _get(self, place: int) -> int:
        return int(_LONG.unpack_from(self._page, place)[0])
