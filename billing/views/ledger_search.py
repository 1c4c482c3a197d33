"""The audit trail searched: by words, kind, account, reference, amount and period; page by key."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Concat, Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries
from billing.forms.ledger import ActFilter
from billing.models import BankLine
from billing.queries.recoveries import recoveries_visible_to
from billing.views.attempts import AUDITORS
from billing.views.shown import READERS, ROWS_A_PAGE, act_words, names_of, query_of, table
from common.downloads import csv_answer
from common.formatting import instant
from ledger.queries.search import acts_matching, older_than
from parties.authentication import signed_in
from parties.models import User
from parties.queries import require_role, roles_of
from parties.roles import Role
from vouchers.models import Application, Order, Voucher

# What every authority's people may read about: the registers that all programmes share.
REGISTERS = ("organisation:", "provider:", "offer:", "rule:", "identifier:")
# Where a thing that an act is about has a page: the route that takes its code.
PAGES = {
    "application": "application",
    "batch": "batch",
    "bill": "bill",
    "offer": "offer",
    "order": "order",
    "programme": "programme",
    "voucher": "voucher",
}
DOWNLOADED_MOST = 20_000
CSV_HEADER = ["at", "act", "kind", "about", "actor", "reason", "moves", "total"]


@login_required
@require_GET
def ledger_audit(request: HttpRequest) -> HttpResponse:
    """Search what was done: who, what, when, about what, and what it moved."""
    form, found = _asked(request)
    begin = _begin(request.GET.get("before", ""))
    if begin is not None:
        found = older_than(found, *begin)
    rows = list(found[: ROWS_A_PAGE + 1])
    shown = rows[:ROWS_A_PAGE]
    context = {
        "form": form,
        "list": table(
            _("Acts"),
            [_("When"), _("What"), _("About"), _("Who"), _("Why")],
            _rows(shown),
        ),
        "older": _older(request, shown[-1]) if len(rows) > ROWS_A_PAGE else "",
        "csv_url": f"{reverse('ledger_audit_csv')}?{query_of(request)}",
        "watches": bool(roles_of(signed_in(request)) & set(AUDITORS)),
    }
    return render(request, "ledger/ledger_audit.html", context)


@login_required
@require_GET
def ledger_audit_csv(request: HttpRequest) -> HttpResponse:
    """Give the acts that were searched for as a CSV, newest first."""
    _form, found = _asked(request)
    rows = (
        [
            act.at.isoformat(),
            act.id,
            act.kind,
            act.about,
            act.actor,
            act.reason,
            act.moves,
            act.total,
        ]
        for act in found[:DOWNLOADED_MOST].iterator(chunk_size=2_000)
    )
    return csv_answer("acts.csv", CSV_HEADER, rows)


def _asked(request: HttpRequest) -> tuple[ActFilter, QuerySet[Any]]:
    person = signed_in(request)
    require_role(person, *READERS)
    form = ActFilter(request.GET)
    return form, acts_overseen(person, acts_matching(form.search()))


def _rows(acts: Sequence[Any]) -> list[list[Any]]:
    names = names_of(act.actor for act in acts)
    return [
        [
            {"text": instant(act.at), "url": reverse("ledger_act", args=[act.id])},
            act_words(act.kind),
            about_cell(act.about),
            names[act.actor],
            act.reason or "–",
        ]
        for act in acts
    ]


def _begin(text: str) -> tuple[datetime, int] | None:
    """Return after which act a page begins, or None for the first page."""
    at, _comma, number = text.partition(",")
    try:
        instant_ = parse_datetime(at)
    except ValueError:
        return None
    is_number = number.isdecimal() and len(number) <= len(str(2**63))
    if instant_ is None or instant_.tzinfo is None or not is_number:
        return None
    return instant_, min(int(number), 2**63 - 1)


def _older(request: HttpRequest, last: Any) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    key = urlencode({"before": f"{last.at.isoformat()},{last.id}"})
    return f"?{query.urlencode()}&{key}" if query else f"?{key}"


def acts_overseen(person: User, found: QuerySet[Any]) -> QuerySet[Any]:
    """Return those acts about things that a person oversees, and about the shared registers."""
    if Role.REGULATOR in roles_of(person):
        return found
    programmes = queries.programmes_overseen(person)
    of = {"programme__in": programmes}
    rows: list[tuple[str, QuerySet[Any], str]] = [
        (
            "application:",
            Application.objects.filter(round__programme__in=programmes),
            "reference",
        ),
        ("voucher:", Voucher.objects.filter(**of), "code"),
        ("order:", Order.objects.filter(voucher__programme__in=programmes), "code"),
        ("bill:", queries.bills_visible_to(person).filter(**of).order_by(), "number"),
        ("batch:", queries.batches_visible_to(person).order_by(), "code"),
        ("programme:", programmes.order_by(), "code"),
        ("recovery:", recoveries_visible_to(person).order_by(), "code"),
        ("bankline:", _bank_lines(person), "pk"),
    ]
    mine = Q(pk__in=[])
    for beginning, things, name in rows:
        address = Concat(Value(beginning), name, output_field=CharField())
        mine |= Q(about__in=things.annotate(told_as=address).values("told_as"))
    mine |= Q(about__in=_statements(person))
    for register in REGISTERS:
        mine |= Q(about__startswith=register)
    return found.filter(mine)


def _bank_lines(person: User) -> QuerySet[Any]:
    return BankLine.objects.filter(
        statement__in=queries.statements_visible_to(person).order_by()
    )


def _statements(person: User) -> QuerySet[Any]:
    address = Concat(Value("statement:"), Substr("sha256", 1, 16), output_field=CharField())
    found = queries.statements_visible_to(person).order_by()
    return found.annotate(told_as=address).values("told_as")


def about_cell(about: str) -> Any:
    """Return what an act is about, leading to its page where it has one."""
    kind, _colon, code = about.partition(":")
    if kind in PAGES:
        return {"text": about, "url": reverse(PAGES[kind], args=[code])}
    return about
