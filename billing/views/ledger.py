"""The ledger as people read it: accounts with their statements, acts with their transfers."""

import re
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, ledger_words, queries
from billing.actions.corrections import CORRECTABLE
from billing.forms.ledger import AsOfForm
from billing.forms.pages import ReasonForm, WordsFilter
from billing.views.ledger_search import about_cell, acts_overseen
from billing.views.shown import (
    READERS,
    act_words,
    figure,
    names_of,
    page_of,
    query_of,
    table,
    unit_words,
)
from common.downloads import csv_answer
from common.errors import NotFound
from common.formatting import instant, money
from common.forms import answer_form
from common.money import major
from ledger import queries as ledger
from ledger.kinds import TransferKind
from ledger.queries import Entry
from parties.authentication import signed_in
from parties.models import User
from parties.queries import require_role, roles_of
from parties.roles import Role

POSTED = (TransferKind.POST, TransferKind.CAPTURE)


# --- accounts --------------------------------------------------------------------------------


@login_required
@require_GET
def ledger_accounts(request: HttpRequest) -> HttpResponse:
    """Search the ledger's accounts, each with what is there, held and free."""
    person = signed_in(request)
    require_role(person, *READERS)
    form = WordsFilter(request.GET)
    words = form.cleaned_data["words"].strip() if form.is_valid() else ""
    page = page_of(request, _accounts(person, words))
    balances = ledger.balances(account.address for account in page)
    context = {
        "form": form,
        "list": table(
            _("Accounts"),
            [
                _("Account"),
                _("Kind"),
                figure(_("Balance")),
                figure(_("Held")),
                figure(_("Free")),
            ],
            [_account_row(account, balances[account.address]) for account in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "ledger/ledger_accounts.html", context)


def _accounts(person: User, words: str) -> QuerySet[Any]:
    found = ledger.accounts_found(words)
    if Role.REGULATOR in roles_of(person):
        return found
    mine = Q(pk__in=[])
    for programme in queries.programmes_overseen(person):
        # The programme is the second word of an address, whatever the others are.
        mine |= Q(address__regex=rf"^[a-z_]+:{re.escape(programme.code)}(:|$)")
    return found.filter(mine)


def _account_row(account: Any, balance: ledger.Balance) -> list[Any]:
    unit = account.unit
    return [
        {"text": account.address, "url": reverse("ledger_account", args=[account.address])},
        str(ledger_words.ACCOUNT[account.kind]),
        money(balance.net, unit),
        money(balance.pending, unit),
        money(balance.free, unit),
    ]


@login_required
@require_GET
def ledger_account(request: HttpRequest, address: str) -> HttpResponse:
    """Show an account's statement: every move, newest first, with the balance after it."""
    account = _account_of(signed_in(request), address)
    unit = account.unit
    form = AsOfForm(request.GET)
    at = form.at()
    balance = ledger.balance_as_of(address, at) if at else ledger.balance(address)
    page = page_of(request, _entries(address, at)[::-1])
    context = {
        "form": form,
        "as_of": at,
        "address": address,
        "kind": ledger_words.ACCOUNT[account.kind],
        "figures": [
            {"value": money(balance.net, unit), "label": _("Balance")},
            {"value": money(balance.pending, unit), "label": _("Held")},
            {"value": money(balance.free, unit), "label": _("Free")},
        ],
        "list": table(
            _("Statement"),
            [
                _("When"),
                _("Act"),
                _("Other account"),
                _("Reference"),
                figure(_("Amount")),
                figure(_("Balance")),
            ],
            [_entry_row(entry, unit) for entry in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "ledger/ledger_account.html", context)


def _entries(address: str, at: datetime | None) -> list[Entry]:
    """Return the moves of an account, oldest first; with an instant, those until then."""
    return [one for one in ledger.statement(address) if at is None or one.at <= at]


def _account_of(person: User, address: str) -> Any:
    require_role(person, *READERS)
    account = _accounts(person, address).filter(address=address).first()
    if account is None:
        raise NotFound(what=address)
    return account


def _entry_row(entry: Entry, unit: str) -> list[Any]:
    return [
        instant(entry.at),
        {"text": act_words(entry.act_kind), "url": reverse("ledger_act", args=[entry.act_id])},
        {"text": entry.other, "url": reverse("ledger_account", args=[entry.other])},
        entry.ref or "–",
        money(entry.amount, unit),
        money(entry.balance, unit),
    ]


@login_required
@require_GET
def ledger_account_csv(request: HttpRequest, address: str) -> HttpResponse:
    """Give an account's statement as a CSV, oldest first, as of the instant that is asked for."""
    account = _account_of(signed_in(request), address)
    unit, form = account.unit, AsOfForm(request.GET)
    if not form.is_valid():
        # The page says what is wrong with the day.
        here = reverse("ledger_account", args=[address])
        return redirect(f"{here}?{request.GET.urlencode()}")
    header = ["at", "act", "kind", "other", "reference", "unit", "amount", "balance"]
    rows = (
        [
            entry.at.isoformat(),
            entry.act_id,
            entry.act_kind,
            entry.other,
            entry.ref,
            unit_words(unit),
            major(entry.amount, unit),
            major(entry.balance, unit),
        ]
        for entry in _entries(address, form.at())
    )
    return csv_answer(f"{address.replace(':', '_')}.csv", header, rows)


# --- acts ------------------------------------------------------------------------------------


@login_required
@require_GET
def ledger_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one act: who did what, when, about what, why, and each transfer it made."""
    person = signed_in(request)
    act, transfers = _act_of(person, pk)
    may_correct = Role.FINANCE in roles_of(person)
    about: Any = about_cell(act.about)
    context = {
        "kind": act_words(act.kind),
        "rows": [
            {"key": _("Who"), "value": names_of([act.actor])[act.actor]},
            {"key": _("What"), "value": act_words(act.kind)},
            {"key": _("When"), "value": instant(act.at)},
            {
                "key": _("About"),
                "value": act.about,
                **(
                    {"url": about["url"], "action": _("Open")}
                    if isinstance(about, dict)
                    else {}
                ),
            },
            {"key": _("Why"), "value": act.reason or "–"},
            {"key": _("Number"), "value": str(act.id)},
            {"key": _("Fingerprint"), "value": bytes(act.digest).hex()},
            *({"key": name, "value": str(value)} for name, value in act.details.items()),
        ],
        "list": table(
            _("Transfers"),
            [
                _("What"),
                _("Why"),
                _("From"),
                _("To"),
                figure(_("Amount")),
                _("Reference"),
                *([_("What you can do")] if may_correct else []),
            ],
            [_transfer_row(one, may_correct=may_correct) for one in transfers],
        ),
    }
    return render(request, "ledger/ledger_act.html", context)


def _act_of(person: User, pk: int) -> tuple[Any, list[Any]]:
    """Return an act that a person may read: by what it is about, or by whose value it moved."""
    require_role(person, *READERS)
    transfers = list(ledger.transfers_of(pk))
    act = acts_overseen(person, ledger.acts_found("")).filter(pk=pk).first()
    if act is None and transfers:
        addresses = {one.debit.address for one in transfers}
        if _accounts(person, "").filter(address__in=addresses).exists():
            act = ledger.act_of(pk)
    if act is None:
        raise NotFound(what=pk)
    return act, transfers


def _transfer_row(transfer: Any, *, may_correct: bool) -> list[Any]:
    return [
        str(ledger_words.TRANSFER[transfer.kind]),
        str(ledger_words.FLOW[transfer.flow]),
        _account_cell(transfer.debit.address),
        _account_cell(transfer.credit.address),
        money(transfer.amount, transfer.debit.unit),
        transfer.ref or "–",
        *([_correction_cell(transfer)] if may_correct else []),
    ]


def _correction_cell(transfer: Any) -> Any:
    if transfer.flow not in CORRECTABLE or transfer.kind not in POSTED:
        return "–"
    url = reverse("transfer_correct", args=[transfer.act_id, transfer.id])
    return {"text": _("Correct"), "url": url}


def _account_cell(address: str) -> dict[str, str]:
    return {"text": address, "url": reverse("ledger_account", args=[address])}


@login_required
@require_http_methods(["GET", "POST"])
def transfer_correct(request: HttpRequest, pk: int, transfer: int) -> HttpResponse:
    """Undo what a settlement moved by the opposite transfer, with a word why."""
    person = signed_in(request)
    require_role(person, Role.FINANCE)
    _act, transfers = _act_of(person, pk)
    found = next((one for one in transfers if one.id == transfer), None)
    if found is None:
        raise NotFound(what=transfer)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def correct() -> HttpResponse:
        actions.correct_transfer(
            transfer_id=transfer,
            reason=form.cleaned_data["reason"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("The transfer is undone by an opposite one."))
        return redirect("ledger_account", found.debit.address)

    context = {
        "title": _("Correct a transfer"),
        "caption": str(ledger_words.FLOW[found.flow]),
        "back": reverse("ledger_act", args=[pk]),
        "submit": _("Correct"),
        "submit_kind": "warning",
        "warning": _("The amount goes back to the voucher. Nothing is taken out of the book."),
        "rows": [
            {"key": _("From"), "value": found.debit.address},
            {"key": _("To"), "value": found.credit.address},
            {"key": _("Amount"), "value": money(found.amount, found.debit.unit)},
        ],
    }
    return answer_form(request, form, "form_page.html", correct, context)
