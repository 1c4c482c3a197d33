"""Prove the ledger: sums, pending, conservation, roads, seals."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger import queries

SHOWN_MAX = 20


class Command(BaseCommand):
    help = "Prove each row of the ledger from the rows beside it; exit 1 names the broken one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer for a program")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = queries.accounts_out_of_step()
        extent = queries.extent()
        if options["json"]:
            report = {
                "is_proven": not broken,
                "broken_count": len(broken),
                "broken": [asdict(row) for row in broken[:SHOWN_MAX]],
                **asdict(extent),
            }
            self.stdout.write(json.dumps(report))
        else:
            self.stdout.write(
                f"{extent.acts} acts, {extent.transfers} transfers, {extent.accounts} accounts, "
                f"{extent.blocks} blocks, {extent.unsealed} acts not sealed yet. "
                f"Newest block: {extent.head or 'none'}"
            )
            for row in broken[:SHOWN_MAX]:
                self.stdout.write(f"BROKEN {row.table} {row.row}: {row.what}")
        if broken:
            first = broken[0]
            raise CommandError(
                f"{len(broken)} broken; first: {first.table} {first.row}: {first.what}"
            )
        if not options["json"]:
            self.stdout.write("The ledger is proven.")
