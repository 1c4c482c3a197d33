"""Whatever bytes a stranger sends: records, errors by row, or a refusal in words; never a crash."""

import gzip
import io
import json
import subprocess
import sys
import time
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.usage.formats import CODES
from billing.usage.intake import Limits, read_usage
from billing.usage.options import (
    FileNotText,
    FileTooLarge,
    FileTooLong,
    FileUnreadable,
    JsonBroken,
    JsonRecordTooLong,
    JsonTooDeep,
)
from billing.usage.record import UsageRecord, split_at_midnights
from tests.billing.usage import samples
from tests.billing.usage.samples import GOOD, TEXTS

JSON = ("K8S_PODS", "OPENSTACK", "OPENCOST", "CLOUDEVENTS")
ROOT = Path(__file__).resolve().parents[3]
LIMITS = Limits(rows_max=2_000, bytes_max=4_000_000)

# Numbers, times and marks that have broken somebody's reader before.
NASTY = [
    *("", " ", "0", "-1", "1e400", "1e-400", "NaN", "Infinity", "-0", "9" * 400, "9" * 5_000),
    *("0x10", "٣", "１２", "1_000", "1,5", "1.0000000001", "2147483648", "9223372036854775808"),
    *(
        "9999-12-31T23:59:59Z",
        "0001-01-01 00:00:00",
        "2026-02-30T00:00:00",
        "1970-01-01T00:00:00",
    ),
    *(
        "2026-11-02T08:00:60",
        "2026-11-02T08:00:00.0000001",
        "2026-11-02T08:00:00+99:99",
        "Unknown",
    ),
    *("\x00", "\x1a", "\r", "\r\n", "\n", "\t", "\u2028", "\ufeff", "\ufffd", "\U0010ffff"),
    *('"', '""', "'", "|", ":", ";", ",", "{", "}", "[", "]", "<", ">", "&amp;", "&x;", "]]>"),
    *("\\ud800", "\\u0000", "\\", "null", "true", "<!--", "<![CDATA[", "=cmd()", "PT1S", "P9Y"),
    *("gres/gpu=999999999", "1:gpus=999999999", "rusage[ngpus_physical=1e9]", "-l gpu=-1"),
]


def outcome_of(data, format):
    """Read a file to its end; return what came of it, after looking at every part of it."""
    try:
        parsed = read_usage(io.BytesIO(data), format, limits=LIMITS)
        records = list(parsed)
    except FileUnreadable as refused:
        words = str(refused).strip().encode()
        return "refused" if words else "refused without a word"
    wrong = {error.row for error in parsed.errors}
    for record in records:
        assert isinstance(record, UsageRecord)
        record.key.encode()
        parts = split_at_midnights(record)
        assert sum(part.quantity_ms for part in parts) == record.quantity_ms
        assert not any("\0" in text for text in (record.key, record.account, record.state))
    for error in parsed.errors:
        f"{error.column}{error.value}{error.problem}{error.fix}".encode()
        assert "\0" not in error.value
    assert parsed.rows >= parsed.accepted + sum(parsed.skipped.values())
    assert parsed.errors_total >= len(wrong)
    return "read"


@st.composite
def spoilt(draw, good):
    """Draw a good file with a few parts of it cut out, doubled or replaced."""
    data = good
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 40))
        part = draw(
            st.one_of(
                st.sampled_from(NASTY).map(lambda text: text.encode("utf-8", "surrogatepass")),
                st.binary(max_size=8),
                st.just(data[start : start + length] * 2),
            )
        )
        data = data[:start] + part + data[start + length :]
    return data


def _values():
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(NASTY),
    )
    names = st.sampled_from(
        [
            *(
                "items",
                "data",
                "kind",
                "metadata",
                "spec",
                "status",
                "containers",
                "state",
                "phase",
            ),
            *("event_type", "payload", "timestamp", "instance_id", "gpuHours", "start", "end"),
            *("name", "properties", "specversion", "type", "source", "count", "started_at"),
        ]
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
        max_leaves=30,
    )


def _fuzzed(code):
    kinds = [spoilt(GOOD[code]), st.binary(max_size=300), st.text(max_size=300).map(_bytes)]
    if code in JSON:
        kinds.append(_values().map(lambda value: json.dumps(value).encode()))
        kinds.append(st.builds(_in_place, st.just(TEXTS[code]), _values(), st.integers(0, 200)))
    return st.one_of(*kinds)


def _bytes(text):
    return text.encode("utf-8", "surrogatepass")


def _in_place(good, value, number):
    """Put a value of any kind where a good file has a text."""
    texts = good.split('"')
    place = 1 + 2 * (number % (len(texts) // 2))
    texts[place] = f"\0{texts[place]}\0"
    return (
        '"'.join(texts).replace('"\0' + texts[place][1:-1] + '\0"', json.dumps(value)).encode()
    )


EACH = pytest.mark.parametrize("code", sorted(CODES))
TEN_SECONDS = timedelta(seconds=10)
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]


def test_every_format_is_fuzzed():
    assert set(GOOD) == set(CODES)


@EACH
@settings(max_examples=15, deadline=TEN_SECONDS, suppress_health_check=UNHURRIED)
@given(data=st.data())
def test_no_file_crashes_an_adapter(code, data):
    content = data.draw(_fuzzed(code))
    named = outcome_of(content, code)
    # Without a name it is read by whoever recognises it, or refused.
    assert {named, outcome_of(content, "")} <= {"read", "refused"}


@pytest.mark.slow
@EACH
@settings(max_examples=800, deadline=TEN_SECONDS, suppress_health_check=UNHURRIED)
@given(data=st.data())
def test_ten_thousand_files_crash_no_adapter(code, data):
    content = data.draw(_fuzzed(code))

    assert outcome_of(content, code) in {"read", "refused"}


@pytest.mark.parametrize("code", JSON)
@pytest.mark.parametrize("marks", ["[", '{"a":', '[{"a":'])
def test_json_a_hundred_thousand_deep_is_refused(code, marks):
    for text in (
        marks * 100_000,
        '{"items": [' + marks * 100_000,
        '{"data": [{"a":' + marks * 100_000,
    ):
        with pytest.raises((JsonTooDeep, JsonBroken, FileUnreadable)) as refused:
            list(read_usage(io.BytesIO(text.encode()), code))
        assert str(refused.value)


def test_json_that_is_too_deep_is_told_with_its_line():
    with pytest.raises(JsonTooDeep) as refused:
        list(read_usage(io.BytesIO(b"[\n\n" + b"[" * 100_000), "CLOUDEVENTS"))

    assert refused.value.values == {"line": 3}


@pytest.mark.parametrize(
    "text", ['"' + "a" * 5_000_000, "{" + '"a": 1,' * 800_000, "1" * 5_000_000]
)
def test_a_json_record_of_megabytes_is_refused(text):
    with pytest.raises(JsonRecordTooLong):
        list(read_usage(io.BytesIO(f"[{text}]".encode()), "CLOUDEVENTS"))


@pytest.mark.parametrize(
    "number", ["1e400", "NaN", "-Infinity", "9" * 5_000, "1e999999999", "-8"]
)
@pytest.mark.parametrize("place", ["count", "key"])
def test_numbers_beyond_reason_are_errors_of_their_row_or_plain_text(number, place):
    event = json.dumps([samples.cloud_event(**{place: "HERE"})]).replace('"HERE"', number)

    parsed = read_usage(io.BytesIO(event.encode()), "CLOUDEVENTS")
    records = list(parsed)

    assert len(records) + len(parsed.errors) == 1
    assert place == "key" or [error.code for error in parsed.errors] == ["count_unreadable"]


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "\\u202e", "a\\nb"])
def test_half_characters_and_controls_are_errors_that_can_be_stored(text):
    event = json.dumps([samples.cloud_event(account="HERE")]).replace("HERE", text)

    parsed = read_usage(io.BytesIO(event.encode()), "CLOUDEVENTS")

    assert list(parsed) == []
    (error,) = parsed.errors
    assert error.code == "value_unprintable"
    assert error.value.encode()
    assert "\0" not in error.value


@pytest.mark.parametrize("code", TEXTS)
def test_a_nul_is_refused_with_its_line(code):
    with pytest.raises(FileNotText) as refused:
        list(read_usage(io.BytesIO(GOOD[code] + b"\n\x00"), code))

    assert refused.value.values["line"] >= 2


@pytest.mark.parametrize("code", TEXTS)
def test_a_bomb_is_refused_by_what_it_unpacks_to(code):
    bomb = gzip.compress(GOOD[code] + b" " * 20_000 + b"\n" * 30_000_000)
    assert len(bomb) < 60_000
    limits = Limits(bytes_max=10_000_000, rows_max=100_000_000)

    with pytest.raises(FileTooLarge):
        list(read_usage(io.BytesIO(bomb), code, limits=limits))
    with pytest.raises(FileTooLarge):
        list(read_usage(io.BytesIO(bomb), limits=limits))


# What makes a careless pattern look again and again: runs of what it may or may not take.
RUNS = [
    "a",
    "a=",
    "=",
    "1",
    "1:",
    "1-",
    "1+",
    "n/0+",
    "gpus=1",
    "rusage[",
    "-l ",
    ",",
    ";",
    '""',
    " ",
    "1*",
    "_",
]


@pytest.mark.parametrize("code", [code for code in TEXTS if code not in (*JSON, "OGF_UR")])
def test_a_line_as_long_as_allowed_takes_no_longer_than_its_length(code):
    lines = TEXTS[code].splitlines()
    row = lines[-1]
    began = time.monotonic()
    for run in RUNS:
        filled = (run * 60_000)[:60_000]
        spoiled = [filled, row + filled, row.replace("=", "=" + filled, 1)]
        outcome_of("\n".join([*lines, *spoiled, ""]).encode(), code)
        outcome_of("\n".join([*spoiled, ""]).encode(), "")
    assert time.monotonic() - began < 10


PADDING = "x" * 4_000


@pytest.mark.parametrize(
    ("code", "record", "opening", "closing"),
    [
        ("CLOUDEVENTS", {**samples.cloud_event(), "padding": PADDING}, "[", "]"),
        (
            "K8S_PODS",
            {**samples.pod(), "padding": PADDING},
            '{"kind": "PodList", "items": [',
            "]}",
        ),
        ("OPENCOST", samples.allocation(padding=PADDING), '{"data": [{"a":', "}]}"),
    ],
)
def test_json_is_read_in_flat_memory(code, record, opening, closing):
    separator = ',"a":' if code == "OPENCOST" else ","
    data = f"{opening}{separator.join([json.dumps(record)] * 4_000)}{closing}".encode()
    stream = io.BytesIO(data)
    assert len(data) > 16_000_000

    tracemalloc.start()
    accepted = sum(1 for _ in read_usage(stream, code))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert accepted == 4_000
    assert peak < 10_000_000


# libxml2's memory is not Python's, so that a process of its own says what it took at most.
READ_AND_MEASURE = """
import resource, sys
from django.conf import settings
settings.configure(USE_I18N=False)
from billing.usage.intake import read_usage
with open(sys.argv[1], "rb") as stream:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    accepted = sum(1 for _ in read_usage(stream, "OGF_UR"))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(accepted, (after - before) // 1024)
"""


def read_by_itself(path):
    """Return how many records a process of its own read, and the MiB that it took for that."""
    run = subprocess.run(
        [sys.executable, "-c", READ_AND_MEASURE, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    accepted, megabytes = map(int, run.stdout.split())
    return accepted, megabytes


def test_xml_is_read_in_flat_memory(tmp_path):
    path = tmp_path / "records.xml"
    other = f"<Other><Note>{PADDING}</Note></Other>"
    path.write_text(samples.usage_records(*[samples.usage_record() + other] * 8_000))
    assert path.stat().st_size > 32_000_000

    accepted, megabytes = read_by_itself(path)

    assert accepted == 8_000
    assert megabytes < 24


def test_xml_without_records_is_read_in_flat_memory(tmp_path):
    path = tmp_path / "nothing.xml"
    path.write_text(f'<a xmlns="{samples.CAR}">{"<b><c/></b>" * 3_000_000}<UsageRecord/></a>')

    accepted, megabytes = read_by_itself(path)

    assert accepted == 0
    assert megabytes < 24


def test_a_stream_that_never_ends_is_cut_off_by_its_limits():
    class Endless(io.RawIOBase):
        def seek(self, offset, whence=0):
            return 0

        def read(self, size=-1):
            return b'{"specversion": "1.0"}\n' * (size // 22)

    with pytest.raises((FileTooLarge, FileTooLong)):
        list(read_usage(Endless(), "CLOUDEVENTS", limits=Limits(bytes_max=20_000_000)))
