"""Each step of a payment batch by the person whose part it is, who is shown what changed before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
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
from billing.queries import Difference, Duplicate, Listed
from billing.views.shown import table
from common.days import day_of
from common.errors import NotFound
from common.formatting import instant, money
from common.forms import KeyedForm, answer_form
from common.languages import in_language
from ledger.kinds import ActKind
from parties.authentication import signed_in
from parties.models import Organisation, User
from parties.queries import NotAllowed, may_act, require_role
from parties.roles import Role
from vouchers.queries import policy_in_force

_Status = Batch.Status
CHANGES_SHOWN = 100
# The worker writes larger files, so that nobody waits at the page.
WRITTEN_AT_ONCE = 500


@dataclass(frozen=True)
class _Step:
    """A step of a batch: the duty that it is, its address, and the words of its button."""

    duty: str
    address: str
    label: str
    has_seen: bool = True


def _step_after(found: Batch) -> _Step | None:
    """Return the step that a batch waits for, or None where none of ours is left."""
    release = _Step("release_batch", "batch_release", _("Release to the bank"))
    steps = {
        _Status.OPEN: _Step("change_batch", "batch_lock", _("Lock the list"), False),
        _Status.LOCKED: _Step("approve_batch", "batch_approve", _("Approve")),
        _Status.APPROVED: (
            _Step("authorise_batch", "batch_authorise", _("Authorise"))
            if found.needs_authorisation
            else release
        ),
        _Status.AUTHORISED: release,
        _Status.RELEASED: _Step("", "batch_hand_over", _("The bank has the file"), False),
    }
    return steps.get(_Status(found.status))


def next_step(found: Batch, person: User, at: datetime) -> dict[str, Any] | None:
    """Return the step that a batch waits for, or why this person may not do it."""
    step = _step_after(found)
    if step is None or (step.duty == "change_batch" and not found.total):
        return None
    job = queries.newest_job_of(found)
    if step.address == "batch_release" and job is not None and job.ended_at is None:
        return None
    if step.duty:
        _version, rules = policy_in_force(found.programme, day_of(at, found.programme.zone))
        doers = queries.doers_of_batch(found)
        permission = may_act(step.duty, person, doers, rules)
        if not permission.allowed:
            return {"wait": in_language(permission.reason_en, permission.reason_zh)}
        officers = queries.officers_behind(person, found.programme, at)
        if officers and not any(
            may_act(step.duty, one, doers, rules).allowed for one in officers
        ):
            refused = actions.StandsForSamePerson(name=officers[0].name, batch=found.code)
            return {"wait": str(refused)}
    url = reverse(step.address, args=[found.code])
    if step.address == "batch_approve" and any(not d.reason for d in duplicates_of(found, at)):
        return {"link": url, "label": step.label}
    form = BatchSeenForm(initial={"seen": _seen(found, at)}) if step.has_seen else KeyedForm()
    return {"form": form, "url": url, "label": step.label}


def _seen(found: Batch, at: datetime) -> str:
    return queries.list_sha256(queries.list_of(found, at))


def _alike(found: Batch, at: datetime) -> dict[str, str]:
    """Return what each payment that looks like earlier ones looks like, by its id."""
    alike: dict[str, list[str]] = {}
    for one in duplicates_of(found, at):
        alike.setdefault(one.payment.end_to_end_id, []).append(_twin(one))
    return {payment: "; ".join(twins) for payment, twins in alike.items()}


def duplicates_of(found: Batch, at: datetime) -> list[Duplicate]:
    """Return the payments of a batch that look like earlier ones, by the law's days."""
    _version, rules = policy_in_force(found.programme, day_of(at, found.programme.zone))
    return queries.duplicates_in(found, rules.paying.duplicate_days)


def _twin(one: Duplicate) -> str:
    words = _("%(twin)s, %(amount)s to %(payee)s, prepared %(at)s")
    return words % {
        "twin": one.twin.end_to_end_id,
        "amount": money(one.twin.amount, one.twin.unit),
        "payee": one.twin.payee.name_here,
        "at": instant(one.twin.batch.prepared_at, one.twin.batch.programme.zone),
    }


def duplicates_shown(found: Batch, at: datetime) -> Any:
    """Return the payments that look like earlier ones, with what was said of them, or None."""
    rows = [
        [
            one.payment.end_to_end_id,
            one.payment.payee.name_here,
            _twin(one),
            one.reason or _("Not said yet"),
        ]
        for one in duplicates_of(found, at)
    ]
    columns = [_("Reference"), _("Party"), _("Looks like"), _("Why it is right")]
    return table(_("Possible duplicates"), columns, rows) if rows else None


def require_payer(person: User) -> None:
    """Refuse who is neither a finance officer nor deputy of one today.

    :raises NotAllowed: naming the role.
    """
    if not queries.programmes_paid_by(person, timezone.now()).exists():
        require_role(person, Role.FINANCE)


# --- what changed ----------------------------------------------------------------------------


def changes_shown(found: Batch, at: datetime) -> list[Any]:
    """Return what changed since the list was locked, and between the last two times it was."""
    locked = queries.lists_locked(found)
    if not locked:
        return []
    zone = found.programme.zone
    shown = [
        _changes(
            found,
            _("Changed since the list was locked on %(at)s")
            % {"at": instant(locked[0][0].at, zone)},
            queries.differences(locked[0][1], queries.list_of(found, at)),
        )
    ]
    if len(locked) > 1:
        shown.append(
            _changes(
                found,
                _("Changed from the list that was sent back, locked on %(at)s")
                % {"at": instant(locked[1][0].at, zone)},
                queries.differences(locked[1][1], locked[0][1]),
            )
        )
    return shown


def _changes(found: Batch, caption: str, changes: list[Difference]) -> Any:
    sides = [one for change in changes for one in change if one is not None]
    payees = Organisation.objects.in_bulk({one.payee for one in sides}, field_name="code")
    rows: list[Any] = []
    for before, after in changes[:CHANGES_SHOWN]:
        one = after or before
        assert one is not None
        name = payees[one.payee].name_here
        rows.append([one.end_to_end_id, name, _side(before), _side(after)])
    if len(changes) > CHANGES_SHOWN:
        more = _("And %(count)s more") % {"count": len(changes) - CHANGES_SHOWN}
        rows.append([more, "", "", ""])
    return table(
        caption,
        [_("Reference"), _("Party"), _("Before"), _("Now")],
        rows,
        _("%(caption)s: nothing.") % {"caption": caption},
    )


def _side(listed: Listed | None) -> str:
    if listed is None:
        return _("Not in the list")
    where = ", ".join(filter(None, (listed.holder, listed.number, listed.agent)))
    return f"{money(listed.amount, listed.unit)} → {where}"


# --- the steps -------------------------------------------------------------------------------


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
        initial={"seen": _seen(batch, now)},
        alike=_alike(batch, now),
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
    return BatchSeenForm(initial={"seen": _seen(found, timezone.now())})


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
