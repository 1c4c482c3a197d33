"""An officer publishes an agreement; a provider reads it word for word and accepts it."""

import pytest
from django.urls import reverse

from providers.models import Agreement, AgreementAcceptance
from tests import cast
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db


def publish(browser, authority, **more):
    typed = {
        "authority": authority.organisation.code,
        "title": "Framework agreement",
        "text": "1. Meter every hour.",
        "from_on_day": "2",
        "from_on_month": "6",
        "from_on_year": "2025",
    }
    return send(browser(authority.officer), reverse("agreement_new"), **{**typed, **more})


def test_a_provider_accepts_what_an_officer_published(browser):
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    provider, officer = browser(seller.person), browser(authority.officer)
    assert "You need accept none." in words(provider.get(reverse("agreements")))
    assert "Without one, accreditation alone lets providers sell." in words(
        officer.get(reverse("agreements"))
    )

    publish(browser, authority)
    agreement = Agreement.objects.get()
    url = reverse("agreement", args=[agreement.pk])
    page = provider.get(url)
    assert "1. Meter every hour." in words(page)
    assert agreement.sha256 in words(page)
    typed = {"key": key_on(page), "sha256": agreement.sha256}
    assert "Confirm that you have read the text" in words(provider.post(url, typed))
    provider.post(url, {**typed, "agreed": "on"})

    assert AgreementAcceptance.objects.get().accepted_by == seller.person
    assert "We have read this text" not in words(provider.get(url))
    assert "Accepted" in words(provider.get(reverse("agreements")))
    assert "Acme Compute Framework agreement (1)" in words(officer.get(reverse("agreements")))


def test_what_is_missing_is_asked_for(browser):
    authority = cast.make_authority()

    page = words(publish(browser, authority, text=""))
    assert "Give the agreement a title and a text in at least one language" in page
    page = words(publish(browser, authority, from_on_day="1"))
    assert "A version can't be in force from 1 June 2025, which is over." in page
    assert Agreement.objects.count() == 0


def test_agreements_are_for_providers_and_their_authority(browser):
    authority = cast.make_authority()
    publish(browser, authority)
    url = reverse("agreement", args=[Agreement.objects.get().pk])
    elsewhere = cast.make_authority("Another Bureau")

    for address in (url, reverse("agreements"), reverse("agreement_new")):
        assert browser(cast.an_sme().person).get(address).status_code == 404
        assert browser().get(address).status_code == 302
    assert browser(elsewhere.officer).get(url).status_code == 404
    assert browser(authority.officer).get(url).status_code == 200
    assert browser(authority.officer).post(url, {}).status_code == 404
