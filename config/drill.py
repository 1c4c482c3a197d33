"""The restore drill: a ledger restored to an instant equals what was committed by then."""

import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from config.embedded import EmbeddedServerError, dying_with_parent, lend_postgres
from config.embedded.archive import archive_now
from config.embedded.backup import backup_place, backups_in
from config.embedded.places import locked
from config.embedded.postgres import ensure_postgres
from config.embedded.restoring import remove_cluster, restore
from config.embedded.usage_files import lacking, named_in

ROOT = Path(__file__).resolve().parent.parent
_MARGIN = timedelta(seconds=1)


@dataclass(frozen=True)
class Held:
    """What a ledger held: counts, each account's unit, debit, credit and pending, each hold."""

    instant: datetime | None
    acts: int
    transfers: int
    last_at: datetime | None
    balances: dict[str, list[Any]]
    holds: dict[str, int]

    def __str__(self) -> str:
        return (
            f"{self.acts} acts, {self.transfers} transfers, {len(self.balances)} accounts, "
            f"{len(self.holds)} holds; last act at {self.last_at or 'no time'}"
        )


@dataclass(frozen=True)
class Proof:
    """What `verify_ledger` says of a ledger: the broken rows, and the newest block's hash."""

    broken: list[str]
    head: str


@dataclass(frozen=True)
class Verdict:
    """What a drill found: the same instant of the live ledger and of the restored one."""

    seed: int
    instant: datetime
    backup: str
    live: Held
    restored: Held
    proof: Proof
    differences: list[str]
    seconds: float

    @property
    def is_equal(self) -> bool:
        """Whether the two are the same and the restored one is proven."""
        return not self.differences and not self.proof.broken


def balances_as_committed_by(url: str, instant: datetime, *, quietest: bool = False) -> Held:
    """Return what the ledger at an address held, counting what was committed by an instant.

    Commits that overlap may be a moment out of order in the WAL; `quietest` moves the
    instant to the middle of the widest pause within a second of it, and `Held` says whereto.

    :raises EmbeddedServerError: when the ledger can't be asked.
    """
    words = ["--committed-by", instant.isoformat(), *(["--quietest"] if quietest else [])]
    return _held(_asked(url, "show_balances", *words))


def balances_now(url: str) -> Held:
    """Return what the ledger at an address holds, by its own balance and hold rows.

    :raises EmbeddedServerError: when the ledger can't be asked.
    """
    return _held(_asked(url, "show_balances"))


def proof_of(url: str) -> Proof:
    """Prove the ledger at an address, and return what is broken in it.

    :raises EmbeddedServerError: when the ledger can't be asked.
    """
    found = _asked(url, "verify_ledger", "--json")
    return Proof(
        [f"{b['table']} {b['row']}: {b['what']}" for b in found["broken"]], found["head"]
    )


def differences(live: Held, restored: Held) -> list[str]:
    """Return each figure in which two ledgers differ, in words."""
    found = [
        f"{name}: {getattr(live, name)}, restored {getattr(restored, name)}"
        for name in ("acts", "transfers", "last_at")
        if getattr(live, name) != getattr(restored, name)
    ]
    for what, ours, theirs in (
        ("account", live.balances, restored.balances),
        ("hold", live.holds, restored.holds),
    ):
        found += [
            f"{what} {name}: {ours.get(name)}, restored {theirs.get(name)}"
            for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name) != theirs.get(name)
        ]
    return found


def drill(data: Path, backup: Path, *, seed: int) -> Verdict:
    """Restore a random instant since the newest backup, and compare it with the live ledger.

    The live server of `data` must be running; others may go on writing. The restored cluster
    is made beside it and removed again.

    :raises EmbeddedServerError: when there is no backup, or it can't be restored.
    """
    began = time.monotonic()
    data = data.absolute()
    reached = archive_now(data)
    backups = backups_in(backup_place(backup))
    if not backups:
        raise EmbeddedServerError(f"{backup} holds no backup. Make one: python3 dev.py backup")
    newest = backups[-1]
    live_url = ensure_postgres(data)
    instant = _random_instant(newest.ended_at, reached, seed)
    live = balances_as_committed_by(live_url, instant, quietest=True)
    instant = min(max(live.instant or instant, newest.ended_at), reached)
    if instant != live.instant:
        live = balances_as_committed_by(live_url, instant)
    room = data.with_name(f"{data.name}-drill")
    with locked(data.with_name(f".{room.name}.lock")):
        try:
            _clear(room)
            # The server's account must pass through.
            room.mkdir(mode=0o711)
            restore(newest.folder, instant, room / "pg")
            with lend_postgres(room / "pg") as url:
                restored, proof = balances_now(url), proof_of(url)
                lost = lacking(named_in(url), newest.usage)
        finally:
            _clear(room)
    found = differences(live, restored)
    found += [f"archive file {one.name}: not in {newest.usage}" for one in lost]
    seconds = time.monotonic() - began
    return Verdict(seed, instant, newest.folder.name, live, restored, proof, found, seconds)


def _random_instant(low: datetime, high: datetime, seed: int) -> datetime:
    if high - low > 3 * _MARGIN:
        low, high = low + _MARGIN, high - _MARGIN
    return low + (high - low) * random.Random(seed).random()  # noqa: S311


def _clear(room: Path) -> None:
    """Remove a drill's cluster, also one that a kill left behind."""
    if room.exists():
        remove_cluster(room / "pg")
        shutil.rmtree(room)


def _asked(url: str, *words: str) -> dict[str, Any]:
    """Return what a command of the ledger's says of the database at an address."""
    told = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    # Nothing is signed: the key only has to be there.
    told |= {"DATABASE_URL": url, "SECRET_KEY": secrets.token_urlsafe(48)}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env=told,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=dying_with_parent(),
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise EmbeddedServerError(
            f"manage.py {words[0]} could not read the ledger. Was it of an earlier Tessera "
            f"then? Prove it with that one.\n{done.stderr[-2000:]}"
        ) from None
    return found


def _held(found: dict[str, Any]) -> Held:
    return Held(
        _instant(found["instant"]),
        found["acts"],
        found["transfers"],
        _instant(found["last_at"]),
        found["balances"],
        found["holds"],
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
