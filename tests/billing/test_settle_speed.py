"""A bill of 65,000 lines is settled in seconds, with as many statements as a bill of one."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import cast
from tests.billing import stage

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

LINES = 65_000


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


def a_bill(scene, order, count, name):
    records = [
        stage.a_record(
            order.code,
            f"{name}-{number}",
            hours=1,
            started=stage.START + timedelta(seconds=number),
        )
        for number in range(count)
    ]
    assert stage.record(scene.seller, *records).recorded == count
    return stage.bill(scene, invoice=name)


def settled(bill):
    with CaptureQueriesContext(
        connection,
    ) as asked:
        began = time.perf_counter()
        settlements = stage.settle(bill)
        seconds = time.perf_counter() - began
    return settlements, seconds, len(asked)


def test_a_bill_of_65_000_lines_settles_in_seconds(scene):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    _one, _seconds, statements = settled(a_bill(scene, order, 1, "small"))

    (many,), seconds, statements_many = settled(a_bill(scene, order, LINES, "large"))

    assert many.accepted == LINES * 25_00
    # 1,500.00 was held, of which the bill of one line took 15.00.
    assert many.covered == 1_485_00
    # The second bill passes the hold and closes the order: a statement more for each.
    assert statements_many <= statements + 2
    assert seconds < 20
    print(f"{LINES} lines settled in {seconds:.1f} s with {statements_many} statements")
