"""A provider's programs are told what was done: signed, and in order."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from billing import actions as billing
from billing.models import Bill
from billing.queries import BillLineInput
from ledger.actions import SYSTEM
from notices.events import EVENTS_OF
from notices.models import WebhookMessage
from providers import actions as providers
from providers.kinds import EVENTS
from providers.queries import secret_of
from tests import cast
from tests.billing import stage
from tests.cast import M3, NOON, a_hold, make_provider
from tests.notices.events.sending import LATER, add, sweep
from vouchers import actions as vouchers


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
