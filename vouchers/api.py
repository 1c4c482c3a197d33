"""What a provider's programs do with vouchers: check a code, redeem it, read their orders."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
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
    Operation,
    once,
    read_input,
    read_page,
)
from providers.kinds import Scope
from providers.queries import offer_by_code
from vouchers import actions, queries
from vouchers.models import Order, Voucher

AMOUNT_HELP = "Minor units of the currency, or GPU-milliseconds for a unit such as GPU:H100."


class VoucherCheckInput(serializers.Serializer[Any]):
    """A code as its holder gave it."""

    redemption_code = serializers.CharField(
        max_length=40, help_text="Spaces, hyphens and small letters do no harm."
    )


class VoucherCheckOutput(serializers.Serializer[Any]):
    """What a voucher may pay for now."""

    programme = serializers.CharField()
    mode = serializers.CharField(
        help_text="M1 paid to the holder after use, M3 offset at sale, M5 hours in kind."
    )
    unit = serializers.CharField(help_text="A currency, or hours of a class such as GPU:H100.")
    free = serializers.IntegerField(help_text=AMOUNT_HELP)
    valid_until = serializers.DateField(help_text="The last day on which it can be redeemed.")
    voucher_status = serializers.ChoiceField(choices=Voucher.Status.choices)


class VoucherCheck(Operation):
    """Ask what a code is good for; nothing is done, so no Idempotency-Key is needed."""

    scopes = {"POST": Scope.VOUCHERS_READ}

    @extend_schema(
        operation_id="check_voucher",
        summary="Check what a voucher may pay",
        request=VoucherCheckInput,
        examples=[
            OpenApiExample(
                "A code as it was read aloud",
                {"redemption_code": "ABCD-EFGH-JKMN-PQRS"},
                request_only=True,
            )
        ],
        responses={200: VoucherCheckOutput, **REFUSALS, **TAKES_JSON, **NOT_FOUND},
    )
    def post(self, request: Request) -> Response:
        """Return what the voucher behind a redemption code may pay for, without a trace."""
        code = read_input(VoucherCheckInput, request.data)["redemption_code"]
        voucher = queries.voucher_by_redemption_code(code)
        if voucher is None:
            raise actions.CodeUnknown(code=code[:24])
        answer = {
            "programme": voucher.programme.code,
            "mode": voucher.programme.mode,
            "unit": voucher.unit,
            "free": queries.voucher_balance(voucher).free,
            "valid_until": voucher.valid_until_on,
            "voucher_status": voucher.status,
        }
        return Response(VoucherCheckOutput(answer).data)


class RedemptionInput(serializers.Serializer[Any]):
    """Which code is redeemed, for how much of which offer."""

    redemption_code = serializers.CharField(max_length=40)
    offer = serializers.CharField(max_length=16, help_text="The code of an offer of yours.")
    hours = serializers.DecimalField(
        14, 4, min_value=0, help_text="GPU-hours or core-hours, as the offer counts."
    )
    reference = serializers.CharField(
        max_length=80,
        required=False,
        default="",
        allow_blank=True,
        help_text="The account, project or cluster under which your meter counts it.",
    )


class OrderOutput(serializers.Serializer[Any]):
    """An order: what is set aside for it on a voucher, until when."""

    code = serializers.CharField()
    order_status = serializers.ChoiceField(choices=Order.Status.choices)
    offer = serializers.CharField()
    reference = serializers.CharField()
    programme = serializers.CharField()
    unit = serializers.CharField()
    hours = serializers.CharField(help_text="Decimal number.")
    price_total = serializers.IntegerField(help_text=f"The whole price. {AMOUNT_HELP}")
    held = serializers.IntegerField(help_text=f"Set aside when it was placed. {AMOUNT_HELP}")
    held_now = serializers.IntegerField(help_text=f"Still set aside. {AMOUNT_HELP}")
    placed_at = serializers.DateTimeField()
    lapses_at = serializers.DateTimeField(help_text="What is not billed by then goes back.")


class OrderPage(serializers.Serializer[Any]):
    """A page of your orders, newest first."""

    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    results = OrderOutput(many=True)


class Redemptions(Operation):
    """Turn a voucher's code into an order."""

    scopes = {"POST": Scope.ORDERS_WRITE}

    @extend_schema(
        operation_id="redeem",
        summary="Redeem a voucher",
        parameters=[IDEMPOTENCY_KEY],
        request=RedemptionInput,
        examples=[
            OpenApiExample(
                "400 GPU-hours",
                {
                    "redemption_code": "ABCD-EFGH-JKMN-PQRS",
                    "offer": "F-7K2QX9",
                    "hours": "400",
                    "reference": "acct-0042",
                },
                request_only=True,
            )
        ],
        responses={201: OrderOutput, **REFUSALS, **TAKES_JSON, **NOT_FOUND, **REFUSED},
    )
    @once
    def post(self, request: Request) -> Response:
        """Set the voucher's share of the price aside for an order with you."""
        key = self.key_of(request)
        given = read_input(RedemptionInput, request.data)
        order = actions.redeem_code(
            redemption_code=given["redemption_code"],
            provider=self.provider_of(request),
            offer=offer_by_code(given["offer"]),
            hours=given["hours"],
            provider_reference=given["reference"],
            actor=self.caller_of(request).address,
            at=timezone.now(),
            key=key,
        )
        return Response(OrderOutput(_shown([order])[0]).data, 201)


class Orders(Operation):
    """Your orders."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(
        operation_id="list_orders",
        summary="List your orders",
        parameters=[PAGE],
        responses={200: OrderPage, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Return your orders, newest first, fifty a page."""
        page = read_page(request, queries.orders_with(self.provider_of(request)))
        page["results"] = _shown(page["results"])
        return Response(OrderPage(page).data)


class OrderDetail(Operation):
    """One of your orders."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(
        operation_id="read_order",
        summary="Read one order",
        responses={200: OrderOutput, **REFUSALS, **NOT_FOUND},
    )
    def get(self, request: Request, code: str) -> Response:
        """Return an order by its code."""
        order = queries.orders_with(self.provider_of(request)).filter(code=code).first()
        if order is None:
            raise NotFound(what=code)
        return Response(OrderOutput(_shown([order])[0]).data)


def _shown(orders: list[Order]) -> list[dict[str, Any]]:
    left = ledger.holds_remaining(order.hold for order in orders)
    return [
        {
            "code": order.code,
            "order_status": order.status,
            "offer": order.offer.code,
            "reference": order.provider_reference,
            "programme": order.voucher.programme.code,
            "unit": order.voucher.unit,
            "hours": hours_words(order.quantity_ms),
            "price_total": order.price_total,
            "held": order.hold_amount,
            "held_now": left.get(order.hold, 0),
            "placed_at": order.placed_at,
            "lapses_at": order.lapses_at,
        }
        for order in orders
    ]
