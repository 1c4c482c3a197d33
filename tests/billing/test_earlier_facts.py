"""What was closed before the ledger locked months is locked in it too."""

import importlib

import pytest
from django.apps import apps
from django.db import transaction

from billing.models import ClosedPeriod
from ledger import actions as ledger
from ledger.kinds import ActKind
from ledger.queries import acts_about, periods_closed
from tests import cast
from tests.billing import stage
from tests.billing.closing import AUGUST, closed
from tests.billing.test_several_funders import a_law

pytestmark = pytest.mark.django_db


def migration(name):
    return importlib.import_module(f"billing.migrations.{name}")


def lock_earlier():
    migration("0087_locks_of_earlier_months").lock_earlier(apps, None)


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
