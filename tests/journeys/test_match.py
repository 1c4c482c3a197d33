"""What follows the award of another programme: recorded, decided by the rule, claimed, paid."""

from datetime import date

import pytest

from billing import actions as billing
from common.days import start_of
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db

BUDGET = cast.MATCH_BUDGET


@pytest.mark.parametrize(
    ("facility", "awarded", "first"),
    [("HIGH", 120_000_00, 30_000_00), ("LOW", 80_000_00, 20_000_00)],
)
def test_a_match_is_followed_issued_claimed_in_parts_and_paid(facility, awarded, first):
    authority = cast.make_authority()
    seller, scheme = cast.make_provider(authority), cast.a_match(authority)
    applicant = cast.an_sme(region="CN-3301")
    programme, organisation = scheme.programme, applicant.organisation
    payable = f"beneficiary_payable:{organisation.code}"
    left = {"appropriation:2025": -BUDGET, "available": BUDGET - awarded}

    # 15 % or 10 % of the 800,000.00 that the national programme counted; nobody looks at it.
    award = cast.an_award(applicant, facility=facility)
    (voucher,) = cast.followed(cast.recorded(scheme, award))
    own = f"voucher:{voucher.code}"
    decision = voucher.decision
    assert (programme.mode, voucher.amount, decision.decided_by) == ("M8", awarded, None)
    assert [step["name"] for step in decision.working][:1] == ["upstream"]
    assert stage.nets(programme) == {**left, own: awarded}

    # A quarter of the fee is used and paid at first, then the rest: each part has its share.
    def claimed(number, amount, months):
        bill = billing.submit_claim(
            voucher=voucher,
            provider=seller.provider,
            invoice_number=f"F-{number}",
            amount_paid=amount,
            fee_excluded=0,
            contract_from_on=date(2025, 3, 1),
            contract_until_on=date(2025, 12, 31),
            period_from=start_of(date(2025, months[0], 1), stage.ZONE),
            period_until=start_of(date(2025, months[1], 1), stage.ZONE),
            actor=applicant.person,
            at=stage.LATER,
            key=f"claim {number}",
        )
        (settlement,) = stage.settle(bill)
        return settlement

    use = stage.a_record(voucher.code, "job-1", hours=8, gpus=1000, started=stage.START)
    stage.record(seller, use)
    part = claimed(1, 200_000_00, (6, 7))
    assert (part.covered, part.co_payment) == (first, 200_000_00 - first)
    assert stage.nets(programme) == {**left, own: awarded - first, payable: first}

    later = stage.START.replace(month=7)
    use = stage.a_record(voucher.code, "job-2", hours=24, gpus=1000, started=later)
    stage.record(seller, use, at=later.replace(day=30))
    rest = claimed(2, 600_000_00, (7, 8))
    assert (rest.covered, rest.beyond_hold) == (awarded - first, 0)
    assert stage.nets(programme) == {**left, payable: awarded}

    first_, second, third = authority.finance
    cast.a_bank_detail(authority.organisation, second, authority)
    cast.a_bank_detail(organisation, applicant.person, authority)
    at = stage.LATER
    batch = billing.prepare_batch(programme=programme, actor=first_, at=at, key="prepare")
    billing.lock_batch(batch=batch, actor=first_, at=at, key="lock")
    billing.approve_batch(batch=batch, actor=second, at=at, key="approve")
    file = billing.release_batch(batch=batch, actor=third, at=at, key="release")
    assert stage.nets(programme) == {**left, f"clearing:{batch.code}": awarded}
    answer = stage.answer(bytes(file.content))
    billing.read_statement(name="s.xml", data=answer, actor=first_, at=at, key="statement")
    assert stage.nets(programme) == {**left, f"paid:{organisation.code}": awarded}
    stage.assert_in_step()
