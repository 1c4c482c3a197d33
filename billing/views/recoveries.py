"""Recoveries: the list with its clocks, and a case from its notice to the last cent."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
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
from billing.actions.recovery_origins import origin_of
from billing.forms.recoveries import (
    OpenRecoveryForm,
    OriginForm,
)
from billing.models import Collection, Recovery
from billing.queries.recoveries import (
    parts_of,
    proposals_waiting,
    recoveries_visible_to,
    recovery_of,
    recovery_origin,
)
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
from common.downloads import csv_answer
from common.errors import Refused
from common.formatting import day, day_text, instant, money
from common.forms import answer_form
from common.money import major
from parties.authentication import signed_in
from parties.models import User
from parties.queries import is_one_person, organisations_of, require_role, roles_of
from parties.roles import Role

Status = Recovery.Status


@login_required
@require_GET
def recoveries(request: HttpRequest) -> HttpResponse:
    """List the cases that a person may see, with what each waits for and until when."""
    person = signed_in(request)
    page = page_of(request, recoveries_visible_to(person))
    now = timezone.now()
    context = {
        "may_open": bool(roles_of(person) & {Role.OFFICER, Role.FINANCE}),
        "list": table(
            _("Recoveries"),
            [
                _("Case"),
                _("Debtor"),
                _("Programme"),
                figure(_("Claimed")),
                figure(_("Still owed")),
                _("Until"),
                _("Status"),
            ],
            [_row(one, now) for one in page],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/recoveries.html", context)


def _row(case: Recovery, now: datetime) -> list[Any]:
    unit = case.programme.unit
    return [
        {"text": case.code, "url": reverse("recovery", args=[case.code])},
        case.debtor.name_here,
        case.programme.title_here,
        money(case.amount, unit),
        money(case.left, unit),
        _clock(case, day_of(now, case.programme.zone)),
        tag(statuses.RECOVERY[case.status]),
    ]


def _clock(case: Recovery, today: date) -> str:
    """Return the day that a case waits for; nothing once it waits for none."""
    last = {Status.OPEN: case.reply_until, Status.UPHELD: case.due_on}.get(Status(case.status))
    if last is None:
        return "–"
    words = _("%(day)s, overdue") if last < today else "%(day)s"
    return words % {"day": day_text(last)}


@login_required
@require_GET
def recoveries_csv(request: HttpRequest) -> HttpResponse:
    """Give the cases that a person may see as CSV."""
    header = ["case", "status", "programme", "debtor", "origin", "legal_basis", "opened_at"]
    header += ["reply_until", "due_on", "claimed", "upheld", "recovered", "written_off", "unit"]
    rows = [
        [
            one.code,
            one.status,
            one.programme.code,
            one.debtor.code,
            origin_name(one),
            one.legal_basis,
            one.opened_at.isoformat(),
            one.reply_until,
            one.due_on,
            *(
                major(amount, one.programme.unit)
                for amount in (
                    one.amount,
                    one.upheld_amount,
                    one.recovered_amount,
                    one.written_off_amount,
                )
            ),
            one.programme.unit,
        ]
        for one in recoveries_visible_to(signed_in(request))
    ]
    return csv_answer("recoveries.csv", header, rows)


def origin_name(case: Recovery) -> str:
    """Return what a case takes back from: a payment's reference, or a bill and its line."""
    if case.payment is not None:
        return case.payment.end_to_end_id
    assert case.line is not None, "a case has an origin"
    return f"{case.line.bill.number}/{case.line.row}"


@login_required
@require_http_methods(["GET", "POST"])
def recovery_new(request: HttpRequest) -> HttpResponse:
    """Ask what to take back from, then how much and why, and open the case."""
    person = signed_in(request)
    require_role(person, Role.OFFICER, Role.FINANCE)
    asked = OriginForm(request.GET if "origin" in request.GET else None)
    if not asked.is_valid():
        return render(request, "billing/recovery_origin.html", {"form": asked})
    try:
        thing = recovery_origin(person, asked.cleaned_data["origin"])
        origin = origin_of(thing)
    except Refused as refusal:
        asked.add_error("origin", str(refusal))
        return render(request, "billing/recovery_origin.html", {"form": asked})
    unit = origin.programme.unit
    form = OpenRecoveryForm(request.POST if request.method == "POST" else None, unit=unit)

    def act() -> HttpResponse:
        given = form.cleaned_data
        case = actions.open_recovery(
            thing=thing,
            amount=given["amount"],
            legal_basis=given["legal_basis"],
            reason=given["reason"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request,
            _("Case %(case)s is open. The debtor may reply until %(day)s.")
            % {"case": case.code, "day": day_text(case.reply_until)},
        )
        return redirect("recovery", case.code)

    context = {
        "title": _("Open a recovery"),
        "back": reverse("recoveries"),
        "submit": _("Open the case and send the notice"),
        "rows": [
            {"key": _("From"), "value": origin.name},
            {"key": _("Debtor"), "value": origin.debtor.name_here},
            {"key": _("Programme"), "value": origin.programme.title_here},
            {"key": _("Paid"), "value": money(origin.most, unit)},
        ],
    }
    return answer_form(request, form, "form_page.html", act, context)


@login_required
@require_GET
def recovery(request: HttpRequest, code: str) -> HttpResponse:
    """Show a case: the notice, what is owed of it, every step, and what can be done now."""
    person = signed_in(request)
    case = recovery_of(person, code)
    ours = is_staff(person, case)
    zone = case.programme.zone
    replies = case.replies.select_related("replied_by").order_by("replied_at", "pk")
    context = {
        "case": case,
        "tag": tag(statuses.RECOVERY[case.status], is_staff=ours),
        "meaning": statuses.RECOVERY[case.status].meaning,
        "rows": _facts(case, is_staff=ours),
        "steps": _steps(person, case),
        "replies": [
            {
                "title": by_words(one.replied_at, one.replied_by.name, zone),
                "text": one.text,
            }
            for one in replies
        ],
        "collections": table(
            _("What was got back"),
            [_("When"), _("How"), figure(_("Amount")), figure(_("Due to the debtor again"))],
            [_collection_row(one, case, is_staff=ours) for one in _collections(case)],
        ),
        "parts": _parts(case),
        "waiting": _waiting(person, case),
        "events": timeline(acts_of(case.address, case.act_id), leads_on=ours),
        "zone": zone,
    }
    return render(request, "billing/recovery.html", context)


def _facts(case: Recovery, *, is_staff: bool) -> list[dict[str, Any]]:
    unit = case.programme.unit
    facts: list[dict[str, Any]] = [
        {"key": _("Programme"), "value": case.programme.title_here},
        {"key": _("Debtor"), "value": case.debtor.name_here},
        {"key": _("From"), "value": origin_name(case), **_origin_link(case, is_staff)},
        {"key": _("Legal basis"), "value": case.legal_basis},
        {"key": _("Reason"), "value": case.reason},
        {"key": _("Claimed"), "value": money(case.amount, unit)},
        {"key": _("The debtor may reply until"), "value": day(case.reply_until)},
    ]
    if case.due_on is None:
        return facts
    return [
        *facts,
        {"key": _("Upheld"), "value": money(case.upheld_amount, unit)},
        {"key": _("Got back"), "value": money(case.recovered_amount, unit)},
        {"key": _("Written off"), "value": money(case.written_off_amount, unit)},
        {"key": _("Still owed"), "value": money(case.left, unit)},
        {"key": _("Due on"), "value": day(case.due_on)},
    ]


def _parts(case: Recovery) -> Mapping[str, Any] | None:
    """Return what a case takes back for each payer, where there is more than one."""
    parts, unit = parts_of(case), case.programme.unit
    if len(parts) < 2:
        return None
    amounts = ("amount", "upheld_amount", "recovered_amount", "written_off_amount", "left")
    return table(
        _("By payer"),
        [
            _("Payer"),
            figure(_("Claimed")),
            figure(_("Upheld")),
            figure(_("Got back")),
            figure(_("Written off")),
            figure(_("Still owed")),
        ],
        [
            [one.payer.name_here, *(money(getattr(one, name), unit) for name in amounts)]
            for one in parts
        ],
    )


def _origin_link(case: Recovery, is_staff: bool) -> dict[str, Any]:
    if case.line is not None:
        url = reverse("bill", args=[case.line.bill.number])
        return {"url": url, "action": _("Open the bill")}
    if not is_staff:
        return {}
    assert case.payment is not None, "a case has an origin"
    url = reverse("batch", args=[case.payment.batch.code])
    return {"url": url, "action": _("Open the batch")}


def _collections(case: Recovery) -> Iterable[Collection]:
    return case.collections.select_related("bank_line").order_by("pk")


def _collection_row(one: Collection, case: Recovery, *, is_staff: bool) -> list[Any]:
    unit = case.programme.unit
    how: Any = str(statuses.COLLECTION[one.kind])
    if one.bank_line is not None and is_staff:
        entry = _("entry %(position)s of the bank, %(day)s") % {
            "position": one.bank_line.position,
            "day": day_text(one.bank_line.booked_on),
        }
        how = {
            "text": f"{how}: {entry}",
            "url": reverse("bank_line", args=[one.bank_line.pk]),
        }
    return [
        instant(one.at, case.programme.zone),
        how,
        money(one.amount, unit),
        money(one.refund_amount, unit) if one.refund_amount else "–",
    ]


def is_staff(person: User, case: Recovery) -> bool:
    """Say whether a person is an officer or finance officer of the case's programme."""
    overseen = queries.programmes_overseen(person, Role.FINANCE, Role.OFFICER)
    return overseen.filter(pk=case.programme_id).exists()


def is_finance(person: User, case: Recovery) -> bool:
    """Say whether a person is a finance officer of the case's programme."""
    return (
        queries.programmes_overseen(person, Role.FINANCE).filter(pk=case.programme_id).exists()
    )


def is_debtor(person: User, case: Recovery) -> bool:
    """Say whether a person acts for the debtor of a case."""
    own = organisations_of(person, Role.PROVIDER, Role.APPLICANT, Role.FINANCE)
    return own.filter(pk=case.debtor_id).exists()


def _steps(person: User, case: Recovery) -> list[dict[str, str]]:
    """Return what a person can do on a case now."""
    steps = []
    is_open, is_owed = case.status == Status.OPEN, case.status == Status.UPHELD
    if is_open and is_debtor(person, case):
        steps.append(("recovery_reply", _("Reply")))
    if is_open and is_staff(person, case) and not is_one_person(person, case.opened_by):
        steps.append(("recovery_decide", _("Decide")))
    if is_owed and is_finance(person, case):
        steps.append(("recovery_offset", _("Set off against what is due")))
        steps.append(("recovery_collect", _("Record a repayment or a write-off")))
    return [{"label": label, "url": reverse(name, args=[case.code])} for name, label in steps]


def _waiting(person: User, case: Recovery) -> list[dict[str, Any]]:
    if not is_staff(person, case):
        return []
    return [
        {
            "title": statuses.COLLECTION[one.kind],
            "amount": money(one.amount, case.programme.unit),
            "note": one.note,
            "by": by_words(one.proposed_at, one.proposed_by.name, case.programme.zone),
            "url": reverse("recovery_confirm", args=[case.code, one.pk])
            if is_finance(person, case) and not is_one_person(person, one.proposed_by)
            else "",
        }
        for one in proposals_waiting(case)
    ]
