"""A workbook that would hurt is not opened, and a damaged one is never anything else."""

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.usage.options import FileEmpty
from common.workbook import (
    Measures,
    WorkbookBroken,
    WorkbookLocked,
    WorkbookTooLarge,
    as_text,
)
from tests.billing.usage.workbooks import (
    HEADER,
    ROW,
    archive_of,
    workbook,
)


def test_text_is_left_as_it_is():
    stream = io.BytesIO(b"job_id,start\n")

    assert as_text(stream) is stream
    assert stream.read() == b"job_id,start\n"


def test_a_workbook_of_the_old_format_or_with_a_password_is_refused_in_words():
    with pytest.raises(WorkbookLocked, match="without a password"):
        as_text(io.BytesIO(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)))


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04",
        b"PK\x03\x04" + bytes(100),
        archive_of(hello="x").getvalue()[:-30],
        archive_of(xl__workbook="<nonsense").getvalue(),
        archive_of().getvalue().replace(b"[Content_Types].xml", b"[Content_Typos].xml"),
    ],
)
def test_what_is_no_workbook_is_refused_in_words(data):
    with pytest.raises(WorkbookBroken, match=r"as \.xlsx again"):
        as_text(io.BytesIO(data))


def test_a_zip_bomb_is_refused_by_its_ratio_before_it_is_read():
    bomb = archive_of(xl__sharedStrings=b" " * (40 << 20))
    assert len(bomb.getvalue()) < 100_000

    with pytest.raises(WorkbookTooLarge) as refusal:
        as_text(bomb)

    assert refusal.value.values["most"] == 200


@pytest.mark.parametrize(
    "measures", [Measures(bytes_max=1000), Measures(entries_max=3), Measures(written_max=100)]
)
def test_what_passes_a_measure_is_refused(measures):
    with pytest.raises(WorkbookTooLarge):
        as_text(workbook(*[HEADER] * 20), measures=measures)


@given(
    place=st.integers(0, 5_000),
    junk=st.binary(min_size=1, max_size=40),
    cut=st.integers(0, 5_000),
)
@settings(max_examples=150, deadline=None)
def test_a_damaged_workbook_is_refused_or_read_and_never_anything_else(place, junk, cut):
    good = workbook(HEADER, ROW).getvalue()
    data = bytearray(good)
    data[place % len(data) : place % len(data) + len(junk)] = junk
    damaged = bytes(b"PK\x03\x04" + data[4:]) if cut % 2 else good[: 4 + cut % len(good)]

    with contextlib.suppress(WorkbookBroken, WorkbookLocked, WorkbookTooLarge, FileEmpty):
        assert as_text(io.BytesIO(damaged), known=HEADER).read()
