"""Load the demo: a made-up year in an empty database, and a list of who can sign in."""

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.demo.people import DEMO_PASSWORD
from config.demo.registers import write_registers
from config.demo.summary import summary
from config.demo.world import World
from config.demo.year import live_through
from ledger import actions as ledger
from parties.models import User


class Command(BaseCommand):
    help = "Load the demo into an empty database: all or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--until", type=_instant, help="such as 2026-11-22T09:00Z")
        parser.add_argument("--small", action="store_true", help="8 applicants, 2 months")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists():
            raise CommandError(
                "There are people already; the demo loads into an empty database."
            )
        now = timezone.now().replace(minute=0, second=0, microsecond=0)
        until = options["until"] or now
        world = live_through(seed=options["seed"], until=until, is_small=options["small"])
        ledger.seal(at=until)
        for line in summary(until):
            self.stdout.write(line)
        write_registers(Path(settings.REGISTERS_FOLDER))
        # Last of all: whoever finds the list finds the demo whole.
        _write_accounts(Path(settings.VAR_DIR) / "demo-accounts.txt", world)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("give the time zone, such as 2026-11-22T09:00Z")
    return at


def _write_accounts(file: Path, world: World) -> None:
    lines = [f"Demo accounts (the password of all: {DEMO_PASSWORD})"]
    lines += [
        f"{one.role:<13}{one.email:<28}{DEMO_PASSWORD:<19}{one.name}" for one in world.accounts
    ]
    if world.api_secret:
        lines.append(f"API key of Red Panda Compute: {world.api_secret}")
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_suffix(".new")
    written.write_text("\n".join(lines) + "\n", encoding="utf-8")
    written.replace(file)
