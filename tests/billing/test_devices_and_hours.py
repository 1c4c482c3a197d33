"""A GPU runs one job at a time, and an hour of a provider's GPUs is never sold twice."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import UsageDevice, UsageHour, UsageLine
from providers import actions as providers
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once

START = stage.START
HOUR_MS = 3_600_000


@pytest.fixture
def scene(db):
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def on(device, order, key, *, after=0, hours=1, gpus=1):
    """Return an hour of a job on a device, or on several, so many hours after the start."""
    started = START + timedelta(hours=after)
    record = stage.a_record(order.code, key, hours=hours, gpus=gpus, started=started)
    return record._replace(device=device)


def register(scene, gpus, *, resource_class="H100", days=(1, None)):
    """Register one node of so many GPUs from a day of June until before another."""
    first, last = days
    return providers.record_capacity(
        provider=scene.seller.provider,
        nodes=[
            providers.NodeEntry(
                "node-1",
                resource_class,
                gpus,
                "Guangxi",
                datetime(2025, 6, first, tzinfo=UTC),
                None if last is None else datetime(2025, 6, last, tzinfo=UTC),
            )
        ],
        actor=scene.seller.person,
        at=stage.LATER,
        key=cast.a_key("capacity"),
    )


def told(report):
    """Return what was recorded, and each row that was not, with its rule."""
    return report.recorded, [(error.row, error.code) for error in report.errors]


def hours_of_lines():
    """Return GPU-milliseconds by class and hour, worked out line by line."""
    found = {}
    for line in UsageLine.objects.filter(resource="GPU").select_related("order__offer"):
        at = line.started_at.replace(minute=0, second=0, microsecond=0)
        while at < line.ended_at:
            until = at + timedelta(hours=1)
            within = min(until, line.ended_at) - max(at, line.started_at)
            place = (line.order.offer.resource_class, at)
            found[place] = found.get(place, 0) + line.count_thousandths * (
                within // timedelta(milliseconds=1)
            )
            at = until
    return {place: quantity // 1000 for place, quantity in found.items() if quantity}


def hours_kept():
    return {
        (one.resource_class, one.hour): one.quantity_ms
        for one in UsageHour.objects.filter(quantity_ms__gt=0)
    }


# --- devices ---------------------------------------------------------------------------------


def test_one_gpu_one_job_after_the_other(scene, order):
    report = stage.record(
        scene.seller,
        on("GPU-1", order, "a"),
        on("GPU-1", order, "b", after=1),
        on("GPU-2", order, "c"),
    )

    assert told(report) == (3, [])
    assert UsageDevice.objects.count() == 3


def test_of_two_jobs_on_one_gpu_at_a_time_the_later_is_refused_in_words(scene, order):
    report = stage.record(
        scene.seller,
        on("GPU-1", order, "a", hours=2)._replace(row=2),
        on("GPU-1 GPU-2", order, "b", after=1, gpus=2)._replace(row=3),
        on("GPU-2", order, "c", after=1)._replace(row=4),
    )

    assert told(report) == (2, [(3, "device_in_use")])
    (error,) = report.errors
    assert error.value == "GPU-1"
    assert "GPU-1 was in use for a until 2025-06-10 10:00:00 UTC" in error.problem
    assert set(UsageLine.objects.values_list("key", flat=True)) == {"a", "c"}


def test_what_is_recorded_keeps_its_gpu(scene, order):
    stage.record(scene.seller, on("GPU-1", order, "a", hours=3))

    report = stage.record(
        scene.seller,
        on("GPU-1", order, "b", after=2)._replace(row=2),
        on("GPU-1", order, "c", after=3)._replace(row=3),
    )

    assert told(report) == (1, [(2, "device_in_use")])
    assert set(UsageLine.objects.values_list("key", flat=True)) == {"a", "c"}


def test_slices_of_one_gpu_are_devices_of_their_own(scene, order):
    report = stage.record(
        scene.seller, on("GPU-1/1g.10gb-0", order, "a"), on("GPU-1/1g.10gb-1", order, "b")
    )

    assert told(report) == (2, [])


def test_another_providers_gpu_of_the_same_name_is_another(scene, order):
    other = cast.make_provider(scene.authority, "Other Compute")
    theirs = cast.a_hold(scene.voucher, scene.applicant, other)
    stage.record(scene.seller, on("GPU-1", order, "a"))

    assert told(stage.record(other, on("GPU-1", theirs, "a"))) == (1, [])


def test_no_overlap_is_written_past_the_actions_either(scene, order):
    stage.record(scene.seller, on("GPU-1", order, "a"))
    copied = (
        "insert into billing_usageline (id, key, started_at, ended_at, source, resource,"
        " resource_class, count_thousandths, quantity_ms, state, recorded_at, act_id, file_id,"
        " order_id, provider_id, voucher_id, rate, amount, device)"
        " select id + 1, 'b', started_at, ended_at, source, resource, resource_class,"
        " count_thousandths, quantity_ms, state, recorded_at, act_id, file_id, order_id,"
        " provider_id, voucher_id, rate, amount, device from billing_usageline"
    )

    with (
        pytest.raises(DatabaseError, match="GPU-1 is in use"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(copied)

    assert UsageLine.objects.count() == 1


def test_asked_twice_the_answer_is_the_first_and_nothing_is_added(scene, order):
    records = [on("GPU-1", order, "a", hours=2), on("GPU-2", order, "b")]
    first = stage.record(scene.seller, *records, key="batch")
    before = hours_kept()

    again = stage.record(scene.seller, *records, key="batch")

    assert (again.recorded, again.errors) == (first.recorded, first.errors)
    assert (hours_kept(), UsageDevice.objects.count()) == (before, 2)


@pytest.mark.slow
def test_whoever_sends_at_once_one_gpu_is_used_once(committed_db):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    reports = at_once(
        6, lambda number: stage.record(scene.seller, on("GPU-1", order, f"job-{number}"))
    )

    assert sorted(report.recorded for report in reports) == [0, 0, 0, 0, 0, 1]
    assert UsageLine.objects.count() == UsageDevice.objects.count() == 1
    assert hours_kept() == hours_of_lines()


# --- hours -----------------------------------------------------------------------------------


def test_an_hour_takes_no_more_than_is_registered(scene, order):
    register(scene, 2)

    report = stage.record(
        scene.seller,
        stage.a_record(order.code, "a", hours=2, gpus=1, row=2),
        stage.a_record(order.code, "b", hours=1, gpus=2, row=3),
        stage.a_record(order.code, "c", hours=2, gpus=1, row=4),
    )

    assert told(report) == (2, [(3, "beyond_capacity")])
    (error,) = report.errors
    assert (
        "2025-06-10 08:00 UTC your registered H100 come to 2 GPU-hours. 1 of them"
        in error.problem
    )
    assert (
        hours_kept()
        == hours_of_lines()
        == {
            ("H100", START): 2 * HOUR_MS,
            ("H100", START + timedelta(hours=1)): 2 * HOUR_MS,
        }
    )


def test_what_was_recorded_before_takes_its_room(scene, order):
    register(scene, 2)
    stage.record(scene.seller, stage.a_record(order.code, "a", hours=1, gpus=2))

    report = stage.record(scene.seller, stage.a_record(order.code, "b", hours=2, gpus=1))

    assert told(report) == (0, [(1, "beyond_capacity")])
    assert UsageLine.objects.count() == 1


def test_a_node_that_came_later_does_nothing_for_hours_before_it(scene, order):
    register(scene, 8, days=(11, None))

    report = stage.record(scene.seller, stage.a_record(order.code, "a", hours=1))

    assert told(report) == (0, [(1, "beyond_capacity")])


def test_a_provider_without_a_register_is_not_held_to_one(scene, order):
    report = stage.record(scene.seller, stage.a_record(order.code, "a", hours=1, gpus=64))

    assert told(report) == (1, [])


@pytest.mark.slow
def test_whoever_sends_at_once_the_hour_is_not_oversold(committed_db):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    register(scene, 3)

    reports = at_once(
        6,
        lambda number: stage.record(
            scene.seller, stage.a_record(order.code, f"job-{number}", hours=1)
        ),
    )

    assert sum(report.recorded for report in reports) == 3
    assert hours_kept() == {("H100", START): 3 * HOUR_MS}


A_JOB = st.tuples(
    st.integers(0, 6 * 3600), st.integers(0, 9 * 3600), st.sampled_from([1, 250, 1000, 3000])
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=st.lists(st.lists(A_JOB, min_size=1, max_size=6), min_size=1, max_size=3))
def test_hours_are_those_of_the_lines_whatever_was_sent(scene, order, batches):
    with transaction.atomic():
        register(scene, 4)
        for number, batch in enumerate(batches):
            records = []
            for place, (after, seconds, thousandths) in enumerate(batch):
                started = START + timedelta(seconds=after)
                record = stage.a_record(
                    order.code, f"{number}-{place}", started=started, row=place + 1
                )
                records.append(
                    record._replace(
                        count_thousandths=thousandths,
                        ended_at=started + timedelta(seconds=seconds),
                    )
                )
            stage.record(scene.seller, *records)

        assert hours_kept() == hours_of_lines()
        assert max(hours_kept().values(), default=0) <= 4 * HOUR_MS
        transaction.set_rollback(True)


# --- few and many --------------------------------------------------------------------------------


def test_a_batch_of_many_and_the_same_one_by_one_come_to_the_same(scene, order):
    """Few rows are written by another statement than many; both say the same of each."""
    register(scene, 30)
    many = [on(f"GPU-{number}", order, f"a{number}", hours=2) for number in range(20)]
    facts = ("order", "voucher", "rate", "resource", "resource_class", "count_thousandths")
    facts += ("started_at", "ended_at", "quantity_ms", "state", "amount", "device")

    assert told(stage.record(scene.seller, *many)) == (20, [])
    hours = hours_kept()
    together = list(UsageLine.objects.order_by("device").values_list(*facts))
    for record in many:
        alone = record._replace(
            key=f"b{record.key}",
            started_at=record.started_at + timedelta(hours=2),
            ended_at=record.ended_at + timedelta(hours=2),
        )
        assert told(stage.record(scene.seller, alone)) == (1, [])

    later = UsageLine.objects.filter(key__startswith="b").order_by("device")
    as_before = [
        (*row[:6], row[6] - timedelta(hours=2), row[7] - timedelta(hours=2), *row[8:])
        for row in later.values_list(*facts)
    ]
    assert as_before == together
    after = {
        (name, hour + timedelta(hours=2)): quantity for (name, hour), quantity in hours.items()
    }
    assert hours_kept() == {**hours, **after} == hours_of_lines()
