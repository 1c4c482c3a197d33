"""Work a dossier out by a document, without a database, so that anybody can test a scheme."""

import json
from argparse import ArgumentParser
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.money import major
from policy import opinion
from policy.answers import plain
from policy.dossiers import Dossier, DossierInvalid, read_dossier
from policy.opinion import Opinion
from policy.programme import Programme, ProgrammeInvalid, read, shipped

_BYTES_MOST = 8_000_000


class Command(BaseCommand):
    help = (
        "Say what a programme's document gives for a dossier, with every step and its clause."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--programme",
            required=True,
            metavar="FILE_OR_CODE",
            help="a document (TOML), or the code of one that comes with the project: "
            + ", ".join(shipped()),
        )
        parser.add_argument(
            "--claim",
            required=True,
            type=Path,
            metavar="CLAIM.json",
            help='the dossier: {"applicant": {…}, "claim": {…}}; see docs/programmes.md',
        )
        parser.add_argument(
            "--as-of",
            type=date.fromisoformat,
            metavar="DATE",
            help="work it out as on this day instead of the claim's own",
        )
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        programme = _programme(options["programme"])
        dossier = _dossier(options["claim"])
        if options["as_of"]:
            dossier = replace(dossier, claim=replace(dossier.claim, as_of=options["as_of"]))
        found = opinion.form(dossier, programme)
        if options["json"]:
            report = json.dumps(
                _as_json(found, dossier, programme), ensure_ascii=False, indent=1
            )
            self.stdout.write(report)
        else:
            self.stdout.write("\n".join(_as_text(found, programme)))


def _programme(wanted: str) -> Programme:
    text = shipped().get(wanted)
    try:
        return read(text if text is not None else _text(Path(wanted)))
    except ProgrammeInvalid as error:
        raise CommandError(_told(wanted, error.problems)) from error


def _dossier(path: Path) -> Dossier:
    try:
        return read_dossier(_text(path))
    except DossierInvalid as error:
        raise CommandError(_told(str(path), error.problems)) from error


def _told(name: str, problems: tuple[str, ...]) -> str:
    return "\n".join((f"{name} can't be taken as it stands:", *problems))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_BYTES_MOST + 1)
    except (OSError, ValueError) as error:
        codes = ", ".join(shipped())
        why = getattr(error, "strerror", None) or error
        raise CommandError(
            f"{path} can't be read ({why}). Name a file, or one of {codes}."
        ) from error
    if len(content) > _BYTES_MOST:
        raise CommandError(f"{path} has more than {_BYTES_MOST} bytes; no dossier or law has.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8 text."
        ) from error


def _as_json(found: Opinion, dossier: Dossier, programme: Programme) -> dict[str, Any]:
    unit = programme.unit
    return {
        "programme": programme.code,
        "as_of": dossier.claim.as_of.isoformat(),
        "outcome": found.outcome,
        "unit": unit,
        "recommended": plain(major(found.recommended, unit)),
        "recommended_minor": found.recommended,
        "route": found.answer.route if found.answer else None,
        "validity_days": found.award.validity_days,
        "approval": {"name": found.tier.name, "people": found.tier.people},
        "funders": [
            {"name": name, "amount": plain(major(part, unit))}
            for name, part in found.award.funders
        ],
        "reasons": [reason.to_dict() for reason in found.reasons],
        "working": [line.to_dict() for line in found.award.working],
    }


def _as_text(found: Opinion, programme: Programme) -> list[str]:
    unit = programme.unit
    shown = f"{plain(major(found.recommended, unit))} {unit}"
    lines = [f"{programme.code}: {found.outcome}, {shown}", ""]
    lines += [
        f"{line.label_en}: {line.amount}  [{line.clause}]" for line in found.award.working
    ]
    lines += ["", *(f"{reason.en}  [{reason.clause}]" for reason in found.reasons)]
    return lines
