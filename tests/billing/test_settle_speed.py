"""A bill of 65,000 lines is settled in seconds, with as many statements as a bill of one."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import actions
from billing.models import FunderShare
from parties.roles import Role
from tests import cast
from tests.billing import stage

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

LINES = 65_000
FUNDERS = "".join(
    f'\n[[funders]]\nclause = "A"\nname = "{name}"\nshare = "1/3"\n'
    for name in ("Nation", "Province", "City")
)


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


def a_scene_of_everything():
    """Return a scene of a law with tax, an own part and three funders, two with payers."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    text = cast.policy_text(cast.M3).replace(
        "[settlement]\n", '[settlement]\ntax_basis = "EXCLUSIVE"\ntax_rate = "0.06"\n'
    )
    own = '\n[self_pay]\nclause = "A"\nshare_min = "0.45"\n'
    scheme = cast.make_programme(authority, text=text + own + FUNDERS)
    for name in ("Nation", "Province"):
        payer = cast.make_authority(name).organisation
        cast.with_role(authority.finance[0], payer, Role.FINANCE)
        actions.name_funder(
            programme=scheme.programme,
            name=name,
            payer=payer,
            actor=authority.finance[0],
            at=cast.NOON,
            key=name,
        )
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    return cast.Scene(authority, seller, scheme, applicant, voucher)


def a_bill_of_orders(scene, orders, count, name):
    """Bill so many hours, by turns under several orders, one of them disputed by its holder."""
    records = [
        stage.a_record(
            orders[number % len(orders)].code,
            f"{name}-{number}",
            hours=1,
            started=stage.START + timedelta(seconds=number),
        )
        for number in range(count)
    ]
    stage.record(scene.seller, *records)
    bill = stage.bill(scene, invoice=name)
    actions.object_to_line(
        line=bill.lines.first(),
        note="It never ran",
        actor=scene.applicant.person,
        at=stage.LATER,
        key=name,
    )
    return bill


def test_the_statements_are_as_many_for_100_lines_as_for_10_000():
    scene = a_scene_of_everything()
    orders = [
        cast.a_hold(
            scene.voucher,
            scene.applicant,
            scene.seller,
            hours="100",
            provider_reference=f"queue-{number}",
        )
        for number in range(10)
    ]

    few, _seconds, statements = settled(a_bill_of_orders(scene, orders[:1], 100, "few"))
    many, _seconds, statements_many = settled(
        a_bill_of_orders(scene, orders[1:], 10_000, "many")
    )

    assert (len(few), len(many)) == (1, 9)
    assert FunderShare.objects.count() == 3 * 10
    # The second bill passes its holds and closes the orders: two statements more.
    assert statements_many <= statements + 2
    print(f"{statements} statements for 100 lines, {statements_many} for 10,000")
