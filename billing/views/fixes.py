"""What became of a usage file, and the rows that are to be fixed: on pages and to take away."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import statuses
from billing.models import FileCheck, UsageFile
from billing.reasons import row_error_of
from billing.usage.fixes import WRITERS, Fixes
from billing.usage.guide import expected_of
from billing.usage.record import RowError
from billing.views.shown import figure, page_of, query_of, table
from common.downloads import file_answer

# From how many on errors are told by rule first.
GROUPED_FROM = 21


def result(
    report: UsageFile | FileCheck, request: HttpRequest, columns: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return what became of a file as its pages show it: figures, what was skipped, what to fix.

    `?rule=` in the address shows the errors of one rule alone.
    """
    errors = [row_error_of(one) for one in report.errors]
    rule = request.GET.get("rule", "")
    shown = [error for error in errors if rule in ("", error.code)]
    page = page_of(request, shown)
    return {
        "name": report.file.name if isinstance(report, FileCheck) else report.name,
        "figures": _figures(report, len({error.row for error in errors})),
        "skipped": [
            f"{count}: {statuses.SKIPPED.get(reason, reason)}"
            for reason, count in report.skipped.items()
        ],
        "errors_total": report.errors_total,
        "errors_kept": len(errors),
        "groups": _groups(errors),
        "errors": _errors_table(list(page), len(shown), dict(columns or {})),
        "errors_page": page,
        "rule": rule,
        "query": query_of(request),
    }


def _figures(report: UsageFile | FileCheck, rows_wrong: int) -> list[dict[str, Any]]:
    is_check = isinstance(report, FileCheck)
    is_all = report.errors_total == len(report.errors)
    return [
        {"value": report.rows, "label": _("Lines")},
        {"value": report.recorded, "label": _("Good and new") if is_check else _("Recorded")},
        {"value": report.known_before, "label": _("Known before")},
        {"value": sum(report.skipped.values()), "label": _("Skipped")},
        {
            "value": rows_wrong if is_all else f"> {rows_wrong}",
            "label": _("To fix"),
            "problem": bool(report.errors_total),
        },
    ]


def _groups(errors: Sequence[RowError]) -> list[dict[str, Any]]:
    """Return the errors counted by rule, the most frequent first, where they are many."""
    if len(errors) < GROUPED_FROM:
        return []
    counts = Counter(error.code for error in errors)
    first = {error.code: error for error in reversed(errors)}
    return [
        {
            "code": code,
            "count": ngettext("%(count)s line", "%(count)s lines", count) % {"count": count},
            "problem": first[code].problem,
            "fix": first[code].fix,
        }
        for code, count in counts.most_common()
    ]


def _errors_table(errors: Sequence[RowError], total: int, columns: dict[str, str]) -> Any:
    caption = ngettext("%(total)s error to fix", "%(total)s errors to fix", total) % {
        "total": total
    }
    heads = [
        figure(_("Row")),
        _("Column"),
        _("What we found"),
        _("What to fix"),
        _("What we expected"),
    ]
    return table(caption, heads, [_error_row(error, columns) for error in errors])


def _error_row(error: RowError, columns: dict[str, str]) -> list[Any]:
    return [
        error.row,
        error.column or "–",
        {"text": error.value or "–", "error": error.problem},
        error.fix,
        expected_of(error.column, columns) or "–",
    ]


def fixes_answer(number: int, kind: str, fixes: Fixes) -> HttpResponse:
    """Answer with the rows to fix as a workbook (`xlsx`) or as a CSV."""
    if kind not in WRITERS:
        raise Http404
    write, content_type = WRITERS[kind]
    return file_answer(f"to-fix-{number}.{kind}", write(fixes), content_type)
