"""A provider's pages of where its events are sent, and what became of each."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from notices import actions
from notices.models import WebhookMessage
from providers.models import WebhookEndpoint
from tests.cast import NOON, a_hold, make_provider
from tests.doors.pages import key_on, send, words
from tests.notices.events.sending import add, sweep


@pytest.fixture
def visitor(scene, settings):
    client = Client()
    client.force_login(scene.seller.person, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def add_on_page(visitor, address):
    path = reverse("webhooks")
    return visitor.post(path, {"url": address, "key": key_on(visitor.get(path))})


def test_the_pages_add_show_and_send_again(scene, visitor, receiver):
    page = add_on_page(visitor, receiver.url)
    assert "whsec_" in words(page)
    assert page["Cache-Control"] == "no-store"
    WebhookEndpoint.objects.update(created_at=NOON)
    order = a_hold(scene.voucher, scene.applicant, scene.seller)
    receiver.status, receiver.answer = 500, b"<b>broken</b>"
    sweep(datetime.now(UTC))

    endpoint, message = WebhookEndpoint.objects.get(), WebhookMessage.objects.get()
    listed = words(visitor.get(reverse("webhook_events", args=[endpoint.pk])))
    assert f"order.placed {order.code}" in listed
    event_url = reverse("webhook_event", args=[endpoint.pk, message.number])
    page = visitor.get(event_url)
    assert "<b>broken</b>" in words(page)
    assert "<b>broken" not in page.content.decode()
    WebhookMessage.objects.update(next_attempt_at=datetime.now(UTC) + timedelta(hours=5))
    receiver.status = 200
    visitor.post(event_url, {"key": key_on(page)})
    assert actions.deliver_events(at=datetime.now(UTC)) == 1
    assert "Taken" in words(visitor.get(event_url))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_pages_speak_both_languages_when_there_is_nothing(scene, visitor, language):
    visitor.cookies["django_language"] = language
    endpoint, _secret = add(scene, "https://hooks.example.org/")

    page = words(visitor.get(reverse("webhook_events", args=[endpoint.pk])))

    assert ("Nothing was sent yet." in page) == (language == "en")


def test_an_address_is_rolled_removed_and_gone(scene, visitor):
    endpoint, secret = add(scene, "https://hooks.example.org/")

    page = words(send(visitor, reverse("webhook_roll", args=[endpoint.pk])))
    send(visitor, reverse("webhook_remove", args=[endpoint.pk]))

    assert "whsec_" in page
    assert secret not in page
    assert visitor.get(reverse("webhook_events", args=[endpoint.pk])).status_code == 404
    assert "No address yet" in words(visitor.get(reverse("webhooks")))


def test_a_private_address_is_told_beside_its_field(visitor, scene, settings):
    settings.WEBHOOKS_TO_LOOPBACK = False

    page = add_on_page(visitor, "https://10.0.0.1/")

    assert "“https://10.0.0.1/” can't be used." in words(page)
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    "name", ["webhook_roll", "webhook_enable", "webhook_remove", "webhook_events"]
)
def test_an_address_of_another_provider_is_not_there(scene, visitor, name):
    other = make_provider(scene.authority, "Other Compute")
    endpoint, _secret = add(scene, "https://hooks.example.org/", seller=other)

    assert visitor.get(reverse(name, args=[endpoint.pk])).status_code == 404
