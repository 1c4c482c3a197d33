"""Pages of an organisation, of the person who is signed in, and of who is one person."""

from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.days import day_of
from common.errors import NotFound
from common.formatting import day_text, instant
from common.forms import KeyedForm, answer_form, remember_language
from parties import actions, queries, statuses
from parties.authentication import signed_in
from parties.dealings import organisations_before
from parties.forms import (
    BankDetailForm,
    InviteForm,
    JoinForm,
    PeopleFilter,
    ProfileForm,
    ReasonForm,
    StopForm,
)
from parties.models import BankDetail, Membership, Organisation, User
from parties.roles import OrganisationKind, Role
from parties.told import registers_told

PEOPLE_A_PAGE = 50
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
        "rows": [_waiting_row(detail) for detail in _waiting_for(request)],
    }
    context = {
        "organisations": shown,
        "waiting": waiting,
        "is_finance": queries.has_role(person, Role.FINANCE),
    }
    return render(request, "parties/organisation.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def bank_detail_new(request: HttpRequest, code: str) -> HttpResponse:
    """Propose where an organisation is to be paid."""
    person = signed_in(request)
    whose = _organisation_of(request, code)
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
        "caption": whose.name,
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
    detail = next((one for one in _waiting_for(request) if one.pk == pk), None)
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
                "organisation": detail.organisation.name,
                "from": day_text(day_of(approved.pays_from_at or now)),
            },
        )
        return redirect("organisation")

    before = queries.bank_detail_in_force(detail.organisation, timezone.now())
    context = {
        "title": _("Approve a bank detail"),
        "caption": detail.organisation.name,
        "back": reverse("organisation"),
        "submit": _("Approve"),
        "warning": _(
            "The first bank detail of an organisation is paid at once, a change %(days)s days "
            "after it was approved."
        )
        % {"days": settings.BANK_DETAIL_COOLING_OFF_DAYS},
        "rows": [
            *_facts(detail),
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
        "caption": detail.organisation.name,
        "back": reverse("organisation"),
        "submit": _("Stop it"),
        "submit_kind": "warning",
        "rows": _facts(detail),
    }
    return answer_form(request, form, "form_page.html", stop, context)


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Let a person change their name and the language they are written to in."""
    person = signed_in(request)
    form = ProfileForm(
        request.POST if request.method == "POST" else None,
        initial={"name": person.name, "language": person.language},
    )

    def change() -> HttpResponse:
        given = form.cleaned_data
        actions.change_profile(user=person, name=given["name"], language=given["language"])
        messages.success(request, _("Your profile is changed."))
        return remember_language(redirect("profile"), given["language"])

    rows = [{"key": _("E-mail"), "value": person.email}]
    return answer_form(request, form, "parties/profile.html", change, {"rows": rows})


@login_required
@require_http_methods(["GET", "POST"])
def colleague_invite(request: HttpRequest, code: str) -> HttpResponse:
    """Let a colleague act for the organisation too."""
    person = signed_in(request)
    found = _organisation_of(request, code)
    form = InviteForm(
        request.POST if request.method == "POST" else None,
        initial={"language": person.language},
    )

    def invite() -> HttpResponse:
        given = form.cleaned_data
        actions.invite_colleague(
            organisation=found,
            email=given["email"],
            name=given["name"],
            language=given["language"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request, _("%(name)s acts for it too now, and is told.") % {"name": given["name"]}
        )
        return redirect("organisation")

    context = {
        "title": _("Invite a colleague"),
        "caption": found.name,
        "back": reverse("organisation"),
        "submit": _("Invite"),
        "intro": _("Your colleague can do all that you can do for this organisation."),
    }
    return answer_form(request, form, "form_page.html", invite, context)


@login_required
@require_http_methods(["GET", "POST"])
def colleague_remove(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """End that a colleague acts for the organisation."""
    person = signed_in(request)
    found = _organisation_of(request, code)
    membership = (
        Membership.objects.filter(organisation=found, pk=number)
        .select_related("user", "organisation")
        .first()
    )
    if membership is None:
        raise NotFound(what=str(number))
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def remove() -> HttpResponse:
        actions.remove_colleague(
            membership=membership, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(
            request,
            _("%(name)s no longer acts for it.") % {"name": membership.user.name},
        )
        return redirect("organisation")

    context = {
        "title": _("Remove this colleague"),
        "caption": f"{membership.user.name}, {found.name}",
        "back": reverse("organisation"),
        "submit": _("Remove"),
        "submit_kind": "warning",
        "intro": _("What your colleague did stays as it is."),
    }
    return answer_form(request, form, "form_page.html", remove, context)


def _organisation_of(request: HttpRequest, code: str) -> Organisation:
    for one in queries.organisations_of(signed_in(request)):
        if one.code == code:
            return one
    raise NotFound(what=code)


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
        "name": one.name,
        "facts": facts,
        "registers": registers_told(one, now),
        "members": {
            "caption": _("People of %(organisation)s") % {"organisation": one.name},
            "columns": [_("Name"), _("E-mail"), _("Role"), _("Change")],
            "rows": [_member_row(one, member) for member in memberships],
        },
        "bank_details": [
            {
                "detail": detail,
                "facts": _facts(detail),
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


def _facts(detail: BankDetail) -> list[dict[str, object]]:
    facts: list[dict[str, object]] = [
        {"key": _("Name on the bank account"), "value": detail.holder},
        {"key": BankDetail.Scheme(detail.scheme).label, "value": detail.number},
        {"key": "BIC", "value": detail.agent},
    ]
    if detail.pays_from_at:
        facts.append({"key": _("Paid from"), "value": instant(detail.pays_from_at)})
    if detail.pays_until_at:
        facts.append({"key": _("Paid until"), "value": instant(detail.pays_until_at)})
    return facts


def _waiting_for(request: HttpRequest) -> list[BankDetail]:
    """Return the proposals that the person, as a finance officer, may look at; oldest first."""
    before = organisations_before(signed_in(request), Role.FINANCE)
    return list(queries.bank_details_waiting().filter(organisation__in=before))


def _waiting_row(detail: BankDetail) -> list[object]:
    return [
        {
            "text": detail.organisation.name,
            "url": reverse("bank_detail_approve", args=[detail.pk]),
        },
        detail.holder,
        detail.number,
        detail.proposed_by.name,
    ]


# --- who is one person -----------------------------------------------------------------------


@login_required
@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Search the sign-in accounts; each shows which others are the same person's."""
    queries.require_role(signed_in(request), Role.ADMIN)
    form = PeopleFilter(request.GET)
    words = form.cleaned_data["words"].strip() if form.is_valid() else ""
    found = queries.accounts_found(words).prefetch_related("person__accounts")
    page = Paginator(found, PEOPLE_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "list": {
            "caption": _("People"),
            "columns": [_("E-mail"), _("Name"), _("Other accounts of this person")],
            "rows": [_account_row(account) for account in page],
        },
        "page": page,
        "query": urlencode({"words": words}) if words else "",
    }
    return render(request, "parties/people.html", context)


@login_required
@require_GET
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the accounts of the person behind one, and how they came together."""
    queries.require_role(signed_in(request), Role.ADMIN)
    account = _account(pk)
    fellows = list(queries.accounts_of(account.person_id))
    context = {
        "account": account,
        "accounts": {
            "caption": _("Accounts of this person"),
            "columns": [_("E-mail"), _("Name"), _("Since")],
            "rows": [
                [
                    {"text": one.email, "url": reverse("person", args=[one.pk])},
                    one.name,
                    instant(one.joined_at),
                ]
                for one in fellows
            ],
        },
        "changes": {
            "caption": _("Joined and parted"),
            "columns": [_("When"), _("E-mail"), _("What"), _("Why"), _("By")],
            "rows": _changes(account),
        },
        "may_part": len(fellows) > 1,
    }
    return render(request, "parties/person.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def accounts_join(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that another account is the same person's."""
    actor = signed_in(request)
    queries.require_role(actor, Role.ADMIN)
    account = _account(pk)
    form = JoinForm(request.POST if request.method == "POST" else None)

    def join() -> HttpResponse:
        other = queries.account_at(form.cleaned_data["email"])
        if other is None:
            form.add_error("email", _("Nobody signs in with this address. Correct it."))
            return render(request, "form_page.html", {"form": form, **context})
        actions.join_accounts(
            user=account,
            other=other,
            reason=form.cleaned_data["reason"],
            actor=actor,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Joined. They count as one person from now on."))
        return redirect("person", pk)

    context = {
        "title": _("Join another account to this person"),
        "caption": account.email,
        "back": reverse("person", args=[pk]),
        "submit": _("Join the accounts"),
        "intro": _(
            "Where two people are asked for, the two accounts are then one person’s, also where "
            "one of them has done the first step. Both go on signing in as before."
        ),
    }
    return answer_form(request, form, "form_page.html", join, context)


@login_required
@require_http_methods(["GET", "POST"])
def accounts_part(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that an account is another person's than its fellows."""
    actor = signed_in(request)
    queries.require_role(actor, Role.ADMIN)
    account = _account(pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def part() -> HttpResponse:
        actions.part_accounts(
            user=account,
            reason=form.cleaned_data["reason"],
            actor=actor,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Parted. The account is a person of its own from now on."))
        return redirect("person", pk)

    context = {
        "title": _("Part this account from its person"),
        "caption": account.email,
        "back": reverse("person", args=[pk]),
        "submit": _("Part the account"),
        "warning": _("From now on it may do the second step where its fellows did the first."),
    }
    return answer_form(request, form, "form_page.html", part, context)


def _account(pk: int) -> User:
    try:
        return User.objects.get(pk=pk)
    except User.DoesNotExist as error:
        raise NotFound(what=pk) from error


def _account_row(account: User) -> list[object]:
    others = [one.email for one in account.person.accounts.all() if one.pk != account.pk]
    url = reverse("person", args=[account.pk])
    return [{"text": account.email, "url": url}, account.name, ", ".join(sorted(others))]


def _changes(account: User) -> list[list[object]]:
    found = list(queries.person_changes_of(account.person_id))
    who = queries.names_of(change.act.actor for change in found)
    return [
        [
            instant(change.at),
            change.user.email,
            _("Came") if change.person_id == account.person_id else _("Went"),
            change.act.reason,
            who[change.act.actor],
        ]
        for change in found
    ]
