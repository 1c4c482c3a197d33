"""The scene for the browser: as the cast sets it, with the days that are open today.

The portal reads the clock, so rounds must be open now; what came before may be of any day.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.test import override_settings

from parties.models import User
from policy.programme import shipped
from tests import cast
from tests.cast import M1, M3, M5, Authority, Scheme, Seller

# The languages of the portal, and how a page names the one that it is in.
SPOKEN = {"en": "en", "zh-hans": "zh-Hans"}
PASSWORD = "three plain words"
PORTAL_KEY = "x" * 50  # as tests.processes tells the portal


@dataclass(frozen=True)
class Stage:
    """An authority, a provider and three programmes with a round that is open today."""

    authority: Authority
    seller: Seller
    m1: Scheme
    m3: Scheme
    m5: Scheme


def set_stage() -> Stage:
    """Return the scene, without a single application."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    cast.a_bank_detail(authority.organisation, authority.finance[1], authority)
    return Stage(
        authority,
        seller,
        a_scheme(authority, M1),
        a_scheme(authority, M3),
        a_scheme(authority, M5),
    )


def a_scheme(authority: Authority, code: str) -> Scheme:
    """Return a programme whose round is open from a month ago until a month from now."""
    opens, closes = month_of(datetime.now(UTC).date())
    return cast.make_programme(
        authority,
        code,
        text=text_for_today(code),
        fiscal_year=opens.year,
        opens_on=opens,
        closes_on=closes,
    )


def month_of(day: date) -> tuple[date, date]:
    """Return the days a month before and after a day."""
    return day - timedelta(days=30), day + timedelta(days=30)


def text_for_today(code: str) -> str:
    """Return a shipped document whose days of application and use contain today."""
    today = datetime.now(UTC).date()
    opens, closes = month_of(today)
    half_a_year = timedelta(days=180)
    return (
        shipped()[code]
        .replace(
            "application = { from = 2026-01-04, until = 2026-01-23 }",
            f"application = {{ from = {opens}, until = {closes} }}",
        )
        .replace(
            "use = { from = 2025-03-01, until = 2025-12-31 }",
            f"use = {{ from = {today - half_a_year}, until = {today + half_a_year} }}",
        )
    )


def a_session_of(person: User, portal: str) -> dict[str, str]:
    """Return the cookie of a session that the portal takes for one of its own."""
    with override_settings(SECRET_KEY=PORTAL_KEY):
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.create()
    return {
        "name": settings.SESSION_COOKIE_NAME,
        "value": session.session_key or "",
        "domain": urlsplit(portal).hostname or "",
        "path": "/",
    }
