"""Restore the embedded server to an instant, beside the original; or practise it."""

import contextlib
import secrets
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.drill import Verdict, balances_now, drill, proof_of
from config.embedded import EmbeddedServerError, lend_postgres
from config.embedded.archive import archive_now
from config.embedded.restoring import Restored, replace, restore
from config.embedded.server import server_of
from config.embedded.usage_files import named_in, put_back
from config.embedded.wal import archive_of
from config.management.commands.backup import folder_of, own_cluster, usage_files

SHOWN_MAX = 20


class Command(BaseCommand):
    """Make a new cluster as of an instant and prove its ledger; the original is not touched."""

    help = "Restore the embedded database to an instant, into a new folder."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--to", metavar="INSTANT", help="ISO 8601 with its offset, or latest")
        what.add_argument(
            "--drill", action="store_true", help="compare a random instant with the original"
        )
        what.add_argument(
            "--replace", type=Path, metavar="FOLDER", help="put a restored one in place"
        )
        parser.add_argument("--into", type=Path, metavar="FOLDER", help="a new folder")
        parser.add_argument("--from", type=Path, metavar="BACKUP", help="a folder of backups")
        parser.add_argument("--seed", type=int, help="chooses the drill's instant")

    def handle(self, *args: Any, **options: Any) -> None:
        data = own_cluster()
        try:
            if options["drill"]:
                self._drill(data, options["from"], options["seed"])
            elif options["replace"]:
                self._replace(data, options["replace"])
            else:
                self._restore(data, options)
        except (EmbeddedServerError, OSError) as error:
            raise CommandError(str(error)) from error

    def _restore(self, data: Path, options: dict[str, Any]) -> None:
        to, into = instant_of(options["to"]), options["into"]
        if into is None:
            raise CommandError("Where to? Give a new folder: --into FOLDER")
        backup = folder_of(data, options["from"])
        reached = self._bring_up_to_date(data)
        if to and reached and to > reached:
            raise CommandError(f"{to} has not come yet: it is {reached}. Give an earlier one.")
        restored = restore(backup, to, into)
        with lend_postgres(restored.data) as url:
            self._say(data, restored, url)

    def _bring_up_to_date(self, data: Path) -> datetime | None:
        """Put the original's newest WAL by, where there still is an original that starts."""
        if not (server_of(data).data / "PG_VERSION").exists():
            return None
        try:
            with lend_postgres(data):
                return archive_now(data) if archive_of(server_of(data)) else None
        except EmbeddedServerError as error:
            self.stderr.write(f"Only what was put by before can be restored.\n{error}")
        return None

    def _say(self, data: Path, restored: Restored, url: str) -> None:
        held, proof = balances_now(url), proof_of(url)
        self.stdout.write(
            f"Restored from {restored.backup.folder.name} to {restored.to or 'the newest'}: "
            f"{restored.data}\n{held}\nNewest block: {proof.head or 'none'}"
        )
        named, files = named_in(url), usage_files()
        back = put_back(named, restored.backup.usage, files)
        if named:
            self.stdout.write(
                f"{len(named)} files of archived usage lines are in {files}, {len(back)} of them "
                "put back."
            )
        for broken in proof.broken[:SHOWN_MAX]:
            self.stdout.write(f"BROKEN {broken}")
        if proof.broken:
            raise CommandError("The restored ledger is not proven; see above.")
        self.stdout.write(
            f"The ledger is proven. {data} was not touched. To put this one in its place, stop "
            f"Tessera, and:\n  python3 dev.py restore --replace {restored.data}\n"
            "  python3 dev.py backup"
        )

    def _replace(self, data: Path, by: Path) -> None:
        if not (server_of(by.absolute()).data / "PG_VERSION").exists():
            raise CommandError(f"{by} is no cluster. Make one: python3 dev.py restore --to ...")
        aside = replace(data, by)
        self.stdout.write(
            f"{by} is now {data}. The earlier one is {aside or 'gone'}.\n"
            "Begin its backups: python3 dev.py backup"
        )

    def _drill(self, data: Path, backup: Path | None, seed: int | None) -> None:
        seed = secrets.randbelow(2**31) if seed is None else seed
        self.stdout.write(f"Seed {seed}")
        with lend_postgres(data):
            verdict = drill(data, folder_of(data, backup), seed=seed)
        for line in lines_of(verdict):
            self.stdout.write(line)
        if not verdict.is_equal:
            raise CommandError("The restored ledger differs.")


def lines_of(verdict: Verdict) -> list[str]:
    """Return a drill's figures in words."""
    found = [
        f"Backup {verdict.backup}, restored to {verdict.instant.isoformat()} "
        f"in {verdict.seconds:.1f} s",
        f"committed by then: {verdict.live}",
        f"restored:          {verdict.restored}",
        f"proof:             {len(verdict.proof.broken)} broken; head {verdict.proof.head or '-'}",
    ]
    found += [f"BROKEN {broken}" for broken in verdict.proof.broken[:SHOWN_MAX]]
    found += [f"DIFFERS {difference}" for difference in verdict.differences[:SHOWN_MAX]]
    return [*found, "Equal." if verdict.is_equal else "NOT EQUAL."]


def instant_of(text: str) -> datetime | None:
    """Read an instant; `latest` has none.

    :raises CommandError: when it can't be read, or says no offset from UTC.
    """
    if text == "latest":
        return None
    instant = None
    with contextlib.suppress(ValueError):
        instant = datetime.fromisoformat(text)
    if instant is None or instant.tzinfo is None:
        raise CommandError(
            f"{text} is no instant with its offset from UTC. Write one such as "
            "2025-06-02T12:00:00+08:00, or latest."
        )
    return instant
