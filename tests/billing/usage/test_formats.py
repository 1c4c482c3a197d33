"""Each format is recognised by what is in the file, and what is no usage is told what it is."""

import gzip
import io

import pytest

from billing.usage.adapter import head_of
from billing.usage.formats import ADAPTERS, CODES
from billing.usage.intake import read_usage, recognise
from billing.usage.options import (
    ColumnsMissing,
    FileEmpty,
    FileNotText,
    FormatNotRecognised,
    NotUsage,
    PackingBroken,
)
from billing.usage.plain_csv import sample
from common.workbook import WorkbookBroken
from tests.billing.usage import samples
from tests.billing.usage.samples import GOOD, TEXTS


def stream(text):
    return io.BytesIO(text if isinstance(text, bytes) else text.encode())


def test_there_is_a_sample_of_every_format():
    assert set(GOOD) == set(CODES)
    assert len(CODES) == len(ADAPTERS)


@pytest.mark.parametrize("code", GOOD)
def test_a_format_is_recognised_by_its_content(code):
    assert recognise(stream(GOOD[code])) == code


@pytest.mark.parametrize("code", GOOD)
def test_what_is_recognised_is_read_and_said(code):
    parsed = read_usage(stream(GOOD[code]))

    records = list(parsed)

    assert parsed.format == code
    assert len(records) >= 1
    assert parsed.errors == []
    assert parsed.rows == parsed.accepted + sum(parsed.skipped.values())


@pytest.mark.parametrize("code", TEXTS)
def test_a_packed_file_and_one_with_a_mark_are_recognised_the_same(code):
    data = b"\xef\xbb\xbf" + GOOD[code]

    assert recognise(io.BytesIO(data)) == code
    assert recognise(io.BytesIO(gzip.compress(data))) == code
    assert list(read_usage(io.BytesIO(data))) == list(read_usage(stream(GOOD[code])))


@pytest.mark.parametrize("code", GOOD)
def test_no_other_format_claims_it(code):
    """A file is read by the first that recognises it, so that their order must not matter much."""
    head = head_of(stream(GOOD[code]))

    assert [one.code for one in ADAPTERS if one.recognises(head)] == [code]


def test_a_chinese_header_is_recognised():
    assert recognise(stream(sample("zh-hans"))) == "CSV"
    assert recognise(io.BytesIO(sample("zh-hans").encode("gb18030"))) == "CSV"


@pytest.mark.parametrize("code", [code for code in GOOD if code != "CSV"])
def test_a_record_is_known_again_and_its_key_fits(code):
    once, again = list(read_usage(stream(GOOD[code]))), list(read_usage(stream(GOOD[code])))

    assert once == again
    assert all(0 < len(record.key) <= 160 for record in once)
    assert len({record.key for record in once}) == len(once)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('# HELP a b\n# TYPE a gauge\na{gpu="0"} 1\n', "a page of telemetry (Prometheus)"),
        ('DCGM_FI_DEV_POWER_USAGE{gpu="0"} 69.85\n', "a page of telemetry (Prometheus)"),
        ("# Format\nDCGM_FI_DEV_SM_CLOCK, gauge, SM clock.\n", "a list of DCGM counters"),
        ("value,timestamp_anon,container_ip\n0,1,a\n", "a series of utilisation samples"),
        ("sn,cpu_milli,memory_mib,gpu,model\nn,1,1,2,P100\n", "a list of nodes"),
        ('{"items": [{"partNumber": "B1", "metricName": "GPU Per Hour"}]}', "a price list"),
    ],
)
def test_what_is_no_usage_is_told_what_it_is_and_where_it_belongs(text, what):
    with pytest.raises(NotUsage) as refused:
        list(read_usage(stream(text)))

    assert refused.value.values["what"] == what
    assert str(refused.value).endswith(".")


def test_what_nobody_knows_is_refused_naming_what_we_read():
    with pytest.raises(FormatNotRecognised) as refused:
        recognise(stream("Dear Sir or Madam,\nplease find attached\n"))

    assert all(str(adapter.title) in str(refused.value) for adapter in ADAPTERS)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", FileEmpty),
        (b" \n\n", FileEmpty),
        (b"PK\x03\x04\x00\x00", WorkbookBroken),
        ("{}".encode("utf-16"), FileNotText),
        (b"\x1f\x8bnot gzip at all", PackingBroken),
    ],
)
def test_what_is_no_text_is_refused_before_it_is_recognised(data, refusal):
    with pytest.raises(refusal):
        recognise(io.BytesIO(data))


def test_a_csv_of_ours_that_lacks_columns_is_told_which():
    with pytest.raises(ColumnsMissing) as refused:
        list(read_usage(stream("job_id,start,end\n1,2,3\n")))

    assert refused.value.values["missing"] == "voucher, resource, class, count, state"


def test_columns_that_are_named_make_it_a_csv():
    text = "who,when,until,cards\na,2026-11-02 08:00:00,2026-11-02 09:00:00,2\n"
    columns = {"account": "who", "start": "when", "end": "until", "count": "cards"}

    (record,) = read_usage(stream(text), columns=columns)

    assert record.quantity_ms == 2 * 3_600_000


def test_the_stream_may_stand_anywhere_before():
    file = stream(samples.PBS)
    file.read(40)

    assert recognise(file) == "PBS"
    assert len(list(read_usage(file))) == 1
