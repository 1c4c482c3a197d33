"""A register that answers by HTTP: one GET, one JSON object, and nothing believed unread."""

import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.utils.translation import gettext_lazy as _

from parties.kinds import Register
from parties.registers.facts import Facts, Identifier, Place, a_name, an_object, facts_from
from parties.registers.facts import identifier as read_identifier
from parties.registers.failures import RegisterDown
from parties.registers.files import json_of

ANSWER_BYTES_MAX = 1024 * 1024
_CHUNK = 64 * 1024
_FIELDS = frozenset({"source", "organisation", "facts"})


def look_up(
    url: str, register: Register, whose: Identifier, timeout: int
) -> tuple[str, Facts] | None:
    """Ask a register of an organisation; return its source and facts, None where it has none.

    Never called inside a transaction: a slow register would hold its locks.

    :param timeout: seconds for each step, and twice as many for the whole answer.
    :raises RegisterDown: if its address is neither HTTPS nor this machine's, or if it can't be
        reached, redirects, errs or is too slow.
    :raises RegisterAnswerInvalid: naming the first place that can't be read, and its fix.
    """
    content = _get(_address(url, register, whose), register, timeout)
    if content is None:
        return None
    place = Place(register, "answer")
    values = an_object(json_of(content, place), place, _FIELDS)
    source = a_name(values.get("source"), place.at("source"))
    about = read_identifier(values.get("organisation"), place.at("organisation"))
    if about != whose:
        fix = _("Answer about the organisation that was asked for, or with status 404.")
        raise place.at("organisation").wrong(str(about), fix)
    return source, facts_from(register, values.get("facts"))


def _address(url: str, register: Register, whose: Identifier) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise RegisterDown(register, _("its address can't be read")) from None
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise RegisterDown(register, _("its address is neither https nor on this machine"))
    asked = urlencode({"scheme": whose.scheme, "identifier": whose.number})
    return f"{url}{'&' if parts.query else '?'}{asked}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A register that sends us elsewhere is not the one that was configured."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        """Follow nothing: the redirect is an error like any other status."""


# No proxy of the environment: what is asked of whom stays between the two.
_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _get(address: str, register: Register, timeout: int) -> bytes | None:
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked above
        address, headers={"Accept": "application/json", "User-Agent": "Tessera"}
    )
    try:
        with _OPENER.open(request, timeout=timeout) as answer:
            if answer.status != 200:
                raise RegisterDown(register, f"HTTP {answer.status}")
            return _read(answer, register, timeout)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                return None
            raise RegisterDown(register, f"HTTP {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise RegisterDown(register, reason) from error


def _read(answer: HTTPResponse, register: Register, timeout: int) -> bytes:
    """Read an answer whole, but no more of it and no longer than an honest one takes."""
    read, until = bytearray(), monotonic() + 2 * timeout
    while chunk := answer.read1(_CHUNK):
        read += chunk
        if len(read) > ANSWER_BYTES_MAX:
            fix = _("Keep an answer below 1 MB.")
            raise Place(register, "answer").wrong(f"> {ANSWER_BYTES_MAX}", fix)
        if monotonic() > until:
            raise RegisterDown(register, _("it took too long"))
    if answer.length:
        raise RegisterDown(register, _("it broke off"))
    return bytes(read)
