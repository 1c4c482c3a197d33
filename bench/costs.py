"""What each safeguard of the ledger costs a redemption: one taken away at a time.

`dev.py bench --costs` prints the server's own time for a hold and its capture, without round
trips and commits, as shipped and without each safeguard. A variant is the shipped function with
some of its text replaced, on a database of its own that is thrown away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg

from bench.ground import Database, Ground
from bench.ledger_entries.book import open_book

REDEMPTIONS = 3_000
REPEATS = 7
HOLD, CAPTURE = "ledger_request_hold", "ledger_request_capture"

Session = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """The ledger with one thing changed, by the session of its owner."""

    name: str
    change: Callable[[Session], None]


def _replaced(*pairs: tuple[str, str]) -> Callable[[Session], None]:
    """Return the change of text in the two functions that redeem."""

    def change(session: Session) -> None:
        for function in (HOLD, CAPTURE):
            asked = "select pg_get_functiondef(oid) from pg_proc where proname = %s"
            row = session.execute(asked, [function]).fetchone()
            assert row is not None
            text = row[0]
            for old, new in pairs:
                text = text.replace(old, new)
            if text == row[0]:
                raise RuntimeError(f"Nothing to replace in {function}.")
            session.execute(text)

    return change


def _done(*statements: str) -> Callable[[Session], None]:
    def change(session: Session) -> None:
        for statement in statements:
            session.execute(statement)

    return change


_KEYS = (
    "alter table ledger_transfer add foreign key (act_id) references ledger_act,"
    " add foreign key (debit_id) references ledger_account,"
    " add foreign key (credit_id) references ledger_account,"
    " add foreign key (hold_id) references ledger_transfer",
    "alter table ledger_hold add foreign key (id) references ledger_transfer,"
    " add foreign key (debit_id) references ledger_account,"
    " add foreign key (credit_id) references ledger_account",
)
_CLAIM = """insert into ledger_key (key, act_id, payload_hash) values (p_key, new_act, p_hash)
        on conflict (key) do nothing;"""
VARIANTS = (
    Variant("as shipped", _done()),
    Variant(
        "without digests",
        _replaced(
            ("ledger_act_digest(a, p_key, p_hash)", "''::bytea"),
            ("ledger_transfer_digest(t)", "''::bytea"),
        ),
    ),
    Variant(
        "without the act's row",
        _replaced(("insert into ledger_act values (a.*);", "")),
    ),
    Variant(
        "without the key's row",
        _replaced((_CLAIM, "perform 1;")),
    ),
    Variant(
        "without the CHECK on balances",
        _done("alter table ledger_balance drop constraint ledger_balance_not_below_zero"),
    ),
    Variant(
        "without append-only triggers",
        _done(
            *(
                f"alter table {table} disable trigger user"
                for table in ("ledger_act", "ledger_key", "ledger_transfer", "ledger_hold")
            )
        ),
    ),
    Variant("with foreign keys on transfers and holds", _done(*_KEYS)),
)

_REDEEM = """
    do $$
    declare
        held bigint;
        voucher text;
    begin
        for i in 1..{count} loop
            voucher := 'voucher:P:V-' || (i % 1000 + 1);
            held := (select hold_id from ledger_request_hold('place_hold', '{run}/h' || i,
                '\\x00', 'user:1', voucher, '2025-06-02 12:00+00', '', '{{}}', 3::smallint, voucher,
                'provider_payable:P:O-' || (i % 25 + 1), 100, '2025-07-02 12:00+00', ''));
            perform ledger_request_capture('settle_bill', '{run}/c' || i, '\\x00', 'user:1',
                voucher, '2025-06-02 12:00+00', '', '{{}}', held, 100, true);
        end loop;
    end $$
"""


def measure(ground: Ground) -> list[tuple[str, float, float]]:
    """Return for each variant its name, µs of the server a redemption, and that of the shipped.

    Each is measured beside the shipped ledger by turns, so that a busy machine disturbs both.
    """
    rows = []
    with ground.database() as shipped:
        open_book(1_000, 25)
        for variant in VARIANTS:
            with (
                ground.database(template=shipped) as left,
                ground.database(template=shipped) as right,
                left.as_owner() as session,
            ):
                variant.change(session)
                pairs = [
                    (_redeemed(ground, left, turn), _redeemed(ground, right, turn))
                    for turn in range(ground.pick(REPEATS, 1))
                ]
            changed, plain = (median(side) for side in zip(*pairs, strict=True))
            rows.append((variant.name, changed, plain))
    return rows


def _redeemed(ground: Ground, database: Database, turn: int) -> float:
    """Redeem some thousand times in one call, and return the µs of the server's time each."""
    count = ground.pick(REDEMPTIONS, 50)
    with psycopg.connect(database.superuser_url) as session:
        before = ground.cpu_seconds()
        session.execute(_REDEEM.format(count=count, run=turn))
        used = ground.cpu_seconds() - before
    return used / count * 1e6


def printed(rows: list[tuple[str, float, float]]) -> str:
    """Return the rows as a table of text."""
    lines = [f"{'':<42}{'µs':>8}{'shipped':>10}{'difference':>12}"]
    for name, changed, plain in rows:
        lines.append(f"{name:<42}{changed:>8.0f}{plain:>10.0f}{changed - plain:>+12.0f}")
    return "\n".join(lines)
