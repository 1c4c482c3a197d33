"""What an order covers is handed to its lines in the database exactly as the policy says it."""

import io
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import actions
from billing.models import BillLine, Verdict
from common.days import day_of
from policy.settlement import split_bill
from tests import cast
from tests.billing import stage
from vouchers.queries import policy_in_force

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SECONDS = st.lists(st.integers(0, 400_000), min_size=1, max_size=12)


def recorded(scene, order, seconds):
    """Record one job a length, and return the report."""
    rows = "".join(
        f"job-{number},{order.code},GPU,H100,1,2025-06-10 08:00:00,"
        f"{stage.START + timedelta(seconds=length):%Y-%m-%d %H:%M:%S},COMPLETED\n"
        for number, length in enumerate(seconds)
    )
    return actions.record_usage_file(
        provider=scene.seller.provider,
        name="june.csv",
        format="csv",
        stream=io.BytesIO(
            b"job_id,voucher,resource,class,count,start,end,state\n" + rows.encode()
        ),
        source="slurm",
        resource=None,
        is_dry_run=False,
        actor=scene.seller.provider.address,
        at=stage.LATER,
        key="file",
    )


@given(seconds=SECONDS, hours=st.integers(1, 120))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_shares_of_lines_are_those_of_the_policy(db, seconds, hours):
    with transaction.atomic():
        scene = cast.make_scene(cast.M3)
        order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours=str(hours))
        recorded(scene, order, [*seconds, 1])
        bill = stage.bill(scene)
        placed_on = day_of(order.placed_at, scene.scheme.programme.zone)
        _version, rules = policy_in_force(scene.scheme.programme, placed_on)
        lines = list(bill.lines.order_by("row").values_list("row", "amount"))
        said = split_bill(
            lines,
            order.hold_amount,
            rules,
            on=placed_on,
            organisation_kind=scene.voucher.organisation.kind,
        )

        (settlement,) = stage.settle(bill)

        assert (settlement.covered, settlement.co_payment, settlement.beyond_hold) == (
            said.total.covered,
            said.total.co_payment,
            said.total.beyond_hold,
        )
        kept = Verdict.objects.filter(line__bill=bill).order_by("line__row")
        assert [
            (
                one.line.row,
                one.covered,
                one.co_payment,
                one.reason_values.get("beyond_amount", 0),
            )
            for one in kept
        ] == [(row, s.covered, s.co_payment, s.beyond_hold) for row, s in said.lines]
        transaction.set_rollback(True)


def test_lines_without_a_doubt_are_not_read_one_by_one():
    from billing.actions.verdicts import doubtful_rows

    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    recorded(scene, order, [100, 200, 300])
    bill = stage.bill(scene, stage.a_line("job-0/2025-06-10T08:00:00Z"), *disputed_lines())

    doubtful = doubtful_rows(bill)

    assert bill.lines.count() == 4
    assert [row.row for row in doubtful] == [2, 3, 4]


def disputed_lines():
    """Return a line above the meter, one above its price, and one that no meter knows."""
    return (
        stage.a_line("job-1/2025-06-10T08:00:00Z", hours=2),
        stage.a_line("job-2/2025-06-10T08:00:00Z", amount=10_00),
        stage.a_line("nobody", hours=1),
    )


@pytest.mark.parametrize("column", ["order_id", "voucher_id"])
def test_a_bill_line_can_not_name_what_is_not_there(column):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    recorded(scene, order, [100])
    bill = stage.bill(scene)
    line = bill.lines.get()

    with pytest.raises(IntegrityError, match=f"names {column} 987654321"), transaction.atomic():
        BillLine.objects.create(
            bill=bill,
            row=2,
            source="slurm",
            key="x",
            quantity_ms=1,
            rate=1,
            amount=1,
            **{"order_id": line.order_id, "voucher_id": line.voucher_id, column: 987_654_321},
        )

    assert bill.lines.count() == 1


@pytest.mark.parametrize("table", ["vouchers_order", "vouchers_voucher", "providers_provider"])
def test_what_lines_name_is_never_deleted(table):
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"delete from {table}")
