"""A provider's metered usage: what was sent, what became of each file, and sending more."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries
from billing.forms.lines import sample_lines
from billing.models import FileTask, UsageArchive, UsageLine
from billing.queries.archived_lists import LinesOfFile, archives_of
from billing.reasons import row_error_of
from billing.usage import samples
from billing.usage.fixes import WRITERS, fixes_of
from billing.views.evidence import beside
from billing.views.fixes import fixes_answer, result
from billing.views.shown import (
    figure,
    is_reader,
    names_of,
    page_of,
    query_of,
    table,
)
from common.days import day_of
from common.downloads import csv_answer, file_answer
from common.formatting import gpu_hours, instant
from parties.authentication import signed_in
from parties.queries import has_role
from parties.roles import Role
from vouchers.models import Programme


@login_required
@require_GET
def usage(request: HttpRequest) -> HttpResponse:
    """List the usage that a person may see, and the files that it came in."""
    person = signed_in(request)
    seen = queries.usage_seen_by(person)
    lines = page_of(request, seen)
    is_provider = has_role(person, Role.PROVIDER)
    files = page_files(queries.usage_files_visible_to(person)[:10])
    context = {
        "is_provider": is_provider,
        "sees_telemetry": is_provider or is_reader(person),
        "files": files,
        "tasks": _tasks(queries.file_tasks_open_to(person)[:5]),
        "lines": _lines_table(_("Metered usage"), list(lines)),
        "archived": seen.archived,
        "page": lines,
        "query": query_of(request),
    }
    return render(request, "billing/usage.html", context)


def _tasks(tasks: Iterable[FileTask]) -> Any:
    """Return large files that are not read yet, or can't be, as a table."""
    rows = [
        [
            {"text": task.file.name, "url": reverse("usage_task", args=[task.pk])},
            instant(task.asked_at),
            FileTask.Status(task.status).label,
        ]
        for task in tasks
    ]
    return table(_("Large files"), [_("File"), _("Received"), _("Status")], rows)


def page_files(files: Any) -> Any:
    """Return usage files as a table, each leading to its own page."""
    rows = [
        [
            {"text": file.name, "url": reverse("usage_file", args=[file.pk])},
            instant(file.received_at),
            file.rows,
            file.recorded,
            {"text": file.errors_total, "error": bool(file.errors_total)},
        ]
        for file in files
    ]
    columns = [
        _("File"),
        _("Received"),
        figure(_("Lines")),
        figure(_("Recorded")),
        figure(_("To fix")),
    ]
    return table(_("Files"), columns, rows)


def _lines_table(caption: str, lines: list[UsageLine]) -> Any:
    """Return lines as a table, with what telemetry says beside each that names its GPUs."""
    said = queries.evidence_of_usage(lines)
    return table(caption, *beside(_line_columns(), [_line_row(one) for one in lines], said))


def _line_columns() -> list[Any]:
    return [
        _("Key"),
        _("Voucher"),
        _("Order"),
        _("Resource"),
        _("From"),
        _("Until"),
        figure(_("Hours")),
        _("State"),
    ]


def _line_row(line: UsageLine) -> list[Any]:
    return [
        {"text": str(line), "url": reverse("usage_line", args=[line.pk])},
        line.voucher.code,
        line.order.code if line.order else "–",
        f"{line.resource} {line.resource_class}".strip(),
        instant(line.started_at),
        instant(line.ended_at),
        gpu_hours(line.quantity_ms),
        line.state,
    ]


@login_required
@require_GET
def usage_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what became of a file: how many lines counted, and what to fix."""
    person = signed_in(request)
    file = queries.usage_file_of(person, pk)
    archives = archives_of(file)
    live = queries.usage_visible_to(person).filter(file=file).order_by("started_at", "pk")
    lines = page_of(request, LinesOfFile(person, file, [one for one, _count in archives], live))
    programmes = Programme.objects.filter(
        pk__in=UsageLine.objects.filter(file=file).values("voucher__programme")
    ).exclude(mode__in=Programme.AFTER_USE)
    kept = queries.kept_as(file)
    context = {
        **result(file, request, kept.columns if kept else None),
        "pk": file.pk,
        "rows": [
            {"key": _("Received"), "value": instant(file.received_at)},
            {"key": _("From"), "value": names_of([file.received_by])[file.received_by]},
            {"key": _("Fingerprint (SHA-256)"), "value": file.sha256},
        ],
        "lines": _lines_table(_("Recorded from this file"), list(lines)),
        "archived": [_archived(archive, count) for archive, count in archives],
        "page": lines,
        "is_provider": has_role(person, Role.PROVIDER),
        "programmes": [{"code": one.code, "title": one.title} for one in programmes],
    }
    return render(request, "billing/usage_file.html", context)


def _archived(archive: UsageArchive, count: int) -> str:
    return ngettext(
        "%(count)s line of this file lies in the archive, in %(name)s.",
        "%(count)s lines of this file lie in the archive, in %(name)s.",
        count,
    ) % {"count": f"{count:,}", "name": archive.file}


@login_required
@require_GET
def usage_errors(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Give the rows of a recorded file that are to be fixed, as a workbook or a CSV."""
    file = queries.usage_file_of(signed_in(request), pk)
    errors = [row_error_of(one) for one in file.errors]
    kept = queries.kept_as(file)
    content = queries.content_of(kept.file) if kept else None
    return fixes_answer(
        file.pk, kind, fixes_of(content, errors, kept.columns if kept else None)
    )


@require_GET
def usage_sample(request: HttpRequest, kind: str) -> HttpResponse:
    """Give a small usage file that is read without an error, in the language of the page.

    For a provider with an order it is of that order, and of days that are over.
    """
    rows = samples.sample_rows(_language(), **_of_whom(request))
    return _table_answer("usage-sample", rows, kind)


@require_GET
def usage_bad_sample(request: HttpRequest, kind: str) -> HttpResponse:
    """Give a small usage file with mistakes, to see what is told of them."""
    rows = samples.bad_rows(_language(), **_of_whom(request))
    return _table_answer("usage-with-mistakes", rows, kind)


@require_GET
def usage_template(request: HttpRequest, kind: str) -> HttpResponse:
    """Give the header of a usage file alone; as a workbook with a guide to its columns."""
    return _table_answer("usage-template", [samples.header(_language())], kind)


def _of_whom(request: HttpRequest) -> dict[str, Any]:
    """Return the order and day that a sample is of; nothing for a stranger."""
    if not request.user.is_authenticated:
        return {}
    day = day_of(timezone.now()) - timedelta(days=2)
    order = queries.order_used_on(signed_in(request), day)
    if order is None:
        return {}
    return {
        "account": order.code,
        "resource_class": order.offer.resource_class,
        "day": day,
    }


def _language() -> str:
    return get_language() or "en"


def _table_answer(name: str, rows: list[list[str]], kind: str) -> HttpResponse:
    content_type = WRITERS[kind][1]
    if kind == "xlsx":
        return file_answer(f"{name}.xlsx", samples.as_workbook(rows, _language()), content_type)
    return file_answer(f"{name}.csv", samples.as_csv(rows), content_type)


@require_GET
def bill_lines_sample(request: HttpRequest) -> HttpResponse:
    """Give a small file of a bill's lines."""
    text = sample_lines(_language())
    return file_answer(
        "bill-lines-sample.csv", b"\xef\xbb\xbf" + text.encode(), "text/csv; charset=utf-8"
    )


@login_required
@require_GET
def usage_csv(request: HttpRequest) -> HttpResponse:
    """Give the usage that a person may see as a CSV, the newest 100,000 lines."""
    lines = queries.usage_seen_by(signed_in(request)).newest(100_000)
    rows = (
        [
            line.source,
            line.key,
            line.voucher.code,
            line.order.code if line.order else "",
            line.resource,
            line.resource_class,
            line.started_at.isoformat(),
            line.ended_at.isoformat(),
            line.quantity_ms,
            line.state,
        ]
        for line in lines
    )
    header = ["source", "key", "voucher", "order", "resource", "class", "start", "end"]
    return csv_answer("usage.csv", [*header, "quantity_ms", "state"], rows)
