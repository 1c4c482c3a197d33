"""The events that programs are sent, as the API's description tells of them."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, OpenApiWebhook, extend_schema
from rest_framework import serializers

from providers.kinds import EVENTS

AMOUNT_HELP = "Minor units of the currency, or GPU-milliseconds for a unit such as GPU:H100."


class OrderEventData(serializers.Serializer[Any]):
    """The order that it is about."""

    order = serializers.CharField(help_text="Its code, as the operations on orders give it.")
    offer = serializers.CharField()
    reference = serializers.CharField()
    programme = serializers.CharField()
    unit = serializers.CharField()
    hours = serializers.CharField(help_text="Decimal number.")
    held = serializers.IntegerField(help_text=f"Set aside for it in all. {AMOUNT_HELP}")
    order_status = serializers.CharField(help_text="As it is when the event is written.")
    accept_by = serializers.DateTimeField(
        allow_null=True, help_text="Until when you may accept it; null where it counts at once."
    )


class QuestionEventData(serializers.Serializer[Any]):
    """The line of use that is asked about; the answer is written on the page of the order."""

    order = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    key = serializers.CharField(help_text="The line's name, as your meter gave it.")
    question = serializers.CharField()


class UsageEventData(serializers.Serializer[Any]):
    """What became of a batch, or of a file with its name."""

    recorded = serializers.IntegerField()
    file = serializers.CharField(required=False)
    known_before = serializers.IntegerField(required=False)
    refused = serializers.IntegerField(required=False)


class BillEventData(serializers.Serializer[Any]):
    """The bill that it is about, as it is when the event is written."""

    bill = serializers.CharField(help_text="Its number, as the operations on bills give it.")
    bill_status = serializers.CharField()
    programme = serializers.CharField()
    invoice_number = serializers.CharField()
    unit = serializers.CharField()
    total = serializers.IntegerField(help_text=AMOUNT_HELP)


class PaymentEventData(serializers.Serializer[Any]):
    """The payment, under the number that your bank shows."""

    payment = serializers.CharField(help_text="Its end-to-end identification.")
    unit = serializers.CharField()
    amount = serializers.IntegerField(help_text="Minor units of the currency.")


class SuspensionEventData(serializers.Serializer[Any]):
    """What the suspension stops, and for how long."""

    provider = serializers.CharField()
    from_at = serializers.DateTimeField()
    until_at = serializers.DateTimeField(allow_null=True, help_text="Null: until it is lifted.")
    stops_orders = serializers.BooleanField()
    bills_wait = serializers.BooleanField(help_text="Bills are taken, and settled later.")


class LiftEventData(serializers.Serializer[Any]):
    """When the suspension ended."""

    provider = serializers.CharField()
    lifted_at = serializers.DateTimeField()


class EventBase(serializers.Serializer[Any]):
    """What every event says."""

    type = serializers.CharField()
    timestamp = serializers.DateTimeField(help_text="When it happened.")


class OrderEvent(EventBase):
    """Something happened to an order with you."""

    data = OrderEventData()  # type: ignore[assignment]


class QuestionEvent(EventBase):
    """A holder asks you about a line of use."""

    data = QuestionEventData()  # type: ignore[assignment]


class UsageEvent(EventBase):
    """Usage of yours was recorded."""

    data = UsageEventData()  # type: ignore[assignment]


class BillEvent(EventBase):
    """Something happened to a bill of yours."""

    data = BillEventData()  # type: ignore[assignment]


class PaymentEvent(EventBase):
    """Something happened to a payment to you."""

    data = PaymentEventData()  # type: ignore[assignment]


class SuspensionEvent(EventBase):
    """You were suspended."""

    data = SuspensionEventData()  # type: ignore[assignment]


class LiftEvent(EventBase):
    """Your suspension ended by decision."""

    data = LiftEventData()  # type: ignore[assignment]


def _described(type: str, shape: type[EventBase]) -> OpenApiWebhook:
    taken = OpenApiResponse(
        description="Taken: any 2xx. 410 asks for no more events; all else is sent again."
    )
    return OpenApiWebhook(
        type,
        extend_schema(
            summary=EVENTS[type],
            description=(
                "Signed after Standard Webhooks: headers webhook-id, webhook-timestamp and "
                "webhook-signature. Sent again until it is taken, ten times within three days, "
                "always under the same webhook-id."
            ),
            request=shape,
            responses={"2XX": taken},
        ),
    )


PROVIDER_SUSPENDED = _described("provider.suspended", SuspensionEvent)
PROVIDER_SUSPENSION_LIFTED = _described("provider.suspension_lifted", LiftEvent)
ORDER_PLACED = _described("order.placed", OrderEvent)
ORDER_ACCEPTED = _described("order.accepted", OrderEvent)
ORDER_DECLINED = _described("order.declined", OrderEvent)
ORDER_CHANGED = _described("order.changed", OrderEvent)
ORDER_USERS_CHANGED = _described("order.users_changed", OrderEvent)
ORDER_ASKED_ABOUT = _described("order.asked_about", QuestionEvent)
ORDER_CANCELLED = _described("order.cancelled", OrderEvent)
ORDER_RELEASED = _described("order.released", OrderEvent)
ORDER_LAPSED = _described("order.lapsed", OrderEvent)
USAGE_RECORDED = _described("usage.recorded", UsageEvent)
BILL_RECEIVED = _described("bill.received", BillEvent)
BILL_SETTLED = _described("bill.settled", BillEvent)
BILL_LINE_DECIDED = _described("bill.line_decided", BillEvent)
PAYMENT_CONFIRMED = _described("payment.confirmed", PaymentEvent)
PAYMENT_RETURNED = _described("payment.returned", PaymentEvent)
