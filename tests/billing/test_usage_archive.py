"""Months that nobody decides any more lie in files: nothing is lost, counted twice or forgotten."""

import os
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from billing import actions
from billing.actions import archive as archiving
from billing.models import (
    ArchivedSum,
    BillLine,
    MeteredUse,
    UsageArchive,
    UsageKey,
    UsageLine,
    UsageSum,
)
from billing.queries.archive import (
    ArchiveMissing,
    archived_lines,
    lines_in,
    months_to_archive,
    with_archived,
)
from ledger.models import Act
from tests import cast
from tests.billing import stage
from tests.billing.closing import closed
from vouchers.queries import order_use

pytestmark = pytest.mark.django_db

JUNE = date(2025, 6, 1)
# Three years after June, and some days.
AT = datetime(2028, 7, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.USAGE_ARCHIVE_FOLDER = str(tmp_path / "it's an archive")
    return tmp_path / "it's an archive"


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


@pytest.fixture
def decided(scene, order):
    """Two lines of June, billed and settled."""
    stage.use(scene.seller, order, hours=10, key='job "1",\\N')
    stage.use(scene.seller, order, hours=3, gpus=2, key="任务-2")
    bill = stage.bill(scene)
    stage.settle(bill)
    return bill


def run(statement, *values):
    """Run a statement as the portal, alone."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values or None)


def archive(at=AT):
    return actions.archive_month(month=JUNE, at=at)


def every(line):
    return {
        field.column: getattr(line, field.attname) for field in UsageLine._meta.concrete_fields
    }


def test_a_month_goes_into_a_file_and_comes_back_line_by_line(scene, decided, folder):
    before = [every(line) for line in UsageLine.objects.order_by("pk")]

    made = archive()

    assert (made.month, made.part) == (JUNE, 1)
    assert made.file == f"usage-2025-06.1-{made.sha256[:12]}.parquet"
    assert (made.lines, made.quantity_ms, made.amount) == (2, 16 * stage.HOUR, 400_00)
    assert [path.name for path in folder.iterdir()] == [made.file]
    assert made.sha256 == archiving.fingerprint(folder / made.file)
    assert made.bytes == (folder / made.file).stat().st_size
    assert not UsageLine.objects.exists()
    found = lines_in(stage.JUNE - timedelta(days=1), stage.JULY)
    assert [every(line) for line in found] == before
    numbers = [line["id"] for line in before]
    assert every(archived_lines(numbers)[numbers[1]]) == before[1]
    act = Act.objects.get(pk=made.act_id)
    assert (act.kind, act.about) == ("archive_usage", "usage:2025-06")


def test_lines_are_asked_for_by_instant_and_column_wherever_they_lie(scene, order, decided):
    archive()
    late = stage.START + timedelta(days=30)
    stage.use(scene.seller, order, hours=1, key="july", started=late)

    def keys(from_at, until_at, **wanted):
        return [line.key for line in lines_in(from_at, until_at, **wanted)]

    assert keys(stage.START, late + timedelta(days=1)) == ['job "1",\\N', "任务-2", "july"]
    assert keys(stage.START, late) == ['job "1",\\N', "任务-2"]
    assert keys(stage.START + timedelta(seconds=1), late + timedelta(1)) == ["july"]
    assert keys(stage.START, late, voucher_id=scene.voucher.pk + 1) == []


def test_what_lines_came_to_stays_and_says_the_same(scene, order, decided):
    sums = list(UsageSum.objects.order_by("month").values())
    use = order_use(order)
    metered = (scene.voucher.pk, 16 * stage.HOUR, stage.START)

    def of_voucher():
        rows = list(MeteredUse.objects.filter(voucher=scene.voucher))
        return (
            rows[0].voucher_id,
            sum(row.quantity_ms for row in rows),
            min(row.started_at for row in rows),
        )

    assert of_voucher() == metered
    archive()

    assert list(UsageSum.objects.order_by("month").values()) == sums
    assert order_use(order) == use
    assert of_voucher() == metered
    assert UsageKey.objects.count() == 2
    # As of before they were recorded there was nothing.
    assert not MeteredUse.objects.filter(recorded_at__lt=stage.LATER).exists()


def test_a_repeat_in_an_archived_month_is_refused(scene, order, decided):
    archive()

    again = stage.record(scene.seller, stage.a_record(order.code, "任务-2", hours=3, gpus=2))

    assert [error.code for error in again.errors] == ["recorded_and_archived"]
    assert (again.recorded, again.known_before) == (0, 0)
    assert not UsageLine.objects.exists()


def test_a_line_that_comes_late_makes_another_part(scene, order, decided, folder):
    archive()
    stage.use(scene.seller, order, hours=1, key="late")
    bill = stage.bill(scene, invoice="INV-2")
    stage.settle(bill)

    second = archive()

    assert (second.part, second.lines) == (2, 1)
    assert len(list(folder.iterdir())) == 2
    assert [line.key for line in lines_in(stage.JUNE, stage.JULY)] == [
        'job "1",\\N',
        "任务-2",
        "late",
    ]
    assert archive() is None


def test_a_month_with_a_partition_of_its_own_keeps_it_for_what_comes_late(scene, decided):
    """As if the months had been made before June."""
    month = datetime.now(UTC).replace(day=1) - timedelta(days=150)
    place = f"billing_usageline_{month:%Y_%m}"
    start = month.replace(day=3, hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into billing_usageline (id, key, started_at, ended_at, source, resource,"
            " resource_class, count_thousandths, quantity_ms, state, recorded_at, act_id, file_id,"
            " order_id, provider_id, voucher_id, rate, amount)"
            " select billing_usage_month(%s)::bigint << 48 | 7, 'idle', %s, %s, source, resource,"
            " resource_class, 0, 0, state, recorded_at, act_id, file_id, order_id,"
            " provider_id, voucher_id, rate, 0 from billing_usageline order by id limit 1",
            [start, start, start],
        )
    made = actions.archive_month(month=start.date().replace(day=1), at=AT)

    assert (made.lines, made.quantity_ms) == (1, 0)
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s)::text", [place])
        assert cursor.fetchone() == (place,)
    assert UsageLine.objects.count() == 2


@pytest.mark.parametrize("state", ["unbilled", "sent", "objected", "part unbilled"])
def test_a_month_with_something_undecided_stays(scene, order, folder, state):
    stage.use(scene.seller, order, hours=10)
    if state == "sent":
        stage.bill(scene)
    if state == "objected":
        bill = stage.bill(scene)
        actions.object_to_line(
            line=bill.lines.get(),
            note="Not ours.",
            actor=scene.applicant.person,
            at=stage.LATER,
            key="no",
        )
        stage.settle(bill)
    if state == "part unbilled":
        period = (stage.JUNE, stage.START + timedelta(hours=4))
        stage.settle(stage.bill(scene, period=period))

    with pytest.raises(actions.MonthNotDecided, match="1 usage lines of 2025-06"):
        archive()

    assert UsageLine.objects.count() == 1
    assert not UsageArchive.objects.exists()
    assert not folder.exists()


def test_a_closed_period_lets_unbilled_use_go(scene, order):
    stage.use(scene.seller, order, hours=10)
    closed(scene, month=JUNE, at=stage.LATER, key="close")

    assert archive().lines == 1


def test_a_file_that_is_not_true_takes_nothing_with_it(decided, folder, monkeypatch):
    true = archiving._copy_out

    def lossy(rows, low, high):
        true(rows, low, high)
        rows.write_bytes(rows.read_bytes().replace(b"COMPLETED", b"FAILED", 1))

    monkeypatch.setattr(archiving, "_copy_out", lossy)
    with pytest.raises(actions.ArchiveNotTrue), transaction.atomic():
        archive()

    assert UsageLine.objects.count() == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("step", ["replace", "begin", "fingerprint"])
def test_stopped_between_any_two_steps_it_loses_nothing_and_goes_again(
    decided, folder, monkeypatch, step
):
    def stop(*_given, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if step == "replace":
            patched.setattr(archiving.Path, "replace", stop)
        else:
            patched.setattr(archiving, step, stop)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            archive()
    assert UsageLine.objects.count() == 2
    assert not UsageArchive.objects.exists()
    begun = f".{connection.settings_dict['NAME']}-usage-2025-06.1"
    for kind in ("csv", "parquet"):
        (folder / f"{begun}.{kind}").write_bytes(b"what a kill left")

    made = archive()
    assert made.lines == 2
    assert os.listdir(folder) == [made.file]
    assert len(list(lines_in(stage.JUNE, stage.JULY))) == 2


def test_the_database_lets_go_of_nothing_but_what_the_file_holds(decided):
    asked = "select billing_archive_usage('2025-06-01', 1, 'x', 1, 'x', %s, %s, %s, %s, %s, %s)"
    with connection.cursor() as cursor:
        cursor.execute("select (billing_usage_seal(0, 9223372036854775807)).*")
        seal = cursor.fetchone()
    act = Act.objects.latest("id").pk
    for wrong in range(4):
        given = [int(value) + (place == wrong) for place, value in enumerate(seal)]
        with pytest.raises(DatabaseError, match="does not hold"):
            run(asked, *given, act, AT)
    early = datetime(2025, 8, 1, tzinfo=UTC)
    with pytest.raises(DatabaseError, match="too new"):
        run(asked, *seal, act, early)
    assert UsageLine.objects.count() == 2


def test_the_portal_writes_no_line_of_the_manifest_itself(decided):
    archive()
    for statement in (
        "delete from billing_usagearchive",
        "update billing_usagearchive set file = 'x'",
        "insert into billing_archivedsum select * from billing_archivedsum",
    ):
        with pytest.raises(DatabaseError, match="permission denied"):
            run(statement)
    assert ArchivedSum.objects.get().lines == 2


def test_only_months_whose_days_are_over_are_archived(decided, settings):
    settings.USAGE_ARCHIVED_AFTER_DAYS = 1_096
    end = datetime(2025, 7, 1, tzinfo=UTC) + timedelta(days=1_096)

    assert months_to_archive(end - timedelta(seconds=1)) == []
    assert actions.archive_usage(at=end - timedelta(seconds=1)) == []
    assert months_to_archive(end) == [JUNE]
    assert [made.month for made in actions.archive_usage(at=end)] == [JUNE]
    assert actions.archive_usage(at=end) == []


def test_the_command_says_what_it_would_do_and_does_it(scene, order, decided, capsys, settings):
    settings.USAGE_ARCHIVED_AFTER_DAYS = 100
    stage.use(scene.seller, order, hours=1, key="open", started=stage.START + timedelta(30))

    call_command("archive_usage", "--dry-run")
    said = capsys.readouterr().out
    assert "2025-06: would be archived" in said
    assert "2025-07: stays, 1 lines are not billed or not decided" in said
    assert UsageLine.objects.count() == 3

    call_command("archive_usage")
    said = capsys.readouterr().out
    assert "2025-06: 2 lines are in " in said
    assert "2025-07: 1 usage lines of 2025-07 are not billed" in said
    assert UsageLine.objects.count() == 1


def test_bill_lines_find_their_usage_in_the_archive(decided):
    archive()
    lines = list(BillLine.objects.select_related("usage_line").order_by("row"))
    assert [line.usage_line for line in lines] == [None, None]

    with_archived(lines)

    assert {line.usage_line.key for line in lines} == {'job "1",\\N', "任务-2"}


def test_a_file_that_is_gone_is_told_of_in_words(decided, folder):
    made = archive()
    (folder / made.file).unlink()

    with pytest.raises(ArchiveMissing, match=r"\.parquet is not in its folder"):
        list(lines_in(stage.JUNE, stage.JULY))


def test_the_file_is_one_that_others_read(decided, folder):
    made = archive()
    found = duckdb.execute(
        "select count(*), sum(quantity_ms), min(started_at) from read_parquet(?)",
        [str(folder / made.file)],
    ).fetchone()
    assert found == (2, 16 * stage.HOUR, stage.START.replace(tzinfo=None))


def test_what_is_archived_is_not_billed_again(scene, decided):
    archive()

    with pytest.raises(actions.LineArchived, match="Line 2: the use “任务-2” was decided"):
        stage.bill(scene, stage.a_line("unknown"), stage.a_line("任务-2"), invoice="INV-2")

    assert not decided.programme.bills.exclude(pk=decided.pk).exists()


def test_a_device_is_in_use_in_the_archive_too(scene, order):
    gpu = "GPU-1"
    one = stage.a_record(order.code, "a", hours=10)._replace(device=gpu)
    stage.record(scene.seller, one)
    stage.settle(stage.bill(scene))
    archive()

    late = stage.a_record(order.code, "b", hours=1)._replace(device=gpu)
    report = stage.record(scene.seller, late)

    (error,) = report.errors
    assert error.code == "device_in_use_archived"
    assert "GPU-1 was in use until 2025-06-10 18:00:00 UTC for a run that" in str(error.problem)
    assert not UsageLine.objects.exists()
