"""Check a usage file before it is sent: the conformance test that a provider runs by itself."""

import json
from argparse import ArgumentParser
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from billing import statuses
from billing.usage.checkup import Checkup, check
from billing.usage.formats import CODES
from billing.usage.options import FileUnreadable

SHOWN_MAX = 50
_MILLISECONDS = 3_600_000


class Command(BaseCommand):
    help = (
        "Check a usage file as it would be read when it is sent; needs no database. "
        "Exit 0: it can be sent as it is. Exit 1: see what is to be fixed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="plain or .gz")
        parser.add_argument(
            "--format",
            default="",
            choices=sorted(CODES),
            help="say the format instead of having it recognised",
        )
        parser.add_argument("--zone", default="UTC", help="the time zone of times without one")
        parser.add_argument("--cluster", default="", help="the cluster's name, for the keys")
        parser.add_argument(
            "--resource", choices=["GPU", "CPU"], help="meter this alone, for every job"
        )
        parser.add_argument(
            "--language", default="en", choices=[code for code, _name in settings.LANGUAGES]
        )
        parser.add_argument("--json", action="store_true", help="answer for a program")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["zone"] not in available_timezones():
            raise CommandError(
                f"{options['zone']} is no time zone; write one such as Asia/Shanghai."
            )
        with translation.override(options["language"]):
            self._check(options)

    def _check(self, options: dict[str, Any]) -> None:
        try:
            with options["file"].open("rb") as stream:
                checkup = check(
                    stream,
                    options["format"],
                    zone=options["zone"],
                    cluster=options["cluster"],
                    resource=options["resource"],
                )
        except FileUnreadable as refused:
            if options["json"]:
                self.stdout.write(_json({"conforms": False, "refusal": _refusal(refused)}))
            raise CommandError(str(refused)) from refused
        except OSError as error:
            raise CommandError(
                f"{options['file']} can't be read ({error.strerror})."
            ) from error
        if options["json"]:
            self.stdout.write(_json(_as_json(checkup)))
        else:
            self.stdout.write("\n".join(_as_text(checkup)))
        if not checkup.conforms:
            raise CommandError(_what_is_left(checkup))


def hours(ms: int) -> str:
    """Return hours of milliseconds to six decimals, half to even, as a bill's quantity."""
    return f"{(Decimal(ms) / _MILLISECONDS).quantize(Decimal('0.000001'), ROUND_HALF_EVEN):f}"


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1)


def _refusal(refused: FileUnreadable) -> dict[str, Any]:
    return {"code": refused.code, "message": str(refused)}


def _as_json(checkup: Checkup) -> dict[str, Any]:
    return {
        "conforms": checkup.conforms,
        "refusal": None,
        "format": checkup.format,
        "rows": checkup.rows,
        "accepted": checkup.accepted,
        "skipped": dict(checkup.skipped),
        "gpu_hours": hours(checkup.of_resource("GPU")),
        "core_hours": hours(checkup.of_resource("CPU")),
        "classes": [
            {"resource": resource, "class": name, "hours": hours(ms)}
            for (resource, name), ms in sorted(checkup.quantity_ms.items())
        ],
        "accounts": len(checkup.accounts),
        "started_at": checkup.started_at.isoformat() if checkup.started_at else None,
        "ended_at": checkup.ended_at.isoformat() if checkup.ended_at else None,
        "unused_columns": list(checkup.unused_columns),
        "errors_total": checkup.errors_total,
        "errors": [
            {
                "row": error.row,
                "column": error.column,
                "value": error.value,
                "code": error.code,
                "problem": error.problem,
                "fix": error.fix,
            }
            for error in checkup.errors
        ],
    }


def _as_text(checkup: Checkup) -> list[str]:
    lines = [
        _line(_("Format"), f"{CODES[checkup.format].title} ({checkup.format})"),
        _line(_("Rows"), f"{checkup.rows:,}"),
        _line(_("Counted"), f"{checkup.accepted:,}"),
        _line(_("Skipped"), f"{sum(checkup.skipped.values()):,}"),
    ]
    lines += [
        f"  {count:,} {statuses.SKIPPED.get(reason, reason)}"
        for reason, count in sorted(checkup.skipped.items())
    ]
    lines += [
        _line(_("To fix"), f"{checkup.errors_total:,}"),
        _line(_("GPU-hours"), hours(checkup.of_resource("GPU"))),
        _line(_("Core-hours"), hours(checkup.of_resource("CPU"))),
        _line(_("Accounts"), f"{len(checkup.accounts):,}"),
    ]
    if checkup.started_at and checkup.ended_at:
        lines.append(_line(_("First start"), f"{checkup.started_at:%Y-%m-%d %H:%M:%S} UTC"))
        lines.append(_line(_("Last end"), f"{checkup.ended_at:%Y-%m-%d %H:%M:%S} UTC"))
    if checkup.unused_columns:
        lines.append(_line(_("Columns not read"), ", ".join(checkup.unused_columns)))
    return lines + _errors_as_text(checkup)


def _errors_as_text(checkup: Checkup) -> list[str]:
    lines: list[str] = []
    shown = checkup.errors[:SHOWN_MAX]
    for error in shown:
        place = _("Row %(row)s") % {"row": error.row}
        place += f" {error.column}" if error.column else ""
        lines += [_line(place, f"{error.problem} [{error.code}]"), f"  {error.fix}"]
    if len(shown) < checkup.errors_total:
        lines.append(
            _("%(count)s more are to be fixed; --json names the first 1,000.")
            % {"count": f"{checkup.errors_total - len(shown):,}"}
        )
    return lines


def _line(name: str, value: str) -> str:
    return _("%(name)s: %(value)s") % {"name": name, "value": value}


def _what_is_left(checkup: Checkup) -> str:
    if checkup.errors_total:
        return _("%(count)s to fix. The good rows can be sent; these can't.") % {
            "count": f"{checkup.errors_total:,}"
        }
    return _("No row of the file counts. Check that it holds jobs that have ended.")
