"""What every page shows around its content: at most five ways to go, for each role."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from parties import queries as parties
from parties.roles import Role


class Way(NamedTuple):
    """One link of the navigation: the name of its route and what it is called."""

    route: str
    label: Any


PUBLIC = (
    Way("eligibility_check", _("Check if you can apply")),
    Way("apply", _("Open rounds")),
    Way("catalogue", _("Catalogue")),
    Way("help", _("How it works")),
)

# In the order in which a person of several roles meets them; the first five are shown.
BY_ROLE: tuple[tuple[Role, tuple[Way, ...]], ...] = (
    (
        Role.APPLICANT,
        (
            Way("apply", _("Applications")),
            Way("vouchers", _("Vouchers")),
            Way("catalogue", _("Catalogue")),
            Way("inbox", _("Messages")),
            Way("organisation", _("Organisation")),
        ),
    ),
    (
        Role.PROVIDER,
        (
            Way("bills", _("Bills")),
            Way("usage", _("Usage")),
            Way("redeem", _("Redeem a code")),
            Way("offers", _("Offers")),
            Way("organisation", _("Organisation")),
        ),
    ),
    (
        Role.OFFICER,
        (
            Way("queue", _("To decide")),
            Way("programmes", _("Programmes")),
            Way("vouchers", _("Vouchers")),
            Way("report", _("Report")),
            Way("inbox", _("Messages")),
        ),
    ),
    (Role.REVIEWER, (Way("reviews", _("To review")), Way("inbox", _("Messages")))),
    (
        Role.FINANCE,
        (
            Way("settle_queue", _("To settle")),
            Way("batches", _("Batches")),
            Way("statements", _("Bank statements")),
            Way("ledger_accounts", _("Ledger")),
            Way("programmes", _("Programmes")),
        ),
    ),
    (
        Role.REGULATOR,
        (
            Way("report", _("Report")),
            Way("usage_months", _("Use by month")),
            Way("ledger_accounts", _("Ledger")),
            Way("programmes", _("Programmes")),
            Way("bills", _("Bills")),
        ),
    ),
    (Role.INVESTIGATOR, (Way("bills", _("Bills")), Way("ledger_accounts", _("Ledger")))),
    (Role.ADMIN, (Way("people", _("People")), Way("organisation", _("Organisation")))),
)
WAYS_MAX = 5


def ways_of(roles: Iterable[str]) -> tuple[Way, ...]:
    """Return the navigation of a person with these roles; of the public where there are none."""
    held = set(roles)
    ways: dict[str, Way] = {}
    for role, own in BY_ROLE:
        if role in held:
            for way in own:
                ways.setdefault(way.route, way)
    return tuple(ways.values())[:WAYS_MAX] or PUBLIC


def portal(request: HttpRequest) -> dict[str, Any]:
    """Give every page its navigation, its languages, and whether this is real."""
    user = getattr(request, "user", None)
    roles = parties.roles_of(user) if user is not None and user.is_authenticated else ()
    navigation = []
    for way in ways_of(roles):
        url = reverse(way.route)
        is_current = request.path == url or (url != "/" and request.path.startswith(url))
        navigation.append({"label": way.label, "url": url, "is_current": is_current})
    return {
        "navigation": navigation,
        "language_choices": [
            {"code": code, "name": name, "is_current": code == get_language()}
            for code, name in settings.LANGUAGES
        ],
        "is_demo": settings.DEMO,
        "is_sandbox": settings.IS_SANDBOX,
        "has_sandbox": settings.IS_SANDBOX or bool(settings.SANDBOX_URL),
    }
