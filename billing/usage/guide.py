"""What each column of a usage file means and takes: one list for guide, template and errors."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.usage.plain_csv import COLUMNS, NAMES, plain_name


@dataclass(frozen=True, slots=True)
class Column:
    """What a column means, what it takes, and a value that it takes."""

    meaning: Any
    expected: Any
    example: str


GUIDE: dict[str, Column] = {
    "job_id": Column(
        _("Your name of the job; with its start it tells one line from all others"),
        _("A text of at most 128 characters"),
        "train-0421",
    ),
    "account": Column(
        _("Which order was used"),
        _("An order’s code, your reference of it, or the voucher’s code"),
        "V-7K2QX9",
    ),
    "resource": Column(_("What was counted"), _("GPU or CPU"), "GPU"),
    "class": Column(
        _("Which accelerator it was; empty for CPU"), _("A class such as H100"), "H100"
    ),
    "count": Column(
        _("How many of them, a share of one also"),
        _("A number above 0 with at most three decimals, such as 8 or 0.25"),
        "8",
    ),
    "start": Column(
        _("When the job began to run"),
        _("A date and time such as 2026-11-02 08:30:00, in UTC or with its difference, +08:00"),
        "2026-11-02 08:30:00",
    ),
    "end": Column(
        _("When it ended, whatever its outcome; empty while it runs"),
        _("A date and time such as 2026-11-02 20:30:00, not before the start"),
        "2026-11-02 20:30:00",
    ),
    "duration": Column(
        _("How long it ran, where there is no end"), _("Seconds, such as 3600"), "43200"
    ),
    "state": Column(
        _("How it ended; all that ended is metered, also what failed"),
        _("COMPLETED, FAILED, CANCELLED, TIMEOUT, PREEMPTED or another word of Slurm’s"),
        "COMPLETED",
    ),
    "device": Column(
        _("Which GPUs it ran on, so that none is counted twice; may be left out"),
        _("UUIDs such as GPU-5fd4f087, a slice as UUID/slice, several with blanks between"),
        "GPU-5fd4f087-86f3-7a43-b711-4771313afc50",
    ),
}
STATES_OFFERED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "PREEMPTED", "OUT_OF_MEMORY")
# Columns of `sacct` that say what ours say.
_OF_SACCT = {
    "jobidraw": "job_id",
    "start": "start",
    "end": "end",
    "state": "state",
    "account": "account",
}


def expected_of(column: str, columns: dict[str, str] | None = None) -> str:
    """Return what a file's column takes, in the language of the moment; "" where nobody says.

    `columns` are our names to the file's own, where somebody said which is which.
    """
    name = plain_name(column)
    theirs = {plain_name(their): ours for ours, their in (columns or {}).items()}
    ours = theirs.get(name) or NAMES.get(name) or _OF_SACCT.get(name) or name
    return str(GUIDE[ours].expected) if ours in GUIDE else ""


def title_of(ours: str, language: str) -> str:
    """Return the name that the documentation gives one of our columns in a language."""
    return COLUMNS[ours][1 if language.lower().startswith("zh") else 0]
