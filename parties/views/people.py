"""Who is one person: the sign-in accounts, joined and parted."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import NotFound
from common.formatting import instant
from common.forms import answer_form
from parties import actions, queries
from parties.authentication import signed_in
from parties.forms import JoinForm, PeopleFilter, ReasonForm
from parties.models import User
from parties.roles import Role

PEOPLE_A_PAGE = 50


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
