"""What a provider's programs do with their orders: read, answer, change, cancel, release."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import NotFound
from common.money import hours_words
from ledger import queries as ledger
from providers.api import (
    IDEMPOTENCY_KEY,
    NOT_FOUND,
    PAGE,
    REFUSALS,
    REFUSED,
    TAKES_JSON,
    InputInvalid,
    Operation,
    once,
    read_input,
    read_page,
)
from providers.kinds import Scope
from vouchers import actions, queries
from vouchers.models import Order

AMOUNT_HELP = "Minor units of the currency, or GPU-milliseconds for a unit such as GPU:H100."
HOURS_HELP = "GPU-hours or core-hours, as the offer counts."
STATUS = OpenApiParameter(
    "status",
    OpenApiTypes.STR,
    description="Only orders in this state; PLACED ones wait for your answer.",
    enum=list(Order.Status.values),
)
REFERENCE = OpenApiParameter(
    "reference", OpenApiTypes.STR, description="Only orders with this reference of yours."
)


class OrderUserOutput(serializers.Serializer[Any]):
    """Somebody of the holder's teams who may use the order."""

    name = serializers.CharField()
    email = serializers.CharField(allow_blank=True)
    login = serializers.CharField(allow_blank=True, help_text="The account name with you.")


class OrderOutput(serializers.Serializer[Any]):
    """An order: what is set aside for it on a voucher, until when, and what was used of it."""

    code = serializers.CharField()
    order_status = serializers.ChoiceField(
        choices=Order.Status.choices,
        help_text="PLACED waits for your answer; OPEN can be used; nothing is held for others.",
    )
    offer = serializers.CharField()
    reference = serializers.CharField()
    programme = serializers.CharField()
    unit = serializers.CharField()
    hours = serializers.CharField(help_text="Ordered; a decimal number.")
    hours_used = serializers.CharField(help_text="Metered so far; a decimal number.")
    hours_billed = serializers.CharField(
        help_text="On bills that were sent, without what was declined; a decimal number."
    )
    hours_left = serializers.CharField(help_text="Ordered and not used; a decimal number.")
    price_total = serializers.IntegerField(help_text=f"The whole price. {AMOUNT_HELP}")
    held = serializers.IntegerField(help_text=f"Set aside for it in all. {AMOUNT_HELP}")
    held_now = serializers.IntegerField(help_text=f"Still set aside. {AMOUNT_HELP}")
    covered = serializers.IntegerField(
        help_text=f"Taken from the voucher by settled bills. {AMOUNT_HELP}"
    )
    placed_at = serializers.DateTimeField()
    accept_by = serializers.DateTimeField(
        allow_null=True, help_text="Until when you may accept it; null where it counts at once."
    )
    lapses_at = serializers.DateTimeField(help_text="What is not billed by then goes back.")
    end_note = serializers.CharField(help_text="Why it was declined or cancelled.")
    users = OrderUserOutput(many=True, help_text="Whom to let in; the holder names them.")


class OrderPage(serializers.Serializer[Any]):
    """A page of your orders, newest first."""

    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    results = OrderOutput(many=True)


class Orders(Operation):
    """Your orders."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(
        operation_id="list_orders",
        summary="List your orders",
        parameters=[PAGE, STATUS, REFERENCE],
        responses={200: OrderPage, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Return your orders, newest first, fifty a page."""
        found = queries.orders_with(self.provider_of(request))
        status = request.query_params.get("status", "")
        if status and status not in Order.Status.values:
            known = ", ".join(Order.Status.values)
            raise InputInvalid("input_invalid", f"status: {known}", {"status": known})
        if status:
            found = found.filter(status=status)
        reference = request.query_params.get("reference", "")
        if reference:
            found = found.filter(provider_reference__iexact=reference)
        page = read_page(request, found)
        page["results"] = _shown(page["results"])
        return Response(OrderPage(page).data)


class OneOrder(Operation):
    """One of your orders."""

    scopes = {"POST": Scope.ORDERS_WRITE}

    def order_of(self, request: Request, code: str) -> Order:
        """Return an order of the provider whose key was shown.

        :raises NotFound: if it is another's, or there is none under this code.
        """
        order = queries.orders_with(self.provider_of(request)).filter(code=code).first()
        if order is None:
            raise NotFound(what=code)
        return order

    def done(
        self,
        request: Request,
        code: str,
        act: Callable[..., Order],
        shape: type[serializers.Serializer[Any]],
    ) -> Response:
        """Do something with an order, and return the order as it is then.

        :param act: takes the input's fields by their names, beside actor, instant and key.
        """
        key, order = self.key_of(request), self.order_of(request, code)
        given = read_input(shape, request.data)
        actor = self.caller_of(request).address
        order = act(order=order, **given, actor=actor, at=timezone.now(), key=key)
        return Response(order_answer(order))


class OrderDetail(OneOrder):
    """One of your orders."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(
        operation_id="read_order",
        summary="Read one order",
        responses={200: OrderOutput, **REFUSALS, **NOT_FOUND},
    )
    def get(self, request: Request, code: str) -> Response:
        """Return an order by its code."""
        return Response(order_answer(self.order_of(request, code)))


class AcceptInput(serializers.Serializer[Any]):
    """An order as you read it."""

    hours = serializers.DecimalField(
        14,
        4,
        min_value=0,
        help_text="Its hours as you read them: if the holder changed them since, it is refused.",
    )


class ReasonInput(serializers.Serializer[Any]):
    """Why; the holder reads it."""

    reason = serializers.CharField(max_length=500)


class ChangeInput(ReasonInput):
    """For how many hours an order is from now on, and why; the holder reads it."""

    hours = serializers.DecimalField(
        14, 4, min_value=0, help_text="In all, no more than now and no fewer than were used."
    )


class ReleaseInput(serializers.Serializer[Any]):
    """Nothing more is needed."""


def _operation(
    name: str, summary: str, shape: type[serializers.Serializer[Any]], **example: str
) -> Callable[[Any], Any]:
    """Return the description of an operation on one order."""
    return extend_schema(
        operation_id=name,
        summary=summary,
        parameters=[IDEMPOTENCY_KEY],
        request=shape,
        examples=[OpenApiExample(summary, example, request_only=True)],
        responses={
            200: OrderOutput,
            **REFUSALS,
            **TAKES_JSON,
            **NOT_FOUND,
            **REFUSED,
        },
    )


class OrderAccept(OneOrder):
    """Accept an order that waits for your answer."""

    @_operation("accept_order", "Accept an order", AcceptInput, hours="400")
    @once
    def post(self, request: Request, code: str) -> Response:
        """Take the order as you read it; the holder may use it from then on."""
        return self.done(request, code, actions.accept_order, AcceptInput)


class OrderDecline(OneOrder):
    """Decline an order that waits for your answer."""

    @_operation("decline_order", "Decline an order", ReasonInput, reason="No capacity in June.")
    @once
    def post(self, request: Request, code: str) -> Response:
        """Say no and why; what is held goes back to the voucher at once."""
        return self.done(request, code, actions.decline_order, ReasonInput)


class OrderChangeHours(OneOrder):
    """Give an order fewer hours."""

    @_operation(
        "change_order", "Change an order", ChangeInput, hours="200", reason="Half is enough."
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        """Hold less for fewer hours, never under what was used; more is the holder's to order."""
        return self.done(request, code, actions.change_order, ChangeInput)


class OrderCancel(OneOrder):
    """Call an order off before use."""

    @_operation("cancel_order", "Cancel an order", ReasonInput, reason="The cluster is down.")
    @once
    def post(self, request: Request, code: str) -> Response:
        """Give back all that is held, as long as nothing was used, and say why."""
        return self.done(request, code, actions.cancel_order, ReasonInput)


class OrderRelease(OneOrder):
    """End an order after its last bill."""

    @_operation("release_order", "Release an order", ReleaseInput)
    @once
    def post(self, request: Request, code: str) -> Response:
        """Give back what is still held, once no bill waits for its settlement."""
        return self.done(request, code, actions.release_hold, ReleaseInput)


def order_answer(order: Order) -> Any:
    """Return an order as the API shows it."""
    return OrderOutput(_shown([order])[0]).data


def _shown(orders: list[Order]) -> list[dict[str, Any]]:
    left = ledger.holds_remaining(order.hold for order in orders)
    uses, users = queries.order_uses(orders), queries.users_named(orders)
    return [
        {
            "code": order.code,
            "order_status": order.status,
            "offer": order.offer.code,
            "reference": order.provider_reference,
            "programme": order.voucher.programme.code,
            "unit": order.voucher.unit,
            "hours": hours_words(order.quantity_ms),
            "hours_used": hours_words(uses[order.pk].used_ms),
            "hours_billed": hours_words(uses[order.pk].billed_ms),
            "hours_left": hours_words(uses[order.pk].left_ms),
            "price_total": order.price_total,
            "held": order.hold_amount,
            "held_now": left.get(order.hold, 0),
            "covered": uses[order.pk].covered,
            "placed_at": order.placed_at,
            "accept_by": order.accept_by,
            "lapses_at": order.lapses_at,
            "end_note": order.end_note,
            "users": users.get(order.pk, []),
        }
        for order in orders
    ]
