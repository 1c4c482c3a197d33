"""Where events are sent: to no private address, with a secret that is shown once."""

import socket
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from notices import webhooks
from notices.models import WebhookAttempt
from parties.queries import NotAllowed
from providers import actions as providers
from providers.models import WebhookEndpoint
from providers.queries import secrets_of
from tests.cast import NOON, a_hold, a_key, a_person
from tests.notices.events.sending import add, sweep

# --- where nothing is sent -------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "ftp://example.org/",
        "https://user:pw@example.org/",
        "https://127.0.0.1/",
        "https://10.0.0.8/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.8]/",
        "https://localhost/",
        "https://db.internal/",
        "https://exa mple.org/",
        "https://example.org:99999/",
        "https://",
        "nonsense",
    ],
)
def test_an_address_that_is_not_public_is_refused_and_nothing_is_added(scene, settings, url):
    settings.WEBHOOKS_TO_LOOPBACK = False

    with pytest.raises(providers.UrlInvalid):
        add(scene, url)
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "127.0.0.1", "169.254.169.254", "::1", "::ffff:192.168.0.1"]
)
def test_a_name_that_leads_to_a_private_address_is_not_sent_to(
    scene, settings, monkeypatch, address
):
    settings.WEBHOOKS_TO_LOOPBACK = False
    add(scene, "https://hooks.example.org/")
    a_hold(scene.voucher, scene.applicant, scene.seller)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_a, **_k: [(family, socket.SOCK_STREAM, 6, "", (address, 443))],
    )

    def connect(*_args, **_more):
        raise AssertionError("a private address was connected to")

    monkeypatch.setattr(socket, "create_connection", connect)

    assert sweep() == 0
    assert WebhookAttempt.objects.get().problem == "private_address"


def test_a_receiver_that_answers_a_byte_at_a_time_is_cut_off(monkeypatch):
    monkeypatch.setattr(webhooks, "DEADLINE_SECONDS", 0.3)
    server = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{server.getsockname()[1]}/"

    sent = webhooks.send(url, {}, "{}")

    server.close()
    assert sent.status is None
    assert sent.problem in ("unreachable", "timeout")
    assert sent.took_ms < 5_000


# --- secrets ---------------------------------------------------------------------------------


def test_the_secret_is_in_no_row_and_shown_once(scene):
    key = a_key()

    def once():
        return providers.add_webhook(
            provider=scene.seller.provider,
            url="https://hooks.example.org/",
            actor=scene.seller.person,
            at=NOON,
            key=key,
        )

    endpoint, secret = once()

    assert once() == (endpoint, "")
    assert secret.startswith("whsec_")
    row = str(list(WebhookEndpoint.objects.values()))
    assert secret not in row
    assert secret.removeprefix("whsec_") not in row
    assert WebhookEndpoint.objects.count() == 1


def test_a_rolled_secret_signs_beside_the_new_one_for_a_day(scene, receiver):
    endpoint, old = add(scene, receiver.url)
    now = datetime.now(UTC)
    a_hold(scene.voucher, scene.applicant, scene.seller)

    rolled, new = providers.roll_webhook(
        endpoint=endpoint, actor=scene.seller.person, at=now, key="roll"
    )
    sweep(now)

    (received,) = receiver.received
    for secret in (old, new):
        assert Webhook(secret).verify(received.body, received.headers)
    assert secrets_of(rolled, now + timedelta(hours=24)) == [new]


def test_strangers_add_roll_and_remove_nothing(scene):
    endpoint, _secret = add(scene, "https://hooks.example.org/")
    stranger = a_person()

    for act in (providers.roll_webhook, providers.enable_webhook, providers.remove_webhook):
        with pytest.raises(NotAllowed):
            act(endpoint=endpoint, actor=stranger, at=NOON, key="x")
    with pytest.raises(NotAllowed):
        providers.add_webhook(
            provider=scene.seller.provider,
            url="https://hooks.example.org/",
            actor=stranger,
            at=NOON,
            key="y",
        )
    assert WebhookEndpoint.objects.get().status == "ACTIVE"


def test_an_eleventh_address_and_an_unknown_event_are_refused(scene):
    for number in range(10):
        add(scene, f"https://hooks.example.org/{number}")

    with pytest.raises(providers.TooManyEndpoints):
        add(scene, "https://hooks.example.org/11")
    with pytest.raises(providers.EventUnknown):
        add(scene, "https://hooks.example.org/11", events=["order.eaten"])
    assert WebhookEndpoint.objects.count() == 10
