"""Check invoices before they are sent: what they say, and every rule that they break."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from billing.invoices.reading import Reading, read_invoice
from billing.invoices.refusals import InvoiceUnreadable


class Command(BaseCommand):
    help = (
        "Read invoices, credit notes (EN 16931 in UBL 2.1) and fapiao, and print for each whether "
        "it is in order, or what is to be fixed; needs no database. Exit 0: all are in order."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
        parser.add_argument(
            "--language", default="en", choices=[code for code, _name in settings.LANGUAGES]
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(options["language"]):
            good = [self._check(path) for path in options["files"]]
            if not all(good):
                raise CommandError(
                    _("%(good)s of %(count)s invoices are in order.")
                    % {"good": sum(good), "count": len(good)}
                )

    def _check(self, path: Path) -> bool:
        try:
            reading = read_invoice(path.read_bytes())
        except InvoiceUnreadable as refused:
            self.stdout.write(f"{path.name}\t{refused}")
            return False
        except OSError as error:
            raise CommandError(f"{path} can't be read ({error.strerror}).") from error
        for words in _problems(reading):
            self.stdout.write(f"{path.name}\t{words}")
        if reading.is_in_order:
            number = _("Invoice %(number)s is in order.") % {"number": reading.document.number}
            self.stdout.write(f"{path.name}\t{number}")
        return reading.is_in_order


def _problems(reading: Reading) -> list[str]:
    lines = [f"{one.rule} {one.sentence}" for one in reading.breaks]
    lines += [
        _("Line %(line)s of the file: %(words)s") % {"line": one.line, "words": one.words}
        for one in reading.schema_errors
    ]
    return lines
