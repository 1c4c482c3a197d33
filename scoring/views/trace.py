"""The trace: from any thing to the appropriation behind it and the outcome after it."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common.downloads import csv_answer
from common.formatting import NOTHING, day, instant, money, status_tag
from common.money import major
from parties.authentication import signed_in
from scoring.forms import TraceForm
from scoring.queries.sight import sight_of
from scoring.queries.starts import kind_of
from scoring.queries.traces import ROWS, Part, Trace, trace_of
from scoring.told import Row, Step, steps_of, working_of
from scoring.told.rows import plain_row

CSV_HEADER = [
    "step",
    "kind",
    "name",
    "label",
    "at",
    "amount",
    "unit",
    "status",
    "how",
    "act",
]


@login_required
@require_GET
def trace_search(request: HttpRequest) -> HttpResponse:
    """Take up a trace by what somebody holds in hand: a number, a code or a reference."""
    sight = sight_of(signed_in(request))
    form = TraceForm(request.GET or None)
    if form.is_valid():
        words = form.cleaned_data["name"].strip()
        found = kind_of(sight, words)
        if found is not None:
            return redirect("trace", *found)
        form.add_error(
            "name",
            _(
                "Nothing that you may see is called “%(name)s”. Enter a code as it stands on a "
                "page or a bank statement, such as B-2RLX7Q-00001."
            )
            % {"name": words},
        )
    return render(request, "scoring/trace_search.html", {"form": form})


@login_required
@require_GET
def trace(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """Show the whole chain that a thing stands in, as far as the reader may see it."""
    sight = sight_of(signed_in(request))
    page, lines = _number(request, "page"), _number(request, "lines")
    found = trace_of(sight, kind, name, page=page, lines=lines)
    zone = found.programme.zone if found.programme else "UTC"
    paged: Part = getattr(found, found.paged)
    context = {
        "title": _KIND_WORDS[kind](),
        "name": name,
        "kind": kind,
        "steps": [_shown(step, kind, name, zone) for step in steps_of(found)],
        "page": _page(paged.count, page),
        "lines": _page(found.lines.count, lines),
        "page_query": _others(request, "page"),
        "lines_query": _others(request, "lines"),
        "part": _part_words(found, paged),
    }
    return render(request, "scoring/trace.html", context)


@login_required
@require_GET
def trace_csv(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """Give a trace as a CSV, a row a thing; of a list that is too long a row says so."""
    steps = _whole(request, kind, name)
    rows = (row for step in steps for row in _rows_of(step))
    return csv_answer(f"trace-{kind}-{_file(name)}.csv", CSV_HEADER, rows)


@login_required
@require_GET
def trace_json(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """Give a trace as JSON: its steps, each row with the working that made its figure.

    `count` says how many rows a step has in all, where that is more than are here.
    """
    steps = _whole(request, kind, name)
    told = [
        {
            "step": step.code,
            "count": max(step.count, len(step.rows)),
            "rows": [plain_row(row) for row in step.rows],
        }
        for step in steps
    ]
    answer = JsonResponse({"kind": kind, "name": name, "steps": told})
    answer["Content-Disposition"] = f'attachment; filename="trace-{kind}-{_file(name)}.json"'
    return answer


def _whole(request: HttpRequest, kind: str, name: str) -> list[Step]:
    found = trace_of(sight_of(signed_in(request)), kind, name, whole=True)
    return steps_of(found)


def _rows_of(step: Step) -> Iterator[list[object]]:
    for row in step.rows:
        yield [step.code, *_cells(row)]
    if step.count > len(step.rows):
        words = _(
            "These are %(shown)s of %(count)s rows. Take up the trace nearer to the rest."
        )
        told = words % {"shown": len(step.rows), "count": step.count}
        yield [step.code, "", "", told, *[""] * (len(CSV_HEADER) - 4)]


def _file(name: str) -> str:
    return "".join(one if one.isalnum() or one in "-." else "_" for one in name)


def _cells(row: Row) -> list[object]:
    plain = plain_row(row)
    amount = None if row.amount is None else major(row.amount, row.unit)
    return [
        row.kind,
        row.name,
        row.label,
        plain["at"],
        amount,
        row.unit,
        plain["status"],
        row.how,
        row.act,
    ]


# --- the page --------------------------------------------------------------------------------


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "1")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 1


def _page(count: int, number: int) -> Page[Any]:
    return Paginator(range(count), ROWS).get_page(number)


def _others(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    query.pop(name, None)
    return query.urlencode()


def _part_words(found: Trace, paged: Part) -> str:
    """Say which part of a long list the page follows; nothing where it is the whole."""
    if paged.count <= len(paged.rows):
        return ""
    words = {
        "payments": _("This page follows payments %(first)s to %(last)s of %(count)s."),
        "settlements": _("This page follows settlements %(first)s to %(last)s of %(count)s."),
        "vouchers": _("This page follows vouchers %(first)s to %(last)s of %(count)s."),
    }
    return words[found.paged] % {
        "first": paged.begin + 1,
        "last": paged.begin + len(paged.rows),
        "count": paged.count,
    }


def _shown(step: Step, kind: str, name: str, zone: str) -> dict[str, Any]:
    return {
        "code": step.code,
        "caption": f"{step.title} ({step.count})" if step.count > 1 else step.title,
        "columns": [
            _("What"),
            _("When"),
            {"label": _("Amount"), "numeric": True},
            _("Status"),
            _("How it came about"),
            _("From here"),
        ],
        "rows": [_cells_shown(row, kind, name, zone) for row in step.rows],
        "working": working_of(step),
    }


def _cells_shown(row: Row, kind: str, name: str, zone: str) -> list[Any]:
    is_here = (row.kind, row.name) == (kind, name)
    return [
        {"text": row.label, "url": row.url},
        _when(row.at, zone),
        money(row.amount, row.unit) if row.amount is not None else NOTHING,
        status_tag(str(row.status.label), row.status.colour) if row.status else NOTHING,
        row.how,
        _("You are here")
        if is_here
        else {"text": _("Trace"), "url": reverse("trace", args=[row.kind, row.name])},
    ]


def _when(at: datetime | date | None, zone: str) -> str:
    return instant(at, zone) if at is None or isinstance(at, datetime) else day(at)


_KIND_WORDS = {
    "appropriation": lambda: _("Appropriation"),
    "programme": lambda: _("Programme"),
    "round": lambda: _("Round"),
    "application": lambda: _("Application"),
    "decision": lambda: _("Decision"),
    "voucher": lambda: _("Voucher"),
    "order": lambda: _("Order"),
    "usage_line": lambda: _("Usage line"),
    "bill": lambda: _("Bill"),
    "bill_line": lambda: _("Bill line"),
    "settlement": lambda: _("Settlement"),
    "transfer": lambda: _("Transfer"),
    "act": lambda: _("Act"),
    "batch": lambda: _("Batch"),
    "payment": lambda: _("Payment"),
    "bank_line": lambda: _("Bank line"),
    "outcome": lambda: _("Outcome"),
    "standing": lambda: _("Standing"),
}
