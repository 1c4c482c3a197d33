"""The pages that belong to no app: the start, help, what the statuses mean, the demo's people."""

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import defaults
from django.views.decorators.http import require_GET, require_POST

from billing import statuses as billing_statuses
from config.navigation import ways_of
from parties import queries as parties
from parties.models import Membership, User
from parties.roles import Role
from providers import statuses as provider_statuses
from vouchers import queries as vouchers
from vouchers import statuses as voucher_statuses

DEMO_DOMAIN = "@demo.example"
DEMO_PEOPLE = (
    (Role.APPLICANT, 5),
    (Role.OFFICER, 2),
    (Role.PROVIDER, 2),
    (Role.FINANCE, 3),
    (Role.REGULATOR, 1),
    (Role.REVIEWER, 1),
    (Role.INVESTIGATOR, 1),
    (Role.ADMIN, 1),
)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show the public start page, or take a person to the first of their own pages."""
    if request.user.is_authenticated:
        roles = parties.roles_of(request.user)
        if roles:
            return redirect(ways_of(roles)[0].route)
    context = {
        "rounds": vouchers.rounds_open(timezone.now().date()),
        "people": _demo_people() if settings.DEMO else [],
    }
    return render(request, "home.html", context)


def _demo_people() -> list[dict[str, Any]]:
    """Return some of the demo's people for each role, in the order of a voucher's life."""
    memberships = (
        Membership.objects.filter(user__email__endswith=DEMO_DOMAIN, valid_until_on=None)
        .select_related("user", "organisation")
        .order_by("user__pk")
    )
    shown: set[int] = set()
    groups = []
    for role, people_max in DEMO_PEOPLE:
        own = {one.user_id: one for one in memberships if one.role == role}
        chosen = [one for user, one in own.items() if user not in shown][:people_max]
        shown |= {one.user_id for one in chosen}
        groups.append({"title": role.label, "memberships": chosen})
    return groups


@require_POST
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in as one of the demo's people; there is no such door outside the demo."""
    if not settings.DEMO:
        raise Http404
    email = request.POST.get("email", "")
    if not email.isprintable():
        raise Http404
    person = get_object_or_404(User, email=email, email__endswith=DEMO_DOMAIN, is_active=True)
    login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
    return redirect("home")


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """Say how a voucher works, from budget to outcome."""
    return render(request, "help.html")


@require_GET
def accessibility(request: HttpRequest) -> HttpResponse:
    """Say what was done so that everybody can use the portal, and how to tell of a barrier."""
    return render(request, "accessibility.html", {"email": settings.DEFAULT_FROM_EMAIL})


@require_GET
def statuses(request: HttpRequest) -> HttpResponse:
    """Show every status word, what it means and who acts next."""
    return render(
        request,
        "statuses.html",
        {
            "tables": [
                *voucher_statuses.tables(),
                *billing_statuses.tables(),
                *provider_statuses.tables(),
            ]
        },
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what could not be understood; where the database went away, it was not the asker.

    A session that can't be kept because the database is gone is told by Django as if the person
    had asked for something impossible.
    """
    if isinstance(exception, SessionInterrupted) and _is_of_database(exception):
        answer = defaults.server_error(request)
        answer.status_code = 503
        return answer
    return defaults.bad_request(request, exception)


def _is_of_database(exception: BaseException | None) -> bool:
    while exception is not None:
        if isinstance(exception, OperationalError | InterfaceError):
            return True
        exception = exception.__cause__ or exception.__context__
    return False
