"""Check a price list before its prices are entered in the catalogue."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from providers.forms.price_list import PriceListUnreadable, read_price_list


class Command(BaseCommand):
    help = (
        "Read a price list (CSV or JSON) and print each price of a GPU-hour; needs no database. "
        "Exit 0: every price can be entered. Exit 1: see what is to be fixed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--language", default="en", choices=[code for code, _name in settings.LANGUAGES]
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(options["language"]):
            self._check(options["file"])

    def _check(self, path: Path) -> None:
        try:
            read = read_price_list(path.read_bytes())
        except PriceListUnreadable as refused:
            raise CommandError(str(refused)) from refused
        except OSError as error:
            raise CommandError(f"{path} can't be read ({error.strerror}).") from error
        for one in read.entries:
            self.stdout.write(
                f"{one.sku}\t{one.resource_class}\t{one.rate:f}\t{one.currency}\t{one.title}"
            )
        for problem in read.problems:
            place = _("Row %(row)s") % {"row": problem.row}
            self.stdout.write(f"{place} {problem.column} “{problem.value}”: {problem.words}")
        self.stdout.write(_("%(count)s price something else.") % {"count": f"{read.others:,}"})
        if read.problems or not read.entries:
            raise CommandError(
                _("%(prices)s prices of GPU-hours, %(problems)s to fix.")
                % {"prices": len(read.entries), "problems": len(read.problems)}
            )
