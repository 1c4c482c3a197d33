"""The road from an order to paid, as the tests of figures and letters walk it."""

from datetime import UTC, date, datetime, timedelta

from billing import actions as billing
from billing.bank.demo_bank import statement_for
from billing.models import BankStatement, Batch, Bill
from billing.usage.record import UsageRecord
from tests.cast import NOON, Applicant, Scheme, Seller, a_bank_detail, a_hold, a_key
from vouchers.models import Order, Voucher

USED_FROM = datetime(2025, 6, 12, 8, tzinfo=UTC)
BILLED = datetime(2025, 7, 1, 9, tzinfo=UTC)
SETTLED = BILLED + timedelta(days=1)
PREPARED = BILLED + timedelta(days=2)
RELEASED = BILLED + timedelta(days=3)
PAID = BILLED + timedelta(days=4)


def use(
    seller: Seller,
    order: Order | Voucher,
    *,
    hours: int,
    started_at: datetime = USED_FROM,
    at: datetime | None = None,
) -> None:
    """Let the seller's meter report so many hours of one GPU, under an order or a voucher."""
    record = UsageRecord(
        source="slurm",
        key=a_key("job"),
        resource="GPU",
        count_thousandths=1000,
        started_at=started_at,
        ended_at=started_at + timedelta(hours=hours),
        state="COMPLETED",
        account=order.code,
        resource_class="H100",
        row=1,
    )
    report = billing.record_usage(
        provider=seller.provider,
        source="slurm",
        records=[record],
        actor=seller.provider.address,
        at=at or record.ended_at,
        key=a_key("usage"),
    )
    assert report.recorded == 1


def bill(scheme: Scheme, seller: Seller, *, at: datetime = BILLED) -> Bill:
    """Bill everything metered so far and not billed before."""
    return billing.submit_bill(
        provider=seller.provider,
        programme=scheme.programme,
        invoice_number=a_key("INV"),
        period_from=NOON,
        period_until=at,
        lines=None,
        actor=seller.person,
        at=at,
        key=a_key("bill"),
    )


def settle(scheme: Scheme, sent: Bill, *, at: datetime = SETTLED) -> None:
    """Settle a bill as the sweep does."""
    billing.settle_bill(bill=sent, actor="system", at=at, key=a_key("settle"))


def used_and_settled(
    scheme: Scheme,
    seller: Seller,
    voucher: Voucher,
    applicant: Applicant,
    *,
    hours: int,
    held: str = "100",
) -> Order:
    """Walk from an order to a settled bill."""
    order = a_hold(voucher, applicant, seller, hours=held)
    use(seller, order, hours=hours)
    settle(scheme, bill(scheme, seller))
    return order


def claimed_and_settled(
    scheme: Scheme, seller: Seller, voucher: Voucher, applicant: Applicant, *, hours: int
) -> Bill:
    """Walk from use to a settled claim of 25.00 an hour."""
    use(seller, voucher, hours=hours)
    claim = billing.submit_claim(
        voucher=voucher,
        provider=seller.provider,
        invoice_number=a_key("INV"),
        amount_paid=hours * 25_00,
        fee_excluded=0,
        contract_from_on=date(2025, 3, 1),
        contract_until_on=date(2025, 12, 31),
        period_from=NOON,
        period_until=USED_FROM + timedelta(hours=hours),
        actor=applicant.person,
        at=BILLED,
        key=a_key("claim"),
    )
    settle(scheme, claim)
    return claim


def sent_to_bank(scheme: Scheme) -> Batch:
    """Pay all that is due: prepared, approved, released by three people."""
    first, second, third = scheme.authority.finance
    a_bank_detail(scheme.authority.organisation, second, scheme.authority)
    batch = billing.prepare_batch(
        programme=scheme.programme, actor=first, at=PREPARED, key=a_key("batch")
    )
    billing.lock_batch(batch=batch, actor=first, at=PREPARED, key=a_key("lock"))
    alike = {one.end_to_end_id: "Another month" for one in batch.payments.all()}
    billing.approve_batch(
        batch=batch, actor=second, at=PREPARED, key=a_key("approve"), reasons=alike
    )
    billing.release_batch(batch=batch, actor=third, at=RELEASED, key=a_key("release"))
    return batch


def answered_by_bank(
    scheme: Scheme, batch: Batch, *, returned: bool = False, at: datetime = PAID
) -> BankStatement:
    """Read the bank's statement that confirms, or returns, every payment of a batch."""
    ids = [one.end_to_end_id for one in batch.payments.all()]
    data = statement_for(
        bytes(batch.file.content),
        statement_id=a_key("ST"),
        created_at=at,
        booked_on=at.date(),
        returned=dict.fromkeys(ids, "AC04") if returned else None,
    )
    return billing.read_statement(
        name="statement.xml",
        data=data,
        actor=scheme.authority.finance[0],
        at=at,
        key=a_key("statement"),
    )
