"""A round decided together: its lot, its ranking before anybody decides, and what was decided."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_GET, require_http_methods

from common.downloads import csv_answer
from common.errors import NotFound
from common.formatting import day_text, instant, money
from common.forms import KeyedForm, answer_form
from common.money import major
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role
from parties.roles import Role
from policy.allocation import Allotted
from policy.rules import Programme as Law
from vouchers import actions, queries
from vouchers.models import Decision, Lot, Round, RoundDecision
from vouchers.views.decisions_shown import lot_rows, method_words, outcome_heading, round_title
from vouchers.views.shown import day_words

SHOWN_MAX = 200


@login_required
@require_http_methods(["GET", "POST"])
def round_decide(request: HttpRequest, code: str, round_code: str) -> HttpResponse:
    """Show a round's ranking and what each would get, and decide it."""
    person, now = signed_in(request), timezone.now()
    found = _round(person, code, round_code)
    decided = RoundDecision.objects.filter(round=found).first()
    if decided is not None and request.method == "GET":
        return redirect("round_decided", code, round_code)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def decide() -> HttpResponse:
        made = actions.decide_round(round=found, actor=person, at=now, key=form.act_key)
        messages.success(
            request,
            _("Decided: %(amount)s is awarded. Issue the vouchers next.")
            % {"amount": money(made.awarded_total, found.programme.unit)},
        )
        return redirect("round_decided", code, round_code)

    ranking = queries.ranking_of(found, now)
    context = {
        "title": _("Decide a round"),
        "caption": round_title(found),
        "back": reverse("queue"),
        "submit": _("Decide the round"),
        **_ranking_shown(ranking),
    }
    return answer_form(request, form, "vouchers/round_decide.html", decide, context)


def _round(person: User, code: str, round_code: str) -> Round:
    programme = queries.programme_of(person, code)
    if not has_role(
        person,
        Role.OFFICER,
        organisation=programme.authority,
        programme_code=programme.code,
    ):
        raise NotFound(what=round_code)
    return _round_of(person, code, round_code)


def _round_of(person: User, code: str, round_code: str) -> Round:
    programme = queries.programme_of(person, code)
    found = (
        queries.rounds_of(programme)
        .select_related("programme__authority")
        .filter(code=round_code)
        .first()
    )
    if found is None:
        raise NotFound(what=round_code)
    return found


def _ranking_shown(ranking: queries.Ranking) -> dict[str, Any]:
    unit, rule = ranking.round.programme.unit, ranking.rules.allocation
    if rule is None:
        return {"problems": [_("The policy decides each application by itself.")], "rows": []}
    problems = _problems(ranking)
    rows = [
        {"key": _("Method"), "value": f"{method_words(rule.method)} ({rule.clause})"},
        {"key": _("Applications"), "value": len(ranking.entries)},
        {"key": _("To give"), "value": money(ranking.budget, unit)},
    ]
    is_drawn = rule.method != "LOTTERY"
    # Before it is decided nobody may see how the lots would fall.
    found = queries.allotted_of(ranking) if is_drawn else []
    if is_drawn:
        total = sum(one.awarded for _entry, one in found if one is not None)
        rows.append({"key": _("Would be awarded"), "value": money(total, unit)})
    return {
        "problems": problems,
        "may_decide": not problems,
        "rows": rows,
        "ranking": {
            "caption": _("What each would get"),
            "columns": [
                pgettext("in a ranking", "Place"),
                _("Application"),
                _("Organisation"),
                {"label": _("Score"), "numeric": True},
                {"label": _("Recommended"), "numeric": True},
                {"label": _("Award"), "numeric": True},
            ],
            "rows": [_row(entry, one, unit) for entry, one in found[:SHOWN_MAX]],
        },
    }


def _row(entry: queries.Ranked, one: Allotted | None, unit: str) -> list[Any]:
    reference = entry.application.reference
    award = _("Score too low")
    if one is not None:
        is_open = one.opinion.outcome == "REFER" and not one.awarded and not one.is_waiting
        award = money(one.awarded, unit)
        if one.is_waiting:
            award = _("Not reached")
        elif is_open:
            award = _("Left to an officer")
    return [
        one.place if one else "",
        {"text": reference, "url": reverse("decide", args=[reference])},
        entry.application.organisation.name_here,
        "" if entry.score is None else str(entry.score),
        money(entry.proposal.award.recommended, unit),
        award,
    ]


def _problems(ranking: queries.Ranking) -> list[str]:
    """Return what has to be settled before a round can be decided, in words."""
    problems = []
    round, rule = ranking.round, ranking.rules.allocation
    if not ranking.is_closed:
        problems.append(
            _("It takes applications until %(closes)s.") % {"closes": day_text(round.closes_on)}
        )
    if count := len(ranking.awaited):
        words = ngettext(
            "%(count)s application waits for its applicant’s answer.",
            "%(count)s applications wait for their applicants’ answers.",
            count,
        )
        problems.append(words % {"count": count})
    if count := len(ranking.unreviewed):
        words = ngettext(
            "%(count)s application has too few reviews.",
            "%(count)s applications have too few reviews.",
            count,
        )
        problems.append(words % {"count": count})
    if rule is not None and rule.method == "LOTTERY" and ranking.lot is None:
        problems.append(_("No seed was committed to before the round closed."))
    return problems


@login_required
@require_GET
def round_decided(request: HttpRequest, code: str, round_code: str) -> HttpResponse:
    """Show how a round was shared out, with what a lottery was drawn by."""
    person = signed_in(request)
    found = _round_of(person, code, round_code)
    decided = _decided(found)
    unit, zone = found.programme.unit, found.programme.zone
    decisions = _decisions(decided)
    rows = [
        {"key": _("Method"), "value": method_words(decided.method)},
        {"key": _("Decided"), "value": instant(decided.decided_at, zone)},
        {"key": _("By"), "value": decided.decided_by.name},
        {"key": _("There was to give"), "value": money(decided.budget, unit)},
        {"key": _("Awarded"), "value": money(decided.awarded_total, unit)},
    ]
    if decided.waits_until_on:
        until = day_words(decided.waits_until_on)
        rows.append({"key": _("The waiting list ends"), "value": until})
    context = {
        "title": _("A round was decided"),
        "caption": round_title(found),
        "rows": rows + lot_rows(found, decided),
        "decisions": {
            "caption": _("What was decided"),
            "columns": [
                pgettext("in a ranking", "Place"),
                _("Application"),
                _("Organisation"),
                {"label": _("Score"), "numeric": True},
                _("Chance"),
                _("Decision"),
                {"label": _("Award"), "numeric": True},
            ],
            "rows": [_decided_row(one, unit) for one in decisions[:SHOWN_MAX]],
        },
        "csv": reverse("round_decided_csv", args=[code, round_code]),
        "back": reverse("programme", args=[code]),
    }
    return render(request, "vouchers/round_decided.html", context)


def _decided(found: Round) -> RoundDecision:
    decided = RoundDecision.objects.filter(round=found).select_related("decided_by").first()
    if decided is None:
        raise NotFound(what=found.code)
    return decided


def _decisions(decided: RoundDecision) -> list[Decision]:
    found = Decision.objects.filter(act_id=decided.act_id)
    return list(found.select_related("application__organisation").order_by("place", "pk"))


def _decided_row(one: Decision, unit: str) -> list[Any]:
    reference = one.application.reference
    return [
        "" if one.place is None else one.place,
        {"text": reference, "url": reverse("application", args=[reference])},
        one.application.organisation.name_here,
        "" if one.score is None else str(one.score),
        one.probability,
        outcome_heading(one),
        money(one.awarded, unit),
    ]


@login_required
@require_GET
def round_decided_csv(request: HttpRequest, code: str, round_code: str) -> HttpResponse:
    """Answer with all that was decided in a round, and the chance that each had."""
    found = _round_of(signed_in(request), code, round_code)
    decided = _decided(found)
    header = [
        "place",
        "application",
        "organisation",
        "score",
        "probability",
        "outcome",
        "unit",
        "recommended",
        "awarded",
    ]
    unit = found.programme.unit
    rows = (
        [
            one.place,
            one.application.reference,
            one.application.organisation.code,
            one.score,
            one.probability,
            one.outcome,
            unit,
            major(one.recommended, unit),
            major(one.awarded, unit),
        ]
        for one in _decisions(decided)
    )
    return csv_answer(f"{code}-{round_code}-decided.csv", header, rows)


@login_required
@require_http_methods(["GET", "POST"])
def lot_commit(request: HttpRequest, code: str, round_code: str) -> HttpResponse:
    """Commit to the seed of a round's lottery, before it closes."""
    person, now = signed_in(request), timezone.now()
    found = _round(person, code, round_code)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def commit() -> HttpResponse:
        lot = actions.commit_lot(round=found, actor=person, at=now, key=form.act_key)
        messages.success(
            request, _("Committed: %(commitment)s") % {"commitment": lot.commitment}
        )
        return redirect("programme", code)

    rows = [{"key": _("The round closes"), "value": day_words(found.closes_on)}]
    context = {
        "title": _("Commit to the seed of the lottery"),
        "caption": round_title(found),
        "back": reverse("programme", args=[code]),
        "submit": _("Commit"),
        "rows": rows + lot_rows(found, None),
        "intro": _(
            "A seed is drawn now and kept. Its SHA-256 is shown to everybody at once, the seed "
            "itself when the round is decided, so that nobody can draw again until the result "
            "pleases."
        ),
    }
    return answer_form(request, form, "form_page.html", commit, context)


def round_way(
    found: Round, law: Law | None, today: date, *, is_officer: bool
) -> dict[str, str] | str:
    """Return where to go next from a round: its lot, its decision, or what was decided."""
    if law is None or law.allocation is None:
        return ""
    place = [found.programme.code, found.code]
    if RoundDecision.objects.filter(round=found).exists():
        return {"text": _("What was decided"), "url": reverse("round_decided", args=place)}
    if not is_officer:
        return ""
    is_lottery = law.allocation.method == "LOTTERY"
    if today <= found.closes_on:
        is_open_lot = is_lottery and not Lot.objects.filter(round=found).exists()
        way = {"text": _("Commit to a seed"), "url": reverse("lot_commit", args=place)}
        return way if is_open_lot else ""
    return {"text": _("Decide the round"), "url": reverse("round_decide", args=place)}
