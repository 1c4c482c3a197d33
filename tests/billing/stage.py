"""Short ways to use, bill, settle and pay, on the cast's scenes."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from billing import actions
from billing.bank.demo_bank import statement_for
from billing.models import Bill, Verdict
from billing.usage.record import UsageRecord
from common.days import start_of
from ledger.actions import SYSTEM
from ledger.queries import accounts_found, accounts_out_of_step, balances, hold_remaining
from parties import actions as parties
from tests import cast

ZONE = "Asia/Shanghai"
JUNE = start_of(date(2025, 6, 1), ZONE)
JULY = start_of(date(2025, 7, 1), ZONE)
START = datetime(2025, 6, 10, 8, tzinfo=UTC)
LATER = datetime(2025, 7, 2, 9, tzinfo=UTC)
HOUR = cast.HOUR


def a_record(account, key="job-1", *, hours=10, gpus=1, started=START, resource="GPU", row=1):
    """Return a metered interval of so many hours of so many GPUs."""
    return UsageRecord(
        source="slurm",
        key=key,
        resource=resource,
        count_thousandths=gpus * 1000,
        started_at=started,
        ended_at=started + timedelta(hours=hours),
        state="COMPLETED",
        account=account,
        resource_class="H100",
        row=row,
    )


def record(seller, *records, key=None, at=LATER):
    """Record usage as its meter sends it: at an instant, or when the last of it has ended."""
    at = max([at, *(one.ended_at for one in records)])
    return actions.record_usage(
        provider=seller.provider,
        source="slurm",
        records=list(records),
        actor=seller.provider.address,
        at=at,
        key=key or cast.a_key("usage"),
    )


def use(seller, order, *, hours, gpus=1, key="job-1", started=START):
    """Record one job under an order."""
    report = record(seller, a_record(order.code, key, hours=hours, gpus=gpus, started=started))
    assert (report.recorded, report.errors) == (1, ())


def a_line(key="job-1", hours=None, rate=None, amount=None):
    """Return a line as a provider bills it."""
    return actions.BillLineInput(
        "slurm",
        key,
        None if hours is None else int(Decimal(hours) * HOUR),
        None if rate is None else Decimal(rate),
        amount,
    )


def bill(scene, *lines, invoice="INV-1", key=None, period=(JUNE, JULY), at=LATER):
    """Send a bill of these lines or, without lines, of everything metered."""
    return actions.submit_bill(
        provider=scene.seller.provider,
        programme=scene.scheme.programme,
        invoice_number=invoice,
        period_from=period[0],
        period_until=period[1],
        lines=list(lines) or None,
        actor=scene.seller.person.address,
        at=at,
        key=key or cast.a_key("bill"),
    )


def settle(one: Bill, *, key=None, actor=SYSTEM, at=LATER):
    return actions.settle_bill(bill=one, actor=actor, at=at, key=key or f"settle:{one.number}")


def verdicts(one: Bill):
    """Return each line's last verdict: outcome, accepted, withheld, covered and reason."""
    last: dict[int, Verdict] = {}
    for verdict in Verdict.objects.filter(line__bill=one).order_by("line__row", "pk"):
        last[verdict.line_id] = verdict
    return [(v.outcome, v.accepted, v.withheld, v.covered, v.reason) for v in last.values()]


def payable(scene, programme=None):
    """Return what is owed to the scene's provider."""
    programme = programme or scene.scheme.programme
    address = programme.account("provider_payable", scene.seller.organisation.code)
    found = balances([address])
    return found[address].net if found else 0


def held(order):
    return hold_remaining(order.hold)


def an_own_account(authority):
    """Give an authority a bank detail to pay from."""
    detail = parties.propose_bank_detail(
        organisation=authority.organisation,
        scheme="OTHER",
        number="6222000099999999",
        agent="BKCHCNBJ",
        holder=authority.organisation.name,
        actor=authority.finance[1],
        at=cast.NOON,
        key=cast.a_key("own"),
    )
    return parties.approve_bank_detail(
        bank_detail=detail, actor=authority.finance[2], at=cast.NOON, key=cast.a_key("own")
    )


def open_batch(scene, key=None):
    return actions.prepare_batch(
        programme=scene.scheme.programme,
        actor=scene.authority.finance[0],
        at=LATER,
        key=key or cast.a_key("prepare"),
    )


def lock(scene, batch, key=None):
    return actions.lock_batch(
        batch=batch,
        actor=scene.authority.finance[0],
        at=LATER,
        key=key or cast.a_key("lock"),
    )


def prepare(scene, key=None):
    """Return a batch of all that is due, with its list locked."""
    return lock(scene, open_batch(scene, key), key)


def approve(scene, batch, key=None):
    """Approve a batch; where its payments look like earlier ones, that is right."""
    return actions.approve_batch(
        reasons={one.end_to_end_id: "Right" for one in batch.payments.all()},
        batch=batch,
        actor=scene.authority.finance[1],
        at=LATER,
        key=key or cast.a_key("approve"),
    )


def authorise(scene, batch, key=None):
    return actions.authorise_batch(
        batch=batch,
        actor=scene.authority.finance[2],
        at=LATER,
        key=key or cast.a_key("authorise"),
    )


def release(scene, batch, key=None):
    return actions.release_batch(
        batch=batch,
        actor=scene.authority.finance[2],
        at=LATER,
        key=key or cast.a_key("release"),
    )


def sent(scene):
    """Return a batch that went to the bank, with its file."""
    batch = approve(scene, prepare(scene))
    file = release(scene, batch)
    batch.refresh_from_db()
    return batch, bytes(file.content)


def answer(file, number="ST-1", **more):
    """Return the bank's statement on a payment file."""
    return statement_for(
        file, statement_id=number, created_at=LATER, booked_on=LATER.date(), **more
    )


def read(scene, data, *, key=None, name="statement.xml"):
    return actions.read_statement(
        name=name,
        data=data,
        actor=scene.authority.finance[0],
        at=LATER,
        key=key or cast.a_key("statement"),
    )


def lines_of(statement):
    return [
        (line.match, line.amount, line.reason) for line in statement.lines.order_by("position")
    ]


def nets(programme):
    """Return what each account of a programme holds, without the programme's code in its name."""
    found = balances(account.address for account in accounts_found(""))
    return {
        address.replace(f":{programme.code}", "", 1): one.net
        for address, one in found.items()
        if one.net and address.split(":")[1] == programme.code
    }


def assert_in_step():
    """Make sure that all value sums to nothing and no row contradicts another."""
    found = balances(account.address for account in accounts_found(""))
    assert sum(one.net for one in found.values()) == 0
    assert accounts_out_of_step() == []
