"""Payment batches: what is due, how far each has come, and its files."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries, statuses
from billing.bank.codes import code_words
from billing.models import Batch, BatchJob, Collection, Payment, PaymentFile
from billing.queries import Payable
from billing.queries.recoveries import set_off_before
from billing.views.batch_next import changes_shown, duplicates_shown, next_step, require_payer
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
from common.days import day_of
from common.downloads import csv_answer, file_answer
from common.errors import NotFound
from common.formatting import day_text, instant, money
from common.money import is_currency, major
from parties.authentication import signed_in
from parties.models import Organisation, User
from parties.queries import has_role, require_role
from parties.roles import Role
from vouchers.models import Deputy, Programme
from vouchers.queries import deputies_of

READERS = (Role.FINANCE, Role.OFFICER, Role.INVESTIGATOR, Role.REGULATOR)


@login_required
@require_GET
def batches(request: HttpRequest) -> HttpResponse:
    """List the payment batches, and the programmes in which something is due."""
    person = signed_in(request)
    if not queries.programmes_paid_by(person, timezone.now()).exists():
        require_role(person, *READERS)
    page = page_of(request, queries.batches_visible_to(person))
    due = [
        (programme, payer, payables)
        for programme in queries.programmes_paid_by(person, timezone.now())
        if is_currency(programme.unit)
        for payer, payables in queries.due_by_payer(programme)
    ]
    stuck = queries.batch_jobs_stuck(person, timezone.now())
    context = {
        "deputies": [
            _("%(name)s takes your steps until %(until)s.")
            % {"name": one.deputy.name, "until": day_text(one.until_on)}
            for one in deputies_of(person, day_of(timezone.now()), Deputy.For.FINANCE)
        ],
        "may_name": has_role(person, Role.FINANCE),
        "stuck": [
            {"code": one.batch.code, "url": reverse("batch", args=[one.batch.code])}
            for one in stuck
        ],
        "due": table(
            _("Due now"),
            [_("Programme"), _("Payer"), figure(_("Parties")), figure(_("Amount"))],
            [due_row(*one) for one in due if one[2]],
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


def due_row(programme: Programme, payer: Organisation, payables: list[Payable]) -> list[Any]:
    """Return what one payer owes in a programme, leading to its new batch."""
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
@require_GET
def batch(request: HttpRequest, code: str) -> HttpResponse:
    """Show a batch: who did which step, what changed, each payment, and the file for the bank."""
    person = signed_in(request)
    found = queries.batch_of(person, code)
    now = timezone.now()
    page = page_of(request, queries.payments_of(found))
    zone = found.programme.zone
    is_finance = queries.may_take_steps(person, found.programme, now)
    context = {
        "batch": found,
        "tag": tag(statuses.BATCH[found.status], is_staff=True),
        "meaning": statuses.BATCH[found.status].meaning,
        "rows": _facts(found, zone),
        "changes": changes_shown(found, now),
        "duplicates": duplicates_shown(found, now)
        if found.status in queries.UNRELEASED
        else None,
        "file": PaymentFile.objects.filter(batch=found).defer("content").first(),
        "list": _payments(found, page, can_remove=is_finance),
        "page": page,
        "query": query_of(request),
        "step": next_step(found, person, now) if is_finance else None,
        "links": _links(found) if is_finance else [],
        "may_add": _may_add(found) if is_finance else None,
        "job": _job(found, now),
        "is_finance": is_finance,
        "events": timeline(acts_of(found.address, found.act_id), leads_on=True),
        "zone": zone,
    }
    return render(request, "billing/batch.html", context)


def _job(found: Batch, now: datetime) -> dict[str, Any] | None:
    """Return how far the writing of the file is, unless it is written or nobody asked for it."""
    job = queries.newest_job_of(found)
    if job is None or job.status == BatchJob.Status.DONE:
        return None
    state = statuses.BATCH_JOB[queries.job_state(job, now)]
    words = (job.refusal or {}).get(get_language() or "en", "")
    return {"tag": tag(state, is_staff=True), "meaning": state.meaning, "words": words}


def _facts(found: Batch, zone: str) -> list[dict[str, Any]]:
    steps = queries.steps_of(found).exclude(stands_for=None)
    deputies = {(one.doer_id, one.at): one.stands_for.name for one in steps if one.stands_for}
    rows: list[dict[str, Any]] = [
        {"key": _("Programme"), "value": found.programme.title_here},
        {"key": _("Payer"), "value": found.debtor.name_here},
        {"key": _("Total"), "value": money(found.total, found.programme.unit)},
        *_kin(found),
        _step_fact(_("Prepared"), found.prepared_by, found.prepared_at, zone, deputies),
        _step_fact(_("Approved"), found.approved_by, found.approved_at, zone, deputies),
    ]
    if found.needs_authorisation:
        rows.append(
            _step_fact(
                _("Authorised"), found.authorised_by, found.authorised_at, zone, deputies
            )
        )
    rows.append(_step_fact(_("Released"), found.released_by, found.released_at, zone, deputies))
    rows += [_set_off_fact(*one) for one in set_off_before(found)]
    locked = queries.lists_locked(found)
    if locked:
        rows.append({"key": _("Fingerprint of the list"), "value": locked[0][0].list_sha256})
    return rows


def _set_off_fact(one: Collection, amount: int) -> dict[str, Any]:
    words = money(amount, one.recovery.programme.unit)
    return {
        "key": _("Set off against a payment"),
        "value": f"{one.recovery.debtor.name_here}: {words}",
        "url": reverse("recovery", args=[one.recovery.code]),
        "action": one.recovery.code,
    }


def _kin(found: Batch) -> list[dict[str, Any]]:
    """Return the batch that this one follows, and those that follow it."""
    earlier = [(_("Pays what came back of"), found.follows)] if found.follows else []
    later = [(_("Followed by"), one) for one in found.followers.order_by("pk")]
    return [
        {
            "key": key,
            "value": one.code,
            "url": reverse("batch", args=[one.code]),
            "action": _("See"),
        }
        for key, one in (*earlier, *later)
    ]


def _step_fact(
    label: str,
    person: User | None,
    at: datetime | None,
    zone: str,
    deputies: Mapping[tuple[int, datetime], str],
) -> dict[str, Any]:
    if person is None or at is None:
        return {"key": label, "value": _("Not yet")}
    name, officer = person.name, deputies.get((person.pk, at))
    if officer:
        name = _("%(name)s, in place of %(officer)s") % {"name": name, "officer": officer}
    return {"key": label, "value": by_words(at, name, zone)}


def _payments(found: Batch, page: Iterable[Payment], *, can_remove: bool) -> Any:
    columns = [
        _("Reference"),
        _("Party"),
        _("Bank detail"),
        figure(_("Amount")),
        _("Status"),
        _("What the bank said"),
    ]
    is_open = can_remove and found.status == Batch.Status.OPEN
    rows = [_payment_row(one, can_remove=is_open) for one in page]
    return table(_("Payments"), [*columns, *([_("Change")] if is_open else [])], rows)


def _payment_row(payment: Payment, *, can_remove: bool) -> list[Any]:
    row: list[Any] = [
        {
            "text": payment.end_to_end_id,
            "url": reverse("trace", args=["payment", payment.end_to_end_id]),
        },
        {
            "text": payment.payee.name_here,
            "url": reverse("ledger_account", args=[payment.payable]),
        },
        str(payment.bank_detail),
        money(payment.amount, payment.unit),
        tag(statuses.PAYMENT[payment.status], is_staff=True),
        code_words(payment.answer_reason) or "–",
    ]
    if can_remove:
        is_in = payment.status == Payment.Status.PREPARED
        names = [payment.batch.code, payment.end_to_end_id]
        url = reverse("payment_remove", args=names)
        row.append({"text": _("Remove"), "url": url} if is_in else "–")
    return row


def _links(found: Batch) -> list[dict[str, str]]:
    """Return the ways back that a batch still has."""
    status = Batch.Status
    links = []
    if found.status in (status.LOCKED, status.APPROVED, status.AUTHORISED):
        url = reverse("batch_send_back", args=[found.code])
        links.append({"url": url, "text": _("Send the batch back to be changed")})
    if found.status in queries.UNRELEASED:
        url = reverse("batch_cancel", args=[found.code])
        links.append({"url": url, "text": _("Cancel the batch")})
    if queries.returned_and_not_followed(found).exists():
        url = reverse("batch_follow_up", args=[found.code])
        links.append({"url": url, "text": _("Pay what came back in a follow-up batch")})
    return links


def _may_add(found: Batch) -> Any:
    """Return what is due beside an open batch and can be added to it, or None."""
    if found.status != Batch.Status.OPEN:
        return None
    unit = found.programme.unit
    inside = set(
        Payment.objects.filter(batch=found, status=Payment.Status.PREPARED).values_list(
            "payable", flat=True
        )
    )
    rows = [
        [
            one.payee.name_here,
            money(one.amount, unit),
            {
                "text": _("Add"),
                "url": f"{reverse('payment_add', args=[found.code])}?payable={one.address}",
            },
        ]
        for one in queries.payables_due(found.programme, found.debtor)
        if one.address not in inside
    ]
    columns = [_("Party"), figure(_("Amount")), _("Change")]
    return table(_("Due, and not in this batch"), columns, rows) if rows else None


@login_required
@require_GET
def batch_file(request: HttpRequest, code: str) -> HttpResponse:
    """Give the file for the bank, byte for byte as it was written."""
    person = signed_in(request)
    require_payer(person)
    file = PaymentFile.objects.filter(batch=queries.batch_of(person, code)).first()
    if file is None:
        raise NotFound(what=code)
    response = file_answer(file.name, bytes(file.content), "application/xml")
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_GET
def batch_csv(request: HttpRequest, code: str) -> HttpResponse:
    """Give the payments of a batch as a table, each with where it goes."""
    person = signed_in(request)
    require_payer(person)
    found = queries.batch_of(person, code)
    header = [
        _("Reference"),
        _("Reference for the payee (RF)"),
        _("Party"),
        _("Account holder"),
        _("Account"),
        _("Bank"),
        _("Amount"),
        _("Currency"),
        _("Status"),
        _("What the bank said"),
    ]
    rows = (
        [
            one.end_to_end_id,
            one.reference,
            one.payee.name_here,
            one.bank_detail.holder,
            one.bank_detail.number,
            one.bank_detail.agent,
            major(one.amount, one.unit),
            one.unit,
            str(statuses.PAYMENT[one.status].staff_label),
            one.answer_reason,
        ]
        for one in queries.payments_of(found)
    )
    response = csv_answer(f"{found.code}.csv", header, rows)
    response["Cache-Control"] = "no-store"
    return response
