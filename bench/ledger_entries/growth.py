"""What a ledger with history behind it costs: its proof, and the debit of an old payable."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import psycopg
from django.db import transaction

from bench.ground import Database, Ground
from bench.ledger_entries.book import begin, open_book
from bench.ledger_entries.redeem import NOON
from bench.registry import Pair, Sample, entry
from ledger import actions as ledger
from ledger import queries
from ledger.kinds import ActKind, Flow

FEW, MANY = 300_000, 3_000_000
DAY = 10_000
VOUCHERS = 5_000
PAYABLES = 12
BEHIND_FEW, BEHIND_MANY = 3_000, 3_000_000
DEBITS = 1_000
LIFE = Path(__file__).with_name("life.sql")


def live(ground: Ground, book: Database, transfers: int, day: int) -> None:
    """Let a ledger live through days of some transfers each, sealing every evening."""
    with book.as_owner() as owner:
        owner.execute(LIFE.read_text())
        for number in range(transfers // day):
            owner.execute("select bench_day(%s, %s)", [number, day])
            ledger.seal(at=NOON)
        _rest(ground, owner)


@contextmanager
def lived(ground: Ground, transfers: int, day: int) -> Iterator[tuple[Database, int]]:
    """Lend a ledger with a history of about some transfers, and their exact number."""
    with ground.database() as book:
        open_book(VOUCHERS, PAYABLES)
        live(ground, book, transfers, day)
        yield book, queries.extent().transfers


def proof(ground: Ground, book: Database, transfers: int) -> Callable[[], Sample]:
    """Return what proves a ledger once, as `verify_ledger` does."""

    def measured() -> Sample:
        with ground.pointed_at(book):
            before, start = ground.cpu_seconds(), time.perf_counter()
            broken = queries.accounts_out_of_step()
            seconds = time.perf_counter() - start
            cpu = (ground.cpu_seconds() - before) / transfers * 1e6
        if broken:
            raise RuntimeError(f"The ledger is broken: {broken[0]}")
        seen = {"transfers": transfers, "seconds": round(seconds, 3)}
        return Sample(transfers / seconds, {**seen, "server_cpu_us": round(cpu, 2)})

    return measured


@entry(
    must=0.9,
    aim=1.0,
    unit="transfers/s",
    rows=MANY,
    subject="verify_ledger over 3,000,000 transfers, sealed every 10,000",
    reference="the same over 300,000 transfers",
    at_least={"value": 50_000},
)
def verify_per_second(ground: Ground) -> Iterator[Pair]:
    """Ten times the rows may take ten times as long, and no longer."""
    day = ground.pick(DAY, 1_000)
    with ExitStack() as scene:
        few = scene.enter_context(lived(ground, ground.pick(FEW, 1_000), day))
        many = scene.enter_context(lived(ground, ground.pick(MANY, 3_000), day))
        yield Pair(proof(ground, *many), proof(ground, *few))


@entry(
    must=0.8,
    aim=0.95,
    unit="debits/s",
    rows=BEHIND_MANY,
    subject="debit of a payable with 3,000,000 transfers behind it, each its own commit",
    reference="the same of a payable with 3,000 transfers behind it",
)
def payable_growth(ground: Ground) -> Iterator[Pair]:
    """Two payables of one ledger: what lies before the newest snapshot costs nothing."""
    with ground.database() as book:
        open_book(VOUCHERS, payables=2)
        with book.as_owner() as owner:
            owner.execute(LIFE.read_text())
            many = ground.pick(BEHIND_MANY, 20_000)
            for payable, behind in ((1, many), (2, ground.pick(BEHIND_FEW, 2_000))):
                for step in range(0, behind, 100_000):
                    _credit(owner, payable, step, min(100_000, behind - step))
                    ledger.seal(at=NOON)
            _rest(ground, owner)
        yield Pair(debiting(ground, 1), debiting(ground, 2))


def _rest(ground: Ground, owner: psycopg.Connection) -> None:
    """Let the server tidy up after a history was written, before anything is measured."""
    owner.execute("vacuum analyze")
    ground.settle()


def _credit(owner: psycopg.Connection, payable: int, step: int, transfers: int) -> None:
    owner.execute(
        """select bench_post(%s, 'settle_bill', 3::smallint, bench_accounts('voucher:P:'),
            bench_accounts(%s), %s)""",
        [f"credit {payable} {step}", f"provider_payable:P:O-{payable}", transfers],
    )


def debiting(ground: Ground, payable: int) -> Callable[[], Sample]:
    """Return what instructs small payments from a payable, and measures."""
    keys = (f"{secrets.token_hex(4)} {number}" for number in count())
    move = ledger.Move(Flow.INSTRUCT, f"provider_payable:P:O-{payable}", "clearing:P:B-1", 1)

    def measured() -> Sample:
        debits = ground.pick(DEBITS, 20)
        # So both begin with as few transfers after the newest snapshot, in nobody's time.
        ledger.seal(at=NOON)
        before, start = ground.cpu_seconds(), time.perf_counter()
        for _debit in range(debits):
            with transaction.atomic():
                ledger.post(begin(next(keys), ActKind.RELEASE_BATCH), [move])
        seconds = time.perf_counter() - start
        cpu = (ground.cpu_seconds() - before) / debits * 1e6
        return Sample(debits / seconds, {"debits": debits, "server_cpu_us": round(cpu, 1)})

    return measured
