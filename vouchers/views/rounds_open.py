"""Pages for everybody: open rounds with what they pay, and who may apply."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common.days import day_of
from common.formatting import day, money
from common.languages import in_language
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from policy import eligibility
from policy.answers import percent_text
from policy.rules import Cap, minor
from policy.rules import Programme as Law
from policy.targets import figure_words
from vouchers import queries, statuses
from vouchers.forms.eligibility import ELSEWHERE, EligibilityForm
from vouchers.models import Programme, Round
from vouchers.views.decisions_shown import lot_rows, method_words


@require_GET
def apply(request: HttpRequest) -> HttpResponse:
    """Show the rounds that are open and, to an applicant, what it applied for so far."""
    now = timezone.now()
    person = request.user if isinstance(request.user, User) else None
    context = {
        "rounds": [_round_shown(one, law) for one, law in rounds_with_law(now)],
        "applications": _own_applications(person) if person else [],
        "is_applicant": bool(person and organisations_of(person, Role.APPLICANT).exists()),
    }
    return render(request, "vouchers/apply.html", context)


@require_GET
def eligibility_check(request: HttpRequest) -> HttpResponse:
    """Tell from five answers, without signing in, for which open rounds one may apply."""
    now = timezone.now()
    rounds = rounds_with_law(now)
    regions = sorted({region for _round, law in rounds for region in law.applicant.regions})
    form = EligibilityForm(request.GET if "employees" in request.GET else None, regions=regions)
    answers = []
    if form.is_bound and form.is_valid():
        answers = [_answer_shown(one, law, form.cleaned_data, now) for one, law in rounds]
    return render(
        request,
        "vouchers/eligibility_check.html",
        {"form": form, "answers": answers, "is_answered": form.is_bound and form.is_valid()},
    )


def rounds_with_law(now: datetime) -> list[tuple[Round, Law]]:
    """Return the rounds that one may apply in at an instant, with the law that they are under."""
    programmes = queries.programmes_open(now)
    laws = queries.policies_in_force(programmes, now)
    return [
        (one, laws[programme.pk][1])
        for programme in programmes
        if programme.pk in laws and programme.mode != Programme.Mode.M8
        for one in queries.rounds_of(programme).select_related("programme__authority")
        if queries.is_round_open(one, now)
    ]


def law_rows(law: Law, on: date) -> list[dict[str, Any]]:
    """Return what a programme pays, to whom, and within which limits, in rows of facts."""
    rows = [{"key": _("Pays"), "value": _pays(law, on)}]
    rows += [{"key": label, "value": value} for label, value in _limits(law, on)]
    if law.routes:
        return rows
    days = int(law.validity.days.on(on))
    valid = _("%(count)s days from the day it is issued") % {"count": days}
    return [*rows, {"key": _("A voucher is valid for"), "value": valid}]


def _pays(law: Law, on: date) -> str:
    if law.mode == "M5":
        return _("GPU-hours in kind; no money changes hands")
    shares = [tier.rate.on(on) for tier in law.tiers if tier.rate]
    if law.match:
        values = {"upstream": law.match.upstream}
        return _("What follows an award of %(upstream)s, after use; nobody applies") % values
    if law.target:
        side = _("the supply side") if law.payee == "PROVIDER" else _("the demand side")
        return _("What the target letter awards, to %(side)s alone, by assessment") % {
            "side": side
        }
    if not shares:
        return _("A fixed amount")
    lowest, highest = percent_text(min(shares)), percent_text(max(shares))
    share = lowest if lowest == highest else f"{lowest} – {highest}"
    if law.is_claimed_after_use:
        return _("%(share)s of the fee, to you, after use") % {"share": share}
    return _("%(share)s of the price, to the provider; you pay the rest") % {"share": share}


def _limits(law: Law, on: date) -> Iterator[tuple[str, str]]:
    for cap in law.caps:
        if cap.scope in ("ORGANISATION", "APPLICATION") and cap.when.is_empty:
            yield _cap_words(cap), _whole(cap.amount.on(on), law)
    if law.target:
        measure = law.target.measure
        yield _("Earns the whole award"), figure_words(law.target.full, measure)
        yield _("The least that earns anything"), figure_words(law.target.least, measure)
    if law.floor:
        yield _("Counts from a fee of"), _whole(law.floor.base_min.on(on), law)
    for route in law.routes:
        if not route.open or route.open.last is None or route.open.last >= on:
            yield (
                in_language(route.title_en, route.title_zh),
                _("up to %(hours)s, for %(months)s months")
                % {"hours": _whole(route.hours_max, law), "months": route.months},
            )
    if law.allocation is not None:
        yield _("Decided together, after the round closes"), method_words(law.allocation.method)
        return
    first = law.approval.tiers[0]
    if first.people == 0 and first.up_to:
        yield _("Decided at once, up to"), _whole(first.up_to, law)


def _cap_words(cap: Cap) -> str:
    if cap.scope == "APPLICATION":
        return _("At most, for one application")
    words = {
        "CALENDAR_YEAR": _("At most, for an organisation in a year"),
        "FISCAL_YEAR": _("At most, for an organisation in a fiscal year"),
        "ROLLING": _("At most, for an organisation in %(years)s years")
        % {"years": cap.rolling_years},
        "ROUND": _("At most, for an organisation in a round"),
        "LIFETIME": _("At most, for an organisation in all"),
    }
    return words[cap.period]


def _whole(amount: Decimal, law: Law) -> str:
    return money(minor(amount, law.unit), law.unit)


def _round_shown(one: Round, law: Law) -> dict[str, Any]:
    return {
        "title": one.programme.title_here,
        "authority": one.programme.authority.name_here,
        "programme_code": one.programme.code,
        "code": one.code,
        "closes_on": one.closes_on,
        "rows": law_rows(law, one.opens_on) + lot_rows(one, None),
    }


def _own_applications(person: User) -> list[dict[str, Any]]:
    found = queries.applications_visible_to(person).filter(
        organisation__in=organisations_of(person, Role.APPLICANT)
    )
    return [
        {
            "reference": one.reference,
            "title": one.answers.get("project_title") or one.round.programme.title_here,
            "programme": one.round.programme.title_here,
            "tag": statuses.APPLICATION[one.status],
            "is_draft": one.status == "DRAFT",
            "saved_at": one.saved_at,
            "sent_at": one.sent_at,
            "zone": one.round.programme.zone,
        }
        for one in found
    ]


def _answer_shown(one: Round, law: Law, given: dict[str, Any], now: datetime) -> dict[str, Any]:
    facts = eligibility.ApplicantFacts(
        organisation_kind=given["kind"],
        region="" if given["region"] == ELSEWHERE else given["region"],
        applied_on=day_of(now, one.programme.zone),
        is_registered_business=given["is_registered_business"],
        employees=given["employees"],
        other_public_money=given["other_public_money"],
        provider_related=False,
        provider_listed=True,
    )
    answer = eligibility.answer(facts, law)
    # What nobody was asked here is asked in the application; it bars nobody yet.
    told = [one for one in answer.reasons if one.code not in {"FACT_MISSING", "ALL_MET"}]
    return {
        "title": one.programme.title_here,
        "may_apply": answer.outcome != "FAIL",
        "reasons": [
            {"text": in_language(reason.en, reason.zh), "clause": reason.clause}
            for reason in told
        ],
        "programme_code": one.programme.code,
        "code": one.code,
        "closes": day(one.closes_on),
    }
