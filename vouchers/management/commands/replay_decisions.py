"""Work every past decision out again, and report any difference."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vouchers.queries.replays import Difference, replays


class Command(BaseCommand):
    help = "Work past decisions out again from their kept facts and law; fails on a difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--programme", default="", metavar="CODE", help="of one programme")
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        found: list[Difference] = []
        for replay in replays(options["programme"]):
            count += 1
            found += replay.differences
        if options["json"]:
            report = {"decisions": count, "differences": [asdict(one) for one in found]}
            self.stdout.write(json.dumps(report, ensure_ascii=False))
        else:
            for one in found:
                self.stdout.write(
                    f"{one.application}, decision {one.decision}, {one.what}: "
                    f"kept {one.kept}; worked out again {one.found}"
                )
            self.stdout.write(f"{count} decisions worked out again.")
        if found:
            raise CommandError(f"{len(found)} differences.")
