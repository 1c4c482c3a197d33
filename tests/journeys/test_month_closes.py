"""A month of the demo's world closes end to end: every paper says the same, to the cent."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from django.conf import settings as portal
from django.core.management import call_command
from django.db.models import Sum
from django.test import Client
from django.urls import reverse

from billing import actions
from billing.models import Batch, Bill, BillLine, Payment, Settlement, Verdict
from billing.queries.periods import bills_unsettled, bills_withheld, month_bounds, periods_of
from billing.queries.traced import parts_owed
from config.demo.programmes import OFFSET
from ledger.queries import accounts_found, accounts_out_of_step, balances
from parties.models import User
from tests.journeys.closing import all_papers_say_the_same, covered_of
from vouchers.models import Programme

pytestmark = pytest.mark.slow

UNTIL = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def world(settings, tmp_path, committed_db):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.VAR_DIR = tmp_path
    settings.REGISTERS_FOLDER = str(tmp_path / "registers")
    call_command("load_demo", "--small", seed=7, until=UNTIL)
    return Programme.objects.get(code=OFFSET)


def finance_of(programme):
    members = programme.authority.memberships.filter(role="FINANCE", valid_until_on=None)
    return [one.user for one in members.select_related("user").order_by("pk")]


def the_first_month_settled(programme):
    """Return the first month of which every bill is settled, with its bills."""
    for month in reversed(periods_of(programme)):
        begins, ends = month_bounds(programme, month.month)
        bills = Bill.objects.filter(
            programme=programme, kind="BILL", period_from__gte=begins, period_from__lt=ends
        )
        if month.total and not month.closed and not bills.filter(status="SENT").exists():
            return month, bills
    raise AssertionError("the demo has no month of which every bill is settled")


def decide_all(bills, person):
    """Decline for good what is still withheld of bills, as their officer would."""
    for line in BillLine.objects.filter(bill__in=bills):
        verdict = Verdict.objects.filter(line=line).order_by("-pk").first()
        if verdict and verdict.outcome in ("REDUCED", "WITHHELD"):
            actions.decide_line(
                line=line,
                accept=False,
                note="Not shown.",
                actor=person,
                at=UNTIL,
                key=f"d{line.pk}",
            )


def test_a_month_of_the_demo_closes_with_the_same_figure_on_every_paper(world):
    closed_batches = Batch.objects.filter(programme=world, status="CLOSED")
    assert closed_batches.count() >= 2
    for batch in closed_batches:
        assert all_papers_say_the_same(batch) > 0

    month, bills = the_first_month_settled(world)
    begins, ends = month_bounds(world, month.month)
    assert bills.aggregate(total=Sum("total"))["total"] == month.total
    # Each line's parts are the bill's: nothing is settled, withheld and declined but what was billed.
    for bill in bills.filter(status="SETTLED"):
        lines = BillLine.objects.filter(bill=bill).aggregate(total=Sum("amount"))["total"]
        assert lines == bill.total
    paid = Counter()
    parts = parts_owed(list(Settlement.objects.filter(bill__in=bills, covered__gt=0)))
    answered = dict(Payment.objects.values_list("end_to_end_id", "status"))
    for part in parts:
        if answered[part.end_to_end_id] in ("PAID", "SENT"):
            paid[part.settlement] += part.amount
    settled = {one.pk: one.covered for one in Settlement.objects.filter(pk__in=paid)}
    assert all(paid[number] <= settled[number] for number in paid)
    assert 0 < sum(paid.values()) <= covered_of(bills)
    print(f"{month.month:%Y-%m}: billed {month.total}, covered {covered_of(bills)} minor units")

    finance = finance_of(world)
    decide_all(bills, finance[1])
    assert bills_unsettled(world, begins, ends) == bills_withheld(world, begins, ends) == []
    actions.propose_period(
        programme=world, month=month.month, note="", actor=finance[1], at=UNTIL, key="propose"
    )
    actions.close_period(
        programme=world, month=month.month, actor=finance[0], at=UNTIL, key="close"
    )
    with pytest.raises(actions.PeriodClosed):
        actions.submit_bill(
            provider=bills[0].provider,
            programme=world,
            invoice_number="LATE",
            period_from=begins,
            period_until=ends,
            lines=None,
            actor="provider:late",
            at=UNTIL,
            key="late",
        )
    assert accounts_out_of_step() == []
    everything = balances(one.address for one in accounts_found(""))
    sums = Counter()
    for one in everything.values():
        sums[one.unit] += one.net
    assert set(sums.values()) == {0}


def test_its_bank_lines_lead_back_to_the_appropriation_by_one_click(world):
    payment = Payment.objects.filter(batch__programme=world, status="PAID").earliest("pk")
    line = payment.bank_lines.earliest("pk")
    regulator = User.objects.filter(memberships__role="REGULATOR").earliest("pk")
    client = Client()
    client.force_login(regulator, backend=portal.AUTHENTICATION_BACKENDS[0])

    answer = client.get(reverse("trace_json", args=["bank_line", line.pk]))

    steps = {one["step"]: one["rows"] for one in answer.json()["steps"]}
    parts = sum(row["amount"] for row in steps["payable"])
    assert parts == payment.amount == line.amount == steps["payment"][0]["amount"]
    rounds = sum(row["amount"] for row in steps["round"])
    assert steps["appropriation"][0]["amount"] >= rounds > 0
    assert {row["amount"] for row in steps["decision"]} == {
        row["amount"] for row in steps["voucher"]
    }
