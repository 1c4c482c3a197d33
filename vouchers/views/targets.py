"""Pages of targets: what was assessed and what it earns, recording it, and a provider's own."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import NotFound
from common.formatting import day, instant, money
from common.forms import answer_form
from common.languages import in_language
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role, require_role
from parties.roles import Role
from policy.targets import earned, figure_words
from vouchers import actions, queries
from vouchers.forms.targets import AssessmentForm
from vouchers.models import Assessment, Programme, Voucher
from vouchers.views.decisions_shown import working_lines


def target_shown(found: Voucher, person: User) -> dict[str, Any]:
    """Return a target with its sides, its assessments, and what the newest earns."""
    law = queries.law_of_voucher(found)
    rule, supply = law.target, queries.supply_side(found)
    assert rule is not None, "a programme of targets has one"
    newest = queries.newest_assessment(found)
    pays_supply = law.payee == "PROVIDER"
    payee = supply.organisation if pays_supply and supply else found.organisation
    role = Role.PROVIDER if pays_supply else Role.APPLICANT
    is_active = found.status == Voucher.Status.ACTIVE
    rows = [
        {"key": _("What is measured"), "value": in_language(rule.name_en, rule.name_zh)},
        {"key": _("Earns the whole award"), "value": figure_words(rule.full, rule.measure)},
        {
            "key": _("The least that earns anything"),
            "value": figure_words(rule.least, rule.measure),
        },
        {"key": _("Supply side"), "value": supply.organisation.name_here if supply else "–"},
        {"key": _("Demand side"), "value": found.organisation.name_here},
        {"key": _("Paid, and nobody else"), "value": payee.name_here},
    ]
    return {
        "rows": rows,
        "working": working_lines(_working(found, newest)),
        "columns": [
            _("Assessed on"),
            _("By"),
            {"label": _("Found"), "numeric": True},
            _("Evidence"),
            _("Recorded"),
        ],
        "assessments": [
            _assessment_row(one, rule.measure, found.programme.zone)
            for one in queries.assessments_of(found)
        ],
        "can_claim": is_active
        and newest is not None
        and has_role(person, role, organisation=payee),
    }


def _working(found: Voucher, newest: Assessment | None) -> list[dict[str, str]]:
    if newest is None:
        return []
    _amount, lines = earned(found.amount, newest.figure, queries.law_of_voucher(found))
    return [line.to_dict() for line in lines]


def _assessment_row(one: Assessment, measure: str, zone: str) -> list[Any]:
    return [
        day(one.assessed_on),
        one.assessor,
        figure_words(one.figure, measure),
        one.evidence,
        format_html("{}, {}", instant(one.recorded_at, zone), one.recorded_by.name),
    ]


@login_required
@require_http_methods(["GET", "POST"])
def assessment_new(request: HttpRequest, code: str) -> HttpResponse:
    """Record what a third party found of a target."""
    person = signed_in(request)
    found = queries.voucher_of(person, code)
    programme = found.programme
    is_officer = has_role(
        person, Role.OFFICER, organisation=programme.authority, programme_code=programme.code
    )
    rule = queries.law_of_voucher(found).target
    if not is_officer or programme.mode != Programme.Mode.M7 or rule is None:
        raise NotFound(what=code)
    form = AssessmentForm(
        request.POST if request.method == "POST" else None, measure=rule.measure
    )

    def record() -> HttpResponse:
        given = form.cleaned_data
        actions.record_assessment(
            voucher=found,
            assessor=given["assessor"],
            figure=given["figure"],
            evidence=given["evidence"],
            assessed_on=given["assessed_on"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Recorded. Both sides of the target are told."))
        return redirect("voucher", code)

    context = {
        "title": _("Record an assessment"),
        "caption": _("Voucher %(code)s, %(programme)s")
        % {"code": code, "programme": programme.title_here},
        "back": reverse("voucher", args=[code]),
        "submit": _("Record it"),
        "intro": _(
            "The newest assessment counts. A wrong one stays in the record, and is followed by "
            "another."
        ),
        "rows": target_shown(found, person)["rows"],
    }
    return answer_form(request, form, "form_page.html", record, context)


@login_required
@require_GET
def targets(request: HttpRequest) -> HttpResponse:
    """List the targets that name a person's provider."""
    person = signed_in(request)
    require_role(person, Role.PROVIDER)
    context = {
        "columns": [
            _("Target"),
            _("Demand side"),
            _("Programme"),
            {"label": _("Award"), "numeric": True},
            {"label": _("Assessed"), "numeric": True},
            _("Who is paid"),
        ],
        "rows": [_target_row(one) for one in queries.targets_supplied_by(person)],
    }
    return render(request, "vouchers/targets.html", context)


def _target_row(one: Voucher) -> list[Any]:
    law, newest = queries.law_of_voucher(one), queries.newest_assessment(one)
    assert law.target is not None
    pays_supply = law.payee == "PROVIDER"
    can_claim = pays_supply and newest is not None
    url = {"url": reverse("target_claim", args=[one.code])} if can_claim else {}
    return [
        {"text": one.code, **url},
        one.organisation.name_here,
        one.programme.title_here,
        money(one.amount, one.unit),
        figure_words(newest.figure, law.target.measure) if newest else _("Not yet"),
        _("You, as the supply side") if pays_supply else _("The demand side"),
    ]
