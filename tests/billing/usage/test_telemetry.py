"""Telemetry is read exactly, a value that means none is blank, and nothing of it is usage."""

import gzip
import io
from collections import Counter as Counts
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.usage.intake import Limits
from billing.usage.options import ColumnsMissing, FileEmpty, FileNotText, FileUnreadable
from billing.usage.telemetry import read_counters, read_duty_cycles, read_page
from tests.real_data import shared

GPU = "GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52"


def page(text, read=read_page, **options):
    found = read(io.BytesIO(text if isinstance(text, bytes) else text.encode()), **options)
    return list(found), found


def test_a_sample_is_its_metric_gpu_slice_value_and_time():
    (sample,), found = page(
        f'DCGM_FI_PROF_SM_ACTIVE{{gpu="0",UUID="{GPU}",GPU_I_PROFILE="1g.10gb",GPU_I_ID="7"}} '
        "0.25 1793606400500\n"
    )

    assert (sample.metric, sample.gpu, sample.slice) == ("DCGM_FI_PROF_SM_ACTIVE", GPU, "7")
    assert sample.value == Decimal("0.25")
    assert sample.at.isoformat() == "2026-11-02T08:00:00.500000+00:00"
    assert (found.rows, found.blank, found.errors) == (1, 0, [])


def test_comments_blank_lines_and_exemplars_are_passed_over():
    samples, found = page('# HELP a b\n# TYPE a gauge\n\na 1\nb{c="d",} 2 # {t="x"} 1\n# EOF\n')

    assert [(one.metric, one.value, one.row) for one in samples] == [("a", 1, 4), ("b", 2, 5)]
    assert found.errors == []


def test_escapes_in_labels_are_undone():
    (sample,), _ = page('a{b="\\"x\\" \\\\ \\n}, y"} 1\n')

    assert sample.labels == {"b": '"x" \\ \n}, y'}


@pytest.mark.parametrize(
    "text",
    [
        # 64 bits: blank, not found, not supported, not permitted; and as Go prints a float.
        "9223372036854775792",
        "9223372036854775793",
        "9223372036854775794",
        "9223372036854775795",
        "9.223372036854776e+18",
        # The same of 32 bits, and of floating point.
        "2147483632",
        "2147483634",
        "2.147483634e+09",
        "140737488355328",
        "140737488355330.0",
        "NaN",
        "+Inf",
        "-Inf",
    ],
)
def test_a_value_that_means_none_is_blank_and_never_a_number(text):
    (sample,), found = page(f'DCGM_FI_DEV_MEMORY_TEMP{{UUID="{GPU}"}} {text}\n')

    assert sample.value is None
    assert found.blank == 1


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "2147483631", "2147483636", "2.407530496e+09", "2.619e+09", "140737488355332"],
)
def test_a_large_number_is_a_number(text):
    (sample,), found = page(f"a {text}\n")

    assert sample.value == Decimal(text)
    assert found.blank == 0


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a one",
        "a 1e4000",
        "a 1 yesterday",
        "a 1 99999999999999",
        "a 0x10",
        'a{b="c} 1',
        "a{b=c} 1",
        'a{b="c" 1',
        'a{b="c"}1',
        "1a 1",
        "é 1",
        "{} 1",
        "a " + "1" * 60,
    ],
)
def test_a_line_that_is_no_sample_is_told_and_the_others_count(line):
    samples, found = page(f"good 1\n{line}\ngood 2\n")

    assert [one.value for one in samples] == [1, 2]
    assert [(one.row, one.code) for one in found.errors] == [(2, "sample_unreadable")]
    assert all(one.problem and one.fix for one in found.errors)


def test_a_packed_page_reads_as_the_plain_one():
    assert page(gzip.compress(b"a 1\n"))[0] == page("a 1\n")[0]


@pytest.mark.parametrize(
    ("data", "refusal"), [(b"", FileEmpty), (b"\n\n", FileEmpty), (b"a\x00 1\n", FileNotText)]
)
def test_a_page_that_cannot_be_read_is_refused(data, refusal):
    with pytest.raises(refusal):
        page(data)


@given(st.lists(st.text(max_size=60), max_size=20), st.integers(0, 2))
def test_any_text_gives_samples_errors_or_a_refusal(lines, kind):
    read = (read_page, read_duty_cycles, read_counters)[kind]
    header = "value,timestamp_anon,container_ip\n" if kind == 1 else ""
    data = (header + "\n".join(lines)).encode("utf-8", "surrogatepass")

    refusal = None
    found = []
    try:
        found = list(read(io.BytesIO(data), limits=Limits(rows_max=100)))
    except FileUnreadable as refused:
        refusal = str(refused)

    assert refusal is None or refusal
    assert all(one.value is None or one.value.is_finite() for one in found if kind < 2)


def test_duty_cycles_are_percentages_at_seconds():
    samples, found = page(
        "value,timestamp_anon,container_ip\n12.5,1662858720.0,a\nx,1,b\n1,-1,c\n1,2\n",
        read_duty_cycles,
    )

    assert [(one.metric, one.value, one.labels) for one in samples] == [
        ("duty_cycle", Decimal("12.5"), {"container_ip": "a"})
    ]
    assert samples[0].at.isoformat() == "2022-09-11T01:12:00+00:00"
    assert [one.row for one in found.errors] == [3, 4, 5]


def test_duty_cycles_of_other_columns_are_refused():
    with pytest.raises(ColumnsMissing) as refused:
        page("value,when\n1,2\n", read_duty_cycles)

    assert refused.value.values["missing"] == "timestamp_anon, container_ip"


def test_counters_are_listed_and_a_list_of_none_is_refused():
    text = "# Format\n\nDCGM_FI_DEV_SM_CLOCK, gauge, SM clock (in MHz).\n# DCGM_X, gauge, no\n"

    ((name, kind, help),) = read_counters(io.BytesIO(text.encode()))

    assert (name, kind, help) == ("DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock (in MHz).")
    with pytest.raises(FileEmpty):
        read_counters(io.BytesIO(b"# nothing\n"))


PAGES = "usage/gpu_telemetry/linux-x86_64__nvidia-h100-"


def published(name):
    samples, found = page(shared(f"{PAGES}{name}.metrics").read_bytes())
    assert found.errors == []
    return {one.metric: one.value for one in samples}


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "used", "watts"),
    [
        ("80gb-hbm3__590.48.01__idle", 0, "69.85"),
        ("80gb-hbm3__590.48.01__load", 1, "631.95"),
    ],
)
def test_an_idle_and_a_loaded_h100_are_as_published(name, used, watts):
    values = published(name)

    assert values["nvidia_smi_utilization_gpu_ratio"] == used
    assert values["nvidia_smi_power_draw_watts"] == Decimal(watts)


@pytest.mark.real_data
def test_a_gpu_in_mig_mode_says_so():
    assert published("mig__590.48.01__load")["nvidia_smi_mig_mode_current"] == 1


@pytest.mark.real_data
def test_dcgms_own_page_has_two_values_and_one_blank():
    samples, found = page(shared("usage/dcgm_sample_metrics.prom").read_bytes())

    assert [one.value for one in samples] == [139, 405, None]
    assert {one.gpu for one in samples} == {GPU}
    assert (found.rows, found.blank, found.errors) == (3, 1, [])


@pytest.mark.real_data
def test_dcgms_counters_are_a_vocabulary():
    counters = read_counters(io.BytesIO(shared("usage/dcgm_default_counters.csv").read_bytes()))

    assert "DCGM_FI_DEV_GPU_UTIL" in {one.name for one in counters}
    assert {one.type for one in counters} <= {"gauge", "counter", "label"}


@pytest.mark.real_data
def test_two_thirds_of_the_duty_cycle_samples_are_idle():
    data = shared("usage/alibaba2026_pod_gpu_duty_cycle.csv.gz").read_bytes()
    samples, found = page(data, read_duty_cycles)
    idle = Counts(one.value == 0 for one in samples)

    assert (found.rows, found.errors) == (39_355, [])
    assert round(Decimal(idle[True] * 100) / len(samples), 1) == Decimal("66.8")
