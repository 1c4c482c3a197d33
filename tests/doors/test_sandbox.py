"""A provider tries its programs where nothing counts: its own vouchers, its own keys, anew at will."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as told
from django.test import Client
from django.urls import reverse

from config.sandbox import stage
from config.sandbox.tickets import LASTS_SECONDS, Ticket, TicketInvalid, read_ticket, ticket_for
from ledger.models import Transfer
from parties.models import User
from providers.queries import offers_of, provider_of
from tests.cast import a_key, make_authority, make_provider
from tests.doors.pages import key_on, send, words
from vouchers.models import Order, Voucher

pytestmark = pytest.mark.django_db
NUMBERS = iter(range(1, 1000))


@pytest.fixture
def in_sandbox(settings):
    settings.IS_SANDBOX = True


def a_ticket(provider="O-AAAAAA", email="peng@acme.example"):
    number = f"{next(NUMBERS):032d}"
    return Ticket(email, "Peng Wei", "en", provider, "Acme Compute", number)


def entered(ticket=None):
    return stage.enter(ticket=ticket or a_ticket(), at=datetime.now(UTC))


def visitor(person):
    client = Client()
    client.force_login(person, backend=told.AUTHENTICATION_BACKENDS[0])
    return client


def a_test_key(person):
    """Return a test key as a person makes one on the sandbox's page."""
    browser = visitor(person)
    page = browser.get(reverse("api_keys"))
    answer = browser.post(
        reverse("api_keys"),
        {"name": "meter", "kind": "TEST", "use": "KEY", "networks": "", "key": key_on(page)},
    )
    (secret,) = [one for one in words(answer).split() if one.startswith("tess_test_")]
    return secret


def asked(secret, path, content):
    client = Client(headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": a_key()})
    return client.post(f"/api/v1/{path}", content, content_type="application/json")


def redeemed(person, secret, word, hours="10"):
    organisation = provider_of(person).organisation
    offer = offers_of(provider_of(person)).get()
    code = stage.magic_code(word, organisation)
    return asked(
        secret, "redemptions", {"redemption_code": code, "offer": offer.code, "hours": hours}
    )


# --- the way in ------------------------------------------------------------------------------


def test_a_provider_goes_from_its_pages_into_the_sandbox(settings):
    settings.SANDBOX_URL = "http://sandbox.example"
    seller = make_provider(make_authority())
    browser = visitor(seller.person)
    assert "Sandbox: try your programs" in words(browser.get(reverse("provider_home")))

    answer = browser.get(reverse("sandbox"))

    place = urlsplit(answer.headers["Location"])
    assert (answer.status_code, place.netloc, place.path) == (
        302,
        "sandbox.example",
        "/sandbox/enter",
    )
    (text,) = parse_qs(place.query)["ticket"]
    ticket = read_ticket(text)
    assert (ticket.email, ticket.provider) == (seller.person.email, seller.organisation.code)


def test_a_ticket_opens_once_and_shows_what_is_there(in_sandbox):
    text = ticket_for(
        email="peng@acme.example",
        name="Peng Wei",
        language="en",
        provider="O-AAAAAA",
        title="Acme Compute",
    )
    browser, another = Client(), Client()

    answer = browser.get(reverse("sandbox_enter"), {"ticket": text}, follow=True)
    again = another.get(reverse("sandbox_enter"), {"ticket": text})

    page = words(answer)
    assert "This is the sandbox. Every voucher here is for trying" in page
    for word in stage.MAGIC:
        assert f"{word}-" in page
    assert again.status_code == 409
    assert "_auth_user_id" not in another.session


def test_a_ticket_that_is_old_changed_or_anothers_opens_nothing(
    in_sandbox, settings, monkeypatch
):
    text = ticket_for(email="a@b.example", name="A", language="en", provider="O-A", title="A")

    for wrong in (text[:-1] + "x", "", "nonsense"):
        with pytest.raises(TicketInvalid):
            read_ticket(wrong)
    later = datetime.now(UTC).timestamp() + LASTS_SECONDS + 1
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    with pytest.raises(TicketInvalid):
        read_ticket(text)
    monkeypatch.undo()
    settings.SANDBOX_KEY = "another"
    with pytest.raises(TicketInvalid):
        read_ticket(text)
    assert not User.objects.exists()


def test_the_portal_has_no_such_door_and_the_sandbox_no_way_into_itself(settings):
    settings.SANDBOX_URL = ""
    seller = make_provider(make_authority())
    browser = visitor(seller.person)

    assert browser.get(reverse("sandbox")).status_code == 404
    assert browser.post(reverse("sandbox"), {"key": a_key()}).status_code == 404
    assert browser.get(reverse("sandbox_enter"), {"ticket": "x"}).status_code == 404
    assert "Sandbox: try" not in words(browser.get(reverse("provider_home")))


# --- what programs meet there ----------------------------------------------------------------


def test_each_magic_voucher_is_what_it_is_called(in_sandbox):
    person = entered()
    secret = a_test_key(person)

    answers = {word: redeemed(person, secret, word) for word in stage.MAGIC}

    assert {word: one.status_code for word, one in answers.items()} == {
        stage.OK: 201,
        stage.EXPIRED: 409,
        stage.EMPTY: 409,
        stage.SUSPENDED: 409,
    }
    assert {word: one.json().get("code") for word, one in answers.items()} == {
        stage.OK: answers[stage.OK].json()["code"],
        stage.EXPIRED: "voucher_expired",
        stage.EMPTY: "nothing_to_hold",
        stage.SUSPENDED: "voucher_suspended",
    }
    assert answers[stage.OK].json()["held"] == 150_00


def test_two_providers_there_see_nothing_of_each_other(in_sandbox):
    first, second = entered(), entered(a_ticket("O-BBBBBB", "rosa@rival.example"))
    secret, other = a_test_key(first), a_test_key(second)
    order = redeemed(first, secret, stage.OK).json()["code"]

    client = Client(headers={"Authorization": f"Bearer {other}"})

    assert client.get(f"/api/v1/orders/{order}").status_code == 404
    # Only the order that empties the second's own voucher.
    listed = client.get("/api/v1/orders").json()["results"]
    assert [one["reference"] for one in listed] == ["everything"]


def test_colleagues_come_to_the_same_stage(in_sandbox):
    first = entered()
    second = entered(a_ticket(email="rosa@acme.example"))

    assert provider_of(first) == provider_of(second)
    assert Voucher.objects.count() == 4


# --- keys ------------------------------------------------------------------------------------


def test_a_test_key_is_refused_in_the_portal_in_words(settings, in_sandbox):
    person = entered()
    secret = a_test_key(person)
    settings.IS_SANDBOX = False

    answer = redeemed(person, secret, stage.OK)

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["code"] == "test_key_elsewhere"
    assert "works in the sandbox alone" in answer.json()["detail"]
    assert Order.objects.count() == 1


@pytest.mark.parametrize("kind", ["LIVE", "READ"])
def test_a_key_of_the_portal_is_refused_in_the_sandbox_in_words(settings, kind):
    settings.IS_SANDBOX = True
    answer = asked(f"tess_{kind.lower()}_whatever", "usage", {})

    assert answer.status_code == 401
    assert answer.json()["code"] == "live_key_elsewhere"
    assert "that is no test key" in answer.json()["detail"]


def test_each_portal_offers_the_keys_that_work_in_it(settings, in_sandbox):
    person = entered()
    page = visitor(person).get(reverse("api_keys")).content.decode()
    assert ('value="TEST"' in page, 'value="LIVE"' in page) == (True, False)

    settings.IS_SANDBOX = False
    page = visitor(person).get(reverse("api_keys")).content.decode()
    assert ('value="TEST"' in page, 'value="LIVE"' in page) == (False, True)


# --- again -----------------------------------------------------------------------------------


def test_a_reset_gives_everything_anew_and_takes_nothing_away(in_sandbox):
    person = entered()
    colleague = entered(a_ticket(email="rosa@acme.example"))
    secret = a_test_key(person)
    redeemed(person, secret, stage.OK, hours="4000")
    assert redeemed(person, secret, stage.OK).json()["code"] == "order_already_open"
    before = provider_of(person)
    transfers = Transfer.objects.count()

    page = send(visitor(person), reverse("sandbox"))

    assert page.status_code == 302
    after = provider_of(person)
    assert after != before
    assert provider_of(colleague) == after
    assert redeemed(person, a_test_key(person), stage.OK).status_code == 201
    assert Transfer.objects.count() > transfers
    assert Order.objects.filter(offer__provider=before).count() == 2


def test_a_reset_asked_twice_is_done_once(in_sandbox):
    person = entered()
    organisation = provider_of(person).organisation
    at = datetime.now(UTC)

    first, second = (
        stage.reset(organisation=organisation, at=at, key="again") for _turn in range(2)
    )

    assert first == second == provider_of(person).organisation
    assert Voucher.objects.count() == 8
