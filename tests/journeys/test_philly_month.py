"""A real month of a real cluster goes from its job log to the bank's answer, to the second.

Microsoft's Philly trace: seven tenants, one provider, October 2017 in UTC. Jobs that overlap
the month count for the part inside it: 88,069.2594 GPU-hours in all.
"""

import csv
import gzip
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db.models import Sum

from billing import actions
from billing.bank.demo_bank import statement_for
from billing.models import BillLine, Payment, Settlement, UsageLine
from common.days import start_of
from ledger.actions import SYSTEM
from ledger.queries import accounts_found, accounts_out_of_step, balances
from tests import cast
from tests.journeys.closing import all_papers_say_the_same, covered_of
from tests.journeys.sites import a_site, an_order
from tests.real_data import shared

pytestmark = [pytest.mark.django_db, pytest.mark.real_data, pytest.mark.slow]

TENANTS = ("11cb48", "23dbec", "51b7ef", "6214e9", "925e2b", "b436b2", "ed69ec")
COLUMNS = {
    "start": "timestamp",
    "duration": "duration",
    "count": "num_gpus",
    "account": "cluster",
}
AUGUST = datetime(2017, 8, 1, 12, tzinfo=UTC)
FIRST = start_of(date(2017, 10, 1))
LAST = start_of(date(2017, 11, 1))
# The log goes on until the year's end; it is sent, and its October billed, after that.
JANUARY = datetime(2018, 1, 10, 9, tzinfo=UTC)
PART = Fraction(3, 5)


@pytest.fixture
def site():
    """A provider that sold before the month began."""
    return a_site("Philly", AUGUST, resource="GPU", resource_class="P100", rate="1000.00")


def prices_of_the_month(path):
    """Work out, from the file alone, what each tenant's October costs in cents."""
    prices = Counter()
    with gzip.open(path, "rt") as rows:
        for row in csv.DictReader(rows):
            began = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
            ended = began + timedelta(seconds=int(float(row["duration"])))
            seconds = (min(ended, LAST) - max(began, FIRST)).total_seconds()
            if seconds > 0:
                exact = Fraction(int(seconds) * int(row["num_gpus"]) * 1000 * 100, 3600)
                prices[row["cluster"]] += int(exact + Fraction(1, 2))
    return dict(prices)


def test_october_2017_from_the_job_log_to_the_banks_answer(site, django_assert_max_num_queries):
    path = shared("usage/philly_jobs_7vc.csv.gz")
    authority, programme = site.authority, site.programme
    provider, person = site.provider, site.person
    orders = [an_order(site, tenant, hours=60_000) for tenant in TENANTS]

    with path.open("rb") as stream:
        report = actions.record_usage_file(
            provider=provider,
            name=path.name,
            format="csv",
            stream=stream,
            source="philly",
            resource="GPU",
            is_dry_run=False,
            actor=person.address,
            at=JANUARY,
            key="usage",
            columns=COLUMNS,
        )
    assert (report.rows, report.recorded, report.errors_total) == (65_892, 65_892, 0)

    bill = actions.submit_bill(
        provider=provider,
        programme=programme,
        invoice_number="2017-10",
        period_from=FIRST,
        period_until=LAST,
        lines=None,
        actor=person.address,
        at=JANUARY,
        key="bill",
    )
    billed_ms = BillLine.objects.aggregate(total=Sum("quantity_ms"))["total"]
    assert f"{Decimal(billed_ms) / cast.HOUR:.4f}" == "88069.2594"

    # Once for all lines, a few for each order: never one a line.
    with django_assert_max_num_queries(60):
        settlements = actions.settle_bill(bill=bill, actor=SYSTEM, at=JANUARY, key="settle")
    accepted = sum(one.accepted for one in settlements)
    covered = sum(one.covered for one in settlements)
    expected = prices_of_the_month(path)
    assert {one.order.provider_reference: one.accepted for one in settlements} == expected
    assert {one.order for one in settlements} <= set(orders)
    assert accepted == bill.total
    assert covered == sum(int(price * PART) for price in expected.values())
    assert not any(one.withheld or one.beyond_hold for one in settlements)

    batch = actions.prepare_batch(
        programme=programme, actor=authority.finance[0], at=JANUARY, key="prepare"
    )
    actions.lock_batch(batch=batch, actor=authority.finance[0], at=JANUARY, key="lock")
    actions.approve_batch(batch=batch, actor=authority.finance[1], at=JANUARY, key="approve")
    file = actions.release_batch(
        batch=batch, actor=authority.finance[2], at=JANUARY, key="release"
    )
    answer = statement_for(
        bytes(file.content),
        statement_id="2018-01-10",
        created_at=JANUARY,
        booked_on=JANUARY.date(),
    )
    actions.read_statement(
        name="camt053.xml", data=answer, actor=authority.finance[0], at=JANUARY, key="read"
    )

    payment = Payment.objects.get()
    assert (payment.amount, payment.status) == (covered, Payment.Status.PAID)
    batch.refresh_from_db()
    assert batch.status == "CLOSED"
    # Bill, ledger, pain.001, camt.053 and what the pages show of it: one figure, to the cent.
    assert all_papers_say_the_same(batch) == covered == covered_of([bill])
    october = date(2017, 10, 1)
    actions.propose_period(
        programme=programme,
        month=october,
        note="",
        actor=authority.finance[1],
        at=JANUARY,
        key="propose",
    )
    actions.close_period(
        programme=programme,
        month=october,
        actor=authority.finance[0],
        at=JANUARY,
        key="close",
    )
    print(
        f"October 2017: {Decimal(billed_ms) / cast.HOUR:.4f} GPU-hours, billed {bill.total}, "
        f"covered and paid {covered} cents on bill, ledger, pain.001, camt.053 and statement"
    )
    paid = programme.account("paid", provider.organisation.code)
    assert balances([paid])[paid].net == covered
    everything = balances(account.address for account in accounts_found(""))
    assert sum(one.net for one in everything.values()) == 0
    assert accounts_out_of_step() == []
    assert UsageLine.objects.count() == 65_892
    assert Settlement.objects.count() == len(expected) == 4
