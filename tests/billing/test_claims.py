"""A fee paid after use is claimed once, by the voucher's holder, for metered use only."""

from datetime import date

import pytest

from billing import actions
from billing.models import Bill
from common.days import start_of
from ledger.queries import balances
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage
from vouchers.queries import voucher_balance

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    """Nanning's official example: 200,000 paid, a contract of two years (schemes.md W01)."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, cast.M1)
    applicant = cast.an_sme()
    days = {"contract_from_on": "2025-01-01", "contract_until_on": "2026-12-31"}
    voucher = cast.an_issued_voucher(scheme, applicant, fee_total="200000.00", **days)
    return cast.Scene(authority, seller, scheme, applicant, voucher)


def claim(scene, *, paid=200_000_00, excluded=0, invoice="F-1", key=None, **more):
    facts = {
        "voucher": scene.voucher,
        "provider": scene.seller.provider,
        "invoice_number": invoice,
        "amount_paid": paid,
        "fee_excluded": excluded,
        "contract_from_on": date(2025, 1, 1),
        "contract_until_on": date(2026, 12, 31),
        "period_from": start_of(date(2025, 3, 1), stage.ZONE),
        "period_until": start_of(date(2026, 1, 1), stage.ZONE),
        "actor": scene.applicant.person,
        "at": stage.LATER,
        "key": key or cast.a_key("claim"),
    }
    return actions.submit_claim(**{**facts, **more})


def owed(scene, organisation=None):
    organisation = organisation or scene.applicant.organisation
    address = scene.scheme.programme.account("beneficiary_payable", organisation.code)
    found = balances([address])
    return found[address].net if found else 0


def test_nannings_example_pays_25_102(scene):
    stage.record(scene.seller, stage.a_record(scene.voucher.code))

    bill = claim(scene)
    (settlement,) = stage.settle(bill)

    assert scene.voucher.amount == 25_102_00
    assert (bill.kind, bill.payee) == (Bill.Kind.CLAIM, scene.applicant.organisation)
    assert (settlement.covered, settlement.co_payment) == (25_102_00, 174_898_00)
    assert owed(scene) == 25_102_00
    assert voucher_balance(scene.voucher).net == 0
    stage.assert_in_step()


def test_a_fee_for_storage_is_left_out(scene):
    stage.record(scene.seller, stage.a_record(scene.voucher.code))

    bill = claim(scene, paid=200_000_00, excluded=100_000_00)
    (settlement,) = stage.settle(bill)

    # 100,000 x 305/729 = 41,838.13… -> 4.1838 wan; x 30 % = 1.25514 -> 1.2551 wan.
    assert settlement.covered == 12_551_00
    assert voucher_balance(scene.voucher).net == 25_102_00 - 12_551_00


def test_a_second_claim_gets_no_more_than_the_voucher_has(scene):
    stage.record(scene.seller, stage.a_record(scene.voucher.code))
    stage.settle(claim(scene))

    (settlement,) = stage.settle(claim(scene, invoice="F-2"))

    assert (settlement.covered, settlement.beyond_hold) == (0, 25_102_00)
    assert owed(scene) == 25_102_00


def test_without_metered_use_in_the_period_nothing_is_paid(scene):
    bill = claim(scene)
    stage.settle(bill)

    assert stage.verdicts(bill) == [("WITHHELD", 0, 200_000_00, 0, "no_meter")]
    assert owed(scene) == 0
    assert voucher_balance(scene.voucher).net == 25_102_00


def test_an_invoice_that_another_holder_claimed_is_withheld(scene):
    other = cast.an_sme("Other Model Ltd")
    days = {"contract_from_on": "2025-01-01", "contract_until_on": "2026-12-31"}
    voucher = cast.an_issued_voucher(scene.scheme, other, fee_total="200000.00", **days)
    stage.record(
        scene.seller, stage.a_record(scene.voucher.code), stage.a_record(voucher.code, "j2")
    )
    first = claim(scene)
    stage.settle(first)

    second = claim(scene, voucher=voucher, actor=other.person)
    stage.settle(second)

    assert stage.verdicts(second) == [("WITHHELD", 0, 200_000_00, 0, "invoice_sent_before")]
    assert owed(scene, other.organisation) == 0


def test_a_withheld_claim_is_paid_after_a_look(scene):
    stage.record(scene.seller, stage.a_record(scene.voucher.code))
    stage.settle(claim(scene, paid=100_00))
    bill = claim(scene)
    stage.settle(bill)
    assert stage.verdicts(bill)[0][4] == "invoice_sent_before"
    paid_before = owed(scene)

    actions.decide_line(
        line=bill.lines.get(),
        accept=True,
        note="The first was a part payment",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="look",
    )

    assert stage.verdicts(bill)[0][0] == "ACCEPTED"
    assert owed(scene) == 25_102_00
    assert paid_before < 25_102_00
    stage.assert_in_step()


def test_asked_twice_it_is_one_claim(scene):
    assert claim(scene, key="c") == claim(scene, key="c")
    assert Bill.objects.count() == 1


def test_only_the_holder_claims(scene):
    with pytest.raises(NotAllowed):
        claim(scene, actor=scene.seller.person)
    assert not Bill.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"paid": 0},
        {"excluded": -1},
        {"excluded": 200_000_01},
        {"contract_until_on": date(2024, 12, 31)},
    ],
)
def test_a_claim_that_contradicts_itself_is_refused(scene, wrong):
    with pytest.raises(actions.ClaimInvalid):
        claim(scene, **wrong)
    assert not Bill.objects.exists()


def test_where_the_provider_is_paid_a_holder_sends_no_claim(scene):
    other = cast.make_scene(cast.M3)
    with pytest.raises(actions.BillNotForMode):
        claim(other)
