"""Say what a document would have made of every past application of a programme."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.money import major
from policy.answers import plain
from policy.programme import ProgrammeInvalid, read
from vouchers.models import Programme
from vouchers.queries.simulations import simulate


class Command(BaseCommand):
    help = (
        "Work every past application of a programme out by another document; decides nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--programme", required=True, metavar="CODE")
        parser.add_argument("--document", required=True, type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        programme = Programme.objects.filter(code=options["programme"]).first()
        if programme is None:
            raise CommandError(f"There is no programme {options['programme']}.")
        try:
            rules = read(options["document"].read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['document']} can't be read: {error}.") from error
        except ProgrammeInvalid as error:
            raise CommandError("\n".join(error.problems)) from error
        if rules.unit != programme.unit:
            raise CommandError(
                f"The document is in {rules.unit} and the programme in {programme.unit}; "
                "amounts of two units can't be compared."
            )
        found = simulate(programme, rules, most=None)
        self.stdout.write(
            json.dumps(
                {
                    "programme": programme.code,
                    "unit": programme.unit,
                    "applications": len(found.rows),
                    "left_out": found.left_out,
                    "gain": len(found.gain),
                    "lose": len(found.lose),
                    "before": plain(major(found.before, programme.unit)),
                    "after": plain(major(found.after, programme.unit)),
                    "effect": plain(major(found.effect, programme.unit)),
                }
            )
        )
