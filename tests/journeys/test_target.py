"""A target letter from issue to the bank's confirmation: assessed, and paid to one side alone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from billing import actions as billing
from ledger import queries as ledger
from tests import cast
from tests.billing import stage
from vouchers import actions

pytestmark = pytest.mark.django_db

SCHEMES = Path(__file__).parents[1] / "policy" / "schemes"
QINGYANG = (SCHEMES / "cn-qingyang-2025.toml").read_text("utf-8")
BY_SUPPLY = QINGYANG
BY_DEMAND = QINGYANG.replace('payee = "PROVIDER"', 'payee = "BENEFICIARY"')

BUDGET = 10_000_000_00
AWARD = 1_000_000_00
ISSUED_AT = cast.NOON
YEARS_END = datetime(2025, 12, 31, 9, tzinfo=UTC)
CLAIMED_AT = datetime(2026, 1, 12, 9, tzinfo=UTC)


def a_letter(text):
    """Return a scene with a letter of 1,000,000.00: a tenth of a contract of ten million."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, "cn-qingyang-2025", text=text, budget=BUDGET)
    applicant = cast.an_sme(region="CN-6210")
    voucher = cast.an_issued_voucher(
        scheme,
        applicant,
        fee_total="10000000.00",
        provider_code=seller.organisation.code,
    )
    return cast.Scene(authority, seller, scheme, applicant, voucher)


def assess(scene, figure, *, key=None, at=YEARS_END, **more):
    facts = {
        "voucher": scene.voucher,
        "assessor": "Gansu Measurement Institute",
        "figure": Decimal(figure),
        "evidence": "Electricity bills of 2025 and service certificates, report 2025-118",
        "assessed_on": date(2025, 12, 30),
        "actor": scene.authority.second_officer,
        "at": at,
        "key": key or cast.a_key("assess"),
    }
    return actions.record_assessment(**{**facts, **more})


def claim(scene, person, *, key=None, at=CLAIMED_AT):
    return billing.claim_target(
        voucher=scene.voucher, actor=person, at=at, key=key or cast.a_key("claim")
    )


def settle(bill, *, actor="system", key=None):
    return billing.settle_bill(
        bill=bill, actor=actor, at=CLAIMED_AT, key=key or cast.a_key("settle")
    )


def nets(scene):
    """Return what each account of the programme holds, by its kind; nothing is left out."""
    code = scene.scheme.programme.code
    found = ledger.balances(one.address for one in ledger.accounts_found(""))
    return {
        address.replace(f":{code}", "", 1): one.net
        for address, one in found.items()
        if one.net and f":{code}" in address
    }


@pytest.mark.parametrize("text", [BY_SUPPLY, BY_DEMAND], ids=["supply", "demand"])
@pytest.mark.parametrize(
    ("figure", "paid"), [("4000", 800_000_00), ("5000", AWARD), ("6200.5", AWARD)]
)
def test_a_target_is_agreed_assessed_claimed_and_paid_to_one_side(text, figure, paid):
    scene = a_letter(text)
    is_supply = text is BY_SUPPLY
    voucher, own = scene.voucher, f"voucher:{scene.voucher.code}"
    payee = scene.seller if is_supply else scene.applicant
    other = scene.applicant if is_supply else scene.seller
    side = "provider_payable" if is_supply else "beneficiary_payable"
    payable = f"{side}:{payee.organisation.code}"
    left = {
        "appropriation:2025": -BUDGET,
        "available": BUDGET - AWARD,
        **({own: AWARD - paid} if paid < AWARD else {}),
    }

    # The letter commits the award, and nothing is held.
    assert (scene.scheme.programme.mode, voucher.amount) == ("M7", AWARD)
    assert nets(scene) == {
        "appropriation:2025": -BUDGET,
        "available": BUDGET - AWARD,
        own: AWARD,
    }

    # Before the assessment nothing can be claimed; the other side can't claim at all.
    with pytest.raises(billing.NotAssessed, match=voucher.code):
        claim(scene, payee.person)
    assess(scene, figure)
    with pytest.raises(actions.OtherSideIsPaid, match="never both"):
        claim(scene, other.person)
    bill = claim(scene, payee.person)
    (settlement,) = settle(bill)
    assert (bill.payee, bill.total) == (payee.organisation, AWARD)
    assert (settlement.covered, settlement.co_payment) == (paid, 0)
    assert [line["name"] for line in settlement.working] == [
        "award",
        "assessed",
        "target",
        "round",
        "covered",
    ]
    assert all(line["clause"] for line in settlement.working)
    assert nets(scene) == {**left, payable: paid}

    # Three people and the bank.
    first, second, third = scene.authority.finance
    cast.a_bank_detail(scene.authority.organisation, second, scene.authority)
    if not is_supply:
        cast.a_bank_detail(payee.organisation, payee.person, scene.authority)
    at = CLAIMED_AT
    batch = billing.prepare_batch(
        programme=scene.scheme.programme, actor=first, at=at, key="prepare"
    )
    billing.approve_batch(batch=batch, actor=second, at=at, key="approve")
    file = billing.release_batch(batch=batch, actor=third, at=at, key="release")
    assert nets(scene) == {**left, f"clearing:{batch.code}": paid}
    statement = stage.answer(bytes(file.content))
    billing.read_statement(name="s.xml", data=statement, actor=first, at=at, key="statement")
    assert nets(scene) == {**left, f"paid:{payee.organisation.code}": paid}
    stage.assert_in_step()
