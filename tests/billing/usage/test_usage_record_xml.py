"""XML usage records are metered for their wall time, and nothing in the XML is obeyed."""

import io

import pytest

from billing.usage.cells import CellProblem
from billing.usage.intake import Limits, read_usage
from billing.usage.options import FileTooLong, XmlBroken, XmlDeclaresEntities, XmlRecordTooLong
from billing.usage.usage_record_xml import read_duration
from tests.billing.usage.samples import CAR, usage_record, usage_records
from tests.real_data import shared


def parse(text, **options):
    parsed = read_usage(io.BytesIO(text.encode()), "OGF_UR", **options)
    return list(parsed), parsed


def test_a_record_is_its_gpu_processors_for_its_wall_time():
    (record,), parsed = parse(usage_records(usage_record()))

    assert (record.resource, record.count_thousandths) == ("GPU", 2_000)
    assert record.quantity_ms == 2 * 3_600_000
    assert record.key == "north/7005/2026-11-02T08:00:00Z"
    assert (record.account, record.state, record.row) == ("V-1", "COMPLETED", 1)
    assert parsed.errors == []


def test_processors_that_do_not_say_gpu_are_cores():
    (record,), _ = parse(usage_records(usage_record(processors="<Processors>8</Processors>")))

    assert (record.resource, record.count_thousandths) == ("CPU", 8_000)


def test_a_wall_time_below_the_interval_is_what_counts():
    (record,), _ = parse(usage_records(usage_record(wall="PT30M")))

    assert record.quantity_ms == 2 * 1_800_000
    assert record.ended_at.isoformat() == "2026-11-02T08:30:00+00:00"


def test_a_wall_time_beyond_the_interval_is_told():
    records, parsed = parse(usage_records(usage_record(), usage_record(wall="P1D")))

    assert len(records) == 1
    assert [(e.row, e.column, e.code) for e in parsed.errors] == [
        (2, "WallDuration", "wall_too_long")
    ]


@pytest.mark.parametrize(
    ("status", "reason"), [("started", "not_ended"), ("queued", "pending"), ("held", "pending")]
)
def test_a_job_that_has_not_ended_is_skipped(status, reason):
    _, parsed = parse(usage_records(usage_record(status=status)))

    assert parsed.skipped == {reason: 1}


def test_sums_and_storage_are_skipped_by_reason():
    text = usage_records(
        usage_record(),
        "<SummaryRecord><Month>1</Month></SummaryRecord>",
        '<s:StorageUsageRecord xmlns:s="http://eu-emi.eu/namespaces/2011/02/storagerecord"/>',
    )

    records, parsed = parse(text)

    assert len(records) == 1
    assert parsed.skipped == {"summary": 1, "storage": 1}


def test_all_that_is_wrong_is_told_by_record():
    _, parsed = parse(
        usage_records(
            usage_record(start="soon", wall="an hour", processors="<Processors>x</Processors>"),
            usage_record(status="exploded"),
            usage_record(end="2026-11-02T07:00:00Z"),
            usage_record(job=""),
        )
    )

    assert [(e.row, e.column, e.code) for e in parsed.errors] == [
        (1, "Processors", "count_unreadable"),
        (1, "StartTime", "time_unreadable"),
        (1, "WallDuration", "seconds_unreadable"),
        (2, "Status", "state_unknown"),
        (3, "EndTime", "ends_before_start"),
        (4, "LocalJobId", "value_missing"),
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT0S", 0), ("P1D", 86_400), ("PT4.9S", 4), ("P1DT2H3M4S", 93_784), ("", 0)],
)
def test_durations_are_whole_seconds(text, seconds):
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["P", "PT", "P1DT", "P1Y", "1D", "PT1H ", "P9999D"])
def test_durations_that_are_none_are_refused(text):
    with pytest.raises(CellProblem):
        read_duration(text)


LAUGHS = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://localhost:1/x.dtd">',
        "<!DOCTYPE x>",
        f'<!--{"-" * 0}{"x" * 70_000}--><!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
    ],
)
@pytest.mark.parametrize("format", ["OGF_UR", ""])
def test_a_document_type_is_refused_before_it_means_anything(doctype, format):
    text = f'{doctype}<UsageRecords xmlns="{CAR}">{usage_record(job="&l11;")}</UsageRecords>'

    with pytest.raises((XmlDeclaresEntities, XmlBroken)) as refused:
        list(read_usage(io.BytesIO(text.encode()), format or "OGF_UR"))

    assert str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        usage_records(usage_record())[:-30],
        usage_records(usage_record()).replace("</Status>", "</Statu>"),
        f'<a xmlns="{CAR}">' + "<b>" * 100_000,
        f'<a xmlns="{CAR}"><UsageRecord a="1" a="2"/></a>',
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_line(text):
    with pytest.raises(XmlBroken) as refused:
        parse(text)

    assert refused.value.values["line"] >= 1


def test_a_record_without_end_is_refused():
    with pytest.raises(XmlRecordTooLong):
        parse(f'<a xmlns="{CAR}"><UsageRecord>' + "<b/>" * 5_000 + "</UsageRecord></a>")


def test_more_records_than_the_limit_are_refused():
    with pytest.raises(FileTooLong):
        parse(usage_records(*[usage_record()] * 4), limits=Limits(rows_max=3))


@pytest.mark.real_data
def test_apels_records_are_read():
    records, parsed = parse(shared("usage/apel_car_usage_records.xml").read_text("utf-8"))

    assert [(r.key, r.state, r.quantity_ms, r.account) for r in records] == [
        ("zam052v15.zam.kfa-juelich.de/7005/2013-02-22T14:58:45Z", "COMPLETED", 0, "users"),
        ("pgs03.grid.upjs.sk/jobid10/2013-02-09T15:09:16Z", "COMPLETED", 4_000, "gridtest"),
    ]
    # A day of wall time between two equal instants contradicts itself.
    assert [(e.row, e.code) for e in parsed.errors] == [(3, "wall_too_long")]


@pytest.mark.real_data
def test_apels_summaries_are_told_as_sums():
    records, parsed = parse(shared("usage/apel_aur_usage_records.xml").read_text("utf-8"))

    assert (records, parsed.errors, parsed.skipped) == ([], [], {"summary": 2})


def test_a_name_of_nobodys_namespace_is_refused_in_words():
    # The parser gives the name away before it finds it wrong.
    text = usage_records(usage_record()).replace("UsageRecords", "U9999-12-31T23:59:59ZRecords")

    with pytest.raises(XmlBroken):
        parse(text)


def test_a_record_alone_in_its_document_is_read():
    names = f'<UsageRecord xmlns="{CAR}" xmlns:urf="{CAR}">'
    (record,), _ = parse(usage_record().replace("<UsageRecord>", names))

    assert (record.account, record.count_thousandths) == ("V-1", 2_000)


def test_a_record_within_a_record_is_a_part_of_it():
    outer = usage_record().replace("</UsageRecord>", f"{usage_record(job='8')}</UsageRecord>")
    records, _ = parse(usage_records(outer, usage_record(job="9")))

    assert [r.key.split("/")[1] for r in records] == ["7005", "9"]


def test_records_of_several_depths_are_read_in_their_order():
    text = usage_records(
        usage_record(job="1"),
        f"<Group><Group>{usage_record(job='2')}</Group>{usage_record(job='3')}</Group>",
        usage_record(job="4"),
    )

    assert [r.key.split("/")[1] for r in parse(text)[0]] == ["1", "2", "3", "4"]
