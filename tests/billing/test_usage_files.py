"""A usage file is kept once, looked over without a trace, and sent as it was shown."""

import io
import random
from datetime import date, timedelta

import pytest
from django.db import ProgrammingError, connection

from billing import actions
from billing.models import (
    Bill,
    ColumnMapping,
    FileCheck,
    KeptFile,
    KeptFilePart,
    UsageFile,
    UsageLine,
)
from billing.queries import columns_named, content_of
from billing.usage.intake import CHUNK_BYTES
from billing.usage.recognise import look_at
from ledger.actions import KeyReused
from ledger.queries import extent
from tests import cast
from tests.billing import stage
from tests.billing.closing import closed

pytestmark = pytest.mark.django_db

HEADER = "job_id,voucher,resource,class,count,start,end,state\n"
READING = actions.Reading(format="CSV", source="slurm")
COLUMNS = {"job_id": "j", "account": "a", "count": "n", "start": "s", "duration": "d"}


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def text_of(order, *days, count=2):
    rows = (
        f"job-{day},{order.code},GPU,H100,{count},2025-06-{day:02} 08:00:00,"
        f"2025-06-{day:02} 18:00:00,COMPLETED\n"
        for day in days
    )
    return HEADER + "".join(rows)


def keep(scene, data, *, key="keep", name="june.csv", provider=None):
    return actions.keep_usage_file(
        provider=provider or scene.seller.provider,
        name=name,
        stream=io.BytesIO(data if isinstance(data, bytes) else data.encode()),
        actor=scene.seller.person,
        at=stage.LATER,
        key=key,
    )


def check(scene, file, *, key="check", reading=READING):
    return actions.check_usage_file(
        file=file, reading=reading, actor=scene.seller.person, at=stage.LATER, key=key
    )


def send(scene, found, *, key="send", numbers=None, at=stage.LATER):
    named = {f"{one['programme']}/{one['month']}": "INV-1" for one in found.bills}
    return actions.send_checked_file(
        check=found,
        invoice_numbers=named if numbers is None else numbers,
        actor=scene.seller.person,
        at=at,
        key=key,
    )


def test_a_file_comes_back_byte_for_byte_however_long(scene):
    data = random.Random(7).randbytes(2 * CHUNK_BYTES + 17)

    file = keep(scene, data)

    assert content_of(file).read() == data
    assert (file.size, file.parts.count()) == (len(data), 3)


def test_the_same_bytes_are_kept_once_for_each_provider(scene):
    other = cast.make_provider(scene.authority, "Other Compute")

    files = [
        keep(scene, "a,b\n1,2\n", key="1"),
        keep(scene, "a,b\n1,2\n", key="2", name="again.csv"),
        keep(scene, "a,b\n1,2\n", key="3", provider=other.provider),
    ]

    assert files[0] == files[1] != files[2]
    assert KeptFile.objects.count() == KeptFilePart.objects.count() == 2


def test_asked_twice_a_file_is_kept_and_looked_over_once(scene, order):
    text = text_of(order, 10)

    files = [keep(scene, text) for _ in range(2)]
    checks = [check(scene, files[0]) for _ in range(2)]

    assert (files[0], checks[0]) == (files[1], checks[1])
    assert FileCheck.objects.count() == 1
    with pytest.raises(KeyReused):
        keep(scene, text + "\n")


def test_looking_over_tells_what_sending_gives_and_leaves_no_trace(scene, order):
    before = extent()
    text = text_of(order, 10, 11) + f"x,{order.code},GPU,H100,none,a,b,COMPLETED\n"

    found = check(scene, keep(scene, text))

    assert (found.rows, found.recorded, found.known_before, found.errors_total) == (3, 2, 0, 3)
    assert found.bills == [
        {
            "programme": scene.scheme.programme.code,
            "month": "2025-06",
            "lines": 2,
            "total": 1_000_00,
            "unit": "CNY",
        }
    ]
    assert not UsageLine.objects.exists()
    assert not UsageFile.objects.exists()
    assert not Bill.objects.exists()
    assert extent().transfers == before.transfers


def test_a_closed_month_is_told_and_its_lines_have_no_bill(scene, order):
    programme, july = scene.scheme.programme, f"j,{order.code},GPU,H100,2,2025-07-01 08:00:00,"
    text = text_of(order, 10) + july + "2025-07-01 18:00:00,COMPLETED\n"
    closed(scene, month=date(2025, 6, 1), at=stage.LATER, key="close")

    found = check(scene, keep(scene, text))

    told = {"programme": programme.code, "month": "2025-06"}
    assert found.warnings == [{"code": "period_closed", "values": told}]
    assert [(one["month"], one["lines"]) for one in found.bills] == [("2025-07", 1)]
    assert found.recorded == 2


def test_what_was_shown_is_what_is_recorded_and_billed(scene, order):
    found = check(scene, keep(scene, text_of(order, 10, 11)))

    report, bills = send(scene, found)

    assert (report.recorded, report.errors_total) == (2, 0)
    assert [(bill.total, bill.invoice_number) for bill in bills] == [(1_000_00, "INV-1")]
    assert report.file.sha256 == found.file.sha256
    stage.assert_in_step()


def test_asked_twice_a_file_is_sent_once(scene, order):
    found = check(scene, keep(scene, text_of(order, 10)))

    answers = [send(scene, found) for _ in range(2)]

    assert answers[0][1] == answers[1][1]
    assert (UsageLine.objects.count(), Bill.objects.count()) == (1, 1)
    with pytest.raises(KeyReused):
        send(scene, found, numbers=dict.fromkeys(named(found), "INV-2"))


def named(found):
    return [f"{one['programme']}/{one['month']}" for one in found.bills]


def test_without_a_bill_usage_is_recorded_alone(scene, order):
    found = check(scene, keep(scene, text_of(order, 10)))

    report, bills = send(scene, found, numbers={})

    assert (report.recorded, bills) == (1, [])


def test_what_cannot_be_billed_is_not_recorded_either(scene, order):
    found = check(scene, keep(scene, text_of(order, 10)))

    with pytest.raises(actions.InvoiceNumberMissing):
        send(scene, found, numbers=dict.fromkeys(named(found), " "))

    assert not UsageLine.objects.exists()
    assert not UsageFile.objects.exists()


def test_each_month_is_a_bill_in_the_programmes_own_days(scene, order):
    """The last hours of June in Shanghai are July's there, and not yet in UTC."""
    rows = (
        f"a,{order.code},GPU,H100,1,2025-06-30 15:00:00,2025-06-30 16:00:00,COMPLETED\n"
        f"b,{order.code},GPU,H100,1,2025-06-30 16:00:00,2025-06-30 17:00:00,COMPLETED\n"
    )

    found = check(scene, keep(scene, HEADER + rows))

    assert [(one["month"], one["lines"]) for one in found.bills] == [
        ("2025-06", 1),
        ("2025-07", 1),
    ]


def test_columns_are_named_once_and_the_newest_naming_counts(scene):
    provider = scene.seller.provider
    looked = look_at(io.BytesIO(b"j,a,n,s,d,x\n1,2,3,4,5,6\n"))

    def name(columns, key):
        return actions.name_columns(
            provider=provider,
            looked=looked,
            columns=columns,
            actor=scene.seller.person,
            at=stage.LATER,
            key=key,
        )

    first = [name(COLUMNS, "1") for _ in range(2)]
    second = name({**COLUMNS, "class": "x"}, "2")

    assert first[0] == first[1]
    assert columns_named(provider, looked.fingerprint) == second
    assert ColumnMapping.objects.count() == 2
    with pytest.raises(KeyReused):
        name({**COLUMNS, "class": "x"}, "1")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"job_id": ""}, "job_id"),
        ({"duration": ""}, "end"),
        ({"account": "nowhere"}, "account"),
        ({"account": "j"}, "job_id, account"),
    ],
)
def test_a_naming_that_cannot_be_read_by_is_refused_and_not_kept(scene, change, missing):
    looked = look_at(io.BytesIO(b"j,a,n,s,d,x\n1,2,3,4,5,6\n"))

    with pytest.raises(actions.ColumnsNotNamed) as refusal:
        actions.name_columns(
            provider=scene.seller.provider,
            looked=looked,
            columns={**COLUMNS, **change},
            actor=scene.seller.person,
            at=stage.LATER,
            key="name",
        )

    assert refusal.value.values["missing"] == missing
    assert not ColumnMapping.objects.exists()


def test_a_file_with_named_columns_is_read_by_them(scene, order):
    text = f"j,a,n,s,d\nt-1,{order.code},2,2025-06-10 08:00:00,3600\n"
    reading = actions.Reading(format="CSV", source="other", columns=COLUMNS)

    report, _bills = send(scene, check(scene, keep(scene, text), reading=reading))

    line = UsageLine.objects.get()
    assert (report.recorded, line.quantity_ms, line.ended_at - line.started_at) == (
        1,
        7_200_000,
        timedelta(hours=1),
    )


@pytest.mark.parametrize(
    "table", ["billing_keptfile", "billing_keptfilepart", "billing_filecheck"]
)
def test_what_came_and_what_was_found_stays(scene, order, table):
    check(scene, keep(scene, text_of(order, 10)))

    with (
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        cursor.execute(f"delete from {table}")
