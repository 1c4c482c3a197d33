"""Pages of awards above: the list of a programme, and recording more after a look at each line."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from common.days import day_of
from common.errors import NotFound
from common.formatting import day, money
from common.forms import answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role
from parties.roles import Role
from vouchers import actions, queries, statuses
from vouchers.forms.matches import (
    COLUMNS,
    AwardsConfirmForm,
    AwardsForm,
    FileUnreadable,
    problem_words,
    read_awards,
)
from vouchers.models import Programme, Round, UpstreamAward
from vouchers.queries import AwardProblem, AwardRow
from vouchers.views.registers import ask_about

SHOWN = 50


def awards_shown(found: Programme) -> dict[str, Any] | None:
    """Return the newest awards that a programme follows, or None where it follows no other."""
    if found.mode != Programme.Mode.M8:
        return None
    return {
        "columns": [
            _("Reference"),
            _("Organisation"),
            {"label": _("Counted above"), "numeric": True},
            {"label": _("Awarded above"), "numeric": True},
            _("Awarded on"),
            _("Application"),
            _("Status"),
        ],
        "rows": [
            _award_row(one, found.unit) for one in queries.upstream_awards_of(found)[:SHOWN]
        ],
    }


def _award_row(one: UpstreamAward, unit: str) -> list[Any]:
    application = one.application
    return [
        one.reference,
        one.organisation.name_here,
        money(one.base_amount, unit),
        money(one.award_amount, unit),
        day(one.awarded_on),
        {"text": application.reference, "url": reverse("decide", args=[application.reference])},
        statuses.APPLICATION[application.status].staff_label,
    ]


def may_record(person: User, found: Programme) -> bool:
    """Say whether a person may record awards that a programme follows."""
    is_officer = has_role(
        person, Role.OFFICER, organisation=found.authority, programme_code=found.code
    )
    return is_officer and found.mode == Programme.Mode.M8


@login_required
@require_http_methods(["GET", "POST"])
def awards_new(request: HttpRequest, code: str) -> HttpResponse:
    """Look a list of awards above over, line by line, and then record it."""
    person, now = signed_in(request), timezone.now()
    found = queries.programme_of(person, code)
    if not may_record(person, found):
        raise NotFound(what=code)
    rounds = [one for one in queries.rounds_of(found) if queries.is_round_open(one, now)]
    is_confirmed = request.POST.get("step") == "record"
    made = AwardsConfirmForm if is_confirmed else AwardsForm
    posted = request.method == "POST"
    form = made(
        request.POST if posted else None, request.FILES if posted else None, rounds=rounds
    )

    def look_or_record() -> HttpResponse:
        given = form.cleaned_data
        try:
            rows, problems = read_awards(given["text"], found.unit)
        except FileUnreadable as error:
            form.add_error(None, str(error))
            return render(request, "vouchers/awards_new.html", {"form": form, **context})
        if is_confirmed:
            return _recorded(request, given["round"], rows, person, form.act_key, now)
        problems += queries.award_problems(given["round"], rows, now)
        checked = _checked(given["round"], rows, problems, given["text"])
        return render(request, "vouchers/awards_check.html", {**context, **checked})

    context = {
        "title": _("Record awards above"),
        "caption": found.title_here,
        "back": reverse("programme", args=[code]),
        "submit": _("Look it over"),
        "has_rounds": bool(rounds),
        "upstream": _upstream(found, now),
        "header": ",".join(names[0] for names in COLUMNS.values()),
        "header_zh": ",".join(names[1] for names in COLUMNS.values()),
    }
    return answer_form(request, form, "vouchers/awards_new.html", look_or_record, context)


def _upstream(found: Programme, now: datetime) -> str:
    _version, law = queries.policy_in_force(found, day_of(now, found.zone))
    return law.match.upstream if law.match else ""


def _checked(
    round: Round, rows: list[AwardRow], problems: list[AwardProblem], text: str
) -> dict[str, Any]:
    wrong = {one.row for one in problems}
    good = [one for one in rows if one.row not in wrong]
    unit = round.programme.unit
    confirm = AwardsConfirmForm(rounds=[round], initial={"round": round.code, "lines": text})
    return {
        "title": _("Look at each line"),
        "form": confirm if good else None,
        "submit": ngettext("Record %(count)s award", "Record %(count)s awards", len(good))
        % {"count": len(good)},
        "good": {
            "columns": [
                {"label": _("Row"), "numeric": True},
                _("Reference"),
                _("Registered number"),
                {"label": _("Counted above"), "numeric": True},
                {"label": _("Awarded above"), "numeric": True},
                _("Awarded on"),
                _("Facility"),
            ],
            "rows": [
                [
                    one.row,
                    one.reference,
                    one.identifier,
                    money(one.base, unit),
                    money(one.award, unit),
                    day(one.awarded_on),
                    one.facility or "–",
                ]
                for one in good
            ],
        },
        "bad": {
            "columns": [
                {"label": _("Row"), "numeric": True},
                _("Column"),
                _("What stands there"),
                _("What to do"),
            ],
            "rows": [
                [one.row, one.column, one.value or "–", problem_words(one)]
                for one in sorted(problems, key=lambda one: one.row)
            ],
        },
    }


def _recorded(
    request: HttpRequest,
    round: Round,
    rows: list[AwardRow],
    person: User,
    key: str,
    now: datetime,
) -> HttpResponse:
    report = actions.record_upstream_awards(
        round=round, rows=rows, actor=person, at=now, key=key
    )
    issued = 0
    for award in report.recorded:
        application = award.application
        ask_about(application, actor=person.address, at=now, key=f"ask:{application.reference}")
        voucher = actions.follow_upstream_award(
            application=application, at=now, key=f"match:{application.reference}"
        )
        issued += voucher is not None
    messages.success(
        request,
        _("%(recorded)s awards are recorded, %(issued)s vouchers issued. The others wait.")
        % {"recorded": len(report.recorded), "issued": issued},
    )
    return redirect("programme", round.programme.code)
