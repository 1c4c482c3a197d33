"""July, when June is billed: a voucher, an order under it, and what is due on its bill."""

import pytest
from django.utils import timezone

from tests.cast import (
    M3,
    a_bank_detail,
    a_hold,
    make_scene,
)
from tests.doors.billing.june import JULY, a_bill, record, settled


@pytest.fixture
def now(monkeypatch):
    """The clock of the doors: July, when June is billed."""
    monkeypatch.setattr(timezone, "now", lambda: JULY)
    return JULY


@pytest.fixture
def scene(db):
    return make_scene(M3)


@pytest.fixture
def order(scene):
    """An order of 400 GPU-hours at 25.00: 10,000.00, of which the voucher holds 6,000.00."""
    return a_hold(scene.voucher, scene.applicant, scene.seller, hours="400")


@pytest.fixture
def provider(browser, scene):
    return browser(scene.seller.person)


@pytest.fixture
def due(scene, order, now):
    """3,600.00 is due to the provider, and the authority has an account to pay from."""
    record(scene, order)
    bill = settled(a_bill(scene, order))
    a_bank_detail(scene.authority.organisation, scene.authority.finance[1], scene.authority)
    return bill
