"""Put months of usage lines that are kept no longer into files, or say which would be."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import actions
from billing.models.usage import MONTH_BITS, first_line_of_month
from billing.queries.archive import archive_folder, months_to_archive, open_lines
from common.errors import Refused


class Command(BaseCommand):
    """`manage.py archive_usage [--dry-run]`."""

    help = (
        "Put the usage lines of each month whose days of keeping are over and of which everything "
        "is decided into a Parquet file of the archive."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what would become of each month"
        )

    def handle(self, *_given: Any, **options: Any) -> None:
        """Archive month by month, and say what became of each."""
        at = timezone.now()
        months = months_to_archive(at)
        if not months:
            self.stdout.write(
                _("No month is to be archived: lines are kept for %(days)s days.")
                % {"days": settings.USAGE_ARCHIVED_AFTER_DAYS}
            )
        for month in months:
            name = f"{month:%Y-%m}"
            if options["dry_run"]:
                self.stdout.write(
                    f"{name}: {_would(datetime(month.year, month.month, 1, tzinfo=UTC))}"
                )
                continue
            try:
                archive = actions.archive_month(month=month, at=at)
            except Refused as refused:
                self.stdout.write(f"{name}: {refused}")
                continue
            if archive is not None:
                said = _("%(lines)s lines are in %(file)s") % {
                    "lines": f"{archive.lines:,}",
                    "file": archive_folder() / archive.file,
                }
                self.stdout.write(f"{name}: {said}")


def _would(month: datetime) -> str:
    low = first_line_of_month(month)
    count = open_lines(low, low + (1 << MONTH_BITS))
    if count:
        return _("stays, %(count)s lines are not billed or not decided") % {
            "count": f"{count:,}"
        }
    return _("would be archived")
