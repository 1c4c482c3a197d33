"""What a person does with a browser: open, type, press, read."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Download, Locator, Page, Response

from parties.models import User
from tests.browser.budget import Spent
from tests.browser.stage import PASSWORD

# The button of a page's own form: not the language switch, not the way out.
SUBMIT = "main form button.govuk-button[type=submit]"


class Visitor:
    """One browser window at the portal. Fields go by name, links by address, never by words."""

    def __init__(self, page: Page, portal: str) -> None:
        self.page = page
        self.portal = portal
        self.complaints: list[str] = []
        self.spent = Spent()
        page.on("console", self._hear)
        page.on("response", self._see)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        is_answer = "the server responded with a status of 4" in message.text
        if message.type in ("error", "warning") and not is_answer:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _see(self, response: Response) -> None:
        request = response.request
        is_page = request.is_navigation_request() and request.frame == self.page.main_frame
        if is_page and response.status == 200:
            self.spent.page(urlsplit(response.url).path)

    # --- going -------------------------------------------------------------------------------

    def open(self, path: str, *, status: int = 200) -> Response:
        """Go to an address, or a path of the portal, and check the answer's status."""
        url = path if path.startswith("http") else f"{self.portal}{path}"
        response = self.page.goto(url)
        assert response is not None
        assert response.status == status, f"{path} answers {response.status}"
        return response

    def come_by(self, link: str) -> None:
        """Follow a link that stands elsewhere, such as in a letter."""
        self.spent.press()
        self.open(link)

    def sign_in(self, person: User, password: str = PASSWORD) -> None:
        """Sign in by the page, as anybody does."""
        self.open("/account/login/")
        self.answer(login=person.email, password=password)
        self.send()

    @property
    def path(self) -> str:
        """Return the path of the page that is shown."""
        return self.page.url.removeprefix(self.portal).partition("?")[0]

    @property
    def last(self) -> str:
        """Return the last part of the address: mostly the code of a thing."""
        return self.path.strip("/").rpartition("/")[2]

    # --- typing and pressing -----------------------------------------------------------------

    def field(self, name: str) -> Locator:
        """Return the boxes of a name on this page's own forms."""
        return self.page.locator(f'main form [name="{name}"]:not([type=hidden])')

    def answer(self, **typed: Any) -> None:
        """Answer questions by the names of their fields."""
        for name, value in typed.items():
            box = self.field(name)
            self.spent.answer(name)
            kind = box.first.evaluate("box => box.type")
            if kind == "radio":
                self.page.check(f'main form [name="{name}"][value="{value}"]', force=True)
            elif kind == "checkbox":
                box.set_checked(bool(value), force=True)
            elif kind == "select-one":
                box.select_option(str(value))
            elif kind == "file":
                box.set_input_files(value)
            else:
                box.fill(str(value))

    def type_through(self, **typed: str) -> None:
        """Click into the first of some boxes, and go on by Tab: type texts, choose radios.

        What is filled in already is passed by; the keyboard costs no click.
        """
        names = list(typed)
        self.field(names[0]).first.click()
        self.spent.answer(names[0])
        self._type_here(typed[names[0]])
        for name in names[1:]:
            self._tab_to(name)
            self.spent.answer(name, is_reached=True)
            self._type_here(typed[name])

    def _here(self) -> tuple[str, str, str]:
        """Return the name, kind and value of what has the focus."""
        found = self.page.evaluate(
            "() => { const here = document.activeElement;"
            " return [here.name || '', here.type || '', here.value || '']; }"
        )
        return found[0], found[1], found[2]

    def _tab_to(self, name: str) -> None:
        for _step in range(20):
            self.page.keyboard.press("Tab")
            if self._here()[0] == name:
                return
        raise AssertionError(f"no Tab leads to {name}")

    def _type_here(self, value: str) -> None:
        _name, kind, _value = self._here()
        if kind != "radio":
            self.page.keyboard.type(value)
            return
        self.page.keyboard.press("Space")
        for _step in range(10):
            if self._here()[2] == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no radio says {value}")

    def answered(self, *names: str) -> dict[str, str]:
        """Return what stands in fields now; of a group the value that is chosen."""
        found = {}
        for name in names:
            box = self.field(name)
            if box.first.evaluate("box => ['radio', 'checkbox'].includes(box.type)"):
                box = self.page.locator(f'main form [name="{name}"]:checked')
                found[name] = box.get_attribute("value") or "" if box.count() else ""
            else:
                found[name] = box.input_value()
        return found

    def send(self, button: str = SUBMIT) -> None:
        """Press a button that sends a form, and wait for the page that answers."""
        self.spent.press()
        with self.page.expect_navigation():
            self.page.locator(button).first.click()

    def send_to(self, action: str) -> None:
        """Press the button of the form that goes to an address."""
        self.send(f'main form[action="{action}"] button')

    def follow(self, href: str) -> None:
        """Follow the first link on the page whose address ends so."""
        self.spent.press()
        with self.page.expect_navigation():
            self.page.locator(f'main a[href$="{href}"]').first.click()

    def fetch(self, href: str) -> bytes:
        """Follow a link that gives a file, and return the file."""
        with self.page.expect_download() as waiting:
            self.page.locator(f'main a[href$="{href}"]').first.click()
        download: Download = waiting.value
        return download.path().read_bytes()

    def switch_language(self) -> str:
        """Press the language switch, and return the language that the page then says it is in."""
        self.spent.press()
        switch = "button[name=set_language], header button[name=language]"
        with self.page.expect_navigation():
            self.page.locator(switch).first.click()
        return self.language

    # --- reading -----------------------------------------------------------------------------

    @property
    def language(self) -> str:
        """Return the language that the page says it is in."""
        return self.page.locator("html").get_attribute("lang") or ""

    @property
    def words(self) -> str:
        """Return what the page says, spaces folded."""
        return " ".join(self.page.locator("main").inner_text().split())

    @property
    def has_errors(self) -> bool:
        """Say whether the page tells of something to put right."""
        return self.page.locator(".govuk-error-summary").count() > 0
