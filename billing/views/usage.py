"""A provider's metered usage: what was sent, what became of each file, and sending more."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries, statuses
from billing.forms.lines import sample_lines
from billing.forms.pages import UsageUploadForm
from billing.models import UsageFile, UsageLine
from billing.reasons import row_error_of
from billing.usage import plain_csv
from billing.usage.record import RowError
from billing.views.shown import (
    figure,
    names_of,
    page_of,
    query_of,
    table,
)
from common.downloads import csv_answer, file_answer
from common.formatting import gpu_hours, instant
from common.forms import answer_form
from parties.authentication import signed_in
from parties.queries import has_role
from parties.roles import Role
from providers.queries import provider_of
from vouchers.models import Programme

ERRORS_SHOWN = 50


@login_required
@require_GET
def usage(request: HttpRequest) -> HttpResponse:
    """List the usage that a person may see, and the files that it came in."""
    person = signed_in(request)
    lines = page_of(request, queries.usage_visible_to(person))
    files = page_files(queries.usage_files_visible_to(person)[:10])
    context = {
        "is_provider": has_role(person, Role.PROVIDER),
        "files": files,
        "lines": table(_("Metered usage"), _line_columns(), [_line_row(one) for one in lines]),
        "page": lines,
        "query": query_of(request),
    }
    return render(request, "billing/usage.html", context)


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
        f"{line.source}/{line.key}",
        line.voucher.code,
        line.order.code if line.order else "–",
        f"{line.resource} {line.resource_class}".strip(),
        instant(line.started_at),
        instant(line.ended_at),
        gpu_hours(line.quantity_ms),
        line.state,
    ]


@login_required
@require_http_methods(["GET", "POST"])
def usage_upload(request: HttpRequest) -> HttpResponse:
    """Take a file of metered usage, or only check it; good rows count."""
    person = signed_in(request)
    provider = provider_of(person)
    before = UsageLine.objects.filter(provider=provider).order_by("-pk")
    form = UsageUploadForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        initial={"source": before.values_list("source", flat=True).first() or ""},
    )

    def record() -> HttpResponse:
        given = form.cleaned_data
        report = actions.record_usage_file(
            provider=provider,
            name=given["file"].name,
            format=given["format"],
            stream=given["file"].file,
            source=given["source"],
            resource=given["resource"],
            is_dry_run=given["is_dry_run"],
            actor=person.address,
            at=timezone.now(),
            key=form.act_key,
        )
        if report.file is None:
            context = _result(given["file"].name, report, report.errors)
            return render(request, "billing/usage_checked.html", context)
        _tell_of_repeat(request, report)
        return redirect("usage_file", report.file.pk)

    return answer_form(
        request, form, "billing/usage_upload.html", record, {"name": provider.organisation.name}
    )


def _tell_of_repeat(request: HttpRequest, report: actions.UsageReport) -> None:
    file = report.file
    if file is None or file.recorded == report.recorded:
        return
    messages.info(
        request,
        _("You sent this file on %(day)s. %(new)s lines of it are new now.")
        % {"day": f"{file.received_at:%Y-%m-%d}", "new": report.recorded},
    )


def _result(name: str, report: actions.UsageReport | UsageFile, errors: Any) -> dict[str, Any]:
    skipped = sum(report.skipped.values())
    return {
        "name": name,
        "figures": [
            {"value": report.rows, "label": _("Lines")},
            {"value": report.recorded, "label": _("Recorded")},
            {"value": report.known_before, "label": _("Known before")},
            {"value": skipped, "label": _("Skipped")},
            {
                "value": report.errors_total,
                "label": _("To fix"),
                "problem": bool(report.errors_total),
            },
        ],
        "skipped": [
            f"{count}: {statuses.SKIPPED.get(reason, reason)}"
            for reason, count in report.skipped.items()
        ],
        "errors": _errors_table(errors, report.errors_total),
        "errors_total": report.errors_total,
    }


def _errors_table(errors: Any, total: int) -> Any:
    shown = list(errors)[:ERRORS_SHOWN]
    caption = ngettext("%(total)s line to fix", "%(total)s lines to fix", total) % {
        "total": total
    }
    if total > len(shown):
        caption += " " + _("(the first %(count)s)") % {"count": len(shown)}
    columns = [figure(_("Row")), _("Column"), _("What we found"), _("What to fix")]
    return table(caption, columns, [_error_row(error) for error in shown])


def _error_row(error: RowError) -> list[Any]:
    return [
        error.row,
        error.column,
        {"text": error.value or "–", "error": error.problem},
        error.fix,
    ]


@login_required
@require_GET
def usage_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what became of a file: how many lines counted, and what to fix."""
    person = signed_in(request)
    file = queries.usage_file_of(person, pk)
    lines = page_of(
        request, queries.usage_visible_to(person).filter(file=file).order_by("started_at", "pk")
    )
    programmes = Programme.objects.filter(
        pk__in=UsageLine.objects.filter(file=file).values("voucher__programme")
    ).exclude(mode__in=Programme.AFTER_USE)
    context = {
        **_result(file.name, file, [row_error_of(one) for one in file.errors[:ERRORS_SHOWN]]),
        "pk": file.pk,
        "rows": [
            {"key": _("Received"), "value": instant(file.received_at)},
            {"key": _("From"), "value": names_of([file.received_by])[file.received_by]},
            {"key": _("Fingerprint (SHA-256)"), "value": file.sha256},
        ],
        "lines": table(
            _("Recorded from this file"), _line_columns(), [_line_row(one) for one in lines]
        ),
        "page": lines,
        "is_provider": has_role(person, Role.PROVIDER),
        "programmes": [{"code": one.code, "title": one.title} for one in programmes],
    }
    return render(request, "billing/usage_file.html", context)


@login_required
@require_GET
def usage_errors_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """Give all kept errors of a file as a CSV, each with what to fix."""
    file = queries.usage_file_of(signed_in(request), pk)
    content = plain_csv.error_report(row_error_of(one) for one in file.errors)
    return file_answer(f"to-fix-{file.pk}.csv", content, "text/csv; charset=utf-8")


@require_GET
def usage_sample(request: HttpRequest) -> HttpResponse:
    """Give a small usage file that is read without an error, in the language of the page."""
    return _sample("usage-sample.csv", plain_csv.sample(get_language() or "en"))


@require_GET
def usage_template(request: HttpRequest) -> HttpResponse:
    """Give the header of a usage file alone."""
    header = plain_csv.sample(get_language() or "en").partition("\n")[0]
    return _sample("usage-template.csv", header + "\n")


@require_GET
def bill_lines_sample(request: HttpRequest) -> HttpResponse:
    """Give a small file of a bill's lines."""
    return _sample("bill-lines-sample.csv", sample_lines(get_language() or "en"))


def _sample(name: str, text: str) -> HttpResponse:
    return file_answer(name, b"\xef\xbb\xbf" + text.encode(), "text/csv; charset=utf-8")


@login_required
@require_GET
def usage_csv(request: HttpRequest) -> HttpResponse:
    """Give the usage that a person may see as a CSV, the newest 100,000 lines."""
    lines = queries.usage_visible_to(signed_in(request))[:100_000]
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
        for line in lines.iterator(chunk_size=2000)
    )
    header = ["source", "key", "voucher", "order", "resource", "class", "start", "end"]
    return csv_answer("usage.csv", [*header, "quantity_ms", "state"], rows)
