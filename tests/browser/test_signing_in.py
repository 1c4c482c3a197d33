"""Who signs in is who they say: by password, by a code of their telephone, by their mail."""

import email
import re
import time
from email import policy
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)

from tests import cast
from tests.browser.accessible import problems_of
from tests.browser.stage import PASSWORD, SPOKEN
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.slow

NEW_PASSWORD = "four other plain words"


def code_now(secret: str) -> str:
    """Return what an authenticator shows now."""
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def give_code(visitor: Visitor, secret: str) -> None:
    """Type the code of this half-minute; of the next one where it changed meanwhile."""
    visitor.answer(code=code_now(secret))
    visitor.send()
    if visitor.has_errors:
        visitor.answer(code=code_now(secret))
        visitor.send()


def sign_out(visitor: Visitor) -> None:
    with visitor.page.expect_navigation():
        visitor.page.locator('header form[action="/account/logout/"] button').click()


def link_in(mail: Path, address: str) -> str:
    """Return the link of the newest letter to an address, once it is there."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for file in sorted(mail.glob("*"), key=lambda one: one.stat().st_mtime, reverse=True):
            letter = email.message_from_bytes(file.read_bytes(), policy=policy.default)
            body = letter.get_body(("plain",))
            found = re.search(
                r"http\S+/password/reset/key/\S+", body.get_content() if body else ""
            )
            if letter["To"] == address and found:
                return found.group()
        time.sleep(0.1)
    raise AssertionError(f"no letter with a link to {address}")


def test_once_enrolled_a_person_is_asked_for_the_code(come):
    person = cast.an_sme("Two Steps Ltd", password=PASSWORD).person
    visitor = come()
    visitor.sign_in(person)
    visitor.open("/account/2fa/")
    visitor.follow("/account/2fa/totp/activate/")
    # What changes how a person signs in asks for the password once more.
    visitor.answer(password=PASSWORD)
    visitor.send()
    assert visitor.path == "/account/2fa/totp/activate/"
    assert problems_of(visitor, "en") == []
    secret = visitor.page.locator("main code").inner_text()
    give_code(visitor, secret)
    assert not visitor.has_errors
    sign_out(visitor)

    visitor.sign_in(person)
    assert visitor.path == "/account/2fa/authenticate/"
    assert problems_of(visitor, "en") == []
    visitor.open("/vouchers/")
    assert visitor.path == "/account/2fa/authenticate/"
    visitor.answer(code="000000")
    visitor.send()
    assert visitor.has_errors
    give_code(visitor, secret)
    assert visitor.path == "/apply/"


@pytest.mark.parametrize("language", SPOKEN)
def test_a_link_by_mail_gives_a_new_password_once(come, var: Path, language: str):
    person = cast.an_sme(f"Forgetful {language}", password=PASSWORD).person
    visitor = come(language=language)
    visitor.open("/account/login/")
    visitor.follow("/account/password/reset/")
    visitor.answer(email=person.email)
    visitor.send()
    assert visitor.path == "/account/password/reset/done/"

    link = link_in(var / "mail", person.email)
    visitor.open(link)
    visitor.answer(password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    visitor.send()
    assert visitor.path == "/account/password/reset/key/done/"
    visitor.sign_in(person, NEW_PASSWORD)
    assert visitor.path == "/apply/"

    other = come(language=language)
    other.sign_in(person, PASSWORD)
    assert other.has_errors
    other.open(link)
    assert other.page.locator("main input[type=password]").count() == 0
