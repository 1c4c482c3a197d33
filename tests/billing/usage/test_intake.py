"""A file that cannot be read is refused before its first row, and no file fills the memory."""

import gzip
import io
import tracemalloc

import pytest

from billing.usage.formats import CODES
from billing.usage.intake import Limits, read_usage
from billing.usage.options import (
    EncodingUnknown,
    FileCutOff,
    FileEmpty,
    FileNotText,
    FileTooLarge,
    FileTooLong,
    FileUnreadable,
    FormatUnknown,
    LineTooLong,
    PackingBroken,
)
from billing.usage.plain_csv import sample
from common.workbook import WorkbookBroken

SAMPLE = sample().encode()
HEADER = SAMPLE.splitlines()[0]


class Rows(io.RawIOBase):
    """A file of so many thousands of rows that exists only while it is read."""

    def __init__(self, thousands, *, alike=False):
        self._thousands = thousands
        self._alike = alike
        self.bytes_read = 0
        self.seek(0)

    def seek(self, offset, whence=0):
        self._made = 0
        self._buffer = HEADER + b"\n"
        return 0

    def read(self, size=-1):
        while len(self._buffer) < size and self._made < self._thousands:
            self._buffer += ROWS_ALIKE if self._alike else thousand_rows(self._made)
            self._made += 1
        part, self._buffer = self._buffer[:size], self._buffer[size:]
        self.bytes_read += len(part)
        return part


def thousand_rows(number):
    row = "j%d,V-1,GPU,H100,8,2026-11-02 08:30:00,2026-11-02 20:30:00,COMPLETED,\n"
    return "".join(row % (number * 1000 + one) for one in range(1000)).encode()


ROWS_ALIKE = thousand_rows(0)


def read(data, format="CSV", **options):
    return read_usage(io.BytesIO(data), format, **options)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", FileEmpty),
        (b"\n\n  \n", FileEmpty),
        (HEADER + b"\n", FileEmpty),
        (b"PK\x03\x04\x14\x00\x06\x00", WorkbookBroken),
        ("job_id".encode("utf-16"), FileNotText),
        (HEADER + b"\nj1,\x00", FileNotText),
        (SAMPLE[:-60], FileCutOff),
        (gzip.compress(SAMPLE)[:-30], FileCutOff),
        (gzip.compress(SAMPLE)[:-8] + b"\x00" * 8, PackingBroken),
        (b"\x1f\x8bnot gzip at all", PackingBroken),
        (HEADER + b"\n" + b"x" * 70_000 + b"\n", LineTooLong),
        (HEADER + b"\n" + b"x" * 3_000_000, LineTooLong),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_words(data, refusal):
    with pytest.raises(refusal) as refused:
        read(data)

    assert isinstance(refused.value, FileUnreadable)
    assert str(refused.value)


def test_a_stray_byte_is_refused_with_its_offset_and_line():
    data = HEADER + "\n算力券\n".encode() + b"abc\xff\n"

    with pytest.raises(EncodingUnknown) as refused:
        read(data)

    assert refused.value.values == {"offset": data.index(b"\xff"), "line": 3}


def test_a_character_cut_at_the_end_is_refused():
    data = HEADER + "\n算力券".encode()[:-1]

    with pytest.raises(EncodingUnknown):
        read(data)


def test_a_character_across_two_chunks_is_no_error():
    filling = b"\n" * ((1 << 20) - len(HEADER) - 2)
    row = "券,V-1,GPU,H100,8,2026-11-02 08:30:00,2026-11-02 20:30:00,COMPLETED,\n".encode()

    (record,) = read(HEADER + b"\n" + filling + row)

    assert record.key.startswith("券/")


def test_a_nul_byte_is_told_with_its_line():
    with pytest.raises(FileNotText) as refused:
        read(HEADER + b"\nj1\nj2,\x00\n")

    assert refused.value.values["line"] == 3


def test_a_last_line_without_its_newline_is_whole_if_its_cells_are():
    records = list(read(SAMPLE.rstrip(b"\n")))

    assert len(records) == 3


def test_a_packed_file_reads_as_the_plain_one():
    assert list(read(gzip.compress(SAMPLE))) == list(read(SAMPLE))


def test_a_bomb_is_refused_by_what_it_unpacks_to():
    bomb = gzip.compress(b"\n" * 50_000_000)
    assert len(bomb) < 60_000

    with pytest.raises(FileTooLarge):
        read(bomb, limits=Limits(bytes_max=10_000_000, rows_max=100_000_000))


def test_an_unknown_format_is_refused_naming_those_we_read():
    with pytest.raises(FormatUnknown) as refused:
        read(SAMPLE, "TAPE")

    assert refused.value.values == {"format": "TAPE", "known": ", ".join(sorted(CODES))}
    assert {"CSV", "SACCT", "PBS"} <= CODES.keys()


def test_one_row_more_than_the_limit_is_refused_and_the_limit_is_not():
    limits = Limits(rows_max=3)

    assert len(list(read(SAMPLE, limits=limits))) == 3
    with pytest.raises(FileTooLong):
        read(SAMPLE + b"j4,V,GPU,H100,1,a,b,COMPLETED\n", limits=limits)


def test_ten_million_rows_are_refused_before_the_rest_is_read():
    file = Rows(10_000, alike=True)
    tracemalloc.start()

    with pytest.raises(FileTooLong):
        read_usage(file, "CSV", limits=Limits(rows_max=2_000_000))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert file.bytes_read < 200_000_000
    assert peak < 30_000_000


def test_memory_stays_flat_however_many_rows_there_are():
    parsed = read_usage(Rows(30), "CSV")
    tracemalloc.start()

    accepted = sum(1 for _ in parsed)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert accepted == parsed.accepted == parsed.rows == 30_000
    assert peak < 10_000_000


def test_the_stream_stays_open_for_its_owner():
    stream = io.BytesIO(SAMPLE)

    list(read_usage(stream, "CSV"))

    assert not stream.closed
