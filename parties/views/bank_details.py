"""Where an organisation is paid: proposed, approved by a second person, or stopped."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.days import day_of
from common.errors import NotFound
from common.formatting import day_text
from common.forms import KeyedForm, answer_form
from parties import actions, queries
from parties.authentication import signed_in
from parties.dealings import organisations_before
from parties.forms import BankDetailForm, StopForm
from parties.models import BankDetail
from parties.roles import Role
from parties.views.shown import bank_detail_facts, details_waiting_for, organisation_of


@login_required
@require_http_methods(["GET", "POST"])
def bank_detail_new(request: HttpRequest, code: str) -> HttpResponse:
    """Propose where an organisation is to be paid."""
    person = signed_in(request)
    whose = organisation_of(request, code)
    form = BankDetailForm(request.POST if request.method == "POST" else None)

    def propose() -> HttpResponse:
        given = form.cleaned_data
        actions.propose_bank_detail(
            organisation=whose,
            scheme=given["scheme"],
            number=given["number"],
            agent=given["agent"],
            holder=given["holder"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request, _("Sent. Payments go there once a finance officer has approved it.")
        )
        return redirect("organisation")

    context = {
        "title": _("Propose a bank detail"),
        "caption": whose.name_here,
        "back": reverse("organisation"),
        "submit": _("Send for approval"),
        "intro": _(
            "A finance officer checks it. A change is paid %(days)s days after it was approved; "
            "until then payments go where they went before, and you can stop it."
        )
        % {"days": settings.BANK_DETAIL_COOLING_OFF_DAYS},
    }
    return answer_form(request, form, "form_page.html", propose, context)


@login_required
@require_http_methods(["GET", "POST"])
def bank_detail_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a proposed bank detail in force, as a second person."""
    person = signed_in(request)
    detail = next((one for one in details_waiting_for(request) if one.pk == pk), None)
    if detail is None:
        raise NotFound(what=pk)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def approve() -> HttpResponse:
        now = timezone.now()
        approved = actions.approve_bank_detail(
            bank_detail=detail, actor=person, at=now, key=form.act_key
        )
        messages.success(
            request,
            _("Approved. %(organisation)s is paid there from %(from)s.")
            % {
                "organisation": detail.organisation.name_here,
                "from": day_text(day_of(approved.pays_from_at or now)),
            },
        )
        return redirect("organisation")

    before = queries.bank_detail_in_force(detail.organisation, timezone.now())
    context = {
        "title": _("Approve a bank detail"),
        "caption": detail.organisation.name_here,
        "back": reverse("organisation"),
        "submit": _("Approve"),
        "warning": _(
            "The first bank detail of an organisation is paid at once, a change %(days)s days "
            "after it was approved."
        )
        % {"days": settings.BANK_DETAIL_COOLING_OFF_DAYS},
        "rows": [
            *bank_detail_facts(detail),
            {"key": _("Proposed by"), "value": detail.proposed_by.name},
            {
                "key": _("It replaces"),
                "value": f"{before.holder}, {before.number}" if before else _("Nothing"),
            },
        ],
    }
    return answer_form(request, form, "form_page.html", approve, context)


@login_required
@require_http_methods(["GET", "POST"])
def bank_detail_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a bank detail before anything is paid there."""
    person = signed_in(request)
    if queries.has_role(person, Role.FINANCE):
        reached = organisations_before(person, Role.FINANCE)
    else:
        reached = queries.organisations_of(person)
    found = BankDetail.objects.filter(pk=pk, organisation__in=reached)
    detail = found.select_related("organisation").first()
    if detail is None:
        raise NotFound(what=pk)
    form = StopForm(request.POST if request.method == "POST" else None)

    def stop() -> HttpResponse:
        actions.stop_bank_detail(
            bank_detail=detail,
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Stopped. Payments go where they went before."))
        return redirect("organisation")

    context = {
        "title": _("Stop a bank detail"),
        "caption": detail.organisation.name_here,
        "back": reverse("organisation"),
        "submit": _("Stop it"),
        "submit_kind": "warning",
        "rows": bank_detail_facts(detail),
    }
    return answer_form(request, form, "form_page.html", stop, context)
