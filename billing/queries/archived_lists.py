"""Lists of usage lines here and in the archive, of which only what is asked for is read."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db.models import QuerySet, Sum

from billing.models import ArchivedSum, UsageArchive, UsageFile, UsageLine
from billing.queries.archive import READ_AT_ONCE, read_lines, read_rows
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from vouchers.models import Order, Voucher
from vouchers.queries import programme_scope


class LinesSeen:
    """The usage lines that a person may see, newest first, those in the archive last, as a list.

    How many there are the sums say; a file is opened for the lines of it that are asked for.
    """

    def __init__(self, live: QuerySet[UsageLine], sums: QuerySet[ArchivedSum]) -> None:
        """Take the lines that lie here, and the sums of those in the archive."""
        self._live, self._sums = live, sums
        self._live_count = live.count()
        counted = dict(sums.order_by().values_list("archive").annotate(count=Sum("lines")))
        files = UsageArchive.objects.filter(pk__in=counted).order_by("-month", "-part")
        self._files = [(file, int(counted[file.pk])) for file in files]

    @property
    def archived(self) -> int:
        """How many of them lie in the archive."""
        return sum(count for _file, count in self._files)

    def __len__(self) -> int:
        return self._live_count + self.archived

    def __getitem__(self, part: slice) -> list[UsageLine]:
        begin, end = part.start or 0, len(self) if part.stop is None else part.stop
        here = self._live_count
        found = list(self._live[begin:end]) if begin < here else []
        return [*found, *self._in_files(max(begin - here, 0), max(end - here, 0))]

    def newest(self, most: int) -> Iterator[UsageLine]:
        """Give the newest of them, one after another."""
        yield from self._live[:most].iterator(chunk_size=READ_AT_ONCE)
        yield from self._in_files(0, max(most - self._live_count, 0))

    def _in_files(self, begin: int, end: int) -> Iterator[UsageLine]:
        for file, count in self._files:
            first, last = min(begin, count), min(end, count)
            if last > first:
                yield from _whole(self._in_file(file, first, last - first))
            begin, end = max(begin - count, 0), max(end - count, 0)

    def _in_file(self, file: UsageArchive, first: int, count: int) -> Iterator[UsageLine]:
        whose = self._sums.filter(archive=file).order_by()
        pairs = list(whose.values_list("provider_id", "voucher_id").distinct())
        seen = "(provider_id, voucher_id) in (select unnest(?::bigint[]), unnest(?::bigint[]))"
        columns = ([one for one, _other in pairs], [other for _one, other in pairs])
        order = f"started_at desc, id desc limit {count:d} offset {first:d}"
        return read_lines([file], {seen: columns}, order)


def archives_of(file: UsageFile) -> list[tuple[UsageArchive, int]]:
    """Return in which files of the archive lines of a usage file lie, and how many in each.

    :raises ArchiveMissing: if a file of the archive is not there.
    """
    later = UsageArchive.objects.filter(archived_at__gt=file.received_at)
    counted = [
        (archive, int(count))
        for archive in later.order_by("month", "part")
        for (count,) in read_rows([archive], "count(*)", {"file_id = ?": file.pk})
    ]
    return [(archive, count) for archive, count in counted if count]


class LinesOfFile:
    """The lines of a usage file that a person may see, those in the archive first, as a list.

    The file's provider sees all, everybody else those of programmes that they oversee. Only the
    lines that are asked for are read.

    :raises ArchiveMissing: if a file of the archive is not there.
    """

    def __init__(
        self,
        person: User,
        file: UsageFile,
        archives: Sequence[UsageArchive],
        live: QuerySet[UsageLine],
    ) -> None:
        self._archives, self._live = archives, live
        self._conditions: dict[str, Any] = {"file_id = ?": file.pk}
        used = [row[0] for row in read_rows(archives, "distinct voucher_id", self._conditions)]
        if file.provider.organisation not in organisations_of(person, Role.PROVIDER):
            mine = Voucher.objects.filter(programme_scope(person), pk__in=used)
            allowed = list(mine.values_list("pk", flat=True))
            self._conditions["voucher_id in (select unnest(?::bigint[]))"] = allowed
        counted = list(read_rows(archives, "count(*)", self._conditions))
        self._archived = int(counted[0][0]) if counted else 0

    def __len__(self) -> int:
        return self._archived + self._live.count()

    def __getitem__(self, part: slice) -> list[UsageLine]:
        begin, end = part.start or 0, len(self) if part.stop is None else part.stop
        count = max(min(end, self._archived) - begin, 0)
        order = f"started_at, id limit {count:d} offset {begin:d}"
        found = read_lines(self._archives, self._conditions, order) if count else iter(())
        low = max(begin - self._archived, 0)
        high = max(end - self._archived, 0)
        return [*_whole(found), *self._live[low:high]]


def _whole(lines: Iterable[UsageLine]) -> Iterator[UsageLine]:
    """Give lines of the archive each with its voucher and its order."""
    rest = iter(lines)
    while some := list(islice(rest, READ_AT_ONCE)):
        vouchers = Voucher.objects.in_bulk({line.voucher_id for line in some})
        orders = Order.objects.in_bulk({line.order_id for line in some if line.order_id})
        for line in some:
            line.voucher = vouchers[line.voucher_id]
            line.order = orders[line.order_id] if line.order_id else None
        yield from some
