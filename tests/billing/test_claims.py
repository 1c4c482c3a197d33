"""A fee paid after use is claimed once, by the voucher's holder, for metered use only."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing import actions
from billing.models import Bill, Verdict
from billing.reasons import sentence
from common.days import start_of
from ledger.queries import balances
from parties.queries import NotAllowed
from providers import actions as providers
from safeguards.models import Alert
from tests import cast
from tests.billing import stage
from vouchers import actions as vouchers
from vouchers.queries import voucher_balance, vouchers_expired_by

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


def use(scene, voucher=None, key="job-1", *, hours=8, gpus=1000, started=stage.START):
    """Let the meter show use; unless told otherwise 8,000 GPU-hours, 200,000.00 at 25.00."""
    voucher = voucher or scene.voucher
    job = stage.a_record(voucher.code, key, hours=hours, gpus=gpus, started=started)
    assert stage.record(scene.seller, job).recorded == 1


def look(scene, bill, key="look"):
    return actions.decide_line(
        line=bill.lines.get(),
        accept=True,
        note="The contract has a price of its own",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=key,
    )


def owed(scene, organisation=None):
    organisation = organisation or scene.applicant.organisation
    address = scene.scheme.programme.account("beneficiary_payable", organisation.code)
    found = balances([address])
    return found[address].net if found else 0


def test_nannings_example_pays_25_102(scene):
    use(scene)

    bill = claim(scene)
    (settlement,) = stage.settle(bill)

    assert scene.voucher.amount == 25_102_00
    assert (bill.kind, bill.payee) == (Bill.Kind.CLAIM, scene.applicant.organisation)
    assert (settlement.covered, settlement.co_payment) == (25_102_00, 174_898_00)
    assert owed(scene) == 25_102_00
    assert voucher_balance(scene.voucher).net == 0
    stage.assert_in_step()


def test_a_fee_for_storage_is_left_out(scene):
    use(scene)

    bill = claim(scene, paid=200_000_00, excluded=100_000_00)
    (settlement,) = stage.settle(bill)

    # 100,000 x 305/729 = 41,838.13… -> 4.1838 wan; x 30 % = 1.25514 -> 1.2551 wan.
    assert settlement.covered == 12_551_00
    assert voucher_balance(scene.voucher).net == 25_102_00 - 12_551_00


def test_a_second_claim_gets_no_more_than_the_voucher_has(scene):
    use(scene)
    use(scene, key="job-2", started=stage.START + timedelta(days=90))
    border = stage.START + timedelta(days=60)
    stage.settle(claim(scene, period_until=border))

    (settlement,) = stage.settle(claim(scene, invoice="F-2", period_from=border))

    assert (settlement.covered, settlement.beyond_hold) == (0, 25_102_00)
    assert owed(scene) == 25_102_00


def test_the_same_days_are_claimed_once_under_whatever_invoice_number(scene):
    use(scene)
    first = claim(scene, paid=100_000_00)
    stage.settle(first)
    paid_before = owed(scene)

    second = claim(scene, paid=100_000_00, invoice="F-2", period_from=stage.START)
    stage.settle(second)

    assert stage.verdicts(second) == [("WITHHELD", 0, 100_000_00, 0, "claim_billed_before")]
    verdict = Verdict.objects.get(line__bill=second)
    assert sentence(verdict.reason, verdict.reason_values).startswith(f"Claim {first.number} ")
    assert owed(scene) == paid_before
    assert Alert.objects.get().rule.code == "line_billed_before"


def test_a_claim_that_was_withheld_whole_stands_in_nobodys_way(scene):
    stage.settle(claim(scene))
    use(scene)

    second = claim(scene, invoice="F-2")
    stage.settle(second)

    assert stage.verdicts(second) == [("ACCEPTED", 200_000_00, 0, 25_102_00, "")]


def test_a_fee_above_use_at_the_providers_price_is_accepted_up_to_it(scene):
    use(scene, hours=4)

    bill = claim(scene, paid=210_000_00, excluded=10_000_00)
    (settlement,) = stage.settle(bill)

    # 4,000 hours x 25.00 = 100,000.00 of a fee of 200,000.00; storage is left out as always.
    assert (settlement.billed, settlement.accepted, settlement.withheld) == (
        210_000_00,
        110_000_00,
        100_000_00,
    )
    assert settlement.covered == 12_551_00
    assert stage.verdicts(bill) == [
        ("REDUCED", 110_000_00, 100_000_00, 12_551_00, "fee_above_meter")
    ]
    verdict = Verdict.objects.get()
    assert sentence(verdict.reason, verdict.reason_values) == (
        "The fee claimed is ¥200,000.00. The meter shows 4,000 GPU-hours in the claim's period, "
        "which at the provider's published price of at most 25 CNY an hour come to ¥100,000.00. "
        "The difference is withheld."
    )
    alert = Alert.objects.get()
    assert (alert.rule.code, alert.value) == ("billed_above_meter", 100_000_00)
    stage.assert_in_step()


def test_the_rest_of_a_fee_is_a_persons_to_accept(scene):
    use(scene, hours=4)
    bill = claim(scene, paid=210_000_00, excluded=10_000_00)
    stage.settle(bill)

    look(scene, bill)

    # Storage was left out of the first part and is not left out of the second once more.
    assert stage.verdicts(bill) == [
        ("ACCEPTED", 210_000_00, 0, 25_102_00, "accepted_after_look")
    ]
    assert owed(scene) == 25_102_00
    stage.assert_in_step()


def test_the_highest_price_of_the_class_in_the_period_counts(scene):
    seller = scene.seller
    cast.an_offer(seller.provider, seller.person, rate="90.00", resource_class="A800")
    dearer = cast.an_offer(seller.provider, seller.person, rate="40.00")
    providers.publish_price(
        offer=dearer,
        rate=Decimal("60.00"),
        currency="CNY",
        from_at=start_of(date(2026, 1, 1), stage.ZONE),
        actor=seller.person,
        at=stage.LATER,
        key="price",
    )
    use(scene, hours=4)

    bill = claim(scene)
    (settlement,) = stage.settle(bill)

    assert settlement.accepted == 160_000_00


def test_use_without_a_published_price_waits_for_a_person(scene):
    providers.withdraw_offer(
        offer=scene.seller.offer, actor=scene.seller.person, at=stage.LATER, key="withdraw"
    )
    use(scene)
    bill = claim(scene)
    stage.settle(bill)
    assert stage.verdicts(bill) == [("WITHHELD", 0, 200_000_00, 0, "no_price")]
    assert owed(scene) == 0

    look(scene, bill)

    assert owed(scene) == 25_102_00


def test_an_objection_to_a_claim_withholds_it_whole_and_ends_no_rule(scene):
    use(scene, hours=4)
    bill = claim(scene)
    actions.object_to_line(
        line=bill.lines.get(),
        note="Sent by mistake",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    stage.settle(bill)
    assert stage.verdicts(bill) == [("WITHHELD", 0, 200_000_00, 0, "objected")]

    look(scene, bill)

    assert stage.verdicts(bill)[0][1:3] == (100_000_00, 100_000_00)
    assert owed(scene) == 12_551_00


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
    use(scene)
    use(scene, voucher, "job-2")
    first = claim(scene)
    stage.settle(first)

    second = claim(scene, voucher=voucher, actor=other.person)
    stage.settle(second)

    assert stage.verdicts(second) == [("WITHHELD", 0, 200_000_00, 0, "invoice_sent_before")]
    assert owed(scene, other.organisation) == 0


def test_a_withheld_claim_is_paid_after_a_look(scene):
    use(scene)
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


def test_a_share_by_size_is_settled_by_the_size_at_the_decision():
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    text = cast.policy_text(cast.M1).replace(
        "lookback_years = 3\n", 'lookback_years = 3\nsize_standard = "CN-2011-300-SOFTWARE"\n'
    )
    tier = '[[tiers]]\nclause = "Small ones"\nrate = "0.50"\nsizes = ["SMALL"]\n\n'
    text = text.replace("[[tiers]]\n", tier + "[[tiers]]\n", 1)
    scheme = cast.make_programme(authority, cast.M1, text=text)
    applicant = cast.an_sme()
    figures = {"employees": 40, "revenue": 3_000_000_00, "currency": "CNY"}
    cast.told(applicant.organisation, business=figures)
    days = {"contract_from_on": "2025-01-01", "contract_until_on": "2026-12-31"}
    voucher = cast.an_issued_voucher(scheme, applicant, fee_total="200000.00", **days)
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    grown = {"employees": 4000, "revenue": 3_000_000_000_00, "currency": "CNY"}
    cast.told(applicant.organisation, at=stage.LATER, business=grown)
    use(scene)

    (settlement,) = stage.settle(claim(scene))

    assert voucher.amount == 41_838_00
    assert settlement.covered == 41_838_00
    assert "Small ones" in {line["clause"] for line in settlement.working}


def test_a_claim_that_was_sent_in_time_is_paid_though_the_last_day_passes(scene):
    use(scene)
    bill = claim(scene)
    late = stage.LATER + timedelta(days=2_000)
    assert scene.voucher not in vouchers_expired_by(late)
    with pytest.raises(vouchers.ClaimUndecided):
        vouchers.expire_voucher(voucher=scene.voucher, at=late, key="expire")
    with pytest.raises(vouchers.ClaimUndecided):
        vouchers.revoke_voucher(
            voucher=scene.voucher,
            note="Why.",
            may_apply_again=True,
            actor=scene.authority.second_officer,
            at=stage.LATER,
            key="revoke",
        )
    before = voucher_balance(scene.voucher).free
    stage.settle(bill)
    assert owed(scene) == 25_102_00
    assert voucher_balance(scene.voucher).free == before - 25_102_00
    assert scene.voucher in vouchers_expired_by(late)
    vouchers.expire_voucher(voucher=scene.voucher, at=late, key="expire")
    assert voucher_balance(scene.voucher).free == 0
