"""Show what accounts held at any instant of the past."""

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.queries import balances_as_of


class Command(BaseCommand):
    help = (
        "Write, as JSON, what the accounts held at an instant whose address begins like this."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="an address or its beginning")
        parser.add_argument("at", type=datetime.fromisoformat, metavar="INSTANT")

    def handle(self, *args: Any, **options: Any) -> None:
        at: datetime = options["at"]
        if at.tzinfo is None:
            raise CommandError(
                "Give the instant with its offset, as 2026-03-31T17:00:00+00:00."
            )
        found = balances_as_of([options["address"]], at)
        report = {
            address: {
                "unit": one.unit,
                "debit": one.debit,
                "credit": one.credit,
                "pending": one.pending,
                "net": one.net,
            }
            for address, one in found.items()
        }
        self.stdout.write(json.dumps({"at": at.isoformat(), "balances": report}))
