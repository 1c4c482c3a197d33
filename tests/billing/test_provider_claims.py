"""Where the law pays the provider after use, it claims its share of a fee, and nobody else."""

from datetime import date, timedelta

import pytest

from billing import actions
from billing.models import Bill
from billing.queries import is_due, voucher_to_claim, vouchers_to_claim
from common.days import start_of
from common.errors import NotFound
from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed
from providers.models import Suspension
from tests import cast
from tests.billing import fees, stage
from tests.ledger.book import at_once

UNASKED = {"is_proven": False}


def a_fee(payee="PROVIDER"):
    code = f"xx-pays-{payee.lower()}"
    scene = cast.a_fee(cast.cost_share_law(payee, **UNASKED), code=code)
    fees.use(scene)
    return scene


def refused(error, scene, ask):
    before = extent(), stage.nets(scene.scheme.programme), Bill.objects.count()
    with pytest.raises(error) as refusal:
        ask()
    assert (extent(), stage.nets(scene.scheme.programme), Bill.objects.count()) == before
    return str(refusal.value)


@pytest.mark.django_db
def test_the_provider_is_paid_its_share_and_the_holder_owes_the_rest():
    scene = a_fee()

    bill = fees.claim(scene)
    (settlement,) = stage.settle(bill)

    assert (bill.kind, bill.payee) == (Bill.Kind.CLAIM, scene.seller.organisation)
    assert (settlement.covered, settlement.co_payment, settlement.beyond_hold) == (
        100_000_00,
        100_000_00,
        0,
    )
    assert fees.owed(scene) == (100_000_00, 0)
    assert stage.nets(scene.scheme.programme)["available"] == 900_000_00
    stage.assert_in_step()


@pytest.mark.django_db
def test_a_match_pays_the_provider_the_settled_part_of_what_was_counted_above():
    scene = cast.a_matched_fee(cast.match_law(**UNASKED))
    fees.use(scene)

    (settlement,) = stage.settle(fees.claim(scene))

    # 15 % of 200,000.00; the voucher of 120,000.00 keeps the rest.
    assert (settlement.covered, settlement.co_payment) == (30_000_00, 170_000_00)
    assert fees.owed(scene) == (30_000_00, 0)
    stage.assert_in_step()


@pytest.mark.django_db
def test_what_is_left_out_is_the_holders_and_what_no_meter_shows_is_nobodys():
    scene = a_fee()

    (settlement,) = stage.settle(fees.claim(scene, excluded=0, amount=260_000_00))
    assert stage.verdicts(Bill.objects.get()) == [
        ("REDUCED", 200_000_00, 60_000_00, 100_000_00, "fee_above_meter")
    ]
    assert settlement.covered == 100_000_00
    assert fees.owed(scene) == (100_000_00, 0)


@pytest.mark.django_db
def test_only_the_side_that_is_paid_claims():
    scene = a_fee()
    said = refused(
        actions.ProviderIsPaid,
        scene,
        lambda: fees.claim(scene, actor=scene.applicant.person),
    )
    assert scene.seller.organisation.name in said
    assert scene.voucher.code in said
    for stranger in (
        cast.an_sme("Stranger").person,
        cast.make_provider(scene.authority, "Another Compute").person,
        scene.authority.officer,
    ):
        refused(NotAllowed, scene, lambda one=stranger: fees.claim(scene, actor=one))

    other = a_fee("BENEFICIARY")
    refused(NotAllowed, other, lambda: fees.claim(other))
    program = other.seller.provider.address
    refused(actions.BillNotForMode, other, lambda: fees.claim(other, actor=program))
    stage.settle(fees.claim(other, actor=other.applicant.person))
    assert fees.owed(other) == (0, 100_000_00)


@pytest.mark.django_db
def test_a_program_of_the_provider_may_claim():
    scene = a_fee()
    stage.settle(fees.claim(scene, actor=scene.seller.provider.address))
    assert fees.owed(scene) == (100_000_00, 0)


@pytest.mark.django_db
def test_asked_twice_it_is_one_claim_and_another_content_is_refused():
    scene = a_fee()
    bill = fees.claim(scene, key="k")
    assert fees.claim(scene, key="k") == bill
    refused(KeyReused, scene, lambda: fees.claim(scene, key="k", amount=1_00))
    first = stage.settle(bill, key="s")
    assert stage.settle(bill, key="s") == first
    refused(actions.BillSettled, scene, lambda: stage.settle(bill, key="other"))
    assert fees.owed(scene) == (100_000_00, 0)


@pytest.mark.django_db
def test_the_holder_confirms_it_or_its_days_go_by():
    scene = a_fee()
    bill = fees.claim(scene)
    assert not is_due(bill, stage.LATER)
    assert not is_due(bill, stage.LATER + timedelta(days=15, seconds=-1))
    assert is_due(bill, stage.LATER + timedelta(days=15))
    assert is_due(fees.agree(scene, bill), stage.LATER)


@pytest.mark.django_db
def test_what_the_holder_disputes_waits_and_is_paid_once_it_is_decided():
    scene = a_fee()
    bill = fees.claim(scene)
    actions.object_to_line(
        line=bill.lines.get(),
        note="We agreed on less",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    stage.settle(bill)
    assert stage.verdicts(bill) == [("WITHHELD", 0, 200_000_00, 0, "objected")]
    assert fees.owed(scene) == (0, 0)

    fees.look(scene, bill)
    assert fees.owed(scene) == (100_000_00, 0)
    stage.assert_in_step()


@pytest.mark.django_db
def test_a_suspension_of_the_provider_makes_its_claims_wait_and_not_a_holders():
    scene, other = a_fee(), a_fee("BENEFICIARY")
    bill = fees.claim(scene)
    for one in (scene, other):
        cast.a_suspension(one.authority, one.seller, bills=Suspension.Bills.WAIT)
    refused(actions.SettlementWaits, scene, lambda: stage.settle(bill))
    stage.settle(fees.claim(other, actor=other.applicant.person))
    assert fees.owed(other) == (0, 100_000_00)


@pytest.mark.django_db
def test_claims_of_parts_never_pass_the_voucher():
    scene = a_fee()
    fees.use(scene, "job-2", started=stage.START.replace(month=7))
    july = start_of(date(2025, 7, 1), stage.ZONE)
    august = start_of(date(2025, 8, 1), stage.ZONE)
    stage.settle(fees.claim(scene))
    at = stage.LATER.replace(month=8)
    bill = fees.claim(scene, invoice="F-2", period_from=july, period_until=august, at=at)
    (rest,) = stage.settle(bill, at=at)

    assert (rest.covered, rest.beyond_hold) == (0, 100_000_00)
    assert fees.owed(scene) == (100_000_00, 0)
    stage.assert_in_step()


@pytest.mark.django_db
def test_a_provider_finds_the_vouchers_that_pay_it_and_on_which_it_metered():
    scene, other = a_fee(), a_fee("BENEFICIARY")
    unused = cast.a_fee(cast.cost_share_law(**UNASKED), code="xx-unused")
    rival = cast.make_provider(scene.authority, "Another Compute")

    assert list(vouchers_to_claim(scene.seller.provider)) == [scene.voucher]
    assert voucher_to_claim(scene.seller.provider, scene.voucher.code.lower()) == scene.voucher
    for provider, code in (
        (rival.provider, scene.voucher.code),
        (other.seller.provider, other.voucher.code),
        (unused.seller.provider, unused.voucher.code),
        (scene.seller.provider, "V-222222"),
    ):
        with pytest.raises(NotFound):
            voucher_to_claim(provider, code)


@pytest.mark.slow
def test_a_claim_settled_by_many_at_once_is_paid_once(committed_db):
    scene = a_fee()
    bill = fees.claim(scene)

    answers = at_once(20, lambda number: stage.settle(bill, key=f"s{number}"))

    assert sum(isinstance(one, list) for one in answers) == 1
    assert fees.owed(scene) == (100_000_00, 0)
    stage.assert_in_step()


@pytest.mark.slow
def test_one_key_asked_twenty_times_is_one_claim(committed_db):
    scene = a_fee()

    answers = at_once(20, lambda _number: fees.claim(scene, key="the one key"))

    assert {one.pk for one in answers} == {Bill.objects.get().pk}
