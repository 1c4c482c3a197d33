"""A person at a browser, at an instant that the scene was set for."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from parties.models import User
from tests.cast import NOON


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch):
    """The clock of the doors: an hour after the scene was set."""
    at = NOON + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: at)
    return at


@pytest.fixture
def browser(now):
    """Return a browser in which a person, or nobody, is signed in."""

    def open_browser(person: User | None = None) -> Client:
        client = Client()
        if person is not None:
            client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return open_browser
