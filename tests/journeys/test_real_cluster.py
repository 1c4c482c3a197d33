"""A real cluster's Slurm log, taken in as a provider sends it, gives the core-hours its site published.

The log and the figures are those of XDMoD's reference data (resource "pozidriv"): 71,984.2764
core-hours, day by day to four decimals.
"""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing import actions as billing
from billing import queries as bills
from billing.models import UsageLine
from tests import cast
from tests.real_data import shared

pytestmark = [pytest.mark.django_db, pytest.mark.real_data, pytest.mark.slow]

ARRIVED = datetime(2025, 6, 3, 9, tzinfo=UTC)
CORE_HOUR = Decimal(3_600_000)


@pytest.fixture
def stage():
    """A voucher with one order for each of the log's accounts, in a programme in UTC."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority, "Pozidriv", resource="CPU", resource_class="CPU")
    text = cast.policy_text(cast.M3).replace('zone = "Asia/Shanghai"', 'zone = "UTC"')
    scheme = cast.make_programme(authority, cast.M3, text=text)
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    return seller, applicant, voucher


def accounts_of(log):
    import gzip

    with gzip.open(log, "rt") as lines:
        return sorted({line.split("|")[5] for line in lines})


def test_core_hours_are_those_that_the_site_published_day_by_day(stage):
    seller, applicant, voucher = stage
    log = shared("usage/xdmod_pozidriv_sacct.log.gz")
    for account in accounts_of(log):
        cast.a_hold(voucher, applicant, seller, hours="1", provider_reference=account)

    with log.open("rb") as stream:
        report = billing.record_usage_file(
            provider=seller.provider,
            name=log.name,
            format="sacct",
            stream=stream,
            source="pozidriv",
            resource="CPU",
            is_dry_run=False,
            actor=seller.provider.address,
            at=ARRIVED,
            key="pozidriv",
        )

    assert report.errors == ()
    assert UsageLine.objects.count() == report.recorded
    days = {day: Decimal(ms) / CORE_HOUR for day, ms in bills.daily_usage(voucher)}
    assert round(sum(days.values()), 4) == Decimal("71984.2764")
    published = shared("usage/xdmod_expected/pozidriv__total_cpu_hours__timeseries-Day.csv")
    with published.open() as lines:
        rows = list(csv.reader(lines))[1:]
    told = {date.fromisoformat(day): Decimal(hours) for day, hours in rows}
    assert len(told) == 11
    assert {day: round(days[day], 4) for day in told} == told
