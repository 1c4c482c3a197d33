"""A row that can't be is refused; where its key comes again, the next row is judged on its own."""

import pytest

from billing.models import UsageDevice, UsageHour, UsageLine
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def on_gpu(order, key, hours=10):
    return stage.a_record(order.code, key, hours=hours)._replace(device="GPU-1")


def test_a_gpu_runs_one_job_at_a_time_also_where_a_key_comes_twice(scene, order):
    stage.record(scene.seller, on_gpu(order, "first"))
    busy, again = on_gpu(order, "second"), on_gpu(order, "second", hours=3)

    report = stage.record(scene.seller, busy, again._replace(row=2))

    assert report.recorded == 0
    assert [error.code for error in report.errors] == ["device_in_use"] * 2
    assert UsageLine.objects.count() == UsageDevice.objects.count() == 1


def test_of_a_key_that_comes_twice_the_row_that_can_be_is_recorded(scene, order):
    stage.record(scene.seller, on_gpu(order, "first"))
    free = stage.a_record(order.code, "second", hours=3, row=2)

    report = stage.record(scene.seller, on_gpu(order, "second"), free)

    assert report.recorded == 1
    assert [error.code for error in report.errors] == ["device_in_use"]
    assert UsageLine.objects.get(key="second").quantity_ms == 3 * stage.HOUR
    assert sum(UsageHour.objects.values_list("quantity_ms", flat=True)) == 13 * stage.HOUR
