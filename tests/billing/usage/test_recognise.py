"""What a file is, is told from its first line; what its columns mean is guessed, never assumed."""

import gzip
import io

import pytest

from billing.usage.options import ColumnsRepeated, FileCutOff, FileEmpty, FormatNotRecognised
from billing.usage.plain_csv import sample
from billing.usage.recognise import guessed, look_at
from tests.billing.usage.workbooks import HEADER, ROW, workbook
from tests.real_data import shared

SACCT = (
    "JobID|JobIDRaw|Cluster|Account|Start|End|State|AllocTRES\n1|1|c|a|x|y|COMPLETED|cpu=1\n"
)


def look(text):
    return look_at(io.BytesIO(text.encode() if isinstance(text, str) else text))


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (sample(), "CSV"),
        (sample("zh-hans"), "CSV"),
        (sample("zh-hans").encode("gb18030"), "CSV"),
        (sample().replace(",", ";"), "CSV"),
        (gzip.compress(sample().encode()), "CSV"),
        (SACCT, "SACCT"),
        ("|".join(["7"] * 27), "SACCT"),
        ("when,secs,n\n1,2,3\n", None),
        ("a|b|c\n1|2|3\n", None),
    ],
)
def test_a_file_is_recognised_by_its_first_line(data, format):
    assert look(data).format == format


def test_a_workbook_is_recognised_with_its_sheet():
    looked = look_at(workbook(HEADER, ROW))

    assert (looked.format, looked.sheet, looked.header) == ("CSV", "June", tuple(HEADER))


def test_unknown_columns_are_shown_with_the_first_five_rows():
    looked = look("when,secs,n\n" + "".join(f"t{n},60,1\n" for n in range(9)))

    assert looked.header == ("when", "secs", "n")
    assert [row[0] for row in looked.rows] == ["t0", "t1", "t2", "t3", "t4"]


def test_a_header_has_one_fingerprint_in_any_order_and_writing():
    one, other = look("When,Job ID,n\n1,2,3\n"), look("n;ｗｈｅｎ;job_id\n1;2;3\n")

    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != look("when,job_id,m\n1,2,3\n").fingerprint


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"\n \n", FileEmpty),
        (b"hello\n", FormatNotRecognised),
        (b",".join([b"x"] * 500), FormatNotRecognised),
        (gzip.compress(sample().encode())[:-20], FileCutOff),
        (sample().replace("class", "gpus").encode(), ColumnsRepeated),
    ],
)
def test_what_is_no_table_is_refused_in_words(data, refusal):
    with pytest.raises(refusal) as refused:
        look(data)

    assert str(refused.value)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            ["timestamp", "duration", "num_gpus", "gpu_time", "cluster"],
            {
                "start": "timestamp",
                "duration": "duration",
                "count": "num_gpus",
                "account": "cluster",
            },
        ),
        (
            ["任务编号", "租户", "开始时间", "结束时间", "卡数", "型号"],
            {
                "job_id": "任务编号",
                "account": "租户",
                "start": "开始时间",
                "end": "结束时间",
                "count": "卡数",
                "class": "型号",
            },
        ),
        (["a", "b"], {}),
    ],
)
def test_columns_are_guessed_by_their_names_each_once(header, expected):
    assert guessed(header) == expected


@pytest.mark.real_data
def test_real_job_lists_are_recognised_or_asked_about():
    asked = look_at(io.BytesIO(shared("usage/philly_jobs_7vc.csv.gz").read_bytes()))
    known = look_at(io.BytesIO(shared("usage/xdmod_pozidriv_sacct.log.gz").read_bytes()))

    assert asked.format == "PHILLY"
    assert known.format == "SACCT"
