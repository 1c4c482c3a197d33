"""Whatever is opened, upheld, set off, repaid and written off in whatever order: sums stay."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import BillLine, Recovery
from common.errors import Refused
from tests.billing import stage
from tests.billing.recovering import (
    a_scene,
    decided,
    offset,
    opened,
    paid,
    proposed,
    recorded,
    settled,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "uphold", "offset", "repay", "write off", "batch"]),
        st.integers(1, 400_00),
    ),
    min_size=4,
    max_size=14,
)


@pytest.fixture
def scene():
    scene = a_scene()
    order, _line = paid(scene)
    settled(scene, order, hours=20, key="job-2")
    return scene


def take(scene, step, amount):
    """Do one step on the newest case that it fits, if there is one."""
    line = BillLine.objects.get(key="job-1")
    waiting = Recovery.objects.filter(status="OPEN").last()
    owed = Recovery.objects.filter(status="UPHELD").last()
    if step == "open":
        opened(scene, line, amount=amount)
    elif step == "batch":
        stage.prepare(scene)
    elif step == "uphold" and waiting:
        decided(scene, waiting, amount=min(amount, waiting.amount))
    elif step == "offset" and owed:
        offset(scene, owed)
    elif owed:
        kind = "REPAYMENT" if step == "repay" else "WRITE_OFF"
        recorded(scene, proposed(scene, owed, kind, amount))


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_what_is_owed_is_what_the_ledger_says_and_nothing_is_lost(scene, steps):
    seller = scene.seller.organisation.code
    with transaction.atomic():
        for step, amount in steps:
            try:
                with transaction.atomic():
                    take(scene, step, amount)
            except Refused:
                continue
            cases = list(Recovery.objects.all())
            left = sum(one.left for one in cases)
            found = stage.nets(scene.scheme.programme)
            assert found.get(f"receivable:{seller}", 0) == -left
            assert found.get("recovered", 0) == left
            assert all(0 <= one.left <= one.upheld_amount <= one.amount for one in cases)
            assert sum(one.amount for one in cases if one.status != "DROPPED") <= 600_00 + sum(
                one.amount - one.upheld_amount for one in cases
            )
            back = sum(one.recovered_amount for one in cases)
            assert found[f"voucher:{scene.voucher.code}"] == 60_000_00 - 900_00 + back
            assert sum(found.values()) == 0
        stage.assert_in_step()
        transaction.set_rollback(True)
