"""Many transfers in one act, beside another ledger and beside plain COPY."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle, islice

import psycopg
from django.db import transaction
from psycopg import sql

from bench.ground import Database, Ground
from bench.ledger_entries.book import begin, open_book
from bench.peers.hordak import hordak
from bench.registry import Pair, Sample, entry
from ledger import actions as ledger
from ledger.kinds import Flow

TRANSFERS = 10_000
VOUCHERS = 1_000
# A sample of a few tenths of a second is mostly noise.
BATCHES = 16
# What django-hordak does in about as long.
HORDAK_TRANSFERS = 400


def posting(ground: Ground) -> Callable[[str], tuple[int, int, float]]:
    """Return what posts a batch once under a key: its act, its transfers and its seconds."""
    vouchers = cycle(f"voucher:P:V-{number}" for number in range(1, VOUCHERS + 1))
    moves = [
        ledger.Move(Flow.ISSUE, "available:P", voucher, 1, ref=f"line {number}")
        for number, voucher in enumerate(islice(vouchers, ground.pick(TRANSFERS, 200)))
    ]

    def post(key: str) -> tuple[int, int, float]:
        start = time.perf_counter()
        with transaction.atomic():
            act = begin(key)
            ledger.post(act, moves)
        return act.id, len(moves), time.perf_counter() - start

    return post


def posted(
    ground: Ground, post: Callable[[str], tuple[int, int, float]], acts: list[int]
) -> Callable[[], Sample]:
    """Return what posts some batches and measures; the acts of the last ones are left in `acts`."""
    keys = (f"batch {number}" for number in range(10**9))

    def measured() -> Sample:
        before = ground.cpu_seconds()
        done = [post(next(keys)) for _batch in range(ground.pick(BATCHES, 1))]
        acts[:] = [act for act, _count, _seconds in done]
        count = sum(count for _act, count, _seconds in done)
        seconds = sum(seconds for _act, _count, seconds in done)
        cpu = (ground.cpu_seconds() - before) / count * 1e6
        return Sample(count / seconds, {"transfers": count, "server_cpu_us": round(cpu, 2)})

    return measured


@entry(
    must=50,
    aim=100,
    unit="transfers/s",
    rows=TRANSFERS,
    subject="ledger.post of 10,000 transfers in one act, 1,000 vouchers from one budget",
    reference="django-hordak 2: account.transfer_to between 60 flat root accounts",
)
def post_batch_vs_hordak(ground: Ground) -> Iterator[Pair]:
    """One durable commit for all, beside a commit for each."""
    with ExitStack() as scene:
        reference = scene.enter_context(hordak(ground))
        scene.enter_context(ground.database())
        open_book(VOUCHERS, payables=1, amount=0)
        post = posting(ground)
        post("warm")
        subject = posted(ground, post, [])
        yield Pair(subject, lambda: reference(ground.pick(HORDAK_TRANSFERS, 20)))


@entry(
    must=0.5,
    aim=1.0,
    unit="transfers/s",
    rows=TRANSFERS,
    subject="ledger.post of 10,000 transfers in one act, 1,000 vouchers from one budget",
    reference="binary COPY of the same finished rows into ledger_transfer, with every constraint",
)
def post_batch_vs_copy(ground: Ground) -> Iterator[Pair]:
    """One commit a batch on both sides; COPY's rows come from the ledger, unmeasured."""
    with ExitStack() as scene:
        book = scene.enter_context(ground.database())
        open_book(VOUCHERS, payables=1, amount=0)
        copy = scene.enter_context(ground.database(template=book))
        scene.enter_context(ground.pointed_at(book))
        acts: list[int] = []
        post = posting(ground)
        subject = posted(ground, post, acts)
        acts.append(post("warm")[0])
        copied(ground, book, copy, acts)
        yield Pair(subject, lambda: copied(ground, book, copy, acts))


def copied(ground: Ground, source: Database, target: Database, acts: list[int]) -> Sample:
    """Measure COPY of the transfers of some acts into another database that has their accounts."""
    with source.as_owner() as reading, target.as_owner() as writing:
        _carry(reading, writing, "ledger_act", "id", acts)
        before = ground.cpu_seconds()
        seconds, count = 0.0, 0
        for act in acts:
            rows = _taken(reading, "ledger_transfer", "act_id", [act])
            start = time.perf_counter()
            count += _given(writing, "ledger_transfer", rows)
            seconds += time.perf_counter() - start
        cpu = (ground.cpu_seconds() - before) / count * 1e6
    return Sample(count / seconds, {"transfers": count, "server_cpu_us": round(cpu, 2)})


def _carry(
    reading: psycopg.Connection, writing: psycopg.Connection, table: str, by: str, of: list[int]
) -> None:
    _given(writing, table, _taken(reading, table, by, of))


def _taken(reading: psycopg.Connection, table: str, by: str, of: list[int]) -> bytes:
    """Return rows of a table as COPY writes them."""
    statement = sql.SQL(
        "copy (select * from {} where {} = any({}) order by id) to stdout (format binary)"
    ).format(sql.Identifier(table), sql.Identifier(by), sql.Literal(of))
    with reading.cursor() as cursor, cursor.copy(statement) as rows:
        return b"".join(rows)


def _given(writing: psycopg.Connection, table: str, rows: bytes) -> int:
    """Put rows into a table by COPY, and return how many they were."""
    statement = sql.SQL("copy {} from stdin (format binary)").format(sql.Identifier(table))
    with writing.cursor() as cursor:
        with cursor.copy(statement) as into:
            into.write(rows)
        return cursor.rowcount
