"""Usage by the API: batches beside a COPY of their rows, single records beside no work at all."""

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, RemoteDisconnected
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from bench.billing_entries.copies import write_rows
from bench.billing_entries.entries import COPIED, USAGE, copied_rows
from bench.billing_entries.month import LATER, Job, Month, jobs_of, set_scene
from bench.ground import Database, Ground
from bench.registry import Pair, Sample, entry
from providers import actions as providers
from providers.models import Provider
from tests.processes import portal

RECORDS_A_BATCH = 1_000
BATCHES, SINGLES = 50, 1_000
# So many that a job takes minutes; of these the first are reported.
JOBS_OF_MONTH = 200_000
Body = bytes
# As many as the portal has threads.
CONNECTIONS = 4
WARM_CALLS = 40


@dataclass(frozen=True, slots=True)
class Desk:
    """A provider's key to the API, and the database before anything came by it."""

    ground: Ground
    before: Database
    folder: Path
    month: Month
    secret: str

    def bodies(self, requests: int, records: int) -> list[Body]:
        """Return so many requests' bodies, each of so many records."""
        given = map(_record, jobs_of(self.month, JOBS_OF_MONTH))
        return [
            json.dumps({"source": "meter", "records": list(islice(given, records))}).encode()
            for _request in range(requests)
        ]

    @contextmanager
    def open(self) -> Iterator["Caller"]:
        """Serve a fresh copy of the database."""
        with self.ground.database(template=self.before) as copy, self.served(copy) as caller:
            yield caller

    @contextmanager
    def served(self, database: Database) -> Iterator["Caller"]:
        """Serve a database by a portal of its own, warm from first calls."""
        folder = self.folder / secrets.token_hex(4)
        folder.mkdir()
        told = {"DJANGO_SETTINGS_MODULE": f"{__package__}.api_settings"}
        with portal(database.app_url, folder, **told) as address:
            caller = Caller(address, self.secret)
            caller.post("nothing", [b"{}"] * WARM_CALLS, 0)
            self.ground.settle()
            yield caller

    def reported(self, bodies: Sequence[Body], records: int) -> Sample:
        """Report usage to a fresh copy of the database; give records a second."""
        with self.open() as caller:
            seconds = caller.post("usage", bodies, records)
        return Sample(round(len(bodies) * records / seconds, 1), {"seconds": round(seconds, 3)})

    def answered(self, requests: int) -> Sample:
        """Ask for nothing, so many times; give requests a second."""
        with self.open() as caller:
            seconds = caller.post("nothing", [b"{}"] * requests, 0)
        return Sample(round(requests / seconds, 1), {"seconds": round(seconds, 3)})


@dataclass(frozen=True, slots=True)
class Caller:
    """A provider's program, that calls the portal over as many connections as it has threads."""

    address: str
    secret: str

    def post(self, where: str, bodies: Sequence[Body], records: int) -> float:
        """Send requests, each once, and return the seconds until the last was answered.

        :raises RuntimeError: if one is answered otherwise than with all its records recorded.
        """
        start = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            parts = [bodies[first::CONNECTIONS] for first in range(CONNECTIONS)]
            for done in [threads.submit(self._send, where, some, records) for some in parts]:
                done.result()
        return time.perf_counter() - start

    def _send(self, where: str, bodies: Sequence[Body], records: int) -> None:
        line = HTTPConnection(urlsplit(self.address).netloc)
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Content-Type": "application/json",
        }
        for body in bodies:
            key = {"Idempotency-Key": secrets.token_hex(16)}
            try:
                status, words = _asked(line, f"/api/v1/{where}", body, headers | key)
            except (ConnectionError, RemoteDisconnected):
                # The server ends a connection now and then; the key makes it one request.
                line.close()
                status, words = _asked(line, f"/api/v1/{where}", body, headers | key)
            if status != 200 or (records and f'"recorded":{records},' not in words):
                raise RuntimeError(f"{where} answered {status}: {words[:500]}")
        line.close()


def _asked(
    line: HTTPConnection, path: str, body: Body, headers: dict[str, str]
) -> tuple[int, str]:
    line.request("POST", path, body, headers)
    answer = line.getresponse()
    return answer.status, answer.read().decode()


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


@contextmanager
def _desk(ground: Ground) -> Iterator[Desk]:
    with ExitStack() as scene:
        folder = Path(scene.enter_context(TemporaryDirectory(dir=settings.VAR_DIR)))
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
        yield Desk(ground, before, folder, month, secret)


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
        batches = ground.pick(BATCHES, 2 * CONNECTIONS)
        bodies = desk.bodies(batches, RECORDS_A_BATCH)
        path, rows = desk.folder / "usage.copy", batches * RECORDS_A_BATCH
        after = scene.enter_context(ground.database(template=desk.before))
        with desk.served(after) as caller:
            caller.post("usage", bodies, RECORDS_A_BATCH)
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
