"""However many COPYs a file's rows take, they are all there or none is, and each as it was read."""

import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.actions import copying, recording
from billing.actions.desks import Desk, Desks, LateWindow
from billing.actions.known_rows import Tally
from billing.actions.places import Place
from billing.actions.rows_written import AlikeRows, rows_of
from billing.actions.usage_hours import Hours
from billing.models import UsageFile, UsageHour, UsageLine
from billing.models.usage import MONTH_BITS
from billing.usage.record import NotExact, UsageRecord
from ledger.queries import extent
from tests import cast
from tests.billing.test_record_usage import HEADER, send

JUNE = datetime(2025, 6, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def small_copies():
    """Let a COPY end after 200 rows, and rows be looked over 50 at a time."""
    with (
        patch.multiple(copying, ROWS_LEAST=200, ROWS_MOST=400),
        patch.multiple(recording, _ROWS_WRITTEN=50, _NUMBERS_FETCHED=800),
    ):
        yield


def rows_text(accounts, count, device=lambda number: f"GPU-{number}"):
    """Return so many rows of a second each, account after account."""
    text = [HEADER.replace("\n", ",device\n")]
    for number in range(count):
        account = accounts[number * len(accounts) // count]
        start = datetime(2025, 6, 10) + number * SECOND
        words = f"{number},{account},GPU,H100,1,{start},{start + SECOND},COMPLETED"
        text.append(f"{words},{device(number)}\n")
    return "".join(text)


@pytest.mark.django_db
@pytest.mark.parametrize("is_busy", [True, False, None])
def test_rows_kept_while_the_server_is_busy_are_written_in_their_turn(small_copies, is_busy):
    scene = cast.make_scene(cast.M3)
    orders = [
        cast.a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference=f"Lab-{n}")
        for n in range(3)
    ]
    text = rows_text([order.code for order in orders], 2_000)
    asked = copying._Writer.is_being_ended
    busy = {True: lambda writer: writer.is_ended, False: lambda _writer: False, None: asked}
    begun = []
    begin = copying.Copying._begin

    with (
        patch.object(copying._Writer, "is_being_ended", busy[is_busy]),
        patch.object(copying.Copying, "_begin", lambda one: begun.append(1) or begin(one)),
    ):
        report = send(scene, text)

    assert (report.recorded, report.errors_total) == (2_000, 0)
    assert len(begun) >= 6
    lines = UsageLine.objects.order_by("started_at")
    assert [line.key.split("/")[0] for line in lines] == [str(n) for n in range(2_000)]
    assert len({line.pk for line in lines}) == 2_000
    assert [line.order for line in lines] == [orders[n * 3 // 2_000] for n in range(2_000)]
    assert sum(hour.quantity_ms for hour in UsageHour.objects.all()) == 2_000_000


@pytest.mark.django_db
@pytest.mark.parametrize("place", [10, 199, 700, 1_999])
def test_a_gpu_in_use_in_any_copy_is_an_error_of_its_row_alone(small_copies, place):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    text = rows_text([order.code], 2_000)
    line = text.splitlines()[place]
    text += line.replace(line.split(",")[0], "again", 1) + "\n"

    report = send(scene, text)

    assert report.recorded == 2_000
    (error,) = report.errors
    assert (error.row, error.code) == (2_002, "device_in_use")


@pytest.mark.django_db
def test_what_breaks_off_while_a_copy_is_being_ended_leaves_nothing(small_copies):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    before = extent()
    end = copying._Writer.end

    def broken(writer):
        end(writer)
        raise MemoryError

    with patch.object(copying._Writer, "end", broken), pytest.raises(MemoryError):
        send(scene, rows_text([order.code], 1_000))

    assert (UsageLine.objects.count(), UsageFile.objects.count()) == (0, 0)
    assert extent() == before
    assert send(scene, rows_text([order.code], 1_000)).recorded == 1_000


@pytest.mark.django_db
def test_a_connection_that_tells_of_its_statements_takes_rows_too():
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    with CaptureQueriesContext(connection):
        assert send(scene, rows_text([order.code], 100)).recorded == 100


def a_place(**said):
    return Place(
        **{
            "voucher": 7,
            "order": 8,
            "order_code": "ORD-8",
            "resource": "GPU",
            "unit": "CNY",
            "zone": "Asia/Shanghai",
            "rate": Decimal("12.5"),
            "resource_class": "H100",
            "valid_from": JUNE,
            "valid_until": JUNE + timedelta(days=30),
            "placed_at": JUNE + timedelta(days=1),
            "has_window": False,
            **said,
        }
    )


PLACES = st.builds(
    a_place,
    order=st.sampled_from([8, 8, None]),
    resource=st.sampled_from(["GPU", "CPU", ""]),
    resource_class=st.sampled_from(["H100", "NVIDIA H100", ""]),
    rate=st.sampled_from([Decimal("12.5"), None]),
    unit=st.sampled_from(["CNY", "GPU_HOUR"]),
)
INSTANTS = st.sampled_from(
    [
        *(JUNE + timedelta(days=days) for days in (0, 1, 2, 29, 30, 31, 60)),
        JUNE + timedelta(days=1, microseconds=1),
        JUNE + timedelta(days=1, seconds=-1),
        JUNE + timedelta(days=31, hours=1, seconds=1),
    ]
)


@st.composite
def records(draw):
    start, end = sorted([draw(INSTANTS), draw(INSTANTS)])
    try:
        return UsageRecord(
            source=draw(st.sampled_from(["slurm", "é"])),
            key=draw(st.sampled_from(["a", "k" * 160, "k" * 161, "作业"])),
            resource=draw(st.sampled_from(["GPU", "CPU"])),
            count_thousandths=draw(st.sampled_from([1_000, 0, 10**9, 10**11])),
            started_at=start,
            ended_at=end,
            state=draw(st.sampled_from(["COMPLETED", "S" * 25])),
            account=draw(st.sampled_from(["one", "two", "none", "both"])),
            resource_class=draw(st.sampled_from(["H100", "h100", "A100", "", "C" * 25])),
            row=draw(st.integers(1, 9)),
            device=draw(st.sampled_from(["", "GPU-1", "g" * 121, f"{'g' * 90} {'h' * 90}"])),
        )
    except NotExact:
        return draw(st.nothing())


def cells_of(rows):
    """Return the fields of binary rows."""
    at = 0
    while at < len(rows):
        (width,) = struct.unpack_from(">h", rows, at)
        at += 2
        cells = []
        for _ in range(width):
            (length,) = struct.unpack_from(">i", rows, at)
            at += 4
            cells.append(None if length < 0 else rows[at : at + length])
            at += max(length, 0)
        yield cells


def number(cell):
    return None if cell is None else int.from_bytes(cell, signed=True)


def in_us(at):
    return (at - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@given(
    st.lists(records(), max_size=8),
    PLACES,
    PLACES,
    st.booleans(),
    st.sampled_from(["", "meter"]),
)
@settings(max_examples=600, deadline=None)
def test_a_row_is_written_unless_it_is_refused_and_says_what_its_record_says(
    given_records, one, two, has_window, source
):
    desks = Desks(None, JUNE + timedelta(days=31))
    window = LateWindow(None, "UTC", JUNE + timedelta(days=2)) if has_window else None
    desks.update(one=Desk(one, window), two=Desk(two, None), none=None, both=2)
    tally, hours, again = Tally(), Hours(), Hours()
    head = struct.pack(">h", 16)

    alike = AlikeRows(desks, lambda _account: head, source)
    rows, count = rows_of(
        given_records, range(len(given_records)), desks, alike, tally, hours, has_place=True
    )

    refusals = [desks.refusal(record, record.quantity_ms) for record in given_records]
    taken = [n for n, refusal in enumerate(refusals) if refusal is None]
    assert tally.errors == [refusal for refusal in refusals if refusal is not None]
    assert count == len(taken)
    for place, cells in zip(taken, cells_of(rows), strict=True):
        record = given_records[place]
        desk = desks[record.account]
        month = (record.started_at.year - 1970) * 12 + record.started_at.month - 1
        assert [cells[n].decode() for n in (0, 4, 5, 6, 13, 14)] == [
            source or record.source,
            record.resource,
            record.resource_class,
            record.state,
            record.key,
            record.device,
        ]
        assert (number(cells[1]), number(cells[2])) == (desk.place.order, desk.place.voucher)
        assert (cells[3] is None) == (desk.place.rate is None)
        assert [number(cell) for cell in cells[7:12]] == [
            (month << MONTH_BITS) + place,
            record.count_thousandths,
            in_us(record.started_at),
            in_us(record.ended_at),
            record.quantity_ms,
        ]
        amount = None if desk.place.order is None else desk.amount(record.quantity_ms)
        assert number(cells[12]) == amount
        assert number(cells[15]) == record.row
        if record.resource == "GPU":
            name = desk.class_name or record.resource_class
            run = in_us(record.started_at), in_us(record.ended_at)
            again.add(name, record.count_thousandths, *run)
    assert list(hours) == list(again)
    late = [given_records[n] for n in taken if given_records[n].account == "one"]
    is_late = has_window and any(record.ended_at <= window.closed_at for record in late)
    assert bool(desks.late) == is_late
