"""A real browser at a real portal process, on a copy of the database where a scene is set."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from parties.models import User
from tests import processes
from tests.browser.history import History, make_history
from tests.browser.stage import Stage, a_session_of, set_stage
from tests.browser.visitor import Visitor
from tests.conftest import Database, copied

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Playwright keeps an event loop in this thread; the ORM of the test is still its own.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and nothing else."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or the one that TESSERA_CHROMIUM names."""
    path = os.environ.get("TESSERA_CHROMIUM") or shutil.which("chromium")
    if path is None:
        told = "no Chromium: install `chromium`, or set TESSERA_CHROMIUM to its path"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(f"BROWSER TESTS DID NOT RUN: {told}")
    # Under Playwright's event loop Django keeps other connections than outside of it: those of
    # the other side must not stay open to a database that is to be copied or dropped.
    connections.close_all()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
        connections.close_all()


@pytest.fixture(scope="package")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portal's own folder: its log and its mail."""
    return tmp_path_factory.mktemp("portal")


@pytest.fixture(scope="package")
def database(
    chromium: Browser, template: Database, cluster_owner_url: str, django_db_blocker
) -> Iterator[Database]:
    """One copy of the migrated database for all of this folder, made under the browser's loop."""
    with copied(template, cluster_owner_url, django_db_blocker) as copy:
        yield copy


@pytest.fixture(scope="package")
def stage(database: Database) -> Stage:
    """An authority with three programmes open today, and everybody who plays."""
    return set_stage()


@pytest.fixture(scope="package")
def history(database: Database) -> History:
    """A town with a past, for the pages that show one."""
    return make_history()


@pytest.fixture(scope="package")
def portal(database: Database, stage: Stage, var: Path) -> Iterator[str]:
    """The address of the portal, served as in production."""
    with processes.portal(database.app_url, var) as address:
        yield address


@pytest.fixture
def contexts(chromium: Browser) -> Iterator[list[BrowserContext]]:
    """What this test opened, to be closed after it."""
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


Come = Callable[..., Visitor]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Say what each browser showed when a test failed."""
    report = yield
    if report.when == "call" and report.failed:
        for number, visitor in enumerate(getattr(item, "funcargs", {}).get("visitors", ())):
            shown = visitor.page.inner_text("body")
            report.sections.append((f"browser {number} at {visitor.page.url}", shown[:3000]))
    return report


@pytest.fixture
def visitors() -> list[Visitor]:
    """Everybody who came in this test."""
    return []


@pytest.fixture
def come(
    chromium: Browser, portal: str, contexts: list[BrowserContext], visitors: list[Visitor]
) -> Iterator[Come]:
    """Open a browser of somebody's own; what its console complained of fails the test.

    `person` is signed in already; the journeys sign in by the page.
    """

    def open_browser(
        person: User | None = None, *, language: str = "en", script: bool = True
    ) -> Visitor:
        locale = "zh-CN" if language == "zh-hans" else "en-GB"
        context = chromium.new_context(
            locale=locale, java_script_enabled=script, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        if person is not None:
            context.add_cookies([a_session_of(person, portal)])
        visitor = Visitor(context.new_page(), portal)
        visitors.append(visitor)
        return visitor

    yield open_browser
    complaints = [one for visitor in visitors for one in visitor.complaints]
    assert complaints == []
