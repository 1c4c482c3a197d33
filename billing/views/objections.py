"""One line of a bill: where it stands, and what its holder, provider and officers write of it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries, statuses
from billing.forms.answers import ReplyForm
from billing.models import BillLine, Objection, ObjectionReply, Verdict
from billing.queries.rated import rated_line
from billing.reasons import sentence
from billing.views.bill_lines import rated_parts
from billing.views.bills import line_status, why
from billing.views.deadlines import deadline_rows
from billing.views.shown import figure, is_reader, names_of, table, tag
from common.downloads import file_answer
from common.errors import NotFound
from common.formatting import gpu_hours, instant, money
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from parties.models import User

DECIDED = (Verdict.Outcome.ACCEPTED, Verdict.Outcome.DECLINED)


@login_required
@require_http_methods(["GET", "POST"])
def bill_line(request: HttpRequest, number: str, row: int) -> HttpResponse:
    """Show a line with its working, verdicts, objections and evidence; take a reply."""
    person = signed_in(request)
    rated = rated_line(queries.line_of(person, number, row))
    line: Any = rated.line
    objections = list(queries.objections_of(line))
    is_sent = request.method == "POST"
    form = ReplyForm(request.POST if is_sent else None, request.FILES if is_sent else None)

    def reply() -> HttpResponse:
        file = form.cleaned_data["file"]
        actions.reply_to_objection(
            line=line,
            text=form.cleaned_data["note"],
            files=[file] if file else [],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Your reply is here. The other sides read it too."))
        return redirect("bill_line", number, row)

    figures = rated_parts(rated)
    is_open = queries.open_objection(line) is not None and line.outcome not in DECIDED
    side = queries.side_of(person, line)
    context = {
        "line": line,
        "tag": tag(line_status(line), is_staff=is_reader(person)),
        **figures,
        "rows": [*figures["rows"], *_decided(line), *deadline_rows(line, timezone.now())],
        "verdicts": _verdicts(line),
        "events": _events(objections),
        "files": _files(line, objections),
        "zone": line.bill.programme.zone,
        "may_reply": is_open and side is not None,
        "may_withdraw": is_open and _may_withdraw(person, line),
        "may_object": _may_object(person, line),
    }
    return answer_form(request, form, "billing/bill_line.html", reply, context)


def _may_withdraw(person: User, line: BillLine) -> bool:
    is_holder = queries.side_of(person, line) == ObjectionReply.Side.HOLDER
    return is_holder and line.bill.status == line.bill.Status.SENT


def _may_object(person: User, line: Any) -> bool:
    is_said = line.confirmed or line.disputed
    is_holder = queries.side_of(person, line) == ObjectionReply.Side.HOLDER
    return is_holder and not is_said and queries.may_speak(line.bill, timezone.now())


def _facts(line: BillLine) -> list[dict[str, Any]]:
    bill = line.bill
    codes = [one.code for one in (line.voucher, line.order) if one is not None]
    return [
        {"key": _("Provider"), "value": bill.provider.organisation.name_here},
        {"key": _("Usage"), "value": f"{line.source}/{line.key}"},
        {"key": _("Voucher and order"), "value": " ".join(codes) or "–"},
        {"key": _("Billed hours"), "value": gpu_hours(line.quantity_ms)},
        {"key": _("Amount"), "value": money(line.amount, bill.unit)},
        *_decided(line),
    ]


def _decided(line: Any) -> list[dict[str, Any]]:
    unit = line.bill.unit
    return [
        {"key": _("Accepted so far"), "value": money(line.accepted, unit)},
        {"key": _("Withheld"), "value": money(line.withheld, unit)},
        {"key": _("Why"), "value": why(line) or "–"},
    ]


def _verdicts(line: BillLine) -> Any:
    unit, zone = line.bill.unit, line.bill.programme.zone
    found = list(queries.verdicts_of(line))
    names = names_of(one.decided_by for one in found)
    columns = [
        _("When"),
        _("By"),
        _("Verdict"),
        figure(_("Accepted")),
        figure(_("Withheld")),
        _("Why"),
    ]
    rows = [
        [
            instant(one.decided_at, zone),
            names[one.decided_by],
            tag(statuses.line_status(one.outcome, one.accepted)),
            money(one.accepted, unit),
            money(one.withheld, unit),
            sentence(one.reason, one.reason_values) or "–",
        ]
        for one in found
    ]
    return table(_("What was decided"), columns, rows, _("Nothing was decided yet."))


def _events(objections: list[Objection]) -> list[dict[str, Any]]:
    """Return what was written of a line, newest first."""
    withdrawals = [one.withdrawal for one in objections if hasattr(one, "withdrawal")]
    actors = [one.raised_by for one in objections]
    names = names_of([*actors, *(one.withdrawn_by for one in withdrawals)])
    events: list[dict[str, Any]] = []
    for one in objections:
        events.append(
            {
                "title": _("Objection"),
                "at": one.raised_at,
                "by": names[one.raised_by],
                "body": one.text,
            }
        )
        events += [
            {
                "title": reply.get_side_display(),
                "at": reply.written_at,
                "by": reply.written_by.name,
                "body": reply.text,
            }
            for reply in one.replies.all()
        ]
    events += [
        {
            "title": _("Objection withdrawn"),
            "at": one.withdrawn_at,
            "by": names[one.withdrawn_by],
        }
        for one in withdrawals
    ]
    return sorted(events, key=lambda event: event["at"], reverse=True)


def _files(line: BillLine, objections: list[Objection]) -> Any:
    number, row = line.bill.number, line.row
    rows = [
        [
            {"text": file.name, "url": reverse("objection_file", args=[number, row, file.pk])},
            reply.get_side_display(),
            filesizeformat(file.size),
            file.sha256,
        ]
        for objection in objections
        for reply in objection.replies.all()
        for file in reply.files.all()
    ]
    return table(_("Evidence"), [_("File"), _("From"), _("Size"), "SHA-256"], rows)


@login_required
@require_GET
def objection_file(request: HttpRequest, number: str, row: int, pk: int) -> HttpResponse:
    """Give one piece of evidence as it came, to be saved and never shown here."""
    line = queries.line_of(signed_in(request), number, row)
    file = queries.objection_file_of(line, pk)
    return file_answer(file.name, bytes(file.content), "application/octet-stream")


@login_required
@require_http_methods(["GET", "POST"])
def objection_withdraw(request: HttpRequest, number: str, row: int) -> HttpResponse:
    """Take an objection back before the bill is settled."""
    person = signed_in(request)
    line = queries.line_of(person, number, row)
    if queries.side_of(person, line) != ObjectionReply.Side.HOLDER:
        raise NotFound(what=f"{number}/{row}")
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def withdraw() -> HttpResponse:
        actions.withdraw_objection(line=line, actor=person, at=timezone.now(), key=form.act_key)
        messages.success(request, _("Your objection is withdrawn."))
        return redirect("bill_line", number, row)

    context = {
        "title": _("Withdraw the objection"),
        "caption": _("Bill %(number)s, line %(row)s") % {"number": number, "row": row},
        "back": reverse("bill_line", args=[number, row]),
        "submit": _("Withdraw it"),
        "intro": _(
            "Nothing is said of the line then. You can confirm it, or object to it again, while "
            "the days for that last."
        ),
        "rows": _facts(line),
    }
    return answer_form(request, form, "form_page.html", withdraw, context)
