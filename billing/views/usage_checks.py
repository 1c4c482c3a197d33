"""Sending usage: a file is kept and looked over, its columns named once, its good lines sent."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries
from billing.forms.usage import FORMATS, RECOGNISE, ColumnsForm, SendForm, UsageUploadForm
from billing.models import Bill, FileCheck, KeptFile, UsageLine
from billing.queries.files import content_of, recorded_as
from billing.reasons import row_error_of, warning_of
from billing.usage.fixes import fixes_of
from billing.usage.focus import warnings_of
from billing.usage.guide import title_of
from billing.usage.plain_csv import NAMES, plain_name
from billing.usage.recognise import ASKED, FOCUS, Looked, guessed, lines_of, look_at
from billing.views.fixes import fixes_answer, result
from billing.views.shown import table
from billing.views.usage_tasks import is_large, sent_answer
from common.formatting import instant, money
from common.forms import answer_form
from parties.authentication import signed_in
from providers.queries import provider_of
from vouchers.models import Programme


@login_required
@require_http_methods(["GET", "POST"])
def usage_upload(request: HttpRequest) -> HttpResponse:
    """Take a file of metered usage and look it over; nothing of it is recorded yet."""
    person = signed_in(request)
    provider = provider_of(person)
    before = UsageLine.objects.filter(provider=provider).order_by("-pk")
    form = UsageUploadForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        initial={"source": before.values_list("source", flat=True).first() or ""},
    )

    def check() -> HttpResponse:
        given = form.cleaned_data
        stream = given["file"].file
        looked = look_at(stream) if given["format"] == RECOGNISE else None
        file = actions.keep_usage_file(
            provider=provider,
            name=given["file"].name,
            stream=stream,
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        earlier = recorded_as(file)
        if earlier is not None and not earlier.errors_total:
            messages.info(request, _was_sent(file))
            return redirect("usage_file", earlier.pk)
        columns: Mapping[str, str] = {}
        if looked is not None and looked.format is None:
            named = queries.columns_named(provider, looked.fingerprint)
            if named is None:
                asked = {"source": given["source"], "resource": given["resource"] or ""}
                address = reverse("usage_columns", args=[file.pk])
                return redirect(f"{address}?{urlencode(asked)}")
            columns = named.columns
        reading = actions.Reading(
            format=(looked.format if looked else given["format"]) or "CSV",
            source=given["source"],
            resource=given["resource"],
            columns=columns,
            sheet=looked.sheet if looked else "",
            unused_columns=_unused(looked, columns),
            warnings=warnings_of(lines_of(stream)) if looked and looked.format == FOCUS else (),
        )
        return _checked(request, file, reading, form.act_key)

    return answer_form(
        request,
        form,
        "billing/usage_upload.html",
        check,
        {"name": provider.organisation.name_here},
    )


def _was_sent(file: KeptFile) -> str:
    earlier = recorded_as(file)
    day = f"{earlier.received_at:%Y-%m-%d}" if earlier else ""
    return _("You sent this file on %(day)s. Nothing of it was recorded again.") % {"day": day}


def _unused(looked: Looked | None, columns: Mapping[str, str]) -> list[str]:
    """Return the columns of a table that are read for nothing."""
    if looked is None or looked.format not in (None, "CSV"):
        return []
    used = {plain_name(name) for name in columns.values()} if columns else NAMES.keys()
    return [name for name in looked.header if name and plain_name(name) not in used]


def _checked(
    request: HttpRequest, file: KeptFile, reading: actions.Reading, key: str
) -> HttpResponse:
    person, now = signed_in(request), timezone.now()
    if is_large(file):
        task = actions.ask_to_check(file=file, reading=reading, actor=person, at=now, key=key)
        return redirect("usage_task", task.pk)
    check = actions.check_usage_file(file=file, reading=reading, actor=person, at=now, key=key)
    return redirect("usage_check", check.pk)


@login_required
@require_http_methods(["GET", "POST"])
def usage_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask which column of a file is which, its first rows shown; it is asked once a header."""
    person = signed_in(request)
    file = queries.kept_file_of(person, pk)
    looked = look_at(content_of(file))
    language = get_language() or "en"
    form = ColumnsForm(
        request.POST if request.method == "POST" else None,
        header=looked.header,
        titles={ours: title_of(ours, language) for ours in ASKED},
        guessed=guessed(looked.header),
    )

    def name() -> HttpResponse:
        actions.name_columns(
            provider=file.provider,
            looked=looked,
            columns=form.columns,
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        resource = request.GET.get("resource", "")
        reading = actions.Reading(
            format="CSV",
            source=request.GET.get("source", "")[:80] or file.provider.organisation.code,
            resource="GPU" if resource == "GPU" else "CPU" if resource == "CPU" else None,
            columns=form.columns,
            sheet=looked.sheet,
            unused_columns=_unused(looked, form.columns),
        )
        return _checked(request, file, reading, form.act_key)

    width = len(looked.header)
    context = {
        "name": file.name,
        "sheet": looked.sheet,
        "rows": table(
            _("The first rows of the file"),
            list(looked.header),
            [[*row[:width], *[""] * (width - len(row))] for row in looked.rows],
        ),
    }
    return answer_form(request, form, "billing/usage_columns.html", name, context)


@login_required
@require_http_methods(["GET", "POST"])
def usage_check(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a file would record and bill, and what to fix; send its good lines."""
    person = signed_in(request)
    check = queries.file_check_of(person, pk)
    titles = _titles_of(check)
    bills = _bills_of(check, titles)
    form = SendForm(request.POST if request.method == "POST" else None, bills=bills)

    def send() -> HttpResponse:
        numbers, now = form.invoice_numbers, timezone.now()
        if is_large(check.file):
            task = actions.ask_to_send(
                check=check, invoice_numbers=numbers, actor=person, at=now, key=form.act_key
            )
            return redirect("usage_task", task.pk)
        report, sent = actions.send_checked_file(
            check=check, invoice_numbers=numbers, actor=person, at=now, key=form.act_key
        )
        return sent_answer(request, report.file, [bill.number for bill in sent])

    earlier = recorded_as(check.file)
    context = {
        **result(check, request, check.columns),
        "pk": check.pk,
        "format": FORMATS.get(check.format, check.format),
        "sheet": check.sheet,
        "unused": ", ".join(check.unused_columns)[:300],
        "warnings": [warning_of(one) for one in _warnings_of(check, titles)],
        "bills": bills,
        "is_known": not check.recorded,
        "earlier": earlier,
        "earlier_at": instant(earlier.received_at) if earlier else "",
    }
    return answer_form(request, form, "billing/usage_check.html", send, context)


def _titles_of(check: FileCheck) -> dict[str, str]:
    """Return the titles of the programmes that a check tells of, by code."""
    told = [*check.bills, *(one["values"] for one in check.warnings)]
    codes = {one["programme"] for one in told if "programme" in one}
    return {one.code: one.title_here for one in Programme.objects.filter(code__in=codes)}


def _warnings_of(check: FileCheck, titles: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Give the warnings of a check, with programmes by their titles."""
    for one in check.warnings:
        values = one["values"]
        if "programme" in values:
            values = {**values, "programme": titles[values["programme"]]}
        yield {**one, "values": values}


def _bills_of(check: FileCheck, titles: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the bills that a file's good lines make, each with a number that is unused yet."""
    return [
        {
            "name": f"{one['programme']}/{one['month']}",
            "title": titles[one["programme"]],
            "month": one["month"],
            "lines": str(one["lines"]),
            "total": money(one["total"], one["unit"]),
            "suggested": _suggested(check.file.provider_id, one["month"], number),
        }
        for number, one in enumerate(check.bills)
    ]


def _suggested(provider: int, month: str, number: int) -> str:
    """Return an invoice number of a month that the provider has not used yet."""
    taken = set(
        Bill.objects.filter(
            provider=provider, invoice_number__startswith=f"INV-{month}"
        ).values_list("invoice_number", flat=True)
    )
    names = (f"INV-{month}" if step == 1 else f"INV-{month}-{step}" for step in range(1, 10**6))
    free = (name for name in names if name not in taken)
    for _step in range(number):
        next(free)
    return next(free)


@login_required
@require_GET
def check_errors(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Give the rows of a checked file that are to be fixed, as a workbook or a CSV."""
    check = queries.file_check_of(signed_in(request), pk)
    errors = [row_error_of(one) for one in check.errors]
    return fixes_answer(pk, kind, fixes_of(content_of(check.file), errors, check.columns))
