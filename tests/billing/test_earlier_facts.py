"""What was closed or undone before the ledger locked months and settlements had shares is mended."""

import importlib

import pytest
from django.apps import apps
from django.db import connection, transaction

from billing.models import ClosedPeriod, FunderShare
from billing.queries.funding import borne
from ledger import actions as ledger
from ledger.kinds import ActKind
from ledger.queries import acts_about, periods_closed, transfers_of
from tests import cast
from tests.billing import stage
from tests.billing.closing import AUGUST, closed
from tests.billing.test_several_funders import a_law

pytestmark = pytest.mark.django_db


def migration(name):
    return importlib.import_module(f"billing.migrations.{name}")


def lock_earlier():
    migration("0091_locks_of_earlier_months").lock_earlier(apps, None)


@pytest.fixture
def scene():
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, text=a_law())
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    return cast.Scene(authority, seller, scheme, applicant, voucher)


def closed_without_a_lock(scene):
    """Close June as it was done before the ledger locked any month."""
    programme = scene.scheme.programme
    act = ledger.begin(
        kind=ActKind.CLOSE_PERIOD,
        key="before",
        actor=scene.authority.finance[0].address,
        about=programme.address,
        at=AUGUST,
        payload={},
    )
    return ClosedPeriod.objects.create(
        programme=programme,
        period_from=stage.JUNE,
        period_until=stage.JULY,
        closed_by=scene.authority.finance[0],
        closed_at=AUGUST,
        act_id=act.id,
    )


def test_a_month_closed_before_is_locked_once_and_takes_nothing_more(scene):
    code = scene.scheme.programme.code
    month = closed_without_a_lock(scene)
    assert periods_closed(code) == []

    lock_earlier()
    lock_earlier()

    assert periods_closed(code) == [(month.period_from, month.period_until)]
    before = stage.nets(scene.scheme.programme)
    with pytest.raises(ledger.PeriodLocked), transaction.atomic():
        cast.a_hold(scene.voucher, scene.applicant, scene.seller, at=stage.START)
    assert stage.nets(scene.scheme.programme) == before
    stage.assert_in_step()


def test_a_month_that_is_locked_already_stays_as_it_is(scene):
    closed(scene)
    acts = acts_about(scene.scheme.programme.address).count()

    lock_earlier()

    assert acts_about(scene.scheme.programme.address).count() == acts
    assert len(periods_closed(scene.scheme.programme.code)) == 1


def settled(scene, key):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference=key)
    stage.use(scene.seller, order, hours=1, key=key)
    (settlement,) = stage.settle(stage.bill(scene, invoice=key))
    return settlement


def test_what_was_undone_before_is_borne_by_nobody_and_the_rest_as_it_was(scene):
    undone, kept = settled(scene, "job-1"), settled(scene, "job-2")
    moved = transfers_of(undone.act_id).get(hold_id=undone.order.hold)
    act = ledger.begin(
        kind=ActKind.CORRECT_TRANSFER,
        key="before",
        actor=scene.authority.finance[0].address,
        about=f"transfer:{moved.id}",
        at=stage.LATER,
        payload={},
    )
    ledger.reverse(act, moved.id, ref=str(moved.id))
    assert [one.amount for one in borne(undone)] == [5_00, 10_00]

    for _turn in range(2):
        with connection.cursor() as cursor:
            cursor.execute(migration("0092_shares_of_undone_settlements").TAKE_BACK)

    assert borne(undone) == []
    assert [one.amount for one in borne(kept)] == [5_00, 10_00]
    back = FunderShare.objects.filter(settlement=undone, act_id=act.id).order_by("pk")
    assert [(one.name, one.amount) for one in back] == [("Province", -5_00), ("City", -10_00)]
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
