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
from parties import actions as parties
from parties.models import BankDetail
from parties.roles import Role
from policy.programme import shipped
from providers import actions as providers
from tests import cast
from tests.real_data import shared
from vouchers import actions as vouchers

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
NOVEMBER = datetime(2017, 11, 6, 9, tzinfo=UTC)
RATE = Decimal("1000.00")
PART = Fraction(3, 5)


def the_law():
    """Return a point-of-sale programme for the test: 60 %, in UTC, with room for the month."""
    text = shipped()["cn-chengdu-2025"]
    for old, new in (
        ('code = "cn-chengdu-2025"', 'code = "philly-2017"'),
        ('zone = "Asia/Shanghai"', 'zone = "UTC"'),
        ('amount = "5000000"', 'amount = "500000000"'),
        ('amount = "100000000"', 'amount = "5000000000"'),
        ("days = 30", "days = 180"),
        ('up_to = "1000000"', 'up_to = "1000000000"'),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def authority():
    return cast.make_authority()


@pytest.fixture
def programme(authority):
    made = vouchers.create_programme(
        code="philly-2017",
        title="Philly 2017",
        title_zh="Philly 2017",
        authority=authority.organisation,
        text=the_law(),
        actor=authority.officer,
        at=AUGUST,
        key="programme",
    )
    vouchers.release_policy(
        version=made.policy_versions.get(),
        effective_from_on=date(2017, 8, 1),
        actor=authority.second_officer,
        at=AUGUST,
        key="release",
    )
    return made


@pytest.fixture
def intake(authority, programme):
    return vouchers.open_round(
        programme=programme,
        code="2017-A",
        fiscal_year=2017,
        budget=1_000_000_000_00,
        opens_on=date(2017, 8, 1),
        closes_on=date(2017, 12, 31),
        actor=authority.finance[0],
        at=AUGUST,
        key="round",
    )


def a_bank_detail(organisation, number, proposer, approver):
    proposed = parties.propose_bank_detail(
        organisation=organisation,
        scheme=BankDetail.Scheme.OTHER,
        number=number,
        agent="BKCHCNBJ",
        holder=organisation.name,
        actor=proposer,
        at=AUGUST,
        key=cast.a_key("bank"),
    )
    parties.approve_bank_detail(
        bank_detail=proposed, actor=approver, at=AUGUST, key=cast.a_key("bank")
    )


@pytest.fixture
def seller(authority):
    """A provider that sold before the month began."""
    organisation = cast.an_organisation("PROVIDER", "Philly")
    person = cast.with_role(cast.a_person("Peng Wei"), organisation, Role.PROVIDER)
    provider = providers.accredit_provider(
        organisation=organisation, actor=authority.officer, at=AUGUST, key="accredit"
    )
    offer = providers.publish_offer(
        provider=provider,
        title="A GPU by the hour",
        resource="GPU",
        resource_class="P100",
        region="Philadelphia",
        rate=RATE,
        currency="CNY",
        actor=person,
        at=AUGUST,
        key="offer",
    )
    finance = authority.finance
    a_bank_detail(organisation, "6222000000000001", person, finance[0])
    a_bank_detail(authority.organisation, "6222000000000002", finance[1], finance[2])
    return provider, offer, person


def an_order(tenant, authority, intake, offer, programme):
    """Return a tenant's order, placed before the month: 60,000 hours at its reference."""
    scheme = cast.Scheme(authority, programme, None, intake)
    applicant = cast.an_sme(f"Tenant {tenant}")
    application = cast.a_sent_application(scheme, applicant, at=AUGUST, fee_total="60000000.00")
    decision = vouchers.decide_application(
        application=application,
        outcome="PASS",
        awarded=None,
        note="",
        actor=authority.officer,
        at=AUGUST,
        key=f"decide {tenant}",
    )
    voucher = vouchers.issue_voucher(
        decision=decision, actor=authority.second_officer, at=AUGUST, key=f"issue {tenant}"
    )
    return vouchers.place_hold(
        voucher=voucher,
        offer=offer,
        hours=Decimal(60_000),
        provider_reference=tenant,
        actor=applicant.person,
        at=AUGUST,
        key=f"hold {tenant}",
    )


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


def test_october_2017_from_the_job_log_to_the_banks_answer(
    authority, programme, intake, seller, django_assert_max_num_queries
):
    path = shared("usage/philly_jobs_7vc.csv.gz")
    provider, offer, person = seller
    orders = [an_order(tenant, authority, intake, offer, programme) for tenant in TENANTS]

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
            at=NOVEMBER,
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
        at=NOVEMBER,
        key="bill",
    )
    billed_ms = BillLine.objects.aggregate(total=Sum("quantity_ms"))["total"]
    assert f"{Decimal(billed_ms) / cast.HOUR:.4f}" == "88069.2594"

    # Once for all lines, a few for each order: never one a line.
    with django_assert_max_num_queries(60):
        settlements = actions.settle_bill(bill=bill, actor=SYSTEM, at=NOVEMBER, key="settle")
    accepted = sum(one.accepted for one in settlements)
    covered = sum(one.covered for one in settlements)
    expected = prices_of_the_month(path)
    assert {one.order.provider_reference: one.accepted for one in settlements} == expected
    assert {one.order for one in settlements} <= set(orders)
    assert accepted == bill.total
    assert covered == sum(int(price * PART) for price in expected.values())
    assert not any(one.withheld or one.beyond_hold for one in settlements)

    batch = actions.prepare_batch(
        programme=programme, actor=authority.finance[0], at=NOVEMBER, key="prepare"
    )
    actions.approve_batch(batch=batch, actor=authority.finance[1], at=NOVEMBER, key="approve")
    file = actions.release_batch(
        batch=batch, actor=authority.finance[2], at=NOVEMBER, key="release"
    )
    answer = statement_for(
        bytes(file.content),
        statement_id="2017-11-06",
        created_at=NOVEMBER,
        booked_on=NOVEMBER.date(),
    )
    actions.read_statement(
        name="camt053.xml", data=answer, actor=authority.finance[0], at=NOVEMBER, key="read"
    )

    payment = Payment.objects.get()
    assert (payment.amount, payment.status) == (covered, Payment.Status.PAID)
    batch.refresh_from_db()
    assert batch.status == "CLOSED"
    paid = programme.account("paid", provider.organisation.code)
    assert balances([paid])[paid].net == covered
    everything = balances(account.address for account in accounts_found(""))
    assert sum(one.net for one in everything.values()) == 0
    assert accounts_out_of_step() == []
    assert UsageLine.objects.count() == 65_892
    assert Settlement.objects.count() == len(expected) == 4
