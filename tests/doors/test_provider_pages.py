"""A provider keeps its offers, prices and keys; a secret is shown once."""

import re

import pytest
from django.urls import reverse

from providers.models import ApiKey, Offer, Price
from tests.cast import an_sme, make_authority, make_provider
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(db):
    return make_provider(make_authority())


OFFER = {
    "title": "A100 on demand",
    "resource": "GPU",
    "resource_class": "a100",
    "is_domestic": "no",
    "region": "CN-5101",
    "service_level": "ON_DEMAND",
    "queue_hours": "2",
    "rate": "12.5",
    "currency": "CNY",
    "step": "publish",
}


@pytest.mark.parametrize("name", ["provider_home", "offers", "offer_new", "api_keys"])
def test_every_page_is_the_providers_own(browser, seller, name):
    address = reverse(name)

    assert browser(seller.person).get(address).status_code == 200
    assert browser(an_sme().person).get(address).status_code == 404
    assert browser().get(address).status_code == 302


def test_an_offer_is_published_once(browser, seller):
    client = browser(seller.person)
    key = key_on(client.get(reverse("offer_new")))

    answers = [client.post(reverse("offer_new"), {**OFFER, "key": key}) for _ in range(2)]

    offer = Offer.objects.get(title="A100 on demand")
    assert {answer.url for answer in answers} == {reverse("offer_price", args=[offer.code])}
    assert offer.resource_class == "A100"
    assert "CNY 12.50" in words(client.get(reverse("offers")))


def test_what_is_missing_in_an_offer_is_asked_for(browser, seller):
    page = send(browser(seller.person), reverse("offer_new"), **{**OFFER, "rate": "cheap"})

    assert "Enter the price of one hour as a number, for example 12.50" in words(page)
    assert 'value="cheap"' in page.content.decode()


def test_a_new_price_follows_the_old_one(browser, seller):
    client = browser(seller.person)
    address = reverse("offer_price", args=[seller.offer.code])

    send(client, address, rate="30", currency="CNY")

    page = words(client.get(address))
    assert "CNY 30.00" in page
    assert "CNY 25.00" in page


def test_a_price_can_not_begin_in_the_past(browser, seller):
    day = {"from_on_day": "1", "from_on_month": "1", "from_on_year": "2025"}

    page = send(
        browser(seller.person),
        reverse("offer_price", args=[seller.offer.code]),
        rate="30",
        currency="CNY",
        **day,
    )

    assert "A price can't begin in the past" in words(page)
    assert Price.objects.count() == 1


def test_a_withdrawn_offer_leaves_the_catalogue(browser, seller):
    client = browser(seller.person)

    send(client, reverse("offer_withdraw", args=[seller.offer.code]))

    assert "H100 by the hour" not in words(client.get(reverse("catalogue")))


def test_the_offer_of_another_provider_is_not_there(browser, seller):
    other = make_provider(make_authority("Other Bureau"), "Other Compute")

    answer = browser(other.person).get(reverse("offer_price", args=[seller.offer.code]))

    assert answer.status_code == 404


def test_a_keys_secret_is_shown_once_and_never_kept(browser, seller):
    client = browser(seller.person)
    key = key_on(client.get(reverse("api_keys")))
    typed = {"name": "billing server", "kind": "LIVE", "use": "KEY", "key": key}

    first = client.post(reverse("api_keys"), typed)
    again = client.post(reverse("api_keys"), typed)

    secret = re.search(r"tess_live_[\w-]+", words(first))
    assert secret is not None
    assert first["Cache-Control"] == "no-store"
    assert secret.group() not in words(again)
    assert "was made already" in words(again)
    assert secret.group() not in words(client.get(reverse("api_keys")))
    assert ApiKey.objects.count() == 1


def test_a_key_is_revoked(browser, seller):
    client = browser(seller.person)
    send(client, reverse("api_keys"), name="billing server", kind="LIVE", use="KEY")
    made = ApiKey.objects.get()

    send(client, reverse("api_key_revoke", args=[made.pk]))

    made.refresh_from_db()
    assert made.revoked_at is not None
    assert "Revoked" in words(client.get(reverse("api_keys")))


def test_changing_the_language_publishes_nothing_and_keeps_what_was_typed(browser, seller):
    client = browser(seller.person)

    page = send(client, reverse("offer_new"), **{**OFFER, "rate": ""}, set_language="zh-hans")

    assert page.status_code == 200
    assert '<html lang="zh-Hans"' in page.content.decode()
    assert 'value="A100 on demand"' in page.content.decode()
    assert "govuk-error-summary" not in page.content.decode()
    assert Offer.objects.count() == 1
