"""Statements of account: what a programme owed one party, added and paid, from day to day."""

from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries
from billing.forms.pages import DaysFilter
from billing.models import Bill
from billing.queries import owed
from billing.queries.owed import Statement, statement_of_account
from billing.views.shown import act_words, figure, page_of, table
from common.days import day_of
from common.downloads import csv_answer, file_answer
from common.errors import NotFound
from common.formatting import day_text, money
from common.money import is_currency, major
from common.papers import PaperTable, tables_pdf
from ledger.kinds import Flow
from ledger.queries.entries import Moved
from parties.authentication import signed_in
from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import Role
from vouchers.models import Programme

PDF = "application/pdf"


def account_of(person: User, code: str, party_code: str) -> tuple[Programme, Organisation]:
    """Return a programme and a party that it owed something, if a person may see that account.

    The party's own people may, and who has a part in the programme for its authority.

    :raises NotFound: if there is no such account, or it is not this person's to see.
    """
    programme = Programme.objects.filter(code=code).select_related("authority").first()
    party = Organisation.objects.filter(code=party_code).first()
    if programme is not None and party is not None and is_currency(programme.unit):
        own = organisations_of(person, Role.PROVIDER, Role.APPLICANT).filter(pk=party.pk)
        overseen = queries.programmes_overseen(person).filter(pk=programme.pk)
        is_theirs = own.exists() or overseen.exists()
        if is_theirs and owed.was_owed(programme, party):
            return programme, party
    raise NotFound(what=f"{code}/{party_code}")


@login_required
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """List a person's own accounts, or those of the programmes that a person oversees."""
    person = signed_in(request)
    own = organisations_of(person, Role.PROVIDER, Role.APPLICANT)
    overseen = set(queries.programmes_overseen(person).values_list("pk", flat=True))
    # What is owed is worked out for the accounts of one page alone.
    found = [
        (programme, party)
        for programme in Programme.objects.order_by("code")
        if is_currency(programme.unit)
        for party in owed.parties_owed(programme, None if programme.pk in overseen else own)
    ]
    page = page_of(request, found)
    context = {
        "page": page,
        "list": table(
            _("Statements of account"),
            [_("Programme"), _("Party"), figure(_("Owed now"))],
            [_account_row(*one) for one in page],
        ),
    }
    return render(request, "billing/accounts.html", context)


def _account_row(programme: Programme, party: Organisation) -> list[Any]:
    return [
        programme.title_here,
        {
            "text": party.name_here,
            "url": reverse("account_statement", args=[programme.code, party.code]),
        },
        money(owed.amount_owed(programme, party), programme.unit),
    ]


@login_required
@require_GET
def account_statement(request: HttpRequest, code: str, party_code: str) -> HttpResponse:
    """Show one party's account for some days: opening, every movement, closing."""
    programme, party = account_of(signed_in(request), code, party_code)
    form, statement = _asked(request, programme, party)
    query = request.GET.urlencode()
    args = [code, party_code]
    context = {
        "programme": programme,
        "party": party,
        "form": form,
        "statement": statement,
        "figures": _figures(statement) if statement else [],
        "list": table(
            _("Movements"),
            [_("Day"), _("What"), _("Reference"), figure(_("Amount")), figure(_("Owed after"))],
            _rows(statement),
        )
        if statement
        else None,
        "csv": _with(reverse("account_statement_file", args=[*args, "csv"]), query),
        "pdf": _with(reverse("account_statement_file", args=[*args, "pdf"]), query),
    }
    return render(request, "billing/account_statement.html", context)


def _with(url: str, query: str) -> str:
    return f"{url}?{query}" if query else url


def _asked(
    request: HttpRequest, programme: Programme, party: Organisation
) -> tuple[DaysFilter, Statement | None]:
    """Return the days that the address asks for, this month without any; and their statement."""
    today = day_of(timezone.now(), programme.zone)
    given = request.GET if request.GET else _days(today.replace(day=1), today)
    form = DaysFilter(given)
    if not form.is_valid():
        return form, None
    days = form.cleaned_data["from_on"], form.cleaned_data["until_on"]
    return form, statement_of_account(programme, party, *days)


def _days(first: date, last: date) -> QueryDict:
    given = QueryDict(mutable=True)
    for name, on in (("from_on", first), ("until_on", last)):
        parts = (on.day, on.month, on.year)
        for place, part in zip(("day", "month", "year"), parts, strict=True):
            given[f"{name}_{place}"] = str(part)
    return given


def _figures(statement: Statement) -> list[dict[str, Any]]:
    unit = statement.programme.unit
    return [
        {"value": money(amount, unit), "label": label} for label, amount in _sums(statement)
    ]


def _sums(statement: Statement) -> list[tuple[str, int]]:
    """Return the figures of a statement: opening and what follows make the closing one."""
    settled = statement.sum_of(Flow.REDEEM, Flow.CLAIM, is_credit=True)
    corrected = statement.sum_of(Flow.REDEEM, Flow.CLAIM, is_credit=False)
    paid = statement.sum_of(Flow.INSTRUCT)
    returned = statement.sum_of(Flow.RETURN_PAYMENT)
    others = statement.closing - statement.opening - settled - corrected - paid - returned
    return [
        (_("Owed before"), statement.opening),
        (_("Settled bills"), settled),
        (_("Corrections"), corrected),
        (_("Payments"), paid),
        (_("Returned by the bank"), returned),
        (_("Offsets and others"), others),
        (_("Owed after"), statement.closing),
    ]


def _rows(statement: Statement) -> list[list[str]]:
    unit, zone = statement.programme.unit, statement.programme.zone
    balance, rows = statement.opening, []
    invoices = invoices_of(statement.movements)
    for one in statement.movements:
        balance += one.amount
        rows.append(
            [
                day_text(day_of(one.at, zone)),
                act_words(one.act_kind),
                reference_of(one, invoices),
                money(one.amount, unit),
                money(balance, unit),
            ]
        )
    return rows


def invoices_of(movements: tuple[Moved, ...]) -> dict[str, str]:
    """Return the invoice numbers of the bills that movements are about, by the bill's number."""
    numbers = {one.about.partition(":")[2] for one in movements if one.about[:5] == "bill:"}
    return dict(Bill.objects.filter(number__in=numbers).values_list("number", "invoice_number"))


def reference_of(entry: Moved, invoices: dict[str, str]) -> str:
    """Return how a movement is known: bill and invoice number, or the payment's reference."""
    number = entry.about.partition(":")[2]
    if number in invoices:
        return f"{number} ({invoices[number]})"
    return entry.ref or number


@login_required
@require_GET
def account_statement_file(
    request: HttpRequest, code: str, party_code: str, kind: str
) -> HttpResponse:
    """Give a statement of account as a CSV or as a paper."""
    programme, party = account_of(signed_in(request), code, party_code)
    _form, statement = _asked(request, programme, party)
    if statement is None or kind not in ("csv", "pdf"):
        raise NotFound(what=kind)
    name = f"{code}-{party_code}-{statement.from_on}-{statement.until_on}.{kind}"
    if kind == "pdf":
        return file_answer(name, _paper(statement), PDF)
    header = ["at", "act", "reference", "unit", "amount", "balance"]
    return csv_answer(name, header, _csv_rows(statement))


def _csv_rows(statement: Statement) -> list[list[object]]:
    unit, balance = statement.programme.unit, statement.opening
    rows: list[list[object]] = [["", "opening", "", unit, "", major(balance, unit)]]
    invoices = invoices_of(statement.movements)
    for one in statement.movements:
        balance += one.amount
        amounts = [major(one.amount, unit), major(balance, unit)]
        reference = reference_of(one, invoices)
        rows.append([one.at.isoformat(), one.act_kind, reference, unit, *amounts])
    return [*rows, ["", "closing", "", unit, "", major(balance, unit)]]


def _paper(statement: Statement) -> bytes:
    programme, party = statement.programme, statement.party
    unit = programme.unit
    values = {"first": day_text(statement.from_on), "last": day_text(statement.until_on)}
    return tables_pdf(
        title=_("Statement of account"),
        head=f"{programme.title_here} · {programme.authority.name_here}",
        rows=[
            (_("Party"), f"{party.name_here} ({party.identifier})"),
            (_("Period"), _("%(first)s to %(last)s") % values),
            *((label, money(amount, unit)) for label, amount in _sums(statement)),
        ],
        tables=[
            PaperTable(
                _("Movements"),
                [
                    (_("Day"), False),
                    (_("What"), False),
                    (_("Reference"), False),
                    (_("Amount"), True),
                    (_("Owed after"), True),
                ],
                _rows(statement),
                ["", _("Owed after"), "", "", money(statement.closing, unit)],
            )
        ],
        note=_(
            "What is given to the bank is no longer owed; what it sends back is owed again."
        ),
    )
