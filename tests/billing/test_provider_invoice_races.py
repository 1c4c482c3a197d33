"""Whoever attaches at once, a number stands on one bill, and a bill has one invoice."""

import pytest

from billing.models import ProviderInvoice
from tests import cast
from tests.billing import stage
from tests.billing.own_invoices import attach, fapiao
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow


def test_racing_invoices_leave_one_number_on_one_bill(committed_db):
    scene = cast.make_scene(cast.M3)
    bills = []
    for number in range(3):
        order = cast.a_hold(
            scene.voucher,
            scene.applicant,
            scene.seller,
            hours="10",
            provider_reference=f"job-{number}",
        )
        stage.use(scene.seller, order, hours=2, key=f"job-{number}")
        bills.append(stage.bill(scene, invoice=f"INV-{number}"))

    same = at_once(6, lambda number: attach(bills[number % 3], fapiao(bills[number % 3])))

    assert len([one for one in same if isinstance(one, ProviderInvoice)]) == 1, same
    left = [one for one in bills if not ProviderInvoice.objects.filter(bill=one).exists()]
    assert len(left) == 2

    def another(number):
        return attach(left[0], fapiao(left[0], number=f"2544200000012345670{number}"))

    done = at_once(6, another)
    assert len([one for one in done if isinstance(one, ProviderInvoice)]) == 1, done
    assert ProviderInvoice.objects.filter(bill=left[0]).count() == 1
