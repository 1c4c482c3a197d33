"""Show every balance and open hold, now or as committed by an instant, for a program."""

import json
from argparse import ArgumentParser
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.core.management.base import BaseCommand

from ledger.queries import committed

NEIGHBOURHOOD = timedelta(seconds=1)


class Command(BaseCommand):
    help = "Write what the ledger holds as JSON: counts, balances, what is left of holds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--committed-by",
            type=datetime.fromisoformat,
            metavar="INSTANT",
            help="count only what had been committed by then",
        )
        parser.add_argument(
            "--quietest",
            action="store_true",
            help="move the instant to the middle of the widest pause within a second of it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        instant: datetime | None = options["committed_by"]
        if instant and options["quietest"]:
            instant = _quietest(instant)
        found = committed.committed_by(instant) if instant else committed.committed_now()
        report = {
            "instant": instant.isoformat() if instant else None,
            "acts": found.acts,
            "transfers": found.transfers,
            "last_at": found.last_at.isoformat() if found.last_at else None,
            "balances": {
                b.address: [b.unit, b.debit, b.credit, b.pending] for b in found.balances
            },
            "holds": found.holds,
        }
        self.stdout.write(json.dumps(report))


def _quietest(instant: datetime) -> datetime:
    low, high = instant - NEIGHBOURHOOD, instant + NEIGHBOURHOOD
    instants = [low, *committed.commits_between(low, high), high]
    before, after = max(pairwise(instants), key=lambda pair: pair[1] - pair[0])
    return before + (after - before) / 2
