"""A person at the portal's pages: opens one, and sends its form as a browser does."""

import contextlib
import http.client
import re
from collections.abc import Iterator
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from bench.chaos.trade.answers import Contradiction, Lost

_ERRORS = re.compile(rb'class="govuk-error-summary.*?</ul>', re.S)
_TOKEN = re.compile(r"\bcsrftoken=(\w+)")


class Visit:
    """One signed-in session of a person."""

    def __init__(self, host: str, session: str) -> None:
        self._host, self._session = host, session
        self._token = ""

    def open(self, path: str) -> bytes:
        """Return what a page shows, or the file that it gives.

        :raises Lost: if the portal is not there, or breaks off.
        :raises Contradiction: if the person is not shown it.
        """
        with self._asked("GET", path) as answer:
            data = answer.read()
            cookies = " ".join(answer.headers.get_all("Set-Cookie") or [])
        if answer.status != 200:
            raise Contradiction(f"{path} was answered {answer.status}")
        found = _TOKEN.search(cookies)
        self._token = found[1] if found else self._token
        return data

    def send(self, path: str, typed: dict[str, Any], *, is_cut: bool) -> str:
        """Send the form of a page, bytes as files, and return the address that it leads to.

        The line may be cut (`is_cut`) as soon as the form is sent.

        :raises Lost: if nobody knows whether it was done.
        :raises Contradiction: if the form is shown again, with what is wrong.
        """
        fields = {name: _field(name, value) for name, value in typed.items()}
        body = encode_multipart(BOUNDARY, {**fields, "csrfmiddlewaretoken": self._token})
        with self._asked("POST", path, body) as answer:
            if is_cut:
                raise Lost
            data = answer.read()
        if answer.status != 302:
            wrong = _ERRORS.search(data)
            words = re.sub(rb"<[^>]+>|\s+", b" ", wrong[0] if wrong else data[:300]).decode()
            raise Contradiction(f"{path} was answered {answer.status} {words}")
        return str(answer.headers["Location"])

    @contextlib.contextmanager
    def _asked(
        self, method: str, path: str, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask the portal for something; what breaks on the way is lost."""
        session = http.client.HTTPConnection(self._host, timeout=20)
        cookies = f"sessionid={self._session}; csrftoken={self._token}"
        headers = {"Cookie": cookies, "Origin": f"http://{self._host}"}
        if body is not None:
            headers["Content-Type"] = MULTIPART_CONTENT
        try:
            session.request(method, path, body, headers)
            answer = session.getresponse()
            if answer.status >= 500:
                raise Lost
            yield answer
        except (OSError, http.client.HTTPException) as error:
            raise Lost from error
        finally:
            session.close()


def shown_fields(page: bytes) -> dict[str, str]:
    """Return what a page's form says by itself, and a word for each reason that it asks for."""
    seen = re.search(rb'name="seen" value="(\w+)"', page)
    reasons = re.findall(rb'name="(reason_\d+)"', page)
    fields = {one.decode(): "The same work again" for one in reasons}
    return {**fields, "seen": seen[1].decode()} if seen else fields


def _field(name: str, value: Any) -> Any:
    return SimpleUploadedFile(f"{name}.xml", value) if isinstance(value, bytes) else value
