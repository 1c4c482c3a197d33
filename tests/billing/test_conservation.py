"""Whatever is used, billed, settled, paid and returned: nothing is made and nothing is lost."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import Bill, Settlement
from common.errors import Refused
from ledger.queries import balances
from tests import cast
from tests.billing import stage

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

JOB = st.integers(0, 5)
STEP = st.one_of(
    st.tuples(st.just("use"), JOB, st.integers(1, 60)),
    st.tuples(st.just("bill"), st.lists(st.tuples(JOB, st.integers(0, 80)), max_size=4)),
    st.tuples(st.just("bill everything")),
    st.tuples(st.just("settle")),
    st.tuples(st.just("pay"), st.sampled_from(["booked", "returned", "lost"])),
)


class Town:
    """One programme, one provider, one order with 1,500.00 held; every step leaves it in step."""

    def __init__(self):
        self.scene = cast.make_scene(cast.M3)
        stage.an_own_account(self.scene.authority)
        self.order = cast.a_hold(self.scene.voucher, self.scene.applicant, self.scene.seller)
        self.count = 0

    def do(self, step):
        self.count += 1
        match step:
            case ("use", job, hours):
                started = stage.START + timedelta(hours=job)
                record = stage.a_record(
                    self.order.code, f"job-{job}", hours=hours, started=started
                )
                stage.record(self.scene.seller, record)
            case ("bill", lines):
                given = [stage.a_line(f"job-{job}", hours=hours) for job, hours in lines]
                stage.bill(self.scene, *given, invoice=f"I-{self.count}")
            case ("bill everything",):
                stage.bill(self.scene, invoice=f"I-{self.count}")
            case ("settle",):
                for bill in Bill.objects.filter(status=Bill.Status.SENT):
                    stage.settle(bill)
            case ("pay", answer):
                self.pay(answer)

    def pay(self, answer):
        batch, file = stage.sent(self.scene)
        returned = {f"{batch.code}-00001": "AC04"} if answer == "returned" else None
        if answer != "lost":
            statement = stage.answer(file, f"ST-{self.count}", returned=returned)
            stage.read(self.scene, statement)

    def figures(self):
        programme, seller = self.scene.scheme.programme, self.scene.seller.organisation.code
        found = balances(
            [programme.account("voucher", self.scene.voucher.code)]
            + [programme.account(kind, seller) for kind in ("provider_payable", "paid")]
        )
        return sum(one.net for one in found.values())

    def clearing(self):
        programme = self.scene.scheme.programme
        batches = programme.batches.values_list("code", flat=True)
        found = balances([programme.account("clearing", code) for code in batches])
        return sum(one.net for one in found.values())


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, max_size=14))
def test_value_is_kept_through_every_order_of_steps(db, steps):
    with transaction.atomic():
        walk(Town(), steps)
        transaction.set_rollback(True)


def walk(town, steps):
    for step in steps:
        try:
            town.do(step)
        except Refused:
            continue

        assert town.figures() + town.clearing() == 60_000_00
        covered = sum(Settlement.objects.values_list("covered", flat=True))
        assert covered + stage.held(town.order) == 1_500_00
        for one in Settlement.objects.all():
            assert one.covered <= one.accepted <= one.billed
    stage.assert_in_step()
