"""Holds and captures from Django processes, as the portal's role, each commit durable."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from bench.clients import Clients, Step, clients
from bench.ground import Ground
from bench.ledger_entries.book import open_book
from bench.ledger_entries.redeem import NOON, redeeming
from bench.peers import orm
from bench.registry import Pair, Sample, entry
from bench.tpcb import scripted, tpcb
from ledger import actions as ledger

SECONDS = 5
REDEEM = (Path(__file__).parent / "redeem.sql").read_text()
VOUCHERS = 1_000
PAYABLES = 25
TPCB = "pgbench, TPC-B at scale 20, simple protocol, over the same socket"


def seconds(ground: Ground) -> int:
    """How long one sample lasts."""
    return ground.pick(SECONDS, 1)


@contextmanager
def against_tpcb(
    ground: Ground, count: int, *, vouchers: int = VOUCHERS, payables: int = PAYABLES
) -> Iterator[Pair]:
    """Client processes that redeem, beside as many clients of pgbench."""
    lasting = seconds(ground)
    with ExitStack() as scene:
        reference = scene.enter_context(tpcb(ground, count, lasting))
        book = scene.enter_context(ground.database())
        open_book(vouchers, payables)
        ours = scene.enter_context(
            clients(ground, book.app_url, count, redeeming(vouchers, payables))
        )
        yield Pair(lambda: ours.run(lasting), reference)


@entry(
    must=1.0,
    aim=1.5,
    subject="hold and capture, 1 Django process, 1,000 vouchers, 25 providers",
    reference=f"{TPCB}, 1 client",
)
def hold_capture_1c(ground: Ground) -> Iterator[Pair]:
    """One client, so what a round trip and a commit cost."""
    with against_tpcb(ground, 1) as pair:
        yield pair


@entry(
    must=0.7,
    aim=1.0,
    subject="hold and capture, 8 Django processes, 1,000 vouchers, 25 providers",
    reference=f"{TPCB}, 8 clients",
)
def hold_capture_8c(ground: Ground) -> Iterator[Pair]:
    """Eight clients, so what the processors' time allows."""
    with against_tpcb(ground, 8) as pair:
        yield pair


@contextmanager
def contended(ground: Ground, *, vouchers: int, payables: int) -> Iterator[Pair]:
    """Let pgbench be the client on both sides, so that no Python is measured.

    Ours are prepared, as the product sends them; TPC-B is as pgbench sends it unasked.
    """
    lasting = seconds(ground)
    with ExitStack() as scene:
        reference = scene.enter_context(tpcb(ground, 8, lasting))
        book = scene.enter_context(ground.database())
        open_book(vouchers, payables)
        folder = Path(scene.enter_context(TemporaryDirectory(dir=settings.VAR_DIR)))
        script = folder / "redeem.sql"
        told = REDEEM.replace(":vouchers", str(vouchers)).replace(":payables", str(payables))
        script.write_text(told)
        yield Pair(
            lambda: scripted(ground, book.app_url, script, 8, lasting, commits=2), reference
        )


@entry(
    must=0.3,
    aim=0.5,
    subject="hold and capture as request_hold and request_capture send them, prepared, by 8 "
    "pgbench clients, one voucher",
    reference=f"{TPCB}, 8 clients",
)
def hot_voucher_8c(ground: Ground) -> Iterator[Pair]:
    """All wait for one row, so what a commit under contention costs."""
    with contended(ground, vouchers=1, payables=25) as pair:
        yield pair


@entry(
    must=1.0,
    aim=1.3,
    subject="hold and capture as request_hold and request_capture send them, prepared, by 8 "
    "pgbench clients, 1,000 vouchers, all toward one provider",
    reference=f"{TPCB}, 8 clients",
)
def hot_provider_8c(ground: Ground) -> Iterator[Pair]:
    """One provider whose payable keeps no balance row, so nobody waits for it."""
    with contended(ground, vouchers=1_000, payables=1) as pair:
        yield pair


@entry(
    must=5,
    aim=8,
    subject="hold and capture, 8 Django processes, 1,000 vouchers, 25 providers",
    reference="the same logic in Django's ORM with select_for_update, 8 Django processes",
)
def hold_capture_vs_orm(ground: Ground) -> Iterator[Pair]:
    """Two ways to write the same promises, on as many processes."""
    lasting = seconds(ground)
    with ExitStack() as scene:
        plain = scene.enter_context(ground.empty_database())
        orm.open_book(plain, VOUCHERS, PAYABLES)
        theirs = scene.enter_context(
            clients(ground, plain, 8, orm.redeeming(VOUCHERS, PAYABLES))
        )
        book = scene.enter_context(ground.database())
        open_book(VOUCHERS, PAYABLES)
        ours = scene.enter_context(
            clients(ground, book.app_url, 8, redeeming(VOUCHERS, PAYABLES))
        )
        yield Pair(lambda: ours.run(lasting), lambda: theirs.run(lasting))


def sealing(number: int) -> Step:
    """Seal, then rest until a second has passed since it began."""

    def step() -> int:
        start = time.perf_counter()
        sealed = ledger.seal(at=NOON) is not None
        time.sleep(max(0.0, 1 - (time.perf_counter() - start)))
        return int(sealed)

    return step


@entry(
    must=0.90,
    aim=0.98,
    subject="hold and capture, 8 Django processes, while another seals once a second",
    reference="the same without the sealer",
)
def seal_overhead(ground: Ground) -> Iterator[Pair]:
    """Writers beside the sealer, beside writers alone; both on the same growing ledger."""
    lasting = 2 * seconds(ground)
    with ExitStack() as scene:
        book = scene.enter_context(ground.database())
        open_book(VOUCHERS, PAYABLES)
        writers = scene.enter_context(
            clients(ground, book.app_url, 8, redeeming(VOUCHERS, PAYABLES))
        )
        sealer = scene.enter_context(clients(ground, book.app_url, 1, sealing))
        # Whatever was written without a sealer is sealed between samples, in nobody's time.
        yield Pair(
            lambda: sealed_beside(ground, writers, sealer, lasting),
            lambda: _alone(writers, lasting),
        )


def sealed_beside(ground: Ground, writers: Clients, sealer: Clients, lasting: float) -> Sample:
    """Measure writers while a sealer works."""
    sealer.run(0.1)
    before = ground.cpu_seconds()
    # The sealer's last rest must not outlast the writers' work.
    sealer.start(max(0.1, lasting - 1))
    writers.start(lasting)
    sample = writers.finish(before)
    seals = sealer.finish(before)
    return Sample(sample.value, {**sample.seen, "seals": seals.seen["transactions"]})


def _alone(writers: Clients, lasting: float) -> Sample:
    sample = writers.run(lasting)
    return Sample(sample.value, {**sample.seen, "seals": 0})
