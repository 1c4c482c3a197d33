"""A provider's programs are told what was done: signed, once taken, again until then."""

import json
import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from standardwebhooks import Webhook, WebhookVerificationError

from billing import actions as billing
from billing.models import Bill
from billing.queries import BillLineInput
from ledger.actions import SYSTEM
from notices import actions, webhooks
from notices.actions.events import WAITS
from notices.events import EVENTS_OF
from notices.models import Message, WebhookAttempt, WebhookMessage
from parties.queries import NotAllowed
from providers import actions as providers
from providers.api.reference import described_api
from providers.kinds import EVENTS
from providers.models import WebhookEndpoint
from providers.queries import secret_of, secrets_of
from tests import cast
from tests.billing import stage
from tests.cast import M3, NOON, a_hold, a_key, a_person, make_provider, make_scene
from tests.doors.pages import key_on, send, words
from tests.notices.receiver import listening
from vouchers import actions as vouchers

LATER = NOON + timedelta(days=1)


@pytest.fixture(autouse=True)
def to_loopback(settings):
    settings.WEBHOOKS_TO_LOOPBACK = True


@pytest.fixture
def scene(db):
    return make_scene(M3)


@pytest.fixture
def receiver():
    with listening() as one:
        yield one


def add(scene, url, *, seller=None, **more):
    seller = seller or scene.seller
    return providers.add_webhook(
        provider=seller.provider, url=url, actor=seller.person, at=NOON, key=a_key(), **more
    )


def sweep(at=LATER):
    actions.write_letters(at=at)
    for message in WebhookMessage.objects.all():
        keeps_its_description(message)
    return actions.deliver_events(at=at)


def keeps_its_description(message):
    """What is sent has the shape that the API's description gives events of its type."""
    described = described_api()
    body = described["webhooks"][message.type]["post"]["requestBody"]
    shape = {
        **body["content"]["application/json"]["schema"],
        "components": described["components"],
    }
    OAS31Validator(shape, format_checker=oas31_format_checker).validate(
        json.loads(message.body)
    )


# --- what is told ----------------------------------------------------------------------------


def test_an_order_is_told_once_signed_with_the_secret_that_was_shown(scene, receiver):
    _endpoint, secret = add(scene, receiver.url)
    order = a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")
    now = datetime.now(UTC)

    assert sweep(now) == 1
    assert sweep(now) == 0

    (received,) = receiver.received
    told = Webhook(secret).verify(received.body, received.headers)
    assert told == {
        "type": "order.placed",
        "timestamp": order.placed_at.isoformat(),
        "data": {
            "order": order.code,
            "offer": scene.seller.offer.code,
            "reference": order.provider_reference,
            "programme": M3,
            "unit": "CNY",
            "hours": "100",
            "held": 1_500_00,
            "order_status": "OPEN",
            "accept_by": None,
        },
    }
    message = WebhookMessage.objects.get()
    assert received.headers["webhook-id"] == message.number
    assert received.headers["content-type"] == "application/json"
    assert (message.taken_at, message.next_attempt_at) == (now, None)


def test_a_changed_body_or_another_secret_is_noticed(scene, receiver):
    _endpoint, secret = add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    sweep(datetime.now(UTC))
    (received,) = receiver.received

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(received.body.replace("CNY", "USD"), received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of("another")).verify(received.body, received.headers)


def test_a_life_of_an_order_is_told_in_order(scene, receiver):
    add(scene, receiver.url)
    order = a_hold(scene.voucher, scene.applicant, scene.seller)
    vouchers.release_hold(order=order, actor=scene.applicant.person, at=NOON, key="release")
    providers.suspend_provider(
        provider=scene.seller.provider,
        note="Bills do not match meters.",
        actor=scene.authority.officer,
        at=NOON,
        key="suspend",
    )

    providers.lift_suspension(
        suspension=scene.seller.provider.suspensions.get(),
        note="They match again.",
        actor=scene.authority.officer,
        at=NOON,
        key="lift",
    )

    sweep()

    told = [json.loads(one.body) for one in WebhookMessage.objects.order_by("act_id")]
    assert [one["type"] for one in told] == [
        "order.placed",
        "order.released",
        "provider.suspended",
        "provider.suspension_lifted",
    ]
    assert told[2]["data"] == {
        "provider": scene.seller.organisation.code,
        "from_at": NOON.isoformat(),
        "until_at": None,
        "stops_orders": True,
        "bills_wait": False,
    }


def test_what_a_holder_and_a_provider_do_with_an_order_is_told(scene, receiver):
    add(scene, receiver.url)
    cast.accepts_each(scene.seller)
    holder, seller = scene.applicant.person, scene.seller.person
    first, second, third = (
        a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference=f"r{number}")
        for number in range(3)
    )
    cast.accepted(first, seller)
    cast.declined(second, seller)
    cast.changed(first, holder, "40")
    user = vouchers.name_order_user(
        order=first, name="Ada", login="ada01", actor=holder, at=NOON, key="n"
    )
    vouchers.end_order_user(user=user, actor=holder, at=NOON, key="e")
    cast.cancelled(third, holder)
    stage.use(scene.seller, first, hours=4)
    vouchers.ask_about_use(
        order=first,
        source="slurm",
        name="job-1",
        text="Who ran this?",
        actor=holder,
        at=NOON,
        key="q",
    )

    sweep()

    told = [json.loads(one.body) for one in WebhookMessage.objects.order_by("act_id", "pk")]
    assert [one["type"] for one in told] == [
        *["order.placed"] * 3,
        "order.accepted",
        "order.declined",
        "order.changed",
        *["order.users_changed"] * 2,
        "order.cancelled",
        "usage.recorded",
        "order.asked_about",
    ]
    assert told[0]["data"]["accept_by"] == first.accept_by.isoformat()
    assert (told[5]["data"]["hours"], told[5]["data"]["held"]) == ("40", 600_00)
    assert told[8]["data"]["order_status"] == "CANCELLED"
    assert told[10]["data"] == {
        "order": first.code,
        "source": "slurm",
        "key": "job-1",
        "question": "Who ran this?",
    }


def test_a_settled_bill_is_told_to_the_provider_that_sent_it_alone(scene, receiver):
    add(scene, receiver.url, events=["bill.settled"])
    other = make_provider(scene.authority, "Other Compute")
    add(scene, receiver.url, seller=other)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    bill = billing.submit_bill(
        provider=scene.seller.provider,
        programme=scene.scheme.programme,
        invoice_number="INV-1",
        period_from=datetime(2025, 6, 1, tzinfo=UTC),
        period_until=datetime(2025, 7, 1, tzinfo=UTC),
        lines=[billing_line()],
        actor=scene.seller.person,
        at=LATER,
        key="bill",
    )
    billing.settle_bill(bill=Bill.objects.get(), actor=SYSTEM, at=LATER, key="settle")

    sweep()

    (message,) = WebhookMessage.objects.all()
    assert message.type == "bill.settled"
    assert json.loads(message.body)["data"]["bill"] == bill.number
    assert message.endpoint.provider == scene.seller.provider


def billing_line():
    return BillLineInput(
        source="c", key="job-1", quantity_ms=3_600_000, rate=Decimal("25"), amount=None
    )


def test_what_happened_before_an_address_was_added_is_not_told(scene, receiver):
    a_hold(scene.voucher, scene.applicant, scene.seller)
    providers.add_webhook(
        provider=scene.seller.provider,
        url=receiver.url,
        actor=scene.seller.person,
        at=LATER,
        key="w",
    )

    sweep()

    assert not WebhookMessage.objects.exists()


def test_every_event_that_can_be_chosen_is_made_by_an_act(scene):
    made = {
        cell.cell_contents
        for make in EVENTS_OF.values()
        for cell in make.__closure__ or ()
        if isinstance(cell.cell_contents, str)
    } | {
        "order.asked_about",
        "usage.recorded",
        "provider.suspended",
        "provider.suspension_lifted",
    }

    assert made == set(EVENTS)


# --- again until it is taken -----------------------------------------------------------------


def test_what_is_not_taken_is_sent_again_ten_times_within_three_days(scene, receiver):
    add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    receiver.status, receiver.answer = 503, b"busy"
    at = LATER
    sweep(at)
    for wait in WAITS:
        assert actions.deliver_events(at=at + wait - timedelta(milliseconds=1)) == 0
        at += wait
        actions.deliver_events(at=at)

    attempts = list(WebhookAttempt.objects.order_by("number"))
    assert [one.number for one in attempts] == list(range(1, 11))
    assert {(one.status, one.answer) for one in attempts} == {(503, "busy")}
    assert at - LATER <= timedelta(days=3)
    message = WebhookMessage.objects.get()
    assert (message.next_attempt_at, message.taken_at) == (None, None)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert len({one.body for one in receiver.received}) == 1


def test_a_redirect_is_not_followed(scene, receiver):
    add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    receiver.status, receiver.location = 307, receiver.url

    assert sweep() == 0
    assert len(receiver.received) == 1


def test_an_event_is_sent_once_more_when_its_provider_asks(scene, receiver):
    add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    sweep()
    message = WebhookMessage.objects.get()

    actions.resend_event(message=message, at=LATER)
    with pytest.raises(actions.events.EventUnderway):
        actions.resend_event(message=message, at=LATER)
    sweep()

    assert len(receiver.received) == 2
    assert receiver.received[0].body == receiver.received[1].body


def test_after_days_of_failure_an_address_is_left_alone_and_its_provider_written_to(
    scene, receiver
):
    endpoint, _secret = add(scene, receiver.url)
    receiver.status = 500
    order = None
    for day in (0, 4, 5):
        if order is None:
            order = a_hold(scene.voucher, scene.applicant, scene.seller)
        else:
            vouchers.release_hold(
                order=order, actor=scene.applicant.person, at=NOON, key=f"release-{day}"
            )
            order = None
        sweep(LATER + timedelta(days=day))
        endpoint.refresh_from_db()
        assert endpoint.status == ("ACTIVE" if day < 5 else "DISABLED")

    sent = len(receiver.received)
    sweep(LATER + timedelta(days=6))
    assert len(receiver.received) == sent
    letter = Message.objects.get(subject__startswith="Action needed: events")
    assert letter.user == scene.seller.person
    assert receiver.url in letter.body

    receiver.status = 200
    providers.enable_webhook(
        endpoint=endpoint, actor=scene.seller.person, at=LATER + timedelta(days=6), key="e"
    )
    assert actions.deliver_events(at=LATER + timedelta(days=6)) > 0
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_one_success_forgives_the_failures_before(scene, receiver):
    endpoint, _secret = add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    receiver.status = 500
    sweep()
    endpoint.refresh_from_db()
    assert endpoint.failing_since == LATER

    receiver.status = 200
    actions.deliver_events(at=LATER + timedelta(seconds=5))

    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_a_receiver_that_says_gone_is_left_alone_at_once(scene, receiver):
    endpoint, _secret = add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    receiver.status = 410

    sweep()

    endpoint.refresh_from_db()
    assert endpoint.status == "DISABLED"


def test_events_are_kept_for_thirty_days(scene, receiver):
    add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    sweep()

    assert actions.forget_old_events(at=LATER + timedelta(days=30)) == 0
    assert actions.forget_old_events(at=LATER + timedelta(days=31)) == 1
    assert not WebhookAttempt.objects.exists()


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


# --- pages -----------------------------------------------------------------------------------


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
