"""A real cluster's Slurm log, taken in as a provider sends it, gives the core-hours its site published.

The log and the figures are those of XDMoD's reference data (resource "pozidriv"): 71,984.2764
core-hours, day by day to four decimals.
"""

import csv
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing import actions as billing
from billing import queries as bills
from billing.models import UsageLine
from tests.journeys.sites import a_site, an_order
from tests.real_data import shared

pytestmark = [pytest.mark.django_db, pytest.mark.real_data, pytest.mark.slow]

OPENED = datetime(2016, 8, 1, 12, tzinfo=UTC)
ARRIVED = datetime(2017, 2, 1, 9, tzinfo=UTC)
CORE_HOUR = Decimal(3_600_000)


@pytest.fixture
def site():
    """A provider that sold cores, in a programme in UTC, before the log began."""
    return a_site("Pozidriv", OPENED, resource="CPU", resource_class="CPU", rate="1.00")


def accounts_of(log):
    import gzip

    with gzip.open(log, "rt") as lines:
        return sorted({line.split("|")[5] for line in lines})


def test_core_hours_are_those_that_the_site_published_day_by_day(site):
    log = shared("usage/xdmod_pozidriv_sacct.log.gz")
    orders = [an_order(site, account, hours=1) for account in accounts_of(log)]

    with log.open("rb") as stream:
        report = billing.record_usage_file(
            provider=site.provider,
            name=log.name,
            format="sacct",
            stream=stream,
            source="pozidriv",
            resource="CPU",
            is_dry_run=False,
            actor=site.provider.address,
            at=ARRIVED,
            key="pozidriv",
        )

    assert report.errors == ()
    assert UsageLine.objects.count() == report.recorded
    metered = Counter()
    for order in orders:
        metered.update(dict(bills.daily_usage(order)))
    days = {day: Decimal(ms) / CORE_HOUR for day, ms in metered.items()}
    assert round(sum(days.values()), 4) == Decimal("71984.2764")
    published = shared("usage/xdmod_expected/pozidriv__total_cpu_hours__timeseries-Day.csv")
    with published.open() as lines:
        rows = list(csv.reader(lines))[1:]
    told = {date.fromisoformat(day): Decimal(hours) for day, hours in rows}
    assert len(told) == 11
    assert {day: round(days[day], 4) for day in told} == told
