"""Back up the embedded server, and say how its backups stand."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common.copies import files_in, use_second_place
from config.embedded import EmbeddedServerError, lend_postgres
from config.embedded.archive import archive_now, stop_archiving
from config.embedded.backup import KEPT, Backup, backup_place, backups_in, make_backup, size_of
from config.embedded.server import server_of
from config.embedded.usage_files import FOLDER, lacking, named_in, words
from config.embedded.wal import archive_of, number_of, unbroken_from, waiting


class Command(BaseCommand):
    """Make a base backup, or say how the backups stand; exit 1 when the archive fails."""

    help = "Copy the embedded database into a folder and keep its WAL there from now on."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", nargs="?", type=Path, help="an earlier folder, or var/backup"
        )
        parser.add_argument("--keep", type=int, default=KEPT, help="backups to keep")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--status", action="store_true", help="say how the backups stand")
        what.add_argument("--stop", action="store_true", help="keep no WAL from now on")

    def handle(self, *args: Any, **options: Any) -> None:
        data = own_cluster()
        if options["keep"] < 1:
            raise CommandError(f"--keep {options['keep']} keeps nothing. Give 1 or more.")
        try:
            with lend_postgres(data) as url:
                if options["stop"]:
                    self._stop(data)
                elif options["status"]:
                    self._say(data, folder_of(data, options["folder"]), url)
                else:
                    self._make(data, folder_of(data, options["folder"]), options["keep"], url)
        except (EmbeddedServerError, OSError) as error:
            raise CommandError(str(error)) from error

    def _make(self, data: Path, folder: Path, keep: int, url: str) -> None:
        before = archive_of(server_of(data))
        made = make_backup(data, folder, usage_files(), keep=keep)
        self.stdout.write(f"Backed up and verified: {made.folder}")
        if before not in (None, made.wal):
            self.stdout.write(f"WAL went to {before} until now. No more is put there.")
        self._say(data, folder, url)

    def _say(self, data: Path, folder: Path, url: str) -> None:
        """Say what can be restored; putting the newest WAL by shows that the archive works."""
        place = backup_place(folder)
        oldest = self._list(place)
        wal = archive_of(server_of(data))
        if wal != place / "wal":
            raise CommandError(
                f"WAL is not put into {place} any more, but {f'into {wal}' if wal else 'let go'}. "
                "What is written now can't be restored from there. Go on with: python3 dev.py "
                f"backup {place}"
            )
        lost = lacking(named_in(url), place / FOLDER)
        if lost:
            raise CommandError(
                f"{words(lost)} with archived usage lines are not in {place / FOLDER} as they "
                f"were written. Put them back into {usage_files()}, and go on with: python3 "
                f"dev.py backup {place}"
            )
        reached = archive_now(data)
        self.stdout.write(
            f"  wal  {size_of(wal) // 2**20} MiB, {len(waiting(server_of(data)))} segments "
            f"waiting\n  {FOLDER}  {len(files_in(place / FOLDER))} files of archived lines, "
            f"{size_of(place / FOLDER) // 2**20} MiB\n"
            f"Any instant from {oldest.ended_at} to {reached} can be restored:\n"
            f"  python3 dev.py restore --to {reached.isoformat()} --into FOLDER"
        )

    def _list(self, place: Path) -> Backup:
        """Say which backups there are, and return the oldest that all WAL follows."""
        first = unbroken_from(place / "wal")
        backups = backups_in(place)
        whole = [backup for backup in backups if number_of(backup.first_segment) >= first]
        for backup in backups:
            size = size_of(backup.folder) // 2**20
            gap = "" if backup in whole else " (a gap in the WAL after it)"
            self.stdout.write(
                f"  {backup.folder.name}  {size} MiB, whole at {backup.ended_at}{gap}"
            )
        if not whole:
            raise CommandError(
                f"{place} holds no backup with all WAL after it. Make one: python3 dev.py backup"
            )
        return whole[0]

    def _stop(self, data: Path) -> None:
        folder = stop_archiving(data)
        use_second_place(usage_files(), None)
        self.stdout.write(
            f"WAL is not put into {folder} any more. What is there stays."
            if folder
            else "WAL was not put anywhere."
        )


def own_cluster() -> Path:
    """Return the folder of the checkout's own cluster.

    :raises CommandError: when the database is a server of somebody's own.
    """
    if os.environ.get("DATABASE_URL"):
        raise CommandError(
            "DATABASE_URL names a server of your own: back it up and restore it with its own "
            "tools, or unset it."
        )
    return Path(settings.VAR_DIR) / "pg18"


def usage_files() -> Path:
    """Return the folder of the checkout's archived usage lines."""
    return Path(settings.USAGE_ARCHIVE_FOLDER)


def folder_of(data: Path, given: Path | None) -> Path:
    """Return the folder of backups: the given one, the one in use, or var/backup."""
    wal = archive_of(server_of(data.absolute()))
    return given or (wal.parent if wal else data.with_name("backup"))
