"""Usage by the API: batches beside a COPY of their rows, single records beside no work at all."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.test import Client
from django.test.utils import override_settings

from bench.billing_entries.copies import write_rows
from bench.billing_entries.entries import COPIED, USAGE, copied_rows
from bench.billing_entries.month import LATER, Job, Month, jobs_of, set_scene
from bench.ground import Database, Ground
from bench.registry import Pair, Sample, entry
from providers import actions as providers
from providers.models import Provider

RECORDS_A_BATCH = 1_000
BATCHES, SINGLES = 50, 1_000
Body = bytes


@dataclass(frozen=True, slots=True)
class Desk:
    """A provider's key to the API, and the database before anything came by it."""

    ground: Ground
    before: Database
    month: Month
    secret: str

    def bodies(self, requests: int, records: int) -> list[Body]:
        """Return so many requests' bodies, each of so many records."""
        given = map(_record, jobs_of(self.month, requests * records))
        return [
            json.dumps({"source": "meter", "records": list(islice(given, records))}).encode()
            for _request in range(requests)
        ]

    def client(self) -> Client:
        """Return a program that shows the key, warm from a first call."""
        client = Client(
            SERVER_NAME=settings.ALLOWED_HOSTS[0],
            headers={"Authorization": f"Bearer {self.secret}"},
        )
        _post(client, "nothing", b"{}", 0)
        return client

    def reported(self, bodies: Sequence[Body], records: int) -> Sample:
        """Report usage to a fresh copy of the database; give records a second."""
        with self.ground.database(template=self.before):
            client = self.client()
            self.ground.settle()
            seconds = _seconds_of(client, "usage", bodies, records)
        return Sample(round(len(bodies) * records / seconds, 1), {"seconds": round(seconds, 3)})

    def answered(self, requests: int) -> Sample:
        """Ask for nothing, so many times; give requests a second."""
        with self.ground.database(template=self.before):
            client = self.client()
            self.ground.settle()
            seconds = _seconds_of(client, "nothing", [b"{}"] * requests, 0)
        return Sample(round(requests / seconds, 1), {"seconds": round(seconds, 3)})


def _record(job: Job) -> dict[str, Any]:
    return {
        "key": job.name,
        "account": job.order,
        "resource": "GPU",
        "resource_class": "H100",
        "count": "1",
        "started_at": f"{job.start.isoformat()}Z",
        "ended_at": f"{job.end.isoformat()}Z",
        "state": "COMPLETED",
        "devices": [job.gpu],
    }


def _seconds_of(client: Client, where: str, bodies: Sequence[Body], records: int) -> float:
    start = time.perf_counter()
    for number, body in enumerate(bodies, start=1):
        _post(client, where, body, records, f"request {number}".replace(" ", "-"))
    return time.perf_counter() - start


def _post(client: Client, where: str, body: Body, records: int, key: str = "warm") -> None:
    answer = client.post(
        f"/api/v1/{where}",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": key},
    )
    if answer.status_code != 200 or (records and f'"recorded":{records},' not in answer.text):
        raise RuntimeError(f"{where} answered {answer.status_code}: {answer.text[:500]}")


@contextmanager
def _desk(ground: Ground) -> Iterator[Desk]:
    # Calls are made one after the other, as fast as they are answered.
    added = {"ROOT_URLCONF": "bench.billing_entries.addresses", "API_REQUESTS_A_MINUTE": 10**9}
    with override_settings(**added), ExitStack() as scene:
        before = scene.enter_context(ground.database())
        month = set_scene()
        provider = Provider.objects.get(pk=month.provider)
        _api_key, secret = providers.create_api_key(
            provider=provider,
            name="meter",
            actor=provider.organisation.memberships.get().user,
            at=LATER,
            key="the meter's key",
        )
        yield Desk(ground, before, month, secret)


@entry(
    must=0.3,
    aim=0.5,
    unit="lines/s",
    rows=BATCHES * RECORDS_A_BATCH,
    subject="usage reported by the API in batches of 1,000 records, each with its GPU",
    reference=COPIED.format(table=USAGE),
)
def api_batch_1000(ground: Ground) -> Iterator[Pair]:
    """Report a month in batches, beside one COPY of the lines that they became."""
    with _desk(ground) as desk, ExitStack() as scene:
        batches = ground.pick(BATCHES, 2)
        bodies = desk.bodies(batches, RECORDS_A_BATCH)
        folder = Path(scene.enter_context(TemporaryDirectory(dir=settings.VAR_DIR)))
        path, rows = folder / "usage.copy", batches * RECORDS_A_BATCH
        after = scene.enter_context(ground.database(template=desk.before))
        _seconds_of(desk.client(), "usage", bodies, RECORDS_A_BATCH)
        write_rows(after, USAGE, "started_at", path)
        yield Pair(
            partial(desk.reported, bodies, RECORDS_A_BATCH),
            partial(copied_rows, ground, after, USAGE, path, rows),
        )


@entry(
    must=0.5,
    aim=0.7,
    unit="requests/s",
    subject="usage reported by the API record by record",
    reference="an operation that does nothing: authenticated, counted and noted in the log",
)
def api_single_record(ground: Ground) -> Iterator[Pair]:
    """Report single records, beside asking for nothing as often."""
    with _desk(ground) as desk:
        requests = ground.pick(SINGLES, 20)
        yield Pair(
            partial(desk.reported, desk.bodies(requests, 1), 1),
            partial(desk.answered, requests),
        )
