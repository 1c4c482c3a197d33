"""Entries of the bank that a person has to look at: the queue, an entry, what is said of it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, bank_statuses
from billing.bank.amounts import amount_of_any
from billing.forms.pages import ReasonForm, ResolveForm
from billing.models import BankLine, BankResolution, Payment
from billing.queries import oddities, programmes_overseen
from billing.queries.recoveries import named_case, recoveries_visible_to
from billing.views.bank import READERS, signed_amount, why
from billing.views.shown import figure, page_of, query_of, sentence_cell, table, tag
from common.downloads import csv_answer
from common.formatting import day, instant, money
from common.forms import answer_form
from parties.authentication import signed_in
from parties.queries import has_role, require_role
from parties.roles import Role

Step = BankResolution.Step


@login_required
@require_GET
def bank_queue(request: HttpRequest) -> HttpResponse:
    """List the entries that wait for somebody, oldest first, each with its clock."""
    person, now = signed_in(request), timezone.now()
    require_role(person, *READERS)
    state = _state(request)
    page = page_of(request, oddities.odd_lines(person, state))
    context = {
        "figures": [
            {
                "value": oddities.odd_lines(person, one).count(),
                "label": bank_statuses.ENTRY[one].label,
                "url": f"{reverse('bank_queue')}?state={one}",
                "problem": False,
            }
            for one in oddities.STATES
        ],
        "list": table(
            str(bank_statuses.ENTRY[state].label) if state else _("What waits"),
            [
                _("Entry"),
                _("Booked"),
                _("Other party"),
                figure(_("Amount")),
                _("Why it is here"),
                _("Where it stands"),
                figure(_("Days")),
                _("Look at it by"),
            ],
            [_row(line, now) for line in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/bank_queue.html", context)


@login_required
@require_GET
def bank_queue_csv(request: HttpRequest) -> HttpResponse:
    """Give the same list as a file."""
    person, now = signed_in(request), timezone.now()
    require_role(person, *READERS)
    header = ["file", "entry", "place", "booked", "amount", "end-to-end id", "bank reference"]
    header += ["other party", "oddity", "why", "state", "days", "due"]
    rows = []
    for line in oddities.odd_lines(person, _state(request)):
        clock = oddities.clock_of(line, now)
        rows.append(
            [
                line.statement.name,
                line.position,
                line.place,
                line.booked_on.isoformat(),
                amount_of_any(line.amount if line.is_credit else -line.amount, line.unit),
                line.end_to_end_id,
                line.reference,
                line.counterparty,
                line.oddity,
                why(line),
                oddities.state_of(*_said(line)),
                clock.age_days,
                clock.due_at.isoformat(),
            ]
        )
    return csv_answer("to-look-at.csv", header, rows)


def _state(request: HttpRequest) -> str:
    asked = request.GET.get("state", "")
    return asked if asked in oddities.STATES else ""


def _said(line: Any) -> tuple[str | None, str | None]:
    """Return the step and kind that the query of odd entries gives each of them."""
    return line.step, line.kind


def _row(line: BankLine, now: Any) -> list[Any]:
    clock, state = oddities.clock_of(line, now), oddities.state_of(*_said(line))
    is_late = clock.is_late and state != "DONE"
    return [
        {"text": _entry_name(line), "url": reverse("bank_line", args=[line.pk])},
        day(line.booked_on),
        line.counterparty or "–",
        signed_amount(line),
        tag(bank_statuses.ODDITY[line.oddity]),
        tag(bank_statuses.ENTRY[state]),
        {"text": clock.age_days, "error": is_late},
        instant(clock.due_at),
    ]


def _entry_name(line: BankLine) -> str:
    return _("%(name)s, entry %(position)s") % {
        "name": line.statement.name,
        "position": line.position,
    }


@login_required
@require_GET
def bank_line(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one entry of the bank: what it says, what it may be, and what was said of it."""
    person, now = signed_in(request), timezone.now()
    require_role(person, *READERS)
    line = oddities.bank_line_of(person, pk)
    said = oddities.resolutions_of(line)
    state = _state_of(said)
    suggestions = oddities.suggestions_for(line, _authorities(person)) if line.oddity else []
    context = {
        "name": _entry_name(line),
        "rows": _facts(line, state, now),
        "history": [
            {
                "title": f"{bank_statuses.RESOLUTION[one.kind]} · {_step_words(one)}",
                "at": one.made_at,
                "by": _people(one),
                "body": one.note,
                "url": "",
            }
            for one in said
        ],
        "suggestions": table(
            _("Payments that it may be"),
            [_("Payment"), _("Paid to"), _("Sent to bank"), figure(_("Amount"))],
            [_suggestion(one) for one in suggestions],
        ),
        "buttons": _buttons(line, state, is_finance=has_role(person, Role.FINANCE)),
    }
    return render(request, "billing/bank_line.html", context)


def _facts(line: BankLine, state: str, now: Any) -> list[dict[str, Any]]:
    clock = oddities.clock_of(line, now) if line.oddity else None
    payment = line.payment
    return [
        {
            "key": _("Statement"),
            "value": line.statement.name,
            "url": reverse("statement", args=[line.statement_id]),
            "action": _("Open"),
        },
        {"key": _("Where it stands in the file"), "value": line.place or line.position},
        {"key": _("Booked"), "value": day(line.booked_on)},
        {"key": _("Amount"), "value": signed_amount(line)},
        {"key": _("End-to-end id"), "value": line.end_to_end_id or "–"},
        {"key": _("Bank's reference"), "value": line.reference or "–"},
        {"key": _("RF reference"), "value": line.creditor_reference or "–"},
        {"key": _("Other party"), "value": line.counterparty or "–"},
        {"key": _("Account of the other party"), "value": line.counterparty_account or "–"},
        {"key": _("What the bank wrote"), "value": line.remittance or "–"},
        {"key": _("Match"), "value": tag(bank_statuses.BANK_LINE[line.match])},
        {"key": _("Found by"), "value": bank_statuses.FOUND_BY[line.found_by] or "–"},
        {"key": _("Payment"), "value": payment.end_to_end_id if payment else "–"},
        {"key": _("Why"), "value": why(line) or "–"},
        *(
            [
                {"key": _("Where it stands"), "value": tag(bank_statuses.ENTRY[state])},
                {"key": _("Look at it by"), "value": instant(clock.due_at)},
            ]
            if clock
            else []
        ),
    ]


def _state_of(said: list[BankResolution]) -> str:
    return oddities.state_of(said[0].step, said[0].kind) if said else "OPEN"


def _step_words(one: BankResolution) -> str:
    words = {
        Step.PROPOSED: _("proposed"),
        Step.DONE: _("done"),
        Step.UNDONE: _("undone"),
    }
    return words[Step(one.step)] + _named(one)


def _named(one: BankResolution) -> str:
    """Return the payment or the case that a resolution names, in brackets."""
    if one.recovery is not None:
        return f" ({one.recovery.code})"
    return f" ({one.payment.end_to_end_id})" if one.payment else ""


def _people(one: BankResolution) -> str:
    if one.seconded_by is None:
        return one.made_by.name
    return _("%(first)s and %(second)s") % {
        "first": one.made_by.name,
        "second": one.seconded_by.name,
    }


def _suggestion(payment: Payment) -> list[Any]:
    return [
        {"text": payment.end_to_end_id, "url": reverse("batch", args=[payment.batch.code])},
        payment.payee.name_here,
        instant(payment.batch.released_at) if payment.batch.released_at else "–",
        money(payment.amount, payment.unit),
    ]


def _buttons(line: BankLine, state: str, *, is_finance: bool) -> list[dict[str, str]]:
    if not is_finance or not line.oddity:
        return []
    ways = {
        "OPEN": [("line_resolve", _("Say what it is"))],
        "ASKED": [("line_resolve", _("Say what it is")), ("line_undo", _("Undo"))],
        "PROPOSED": [("line_second", _("Agree")), ("line_undo", _("Turn down"))],
        "DONE": [("line_undo", _("Undo"))],
    }
    return [
        {"label": label, "url": reverse(name, args=[line.pk])} for name, label in ways[state]
    ]


def _authorities(person: Any) -> set[int]:
    return set(programmes_overseen(person).values_list("authority", flat=True))


@login_required
@require_http_methods(["GET", "POST"])
def line_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what an odd entry of the bank is."""
    person = signed_in(request)
    require_role(person, Role.FINANCE)
    line = oddities.bank_line_of(person, pk)
    suggested = oddities.suggestions_for(line, _authorities(person))
    form = ResolveForm(
        request.POST if request.method == "POST" else None,
        initial={
            "payment": suggested[0].end_to_end_id if suggested else "",
            "recovery": named_case(line, person),
        },
    )

    def resolve() -> HttpResponse:
        given = form.cleaned_data
        of_payment = given["kind"] in BankResolution.OF_PAYMENT
        named = given["payment"].strip() if of_payment else ""
        is_repayment = given["kind"] == BankResolution.Kind.REPAYMENT
        case = given["recovery"].strip() if is_repayment else ""
        payment = Payment.objects.filter(
            end_to_end_id=named, batch__programme__authority__in=_authorities(person)
        ).first()
        said = actions.resolve_entry(
            line=line,
            kind=given["kind"],
            note=given["note"],
            payment=payment,
            recovery=recoveries_visible_to(person).filter(code=case).first(),
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        if said.step == Step.PROPOSED:
            messages.success(request, _("Proposed. Value moves once another person agrees."))
        else:
            messages.success(request, _("Noted. You can undo it."))
        return redirect("bank_line", pk)

    intro = _("Value moves only once a second person agrees with you.")
    return answer_form(
        request,
        form,
        "form_page.html",
        resolve,
        _page(line, _("Say what this entry is"), _("Send"), intro),
    )


@login_required
@require_http_methods(["GET", "POST"])
def line_second(request: HttpRequest, pk: int) -> HttpResponse:
    """Agree, as the second person, with which payment an entry is."""
    person = signed_in(request)
    require_role(person, Role.FINANCE)
    line = oddities.bank_line_of(person, pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def agree() -> HttpResponse:
        said = actions.second_resolution(
            line=line,
            note=form.cleaned_data["reason"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        if said.payment is not None:
            told = _("Payment %(id)s is answered.") % {"id": said.payment.end_to_end_id}
        else:
            assert said.recovery is not None
            told = _("It is recorded as a repayment of case %(case)s.") % {
                "case": said.recovery.code
            }
        messages.success(request, told)
        return redirect("bank_line", pk)

    said = oddities.resolutions_of(line)
    context = _page(line, _("Agree with what this entry is"), _("Agree"), _proposal(said))
    return answer_form(request, form, "form_page.html", agree, context)


@login_required
@require_http_methods(["GET", "POST"])
def line_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo what was said of an entry, or turn down what was proposed."""
    person = signed_in(request)
    require_role(person, Role.FINANCE)
    line = oddities.bank_line_of(person, pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def undo() -> HttpResponse:
        actions.undo_resolution(
            line=line,
            note=form.cleaned_data["reason"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Undone. The entry is to be looked at again."))
        return redirect("bank_line", pk)

    said = oddities.resolutions_of(line)
    context = _page(line, _("Undo what was said of this entry"), _("Undo"), _proposal(said))
    return answer_form(request, form, "form_page.html", undo, context)


def _proposal(said: list[BankResolution]) -> str:
    if not said:
        return _("Nothing was said of this entry.")
    last = said[0]
    resolution = f"{bank_statuses.RESOLUTION[last.kind]}{_named(last)}"
    return f"{last.made_by.name}: {resolution}. “{last.note}”"


def _page(line: BankLine, title: str, submit: str, intro: str) -> dict[str, Any]:
    return {
        "title": title,
        "caption": _entry_name(line),
        "back": reverse("bank_line", args=[line.pk]),
        "submit": submit,
        "intro": intro,
        "rows": [
            {"key": _("Booked"), "value": day(line.booked_on)},
            {"key": _("Other party"), "value": line.counterparty or "–"},
            {"key": _("Amount"), "value": signed_amount(line)},
            {"key": _("Why"), "value": sentence_cell(why(line))},
        ],
    }
