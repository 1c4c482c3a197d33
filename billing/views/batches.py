"""Payment batches: what is due, and three people from preparing to the bank's file."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries, statuses
from billing.forms.pages import BatchForm, CancelBatchForm
from billing.models import Batch, Payment, PaymentFile
from billing.queries import Payable
from billing.views.shown import (
    acts_of,
    by_words,
    figure,
    page_of,
    query_of,
    table,
    tag,
    timeline,
)
from common.downloads import file_answer
from common.errors import NotFound
from common.formatting import instant, money
from common.forms import KeyedForm, answer_form
from common.money import is_currency
from parties.authentication import signed_in
from parties.models import Organisation, User
from parties.queries import is_one_person, require_role
from parties.roles import Role
from vouchers.models import Programme

READERS = (Role.FINANCE, Role.OFFICER, Role.INVESTIGATOR, Role.REGULATOR)


@login_required
@require_GET
def batches(request: HttpRequest) -> HttpResponse:
    """List the payment batches, and the programmes in which something is due."""
    person = signed_in(request)
    require_role(person, *READERS)
    page = page_of(request, queries.batches_visible_to(person))
    due = [
        (programme, payer, payables)
        for programme in queries.programmes_overseen(person, Role.FINANCE)
        if is_currency(programme.unit)
        for payer, payables in queries.due_by_payer(programme)
    ]
    context = {
        "due": table(
            _("Due now"),
            [_("Programme"), _("Payer"), figure(_("Parties")), figure(_("Amount"))],
            [_due_row(*one) for one in due if one[2]],
        ),
        "list": table(
            _("Batches"),
            [_("Batch"), _("Programme"), _("Prepared"), figure(_("Total")), _("Status")],
            [_row(batch) for batch in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/batches.html", context)


def _due_row(programme: Programme, payer: Organisation, payables: list[Payable]) -> list[Any]:
    asked = f"programme={programme.code}&payer={payer.code}"
    return [
        {"text": programme.title_here, "url": f"{reverse('batch_new')}?{asked}"},
        payer.name_here,
        len(payables),
        money(sum(one.amount for one in payables), programme.unit),
    ]


def _row(batch: Batch) -> list[Any]:
    return [
        {"text": batch.code, "url": reverse("batch", args=[batch.code])},
        batch.programme.title_here,
        instant(batch.prepared_at, batch.programme.zone),
        money(batch.total, batch.programme.unit),
        tag(statuses.BATCH[batch.status], is_staff=True),
    ]


@login_required
@require_http_methods(["GET", "POST"])
def batch_new(request: HttpRequest) -> HttpResponse:
    """Show what a programme owes and to whom, and put it into a batch."""
    person = signed_in(request)
    require_role(person, Role.FINANCE)
    programmes = [
        one
        for one in queries.programmes_overseen(person, Role.FINANCE)
        if is_currency(one.unit)
    ]
    code = request.POST.get("programme") or request.GET.get("programme", "")
    programme = next((one for one in programmes if one.code == code), None)
    if programme is None:
        if code:
            raise NotFound(what=code)
        return render(request, "billing/batch_choose.html", {"list": _choice(programmes)})
    payer = _payer(programme, request.POST.get("payer") or request.GET.get("payer", ""))
    form = BatchForm(
        request.POST if request.method == "POST" else None,
        initial={"programme": programme.code, "payer": payer.code},
    )

    def prepare() -> HttpResponse:
        batch = actions.prepare_batch(
            programme=programme,
            actor=person,
            at=timezone.now(),
            key=form.act_key,
            payer=payer,
        )
        messages.success(
            request,
            _("Batch %(code)s is prepared. Another person approves it now.")
            % {"code": batch.code},
        )
        return redirect("batch", batch.code)

    due = queries.payables_due(programme, payer)
    lacking = queries.payables_without_bank_detail(programme, timezone.now(), payer)
    payable = [one for one in due if one not in lacking]
    context = {
        "programme": programme.title_here,
        "payer": payer.name_here,
        "payable": _payables(_("Paid by this batch"), payable, programme.unit),
        "lacking": _payables(_("Left out: no approved bank detail"), lacking, programme.unit),
        "total": money(sum(one.amount for one in payable), programme.unit),
    }
    return answer_form(request, form, "billing/batch_new.html", prepare, context)


def _payer(programme: Programme, code: str) -> Organisation:
    """Return the payer of a code that owes something in a programme, or its authority without."""
    if not code:
        return programme.authority
    found = next(
        (one for one, _due in queries.due_by_payer(programme) if one.code == code), None
    )
    if found is None:
        raise NotFound(what=code)
    return found


def _choice(programmes: list[Programme]) -> Any:
    return table(
        _("Programmes"),
        [_("Programme"), _("Payer"), figure(_("Parties")), figure(_("Amount"))],
        [_due_row(one, *due) for one in programmes for due in queries.due_by_payer(one)],
    )


def _payables(caption: str, payables: list[Payable], unit: str) -> Any:
    rows: list[Any] = [
        [
            one.payee.name_here,
            {"text": one.address, "url": reverse("ledger_account", args=[one.address])},
            money(one.amount, unit),
        ]
        for one in payables
    ]
    if rows:
        total = money(sum(one.amount for one in payables), unit)
        rows.append({"cells": [_("Together"), "", total], "is_total": True})
    return table(caption, [_("Party"), _("Ledger account"), figure(_("Amount"))], rows)


@login_required
@require_GET
def batch(request: HttpRequest, code: str) -> HttpResponse:
    """Show a batch: who did which step, each payment, and the file for the bank."""
    person = signed_in(request)
    found = queries.batch_of(person, code)
    page = page_of(request, queries.payments_of(found))
    file = PaymentFile.objects.filter(batch=found).defer("content").first()
    zone = found.programme.zone
    context = {
        "batch": found,
        "tag": tag(statuses.BATCH[found.status], is_staff=True),
        "meaning": statuses.BATCH[found.status].meaning,
        "rows": [
            {"key": _("Programme"), "value": found.programme.title_here},
            {"key": _("Payer"), "value": found.debtor.name_here},
            {"key": _("Total"), "value": money(found.total, found.programme.unit)},
            _step_fact(_("Prepared"), found.prepared_by, found.prepared_at, zone),
            _step_fact(_("Approved"), found.approved_by, found.approved_at, zone),
            _step_fact(_("Sent to bank"), found.released_by, found.released_at, zone),
        ],
        "file": file,
        "list": table(
            _("Payments"),
            [
                _("Reference"),
                _("Party"),
                _("Bank detail"),
                figure(_("Amount")),
                _("Status"),
                _("What the bank said"),
            ],
            [_payment_row(one) for one in page],
        ),
        "page": page,
        "query": query_of(request),
        "step": _next_step(found, person),
        "cancel": _cancel_url(found, person),
        "events": timeline(acts_of(found.address, found.act_id), leads_on=True),
        "zone": zone,
    }
    return render(request, "billing/batch.html", context)


def _step_fact(
    label: str, person: User | None, at: datetime | None, zone: str
) -> dict[str, Any]:
    if person is None or at is None:
        return {"key": label, "value": _("Not yet")}
    return {"key": label, "value": by_words(at, person.name, zone)}


def _payment_row(payment: Payment) -> list[Any]:
    return [
        payment.end_to_end_id,
        {
            "text": payment.payee.name_here,
            "url": reverse("ledger_account", args=[payment.payable]),
        },
        str(payment.bank_detail),
        money(payment.amount, payment.unit),
        tag(statuses.PAYMENT[payment.status]),
        payment.answer_reason or "–",
    ]


def _cancel_url(found: Batch, person: User) -> str:
    """Return where the batch is called off; empty if it is too late or not this person's."""
    is_waiting = found.status in (Batch.Status.PREPARED, Batch.Status.APPROVED)
    overseen = queries.programmes_overseen(person, Role.FINANCE)
    if not is_waiting or not overseen.filter(pk=found.programme_id).exists():
        return ""
    return reverse("batch_cancel", args=[found.code])


def _next_step(found: Batch, person: User) -> dict[str, Any] | None:
    """Return the step that the batch waits for, or why this person may not do it."""
    overseen = queries.programmes_overseen(person, Role.FINANCE)
    if not overseen.filter(pk=found.programme_id).exists():
        return None
    if found.status == Batch.Status.PREPARED:
        if is_one_person(found.prepared_by, person):
            return {"wait": _("You prepared this batch, so another person must approve it.")}
        return {
            "form": KeyedForm(),
            "url": reverse("batch_approve", args=[found.code]),
            "label": _("Approve"),
        }
    if found.status == Batch.Status.APPROVED:
        doers = [one for one in (found.prepared_by, found.approved_by) if one]
        if any(is_one_person(one, person) for one in doers):
            return {
                "wait": _(
                    "You prepared or approved this batch, so a third person must send it to "
                    "the bank."
                )
            }
        return {
            "form": KeyedForm(),
            "url": reverse("batch_release", args=[found.code]),
            "label": _("Send to the bank"),
        }
    return None


@login_required
@require_http_methods(["GET", "POST"])
def batch_approve(request: HttpRequest, code: str) -> HttpResponse:
    """Approve a batch that another person prepared."""

    def approve(found: Batch, person: User, key: str) -> str:
        actions.approve_batch(batch=found, actor=person, at=timezone.now(), key=key)
        return _("Batch %(code)s is approved. A third person sends it to the bank.")

    words = {"title": _("Approve batch %(code)s"), "submit": _("Approve")}
    return _step(request, code, approve, words)


@login_required
@require_http_methods(["GET", "POST"])
def batch_release(request: HttpRequest, code: str) -> HttpResponse:
    """Write the bank's file of an approved batch, as a third person."""

    def release(found: Batch, person: User, key: str) -> str:
        actions.release_batch(batch=found, actor=person, at=timezone.now(), key=key)
        return _("Batch %(code)s is released. Download the file and give it to the bank.")

    words = {
        "title": _("Send batch %(code)s to the bank"),
        "submit": _("Send to the bank"),
        "warning": _("This writes the payment file. It can't be taken back."),
    }
    return _step(request, code, release, words)


@login_required
@require_http_methods(["GET", "POST"])
def batch_cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Call a batch off, with a word why, before it goes to the bank."""
    form = CancelBatchForm(request.POST if request.method == "POST" else None)

    def cancel(found: Batch, person: User, key: str) -> str:
        note = form.cleaned_data["note"]
        actions.cancel_batch(batch=found, note=note, actor=person, at=timezone.now(), key=key)
        return _("Batch %(code)s is cancelled. What it would have paid is due again.")

    words = {
        "title": _("Cancel batch %(code)s"),
        "submit": _("Cancel the batch"),
        "warning": _("Nothing is paid by this batch. It can't be taken up again."),
    }
    return _step(request, code, cancel, words, form)


def _step(
    request: HttpRequest,
    code: str,
    act: Callable[[Batch, User, str], str],
    words: dict[str, str],
    form: KeyedForm | None = None,
) -> HttpResponse:
    person = signed_in(request)
    require_role(person, Role.FINANCE)
    found = queries.batch_of(person, code)
    asked = form or KeyedForm(request.POST if request.method == "POST" else None)

    def done() -> HttpResponse:
        messages.success(request, act(found, person, asked.act_key) % {"code": code})
        return redirect("batch", code)

    context = {
        **words,
        "title": words["title"] % {"code": code},
        "caption": found.programme.title_here,
        "back": reverse("batch", args=[code]),
        "rows": [
            {"key": _("Total"), "value": money(found.total, found.programme.unit)},
            {"key": _("Payments"), "value": queries.payments_of(found).count()},
            {"key": _("Prepared by"), "value": found.prepared_by.name},
            {
                "key": _("Approved by"),
                "value": found.approved_by.name if found.approved_by else _("Not yet"),
            },
        ],
    }
    return answer_form(request, asked, "form_page.html", done, context)


@login_required
@require_GET
def batch_file(request: HttpRequest, code: str) -> HttpResponse:
    """Give the file for the bank, byte for byte as it was written."""
    person = signed_in(request)
    require_role(person, Role.FINANCE)
    file = PaymentFile.objects.filter(batch=queries.batch_of(person, code)).first()
    if file is None:
        raise NotFound(what=code)
    response = file_answer(file.name, bytes(file.content), "application/xml")
    response["Cache-Control"] = "no-store"
    return response
