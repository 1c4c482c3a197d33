"""The page of a person's organisations."""

from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from parties import actions, queries, statuses
from parties.authentication import signed_in
from parties.models import BankDetail, Membership, Organisation
from parties.roles import OrganisationKind, Role
from parties.told import registers_told
from parties.views.shown import bank_detail_facts, details_waiting_for

# The states of a bank detail in which nothing was paid there yet.
STOPPABLE = ("PROPOSED", "COOLING_OFF")


@login_required
@require_GET
def organisation(request: HttpRequest) -> HttpResponse:
    """Show the person's organisations: who is in them, their registers, where they are paid."""
    person = signed_in(request)
    now = timezone.now()
    shown = [_shown(one, now) for one in queries.organisations_of(person)]
    waiting = {
        "caption": _("Bank details waiting for approval"),
        "columns": [_("Organisation"), _("Name on the bank account"), _("Number"), _("By")],
        "rows": [_waiting_row(detail) for detail in details_waiting_for(request)],
    }
    context = {
        "organisations": shown,
        "waiting": waiting,
        "is_finance": queries.has_role(person, Role.FINANCE),
    }
    return render(request, "parties/organisation.html", context)


def _shown(one: Organisation, now: datetime) -> dict[str, object]:
    facts = [
        {"key": _("Name"), "value": one.name},
        {"key": _("Name in Chinese"), "value": one.name_zh},
        {"key": _("Kind"), "value": OrganisationKind(one.kind).label},
        {"key": _("Country"), "value": one.country},
        {"key": _("Region"), "value": one.region},
        {
            "key": Organisation.IdentifierScheme(one.identifier_scheme).label,
            "value": one.identifier,
        },
        {"key": _("Employees"), "value": one.employees},
        {"key": _("Code here"), "value": one.code},
    ]
    details = BankDetail.objects.filter(organisation=one).order_by("-proposed_at")
    memberships = (
        Membership.objects.filter(organisation=one, valid_until_on__isnull=True)
        .select_related("user")
        .order_by("user__name", "role")
    )
    return {
        "code": one.code,
        "name": one.name_here,
        "facts": facts,
        "registers": registers_told(one, now),
        "members": {
            "caption": _("People of %(organisation)s") % {"organisation": one.name_here},
            "columns": [_("Name"), _("E-mail"), _("Role"), _("Change")],
            "rows": [_member_row(one, member) for member in memberships],
        },
        "bank_details": [
            {
                "detail": detail,
                "facts": bank_detail_facts(detail),
                "tag": statuses.BANK_DETAIL[queries.bank_detail_state(detail, now)],
                "can_stop": queries.bank_detail_state(detail, now) in STOPPABLE,
            }
            for detail in details
        ],
        "is_paid": one.kind != OrganisationKind.AUTHORITY,
    }


def _member_row(one: Organisation, member: Membership) -> list[object]:
    way: object = ""
    if member.role == actions.role_of_members(one):
        way = {
            "text": _("Remove %(name)s") % {"name": member.user.name},
            "url": reverse("colleague_remove", args=[one.code, member.pk]),
        }
    return [member.user.name, member.user.email, Role(member.role).label, way]


def _waiting_row(detail: BankDetail) -> list[object]:
    return [
        {
            "text": detail.organisation.name_here,
            "url": reverse("bank_detail_approve", args=[detail.pk]),
        },
        detail.holder,
        detail.number,
        detail.proposed_by.name,
    ]
