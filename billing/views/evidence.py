"""What telemetry says of a line, in the words of a table's cell."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from billing.models import UsageLine
from billing.models.telemetry import MeterRank
from billing.queries.telemetry import evidence_of_usage
from billing.usage.evidence import Finding, LineEvidence
from billing.views.shown import sentence_cell
from common.formatting import gpu_hours


def rank_words(rank: int) -> str:
    """Return how far a meter is believed, in words."""
    return {
        MeterRank.SIGNED: _("Signed by the meter"),
        MeterRank.PUSHED: _("Sent by a program, unsigned"),
        MeterRank.FILE: _("From a file"),
    }[MeterRank(rank)]


def evidence_cell(found: LineEvidence | None) -> str:
    """Return what telemetry says of a line; a dash where it can say nothing."""
    return sentence_cell(" ".join(_sentences(found)) if found else "")


def names_gpus(said: Sequence[LineEvidence | None]) -> bool:
    """Return whether a line names its GPUs, so that telemetry can be laid beside it."""
    return any(one is not None and one.finding != Finding.NO_DEVICE for one in said)


def beside(
    columns: list[Any], rows: list[list[Any]], said: Sequence[LineEvidence | None]
) -> tuple[list[Any], list[list[Any]]]:
    """Return a table's columns and rows with what telemetry says beside each row.

    Where no line names its GPUs there is nothing to say, and no column for it.
    """
    if not names_gpus(said):
        return columns, rows
    cells = [evidence_cell(one) for one in said]
    rows = [[*row, cell] for row, cell in zip(rows, cells, strict=True)]
    return [*columns, _("Evidence")], rows


def beside_use(
    columns: list[Any], rows: list[list[Any]], keys: Sequence[int]
) -> tuple[list[Any], list[list[Any]]]:
    """Return a table of usage lines, by their keys, with what telemetry says beside each row.

    Named in the settings (`BESIDE_USE`), since the order's page lies below this app. What takes
    a line back was never metered, and has nothing beside it.
    """
    # A line may have gone to the archive since its row was read.
    found = UsageLine.objects.filter(pk__in=keys, corrects=None)
    metered = list(found)
    said = dict(zip((one.pk for one in metered), evidence_of_usage(metered), strict=True))
    return beside(columns, rows, [said.get(key) for key in keys])


def _sentences(found: LineEvidence) -> list[str]:
    if found.finding == Finding.NO_DEVICE:
        return [_("The line names no GPU.")]
    if found.seen is None:
        return [_("No telemetry.")]
    said = [
        _("Seen in telemetry: %(seen)s of %(billed)s.")
        % {"seen": gpu_hours(found.seen_ms), "billed": gpu_hours(found.billed_ms)}
    ]
    if found.finding == Finding.OUTSIDE:
        said.append(
            _("Outside tolerance: %(more)s more than seen.")
            % {"more": gpu_hours(found.difference_ms)}
        )
    idle = found.idle_thousandths
    if idle is not None:
        whole, tenth = divmod(idle, 10)
        said.append(_("Idle: %(share)s %% of its minutes.") % {"share": f"{whole}.{tenth}"})
    said.append(f"{rank_words(found.seen.rank)}.")
    return said
