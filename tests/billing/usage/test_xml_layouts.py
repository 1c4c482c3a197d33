"""Records read by their layout are those that the parser reads, wherever they stand."""

import io
from contextlib import nullcontext
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage import usage_record_xml, xml_stream
from billing.usage.intake import read_usage
from billing.usage.options import FileUnreadable, XmlBroken
from tests.billing.usage.samples import CAR, usage_record, usage_records

GPU = '<Processors urf:type="gpu">1</Processors>'


def record(**said):
    return usage_record(**{"processors": GPU, "wall": "PT60S", **said})


def outcome_of(text, *, quickly, **options):
    """Return all that comes of a document, by layouts or by the parser alone."""
    read = usage_record_xml.records_in
    alone = patch.object(
        usage_record_xml, "records_in", lambda bytes, names, _quick: read(bytes, names)
    )
    try:
        with nullcontext() if quickly else alone:
            parsed = read_usage(io.BytesIO(text), "OGF_UR", **options)
            return list(parsed), parsed.errors, parsed.skipped
    except FileUnreadable as refused:
        # Which line it is depends on how much of the document the parser is given at a time.
        return type(refused), sorted(refused.values)


def numbered(count, **said):
    return [record(job=str(number), **said) for number in range(count)]


PLAIN = numbered(3)
OTHERS = [
    record(job="é"),
    record(job="a&amp;b"),
    record(job="<![CDATA[7]]>"),
    record(job="7<!-- 8 -->"),
    record(job="a b"),
    record(job=""),
    record(job="x" * 61),
    record(job="]]>"),
    record(job="7 "),
    record(job="\n7\n"),
    record(status=""),
    record(status="started"),
    record(status="?"),
    record(wall="P1D"),
    record(wall="PT3601S"),
    record(wall="PT99999999S"),
    record(start="2026-11-31T08:00:00Z"),
    record(start="2026-11-02T08:00:00+08:00"),
    record(end="2026-11-02T07:00:00Z"),
    record(processors=GPU * 2),
    record(processors=""),
    record(processors="<Processors>4</Processors>"),
    record(processors='<Processors urf:type="gpu">0</Processors>'),
    record(processors="<Processors urf:type='gpu'>2</Processors>"),
    record().replace("<UsageRecord>", '<UsageRecord a="1">'),
    record().replace("<UsageRecord>", '<UsageRecord a="2">'),
    record().replace("<UsageRecord>", '<UsageRecord a="&lt;">'),
    record().replace("<UsageRecord>", '<UsageRecord a="1" a="2">'),
    record().replace("<UsageRecord>", '<UsageRecord xmlns="http://x/storagerecord">'),
    record().replace("</UsageRecord>", "</UsageRecord >"),
    record().replace("><", ">\n  <"),
    f"<Group>{record()}{record()}</Group>",
    f'<Group xmlns="http://x/storagerecord">{record()}{record()}</Group>',
    f"<UsageRecord>{record()}</UsageRecord>",
    f"<!-- {record()} {record()} -->",
    f"<!-- {record()}",
    f"{record()} -->",
    f"<![CDATA[{record()}{record()}]]>",
    f"<?x {record()} ?>",
    f"<a>{record()}",
    f"{record()}</a>",
    "</UsageRecords>",
    '</UsageRecords><UsageRecords xmlns="x">',
    "<UsageRecord/>",
    "<SummaryRecord><Month>1</Month></SummaryRecord>",
    "<JobUsageRecord><LocalJobId>1</LocalJobId></JobUsageRecord>",
    "text",
    "&amp;",
    "&unknown;",
    "<",
    "<!DOCTYPE x>",
    "\x00",
    "\x0b",
    "\xa0",
    " " * 70_000,
    f"<!--{' ' * 70_000}-->",
]
PARTS = st.lists(st.one_of(st.sampled_from(PLAIN), st.sampled_from(OTHERS)), max_size=8)


@given(
    PARTS,
    st.sampled_from(["\n", "", "\r\n  "]),
    st.sampled_from([None, "CPU"]),
    st.sampled_from(["", "north"]),
    st.integers(0, 40),
)
@settings(max_examples=1_500, deadline=None)
@example([f"<!-- {record()}", record(), record(), f"{record()} -->", record()], "", None, "", 0)
@example([*PLAIN, "</UsageRecords>", *PLAIN], "", None, "", 0)
@example(
    [*PLAIN, f'<G xmlns="http://x/storagerecord">{record()}{record()}</G>'], "", None, "", 0
)
def test_a_document_says_the_same_by_layouts_and_by_the_parser_alone(
    parts, between, resource, cluster, cut
):
    text = usage_records(*PLAIN, *parts, *PLAIN).replace("\n", between).encode()
    text = text[: len(text) - cut]
    options = {"resource": resource, "cluster": cluster}

    assert outcome_of(text, quickly=True, **options) == outcome_of(
        text, quickly=False, **options
    )


@pytest.mark.parametrize("prefix", ["", "urf:"])
def test_records_laid_out_alike_are_read_without_the_parser(prefix):
    text = usage_records(*numbered(3_000))
    if prefix:
        text = text.replace("<UsageRecord>", "<urf:UsageRecord>")
        text = text.replace("</UsageRecord>", "</urf:UsageRecord>")
    fed = []
    feed = xml_stream._Walk.feed

    def watched(walk, data):
        fed.append(len(data))
        yield from feed(walk, data)

    with patch.object(xml_stream._Walk, "feed", watched):
        parsed = read_usage(io.BytesIO(text.encode()), "OGF_UR")
        rows = [one.row for one in parsed]

    assert rows == list(range(1, 3_001))
    # The first two, with what stands before them, and the end.
    assert sum(fed) < 3 * len(record()) + 300


def test_what_breaks_off_behind_thousands_of_plain_records_is_refused_with_its_line():
    lines = usage_records(*numbered(3_000)).splitlines()
    text = "\n".join([*lines[:2_002], "<a>", *lines[2_002:]]).encode()

    with pytest.raises(XmlBroken) as refused:
        list(read_usage(io.BytesIO(text), "OGF_UR"))

    assert refused.value.values["line"] == len(lines) + 1


@pytest.mark.parametrize("encoding", ["IBM037", "UTF-7", "ISO-2022-JP"])
def test_in_an_encoding_in_which_bytes_mean_something_else_the_parser_reads_alone(encoding):
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><UsageRecords xmlns="{CAR}" xmlns:urf="x">'
    )
    text += "".join(numbered(5)) + "</UsageRecords>"

    assert outcome_of(text.encode(), quickly=True) == outcome_of(text.encode(), quickly=False)
