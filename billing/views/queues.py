"""Work queues of finance: what waits, since when, and until when it should be done."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from billing import queries, statuses
from billing.forms.pages import QueueFilter
from billing.queries.queues import QUEUES, Waiting, queue_of
from billing.reasons import sentence
from billing.views.bank import READERS as BANK_READERS
from billing.views.shown import figure, page_of, query_of, sentence_cell, table
from common.downloads import csv_answer
from common.errors import NotFound
from common.formatting import NOTHING, instant, money
from common.money import CURRENCY_EXPONENTS, major
from parties.authentication import signed_in
from parties.models import User
from parties.queries import require_role, roles_of
from parties.roles import Role

SETTLERS = (Role.FINANCE, Role.OFFICER)
CSV_HEADER = [
    "queue",
    "kind",
    "name",
    "programme",
    "with",
    "amount",
    "unit",
    "since",
    "due",
    "why",
]


@login_required
@require_GET
def work_queues(request: HttpRequest) -> HttpResponse:
    """Show how much waits in each queue, the oldest first, and what is late."""
    person, form, programme = _asked(request)
    now = timezone.now()
    rows = []
    for code in _queues_of(person):
        found = queue_of(person, code, programme)
        late = sum(1 for one in found if one.due is not None and one.due < now)
        rows.append(
            [
                {"text": _title(code), "url": _address("work_queue", code, programme)},
                str(len(found)),
                instant(found[0].since) if found else NOTHING,
                {"text": str(late), "error": bool(late)} if late else "0",
            ]
        )
    columns = [_("Queue"), figure(_("Waiting")), _("Oldest since"), figure(_("Late"))]
    context = {"form": form, "list": table(_("Work queues"), columns, rows)}
    return render(request, "billing/work_queues.html", context)


@login_required
@require_GET
def work_queue(request: HttpRequest, code: str) -> HttpResponse:
    """List what waits in one queue, oldest first."""
    person, form, programme = _asked(request)
    page = page_of(request, _queue(person, code, programme))
    now = timezone.now()
    context = {
        "form": form,
        "title": _title(code),
        "csv_url": _address("work_queue_csv", code, programme),
        "here": reverse("work_queue", args=[code]),
        "page": page,
        "query": query_of(request),
        "list": table(
            _title(code),
            [
                _("What"),
                _("Programme"),
                _("With whom"),
                figure(_("Amount")),
                _("Waiting since"),
                _("Due"),
                _("Why"),
            ],
            [_row(one, now) for one in page],
        ),
    }
    return render(request, "billing/work_queue.html", context)


@login_required
@require_GET
def work_queue_csv(request: HttpRequest, code: str) -> HttpResponse:
    """Give one queue as a CSV, oldest first."""
    person, _form, programme = _asked(request)
    rows = (
        [
            code,
            one.kind,
            one.name,
            one.programme,
            _who(one),
            major(one.amount, one.unit),
            one.unit,
            one.since.isoformat(),
            one.due.isoformat() if one.due else "",
            _why(one),
        ]
        for one in _queue(person, code, programme)
    )
    return csv_answer(f"queue-{code}.csv", CSV_HEADER, rows)


def _asked(request: HttpRequest) -> tuple[User, QueueFilter, str]:
    person = signed_in(request)
    require_role(person, *SETTLERS, Role.REGULATOR)
    programmes = queries.programmes_overseen(person)
    form = QueueFilter(
        request.GET, programmes=[(one.code, one.title_here) for one in programmes]
    )
    return person, form, form.cleaned_data["programme"] if form.is_valid() else ""


def _queue(person: User, code: str, programme: str) -> Sequence[Waiting]:
    if code not in _queues_of(person):
        raise NotFound(what=code)
    return queue_of(person, code, programme)


def _queues_of(person: User) -> list[str]:
    """Return the queues that a person may read: what the bank said is not for every officer."""
    may_bank = bool(roles_of(person) & set(BANK_READERS))
    return [code for code in QUEUES if may_bank or code != "unmatched"]


def _address(route: str, code: str, programme: str) -> str:
    address = reverse(route, args=[code])
    return f"{address}?programme={programme}" if programme else address


def _title(code: str) -> str:
    return {
        "own-shares": _("Proofs of own shares"),
        "to-settle": _("Bills to settle"),
        "disputed": _("Disputed lines"),
        "withheld": _("Lines withheld"),
        "to-pay": _("Settled, not sent to the bank"),
        "batches": _("Batches on their way"),
        "at-bank": _("Payments at the bank"),
        "unmatched": _("Bank entries to look at"),
        "recoveries-to-decide": _("Recoveries to decide"),
        "recoveries-owed": _("Recoveries owed"),
    }[code]


def _who(one: Waiting) -> str:
    if one.kind == "batch":
        return str(statuses.BATCH[one.who].next)
    return one.who


def _row(one: Waiting, now: datetime) -> list[Any]:
    is_known = one.unit in CURRENCY_EXPONENTS or one.unit.startswith("GPU:")
    return [
        {"text": one.name, "url": _page(one)},
        one.programme or NOTHING,
        _who(one) or NOTHING,
        money(one.amount, one.unit) if is_known else f"{one.amount} {one.unit}",
        instant(one.since),
        _due(one.due, now),
        sentence_cell(_why(one)),
    ]


def _page(one: Waiting) -> str:
    """Return where the work is done: a bill, a line's decision, a batch; else its trace."""
    if one.kind == "bill_line":
        number, _slash, row = one.name.rpartition("/")
        if not one.is_settled:
            # There it is seen and settled.
            return reverse("bill", args=[number])
        return reverse("line_decide", args=[number, row])
    if one.kind == "own_share":
        number, _slash, pk = one.name.rpartition("/")
        return reverse("own_share_decide", args=[number, pk])
    if one.kind in ("bill", "batch", "bank_line", "recovery"):
        return reverse(one.kind, args=[one.name])
    return reverse("trace", args=[one.kind, one.name])


def _due(due: datetime | None, now: datetime) -> Any:
    if due is None:
        return NOTHING
    days = (now - due) // timedelta(days=1)
    if days < 0:
        return instant(due)
    late = ngettext("%(days)s day over", "%(days)s days over", days) % {"days": days}
    return {"text": instant(due), "error": late}


def _why(one: Waiting) -> str:
    if one.kind == "batch":
        return str(statuses.BATCH[one.who].meaning)
    return sentence(one.why, one.why_values)
