"""A voucher of each mode that is claimed after use, from issue to the bank's confirmation."""

from datetime import UTC, date, datetime

import pytest

from billing import actions as billing
from billing.bank import demo_bank
from common.days import start_of
from ledger import queries as ledger
from policy.programme import shipped
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db

BUDGET = 1_000_000_00
YEAR = {"contract_from_on": "2025-03-01", "contract_until_on": "2025-12-31"}


def written_for_the_test(mode):
    """Return a scheme in a mode that no shipped programme has: half of what was paid."""
    return (
        shipped()["cn-xiamen-2024"]
        .replace("cn-xiamen-2024", f"xx-mode-{mode.lower()}")
        .replace('mode = "M1"', f'mode = "{mode}"')
    )


def claimed(code, text, *, region="CN-3502", **answers):
    """Return a scene whose holder has a voucher, decided by one officer and issued by another."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, code, text=text, budget=BUDGET)
    applicant = cast.an_sme(region=region)
    voucher = cast.an_issued_voucher(
        scheme, applicant, fee_total="200000.00", **{**YEAR, **answers}
    )
    return cast.Scene(authority, seller, scheme, applicant, voucher)


@pytest.mark.parametrize(
    ("mode", "code", "text", "region", "awarded"),
    [
        # W02: a fifth of the contract; what no register knows is referred, and an officer says.
        ("M2", "cn-beijing-2023", shipped()["cn-beijing-2023"], "CN-1101", 40_000_00),
        ("M4", "xx-mode-m4", written_for_the_test("M4"), "CN-3502", 100_000_00),
        ("M6", "xx-mode-m6", written_for_the_test("M6"), "CN-3502", 100_000_00),
    ],
)
def test_the_user_pays_claims_and_is_paid(mode, code, text, region, awarded):
    scene = claimed(code, text, region=region)
    programme, voucher = scene.scheme.programme, scene.voucher
    beneficiary = scene.applicant.organisation
    own = programme.account("voucher", voucher.code)
    payable = programme.account("beneficiary_payable", beneficiary.code)

    def figures():
        return (
            ledger.balance(programme.account("available")).net,
            ledger.balance(own).net,
        )

    # Issuing commits the award, and nothing is held: the mode has no orders.
    assert (programme.mode, voucher.amount) == (mode, awarded)
    assert figures() == (BUDGET - awarded, awarded)

    # 8,000 metered GPU-hours at 25.00 stand behind a fee of 200,000.00 that the user has paid.
    job = stage.a_record(voucher.code, "job-1", hours=8, gpus=1000, started=stage.START)
    assert stage.record(scene.seller, job).recorded == 1
    bill = billing.submit_claim(
        voucher=voucher,
        provider=scene.seller.provider,
        invoice_number="F-1",
        amount_paid=200_000_00,
        fee_excluded=0,
        contract_from_on=date(2025, 3, 1),
        contract_until_on=date(2025, 12, 31),
        period_from=start_of(date(2025, 3, 1), stage.ZONE),
        period_until=start_of(date(2026, 1, 1), stage.ZONE),
        actor=scene.applicant.person,
        at=stage.LATER,
        key="claim",
    )
    (settlement,) = stage.settle(bill)
    assert (settlement.covered, settlement.co_payment) == (awarded, 200_000_00 - awarded)
    assert figures() == (BUDGET - awarded, 0)
    assert ledger.balance(payable).net == awarded

    # Three people and the bank: the user has the money, and the state's books say so.
    first, second, third = scene.authority.finance
    cast.a_bank_detail(scene.authority.organisation, second, scene.authority)
    cast.a_bank_detail(beneficiary, scene.applicant.person, scene.authority)
    at = stage.LATER
    batch = billing.prepare_batch(programme=programme, actor=first, at=at, key="prepare")
    billing.lock_batch(batch=batch, actor=first, at=at, key="lock")
    billing.approve_batch(batch=batch, actor=second, at=at, key="approve")
    file = billing.release_batch(batch=batch, actor=third, at=at, key="release")
    assert ledger.balance(payable).net == 0
    assert ledger.balance(programme.account("clearing", batch.code)).net == awarded
    statement = demo_bank.statement_for(
        bytes(file.content),
        statement_id="S1",
        created_at=datetime(2026, 1, 20, tzinfo=UTC),
        booked_on=date(2026, 1, 21),
    )
    billing.read_statement(name="s.xml", data=statement, actor=first, at=at, key="statement")
    assert ledger.balance(programme.account("clearing", batch.code)).net == 0
    assert ledger.balance(programme.account("paid", beneficiary.code)).net == awarded
    appropriated = -ledger.balance(programme.account("appropriation", "2025")).net
    assert appropriated == BUDGET
    assert ledger.accounts_out_of_step() == []
