"""A plain line says, read at once, exactly what it says read cell by cell."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage.options import Options
from billing.usage.plain_csv import PlainCsvReader
from billing.usage.record import UsageRecord

HEADER = "job_id,voucher,resource,class,count,start,end,state"
NAME = st.text("abcXYZ019-_/.: é\\\"';", max_size=8)
YEAR = st.sampled_from(["0900", "1969", "1970", "2025", "2026", "2199", "2200", "20٢6"])
INSTANT = st.one_of(
    st.builds(
        "{}-{:02}-{:02}{}{:02}:{:02}:{:02}{}".format,
        YEAR,
        st.integers(0, 13),
        st.integers(1, 32),
        st.sampled_from("T t_"),
        st.integers(0, 25),
        st.integers(0, 60),
        st.integers(0, 60),
        st.sampled_from(["", "", "", "Z", "+08:00", ".5", " "]),
    ),
    st.sampled_from(
        ["", "2026-W45-1T08:30:00", "20261102T08:30:00.1", "2026-11-02", "10/11/2026"]
    ),
)
CELLS = st.tuples(
    NAME,
    NAME,
    st.sampled_from(["GPU", "gpu", "CPU", "加速卡", "TPU", ""]),
    NAME,
    st.sampled_from(
        ["1", "8", "0.25", "0", "-1", "1e3", "0.0001", "", "٢", " 4", "999999999999"]
    ),
    INSTANT,
    INSTANT,
    st.sampled_from(
        ["COMPLETED", "failed", "RUNNING", "PENDING", "CANCELLED by 7", "已完成", "?"]
    ),
)
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
PLAIN = ("j", "V-1", "GPU", "H100", "8")


@given(cells=CELLS, zone=ZONES)
@settings(max_examples=1_500, deadline=None)
@example(
    (*PLAIN, "2026-11-01 00:30:00", "2026-11-01 01:30:00", "COMPLETED"), "America/New_York"
)
@example((*PLAIN, "2026-11-01 02:30:00", "2026-11-01 02:30:00", "FAILED"), "America/New_York")
@example(
    (*PLAIN, "2026-04-05 01:30:00", "2026-04-05 01:50:00", "TIMEOUT"), "Australia/Lord_Howe"
)
@example((*PLAIN, "1970-01-01 00:00:00", "1971-02-05 00:00:00", "COMPLETED"), "Asia/Shanghai")
@example((*PLAIN, "2026-11-02 08:30:00", "2026-11-02 08:29:59", "COMPLETED"), "UTC")
def test_both_ways_of_reading_a_line_agree(cells, zone):
    reader = PlainCsvReader(HEADER, Options("meter", zone, "", None, None))
    line = ",".join(cells)

    assert reader.read(2, line) == reader.read_carefully(2, line)


DEVICES = st.sampled_from(
    ["", "GPU-1", "GPU-1/2", "GPU-1 GPU-2", " GPU-1", "GPU-1 ", "卡1", "x" * 250, '"GPU-1"']
)


@given(device=DEVICES)
@example(device="GPU-5fd4f087")
def test_both_ways_of_reading_a_device_agree(device):
    reader = PlainCsvReader(f"{HEADER},device", Options("meter", "UTC", "", None, None))
    cells = (*PLAIN, "2026-11-02 08:30:00", "2026-11-02 09:30:00", "COMPLETED", device)
    line = ",".join(cells)

    record = reader.read(2, line)

    assert record == reader.read_carefully(2, line)
    assert isinstance(record, UsageRecord)
    assert record.device == " ".join(device.replace('"', "").split())


def test_a_plain_line_takes_the_quick_way():
    reader = PlainCsvReader(HEADER, Options("meter", "Asia/Shanghai", "", None, None))
    line = "train-1,V-7K2QX9,GPU,H100,8,2026-11-02 08:30:00,2026-11-02T20:30:00,COMPLETED"

    record = reader._plain_rows.read(2, line)

    assert isinstance(record, UsageRecord)
    assert (record.key, record.quantity_ms) == (
        "train-1/2026-11-02T00:30:00Z",
        8 * 12 * 3_600_000,
    )
    with_device = PlainCsvReader(f"{HEADER},device", Options("meter", "UTC", "", None, None))
    record = with_device._plain_rows.read(2, f"{line},GPU-1")
    assert isinstance(record, UsageRecord)
    assert record.device == "GPU-1"
