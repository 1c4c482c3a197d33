"""What a month comes to: the regulator's page, beside adding up the lines."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from bench.billing_entries.entries import MILLION, staged
from bench.ground import Ground
from bench.registry import Pair, Sample, entry
from billing.queries.months import freshness_of, months_of_use
from parties.models import User
from tests import cast

PLAIN = """
    select date_trunc('month', u.started_at at time zone p.zone)::date, p.code, o.code,
        u.resource, u.resource_class, count(*), sum(u.quantity_ms), sum(coalesce(u.amount, 0))
    from billing_usageline u
    join vouchers_voucher v on v.id = u.voucher_id
    join vouchers_programme p on p.id = v.programme_id
    join providers_provider s on s.id = u.provider_id
    join parties_organisation o on o.id = s.organisation_id
    group by 1, 2, 3, 4, 5 order by 1 desc, 2, 3, 4, 5
"""


@entry(
    must=5,
    aim=10,
    unit="answers/s",
    rows=5 * MILLION,
    subject="the page of use by month, asked for by a regulator: figures and how fresh they are",
    reference="the plain SQL aggregate over the usage lines, by the same",
    at_least={"lines": 1},
)
def usage_month_aggregates(ground: Ground) -> Iterator[Pair]:
    """Ask for the page and for the aggregate, of the same lines; both must say the same."""
    with ExitStack() as scene:
        stage = scene.enter_context(staged(ground, 5 * MILLION))
        regulator = cast.make_authority("Overseer").regulator
        imported = stage.imported(scene)
        with imported.as_owner() as session:
            session.execute("vacuum analyze")
        _require_same(regulator, stage.rows)
        yield Pair(lambda: _page(regulator), _aggregate)


def _require_same(regulator: User, rows: int) -> None:
    shown = [
        (
            one.month,
            one.programme,
            one.provider,
            one.resource,
            one.resource_class,
            one.lines,
            one.quantity_ms,
            one.amount,
        )
        for one in months_of_use(regulator)
    ]
    fresh = freshness_of(regulator)
    if shown != _added_up() or fresh is None or fresh.lines != rows:
        raise RuntimeError(f"The page's figures are not those of the {rows} lines.")


def _added_up() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(PLAIN)
        return [(*row[:5], *map(int, row[5:])) for row in cursor.fetchall()]


def _page(regulator: User) -> Sample:
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    client.force_login(regulator, backend=settings.AUTHENTICATION_BACKENDS[0])
    address = reverse("usage_months")
    start = time.perf_counter()
    answer = client.get(address)
    seconds = time.perf_counter() - start
    if answer.status_code != 200:
        raise RuntimeError(f"The page answered {answer.status_code}.")
    rows = sum(one.lines for one in months_of_use(regulator))
    return Sample(round(1 / seconds, 2), {"seconds": round(seconds, 4), "lines": rows})


def _aggregate() -> Sample:
    start = time.perf_counter()
    _added_up()
    seconds = time.perf_counter() - start
    return Sample(round(1 / seconds, 2), {"seconds": round(seconds, 4)})
