"""One voucher's whole life, from appropriation to the next award, as the actions tell it.

The best tour of the system: read it from top to bottom.
"""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billing import actions as billing
from billing import queries as bills
from billing.bank import demo_bank
from ledger import queries as ledger
from ledger.actions import SYSTEM
from scoring import actions as scoring
from tests.cast import M3, NOON, a_bank_detail, a_hold, make_scene
from vouchers import actions as vouchers

pytestmark = pytest.mark.django_db

JULY = datetime(2025, 7, 1, tzinfo=UTC)
METER = """job_id,account,resource,class,count,start,end,state
1,{order},GPU,H100,8,2025-06-10T00:00:00Z,2025-06-11T00:00:00Z,COMPLETED
2,{order},GPU,H100,4,2025-06-12T06:00:00Z,2025-06-12T18:00:00Z,FAILED
"""


def money(address):
    return ledger.balance(address).net


def test_from_appropriation_to_the_next_award():
    # A programme with its law, a round with 10,000,000.00, a decision, a voucher of 60,000.00.
    scene = make_scene(M3)
    programme, voucher, seller = scene.scheme.programme, scene.voucher, scene.seller
    payable = programme.account("provider_payable", seller.organisation.code)
    own = programme.account("voucher", voucher.code)
    assert money(programme.account("available")) == 9_940_000_00
    assert money(own) == 60_000_00

    # The holder orders 400 GPU-hours at 25.00: 10,000.00, of which the voucher holds 60 %.
    order = a_hold(voucher, scene.applicant, seller, hours="400")
    assert (order.price_total, order.hold_amount) == (10_000_00, 6_000_00)
    assert ledger.balance(own).free == 54_000_00

    # The provider's meter says 8 x 24 h and 4 x 12 h: 240 GPU-hours, failed jobs included.
    report = billing.record_usage_file(
        provider=seller.provider,
        name="june.csv",
        format="csv",
        stream=io.BytesIO(METER.format(order=order.code).encode()),
        source="cluster-1",
        resource=None,
        is_dry_run=False,
        actor=seller.provider.address,
        at=JULY,
        key="june",
    )
    assert (report.recorded, report.errors) == (2, ())
    assert bills.metered_ms(order, NOON, JULY) == 240 * 3_600_000

    # Everything metered in June goes on a bill of 6,000.00; the voucher covers 3,600.00.
    bill = billing.submit_bill(
        provider=seller.provider,
        programme=programme,
        invoice_number="2025-06",
        period_from=datetime(2025, 6, 1, tzinfo=UTC),
        period_until=JULY,
        lines=None,
        actor=seller.provider.address,
        at=JULY,
        key="bill",
    )
    (settlement,) = billing.settle_bill(bill=bill, actor=SYSTEM, at=JULY, key="settle")
    assert (settlement.billed, settlement.covered, settlement.co_payment) == (
        6_000_00,
        3_600_00,
        2_400_00,
    )
    assert money(payable) == 3_600_00
    assert money(own) == 56_400_00

    # Three people prepare, approve and release; the bank's statement confirms.
    first, second, third = scene.authority.finance
    a_bank_detail(scene.authority.organisation, second, scene.authority)
    batch = billing.prepare_batch(programme=programme, actor=first, at=JULY, key="prepare")
    billing.lock_batch(batch=batch, actor=first, at=JULY, key="lock")
    billing.approve_batch(batch=batch, actor=second, at=JULY, key="approve")
    file = billing.release_batch(batch=batch, actor=third, at=JULY, key="release")
    assert money(payable) == 0
    assert money(programme.account("clearing", batch.code)) == 3_600_00

    statement = demo_bank.statement_for(
        bytes(file.content), statement_id="S1", created_at=JULY, booked_on=date(2025, 7, 2)
    )
    billing.read_statement(
        name="july.xml", data=statement, actor=first, at=JULY, key="statement"
    )
    assert money(programme.account("clearing", batch.code)) == 0
    assert money(programme.account("paid", seller.organisation.code)) == 3_600_00

    # What is left of the hold lapses, then the voucher expires: all of it is available again.
    vouchers.lapse_hold(order=order, at=order.lapses_at, key="lapse")
    end = datetime.combine(
        voucher.valid_until_on + timedelta(days=2), datetime.min.time(), tzinfo=UTC
    )
    vouchers.expire_voucher(voucher=voucher, at=end, key="expire")
    assert money(own) == 0
    assert money(programme.account("available")) == 9_996_400_00

    # The beneficiary reports what came of it; the score becomes the standing of the next award.
    scoring.report_outcome(
        voucher=voucher,
        kind="MODEL",
        title="A model that reads old maps",
        evidence_url="https://example.org/model",
        happened_on=date(2025, 8, 1),
        actor=scene.applicant.person,
        at=end,
        key="outcome",
    )
    score = scoring.score_voucher(voucher=voucher, at=end, key="score")
    standing = scoring.publish_standing(
        organisation=scene.applicant.organisation, at=end, key="standing"
    )
    assert Decimal(0) < score.x < Decimal(1)
    assert standing.organisation == scene.applicant.organisation

    # Every figure on the way is proven.
    appropriated = -money(programme.account("appropriation", "2025"))
    assert appropriated == 9_996_400_00 + 3_600_00
    assert ledger.accounts_out_of_step() == []
