"""Each step of a recovery: the reply, the decision, and how it is got back."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import actions, statuses
from billing.forms.recoveries import (
    CollectionForm,
    DecideRecoveryForm,
    ReplyForm,
)
from billing.models import CollectionProposal, Recovery
from billing.queries.recoveries import due_against, recovery_of
from billing.views.recoveries import is_debtor, is_finance, is_staff
from common.errors import NotFound
from common.formatting import money
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in

Status = Recovery.Status


def _step(
    request: HttpRequest,
    case: Recovery,
    form: KeyedForm,
    words: tuple[str, str],
    act: Callable[[], object],
    done: str,
    more_rows: list[dict[str, Any]] | None = None,
) -> HttpResponse:
    """Show the form of one step of a case, and go back to the case when it is done."""

    def do() -> HttpResponse:
        act()
        messages.success(request, done)
        return redirect("recovery", case.code)

    title, submit = words
    context = {
        "title": title,
        "caption": case.code,
        "back": reverse("recovery", args=[case.code]),
        "submit": submit,
        "rows": [
            {"key": _("Debtor"), "value": case.debtor.name_here},
            {"key": _("Claimed"), "value": money(case.amount, case.programme.unit)},
            {"key": _("Still owed"), "value": money(case.left, case.programme.unit)},
            *(more_rows or []),
        ],
    }
    return answer_form(request, form, "form_page.html", do, context)


def _data(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


@login_required
@require_http_methods(["GET", "POST"])
def recovery_reply(request: HttpRequest, code: str) -> HttpResponse:
    """Let the debtor say what speaks against a case."""
    person = signed_in(request)
    case = recovery_of(person, code)
    if not is_debtor(person, case):
        raise NotFound(what=code)
    form = ReplyForm(_data(request))
    return _step(
        request,
        case,
        form,
        (_("Reply to the notice"), _("Send the reply")),
        lambda: actions.reply_to_recovery(
            recovery=case,
            text=form.cleaned_data["text"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        ),
        _("Your reply is here. You will be told what is decided."),
    )


@login_required
@require_http_methods(["GET", "POST"])
def recovery_decide(request: HttpRequest, code: str) -> HttpResponse:
    """Uphold a case in whole or in part, or drop it."""
    person = signed_in(request)
    case = recovery_of(person, code)
    if not is_staff(person, case):
        raise NotFound(what=code)
    form = DecideRecoveryForm(_data(request), unit=case.programme.unit)
    return _step(
        request,
        case,
        form,
        (_("Decide the case"), _("Decide")),
        lambda: actions.decide_recovery(
            recovery=case,
            amount=form.cleaned_data["amount"],
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        ),
        _("It is decided, and the debtor is told."),
    )


@login_required
@require_http_methods(["GET", "POST"])
def recovery_offset(request: HttpRequest, code: str) -> HttpResponse:
    """Set what is owed off against what is due to the debtor."""
    person = signed_in(request)
    case = recovery_of(person, code)
    if not is_finance(person, case):
        raise NotFound(what=code)
    form = KeyedForm(_data(request))
    amount = money(due_against(case), case.programme.unit)
    return _step(
        request,
        case,
        form,
        (_("Set off against what is due"), _("Set off")),
        lambda: actions.offset_recovery(
            recovery=case, actor=person, at=timezone.now(), key=form.act_key
        ),
        _("It is set off. The next batch pays that much less."),
        [{"key": _("Due to the debtor and in no batch"), "value": amount}],
    )


@login_required
@require_http_methods(["GET", "POST"])
def recovery_collect(request: HttpRequest, code: str) -> HttpResponse:
    """Propose a repayment that the bank has, or a write-off, for another person to confirm."""
    person = signed_in(request)
    case = recovery_of(person, code)
    if not is_finance(person, case):
        raise NotFound(what=code)
    form = CollectionForm(_data(request), unit=case.programme.unit)
    return _step(
        request,
        case,
        form,
        (_("Record a repayment or a write-off"), _("Propose")),
        lambda: actions.propose_collection(
            recovery=case,
            kind=form.cleaned_data["kind"],
            amount=form.cleaned_data["amount"],
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        ),
        _("It is proposed. Another finance officer confirms it."),
    )


@login_required
@require_http_methods(["GET", "POST"])
def recovery_confirm(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Confirm what another person proposed."""
    person = signed_in(request)
    case = recovery_of(person, code)
    proposal = CollectionProposal.objects.filter(recovery=case, pk=pk).first()
    if proposal is None or not is_finance(person, case):
        raise NotFound(what=pk)
    form = KeyedForm(_data(request))
    return _step(
        request,
        case,
        form,
        (str(statuses.COLLECTION[proposal.kind]), _("Confirm")),
        lambda: actions.record_collection(
            proposal=proposal, actor=person, at=timezone.now(), key=form.act_key
        ),
        _("It is recorded."),
        [
            {"key": _("Amount"), "value": money(proposal.amount, case.programme.unit)},
            {"key": _("Note"), "value": proposal.note},
        ],
    )
