"""Usage lines lie by month, each named once in any of them, and their sums are always theirs."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import actions
from billing.models import UsageKey, UsageLine, UsageSum
from billing.models.usage import first_line_of_month
from billing.queries import lines_of_use
from billing.usage.record import RUN_DAYS_MAX
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def rows(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def places():
    return dict(rows("select key, tableoid::regclass::text from billing_usageline"))


def partitions():
    found = rows(
        "select inhrelid::regclass::text from pg_inherits"
        " where inhparent = 'billing_usageline'::regclass"
    )
    return {name for (name,) in found}


def this_month():
    return datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def copy_to(key, started):
    """Lay a copy of the line of `job-1` down at another instant, as no action would."""
    rows(
        "insert into billing_usageline (id, key, started_at, ended_at, source, resource,"
        " resource_class, count_thousandths, quantity_ms, state, recorded_at, act_id, file_id,"
        " order_id, provider_id, voucher_id, rate, amount)"
        " select billing_usage_month(%s)::bigint << 48 | (select count(*) from"
        " billing_usageline), %s, %s, %s, source, resource, resource_class, count_thousandths,"
        " quantity_ms, state, recorded_at, act_id, file_id, order_id, provider_id, voucher_id,"
        " rate, amount from billing_usageline where key = 'job-1' returning id",
        started,
        key,
        started,
        started + timedelta(hours=2),
    )


def test_a_line_lies_in_the_month_in_which_it_started(scene, order):
    month = this_month()
    stage.record(scene.seller, stage.a_record(order.code, "job-1"))
    copy_to("old", datetime(1999, 12, 31, 23, tzinfo=UTC))
    copy_to("eve", month - timedelta(hours=1))
    copy_to("first", month)
    copy_to("far", month + timedelta(days=900))

    assert places() == {
        "old": "billing_usageline_before",
        "eve": f"billing_usageline_{month - timedelta(days=1):%Y_%m}",
        "first": f"billing_usageline_{month:%Y_%m}",
        "far": "billing_usageline_after",
        "job-1": "billing_usageline_before",
    }
    for line in UsageLine.objects.all():
        low, high = lines_of_use(line.ended_at, line.ended_at + timedelta(seconds=1))
        assert first_line_of_month(line.started_at) <= line.pk
        assert low <= line.pk < high


def test_a_line_of_the_longest_run_is_among_those_of_use_at_its_end(scene, order):
    start = datetime(2025, 1, 31, 23, 59, 59, tzinfo=UTC)
    longest = RUN_DAYS_MAX * 24 - 1
    stage.record(scene.seller, stage.a_record(order.code, hours=longest, started=start))

    line = UsageLine.objects.get()
    low, high = lines_of_use(line.ended_at - timedelta(seconds=1), line.ended_at)
    assert low <= line.pk < high


def test_a_key_names_one_line_in_all_months(scene, order):
    stage.record(scene.seller, stage.a_record(order.code, "job-1"))
    (before,) = UsageLine.objects.all()
    later = stage.START + timedelta(days=40)

    report = stage.record(scene.seller, stage.a_record(order.code, "job-1", started=later))

    assert [error.code for error in report.errors] == ["recorded_before"]
    assert list(UsageLine.objects.all()) == [before]
    assert UsageKey.objects.get().line_id == before.pk


def test_no_line_is_there_twice_whoever_writes(scene, order):
    stage.record(scene.seller, stage.a_record(order.code, "job-1"))
    copied = (
        "insert into billing_usageline select id + 1, source, key, resource, resource_class,"
        " count_thousandths, started_at, ended_at, quantity_ms, state, recorded_at, act_id,"
        " file_id, order_id, provider_id, voucher_id, rate, amount, device from billing_usageline"
    )

    with pytest.raises(DatabaseError, match="billing_usagekey"), transaction.atomic():
        rows(copied + " returning id")

    assert UsageLine.objects.count() == UsageKey.objects.count() == 1


def test_a_number_that_says_another_month_is_refused(scene, order):
    stage.record(scene.seller, stage.a_record(order.code, "job-1"))
    moved = (
        "insert into billing_usageline select id + (1::bigint << 48), source, key || '!',"
        " resource, resource_class, count_thousandths, started_at, ended_at, quantity_ms, state,"
        " recorded_at, act_id, file_id, order_id, provider_id, voucher_id, rate, amount, device"
        " from billing_usageline returning id"
    )

    with pytest.raises(DatabaseError, match="id_says_month"), transaction.atomic():
        rows(moved)

    assert UsageLine.objects.count() == 1


A_JOB = st.tuples(st.integers(0, 70 * 24), st.integers(0, 60), st.integers(1, 9))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=st.lists(st.lists(A_JOB, min_size=1, max_size=8), min_size=1, max_size=4))
def test_sums_are_those_of_the_lines_whatever_was_sent(scene, order, batches):
    with transaction.atomic():
        for at, batch in enumerate(batches):
            records = [
                stage.a_record(
                    order.code,
                    f"{at % 3}/{row}",
                    hours=hours,
                    gpus=gpus,
                    started=stage.START + timedelta(hours=late),
                    row=row,
                )
                for row, (late, hours, gpus) in enumerate(batch, start=1)
            ]
            stage.record(scene.seller, *records)
        lines = UsageLine.objects.aggregate(q=Sum("quantity_ms"), a=Sum("amount"))
        sums = UsageSum.objects.aggregate(q=Sum("quantity_ms"), a=Sum("amount"), n=Sum("lines"))
        assert (sums["q"], sums["a"]) == (lines["q"], lines["a"])
        assert sums["n"] == UsageLine.objects.count() == UsageKey.objects.count()
        transaction.set_rollback(True)


def test_a_sum_is_of_the_month_in_the_programmes_time_zone(scene, order):
    # 30 June 17:00 UTC is 1 July in Shanghai.
    late = datetime(2025, 6, 30, 17, tzinfo=UTC)
    stage.record(scene.seller, stage.a_record(order.code, "a", hours=3, gpus=2))
    stage.record(scene.seller, stage.a_record(order.code, "b", hours=1, started=late))

    found = UsageSum.objects.order_by("month").values_list("month", "lines", "quantity_ms")
    assert list(found) == [
        (date(2025, 6, 1), 1, 6 * 3_600_000),
        (date(2025, 7, 1), 1, 3_600_000),
    ]


def test_a_dry_run_leaves_no_key_and_no_sum(scene, order):
    with transaction.atomic():
        stage.record(scene.seller, stage.a_record(order.code))
        transaction.set_rollback(True)

    assert not UsageKey.objects.exists()
    assert not UsageSum.objects.exists()


def test_months_are_made_ahead_and_what_waited_for_them_moves_in(scene, order):
    now = datetime.now(UTC)
    far = (now + timedelta(days=600)).replace(day=15, microsecond=0)
    stage.record(scene.seller, stage.a_record(order.code, "job-1"))
    copy_to("far", far)
    before = partitions()
    assert places()["far"] == "billing_usageline_after"

    made = actions.keep_usage_months(at=now + timedelta(days=300))

    assert made > 0
    assert places()["far"] == f"billing_usageline_{far:%Y_%m}"
    assert len(partitions()) == len(before) + made
    assert UsageKey.objects.get(key="far").line_id == UsageLine.objects.get(key="far").pk
    # Asked again there is nothing to do.
    assert actions.keep_usage_months(at=now + timedelta(days=300)) == 0
    assert len(partitions()) == len(before) + made


def test_nobody_makes_months_without_end():
    before = partitions()

    with pytest.raises(DatabaseError, match="two years ahead"), transaction.atomic():
        rows("select billing_keep_usage_months(%s)", date(2400, 1, 1))

    assert partitions() == before


def test_what_lies_in_a_month_is_not_changed_there_either(scene, order):
    stage.record(scene.seller, stage.a_record(order.code))
    (place,) = places().values()

    for statement in (f"update {place} set state = 'FAILED'", f"delete from {place}"):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            rows(statement + " returning id")
