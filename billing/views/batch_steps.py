"""Each step of a payment batch by the person whose part it is."""

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

from billing import actions, queries
from billing.forms.pages import (
    BatchApproveForm,
    BatchNoteForm,
    BatchSeenForm,
    PayableForm,
)
from billing.models import Batch, BatchJob
from billing.views.batch_next import alike_of, changes_shown, require_payer, seen_of
from common.errors import NotFound
from common.formatting import money
from common.forms import KeyedForm, answer_form
from ledger.kinds import ActKind
from parties.authentication import signed_in
from parties.models import User
from parties.queries import NotAllowed

_Status = Batch.Status
CHANGES_SHOWN = 100
# The worker writes larger files, so that nobody waits at the page.
WRITTEN_AT_ONCE = 500


@login_required
@require_http_methods(["GET", "POST"])
def batch_lock(request: HttpRequest, code: str) -> HttpResponse:
    """Lock the list of an open batch."""

    def lock(found: Batch, person: User, key: str) -> str:
        actions.lock_batch(batch=found, actor=person, at=timezone.now(), key=key)
        return _("The list of batch %(code)s is locked. Another person approves it now.")

    words = {"title": _("Lock the list of batch %(code)s"), "submit": _("Lock the list")}
    return _step(request, code, ActKind.LOCK_BATCH, lock, words)


@login_required
@require_http_methods(["GET", "POST"])
def batch_approve(request: HttpRequest, code: str) -> HttpResponse:
    """Approve a batch that another person prepared."""
    now = timezone.now()
    _person, batch = _entered(request, code, ActKind.APPROVE_BATCH)
    form = BatchApproveForm(
        request.POST if request.method == "POST" else None,
        initial={"seen": seen_of(batch, now)},
        alike=alike_of(batch, now),
        said=queries.reasons_said(batch),
    )

    def approve(found: Batch, person: User, key: str) -> str:
        actions.approve_batch(
            batch=found,
            actor=person,
            at=now,
            key=key,
            seen=form.cleaned_data["seen"],
            reasons=form.reasons,
        )
        return _("Batch %(code)s is approved. Another person takes the next step.")

    words = {"title": _("Approve batch %(code)s"), "submit": _("Approve")}
    return _step(request, code, ActKind.APPROVE_BATCH, approve, words, form)


@login_required
@require_http_methods(["GET", "POST"])
def batch_authorise(request: HttpRequest, code: str) -> HttpResponse:
    """Authorise an approved batch whose total is above the law's amount."""
    form = _seen_asked(request, code, ActKind.AUTHORISE_BATCH)

    def authorise(found: Batch, person: User, key: str) -> str:
        seen = form.cleaned_data["seen"]
        actions.authorise_batch(
            batch=found, actor=person, at=timezone.now(), key=key, seen=seen
        )
        return _("Batch %(code)s is authorised. A fourth person releases it.")

    words = {"title": _("Authorise batch %(code)s"), "submit": _("Authorise")}
    return _step(request, code, ActKind.AUTHORISE_BATCH, authorise, words, form)


@login_required
@require_http_methods(["GET", "POST"])
def batch_release(request: HttpRequest, code: str) -> HttpResponse:
    """Release a batch and write the bank's file, as one more person."""
    form = _seen_asked(request, code, ActKind.RELEASE_BATCH)

    def release(found: Batch, person: User, key: str) -> str:
        seen, now = form.cleaned_data["seen"], timezone.now()
        job = actions.ask_to_release(batch=found, actor=person, at=now, key=key, seen=seen)
        if queries.payments_of(found).count() <= WRITTEN_AT_ONCE:
            job = actions.do_batch_job(job=job, at=now)
        if job.status == BatchJob.Status.DONE:
            return _("Batch %(code)s is released. Download the file and give it to the bank.")
        if job.status == BatchJob.Status.FAILED:
            return ""
        return _("The file of batch %(code)s is being written. Its page says when it is done.")

    words = {
        "title": _("Release batch %(code)s to the bank"),
        "submit": _("Release to the bank"),
        "warning": _("This writes the payment file. It can't be taken back."),
    }
    return _step(request, code, ActKind.RELEASE_BATCH, release, words, form)


@login_required
@require_http_methods(["GET", "POST"])
def batch_hand_over(request: HttpRequest, code: str) -> HttpResponse:
    """Say that the bank has a batch's file."""

    def hand_over(found: Batch, person: User, key: str) -> str:
        actions.hand_over_batch(batch=found, actor=person, at=timezone.now(), key=key)
        return _("Batch %(code)s is with the bank. Read its statement once it comes.")

    words = {
        "title": _("Say that the bank has the file of batch %(code)s"),
        "submit": _("The bank has the file"),
    }
    return _step(request, code, ActKind.HAND_OVER_BATCH, hand_over, words)


@login_required
@require_http_methods(["GET", "POST"])
def batch_send_back(request: HttpRequest, code: str) -> HttpResponse:
    """Open a locked list again, with a word why."""
    form = BatchNoteForm(request.POST if request.method == "POST" else None)

    def send_back(found: Batch, person: User, key: str) -> str:
        note = form.cleaned_data["note"]
        actions.send_back_batch(
            batch=found, note=note, actor=person, at=timezone.now(), key=key
        )
        return _("Batch %(code)s is open again. What was approved of it counts no more.")

    words = {"title": _("Send batch %(code)s back"), "submit": _("Send the batch back")}
    return _step(request, code, ActKind.SEND_BACK_BATCH, send_back, words, form)


@login_required
@require_http_methods(["GET", "POST"])
def batch_cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Call a batch off, with a word why, before it is released."""
    form = BatchNoteForm(request.POST if request.method == "POST" else None)

    def cancel(found: Batch, person: User, key: str) -> str:
        note = form.cleaned_data["note"]
        actions.cancel_batch(batch=found, note=note, actor=person, at=timezone.now(), key=key)
        return _("Batch %(code)s is cancelled. What it would have paid is due again.")

    words = {
        "title": _("Cancel batch %(code)s"),
        "submit": _("Cancel the batch"),
        "warning": _("Nothing is paid by this batch. It can't be taken up again."),
    }
    return _step(request, code, ActKind.CANCEL_BATCH, cancel, words, form)


@login_required
@require_http_methods(["GET", "POST"])
def batch_follow_up(request: HttpRequest, code: str) -> HttpResponse:
    """Open a batch of what the bank returned of an earlier one."""
    form = KeyedForm(request.POST if request.method == "POST" else None)
    person, found = _entered(request, code, ActKind.PREPARE_BATCH)
    back = queries.returned_and_not_followed(found)

    def follow() -> HttpResponse:
        batch = actions.follow_up_batch(
            batch=found, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(
            request,
            _("Batch %(code)s is open. Look at its payments, and lock the list.")
            % {"code": batch.code},
        )
        return redirect("batch", batch.code)

    context = {
        "title": _("Pay what came back of batch %(code)s") % {"code": code},
        "submit": _("Open a follow-up batch"),
        "intro": _("Check each bank detail first: what was wrong with it comes back again."),
        "caption": found.programme.title_here,
        "back": reverse("batch", args=[code]),
        "rows": [
            {"key": one.payee.name_here, "value": money(one.amount, one.unit)} for one in back
        ],
    }
    return answer_form(request, form, "billing/batch_step.html", follow, context)


@login_required
@require_http_methods(["GET", "POST"])
def payment_remove(request: HttpRequest, code: str, end_to_end_id: str) -> HttpResponse:
    """Take a payment out of an open batch, with a word why."""
    form = BatchNoteForm(request.POST if request.method == "POST" else None)

    def remove(found: Batch, person: User, key: str) -> str:
        actions.remove_payment(
            payment=queries.payment_in(found, end_to_end_id),
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=key,
        )
        return _("The payment is removed from batch %(code)s. Its amount is due again.")

    words = {
        "title": _("Remove a payment from batch %(code)s"),
        "submit": _("Remove the payment"),
    }
    return _step(request, code, ActKind.REMOVE_PAYMENT, remove, words, form, end_to_end_id)


@login_required
@require_http_methods(["GET", "POST"])
def payment_add(request: HttpRequest, code: str) -> HttpResponse:
    """Add what is due to one party to an open batch."""
    form = PayableForm(
        request.POST if request.method == "POST" else None,
        initial={"payable": request.GET.get("payable", "")},
    )

    def add(found: Batch, person: User, key: str) -> str:
        payable = form.cleaned_data["payable"]
        actions.add_payment(
            batch=found, payable=payable, actor=person, at=timezone.now(), key=key
        )
        return _("The payment is added to batch %(code)s.")

    words = {"title": _("Add a payment to batch %(code)s"), "submit": _("Add the payment")}
    return _step(request, code, ActKind.ADD_PAYMENT, add, words, form)


def _seen_asked(request: HttpRequest, code: str, kind: ActKind) -> KeyedForm:
    _person, found = _entered(request, code, kind)
    if request.method == "POST":
        return BatchSeenForm(request.POST)
    return BatchSeenForm(initial={"seen": seen_of(found, timezone.now())})


def _entered(request: HttpRequest, code: str, kind: ActKind) -> tuple[User, Batch]:
    """Return who asks for a step of a batch, and the batch.

    Who may not even see it is refused at this door, and the attempt is written down all the same.
    """
    person = signed_in(request)
    try:
        require_payer(person)
        return person, queries.batch_of(person, code)
    except (NotAllowed, NotFound) as refused:
        there = Batch.objects.filter(code=code).select_related("programme").first()
        if request.method == "POST" and there is not None:
            actions.keep_attempt(
                kind=kind,
                programme=there.programme,
                about=there.address,
                actor=person,
                at=timezone.now(),
                refused=refused,
            )
        raise


def _step(
    request: HttpRequest,
    code: str,
    kind: ActKind,
    act: Callable[[Batch, User, str], str],
    words: dict[str, str],
    form: KeyedForm | None = None,
    end_to_end_id: str = "",
) -> HttpResponse:
    person, found = _entered(request, code, kind)
    asked = form or KeyedForm(request.POST if request.method == "POST" else None)

    def done() -> HttpResponse:
        told = act(found, person, asked.act_key)
        if told:
            messages.success(request, told % {"code": code})
        return redirect("batch", code)

    context = {
        **words,
        "title": words["title"] % {"code": code},
        "caption": found.programme.title_here,
        "back": reverse("batch", args=[code]),
        "rows": _step_facts(found, end_to_end_id),
        "changes": changes_shown(found, timezone.now()) if "seen" in asked.fields else [],
    }
    return answer_form(request, asked, "billing/batch_step.html", done, context)


def _step_facts(found: Batch, end_to_end_id: str) -> list[dict[str, Any]]:
    unit = found.programme.unit
    if end_to_end_id:
        payment = queries.payment_in(found, end_to_end_id)
        return [
            {"key": _("Reference"), "value": payment.end_to_end_id},
            {"key": _("Party"), "value": payment.payee.name_here},
            {"key": _("Amount"), "value": money(payment.amount, unit)},
        ]
    people = (
        (_("Prepared by"), found.prepared_by),
        (_("Approved by"), found.approved_by),
        *([(_("Authorised by"), found.authorised_by)] if found.needs_authorisation else []),
    )
    return [
        {"key": _("Total"), "value": money(found.total, unit)},
        {"key": _("Payments"), "value": len(queries.list_of(found, timezone.now()))},
        *({"key": key, "value": one.name if one else _("Not yet")} for key, one in people),
    ]
