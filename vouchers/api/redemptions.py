"""What a provider's programs do with a holder's code: check what it is good for, redeem it."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from providers.api import (
    IDEMPOTENCY_KEY,
    NOT_FOUND,
    REFUSALS,
    REFUSED,
    TAKES_JSON,
    Operation,
    once,
    read_input,
)
from providers.kinds import Scope
from providers.queries import offer_by_code
from vouchers import actions, queries
from vouchers.actions.quotes import quote_order
from vouchers.api.orders import AMOUNT_HELP, HOURS_HELP, OrderOutput, order_answer
from vouchers.models import Voucher


class VoucherCheckInput(serializers.Serializer[Any]):
    """A code as its holder gave it."""

    redemption_code = serializers.CharField(
        max_length=40, help_text="Spaces, hyphens and small letters do no harm."
    )
    offer = serializers.CharField(
        max_length=16,
        required=False,
        default="",
        allow_blank=True,
        help_text="An offer of yours; with `hours` the answer says what an order would hold.",
    )
    hours = serializers.DecimalField(
        14, 4, min_value=0, required=False, default=None, allow_null=True, help_text=HOURS_HELP
    )


class QuoteOutput(serializers.Serializer[Any]):
    """What an order would cost now, and who would pay which part; nothing is held."""

    price_total = serializers.IntegerField(help_text=f"The whole price. {AMOUNT_HELP}")
    held = serializers.IntegerField(help_text=f"What would be set aside. {AMOUNT_HELP}")
    own_share = serializers.IntegerField(help_text=f"What the holder pays. {AMOUNT_HELP}")
    lapses_at = serializers.DateTimeField(help_text="Until when it would be held.")


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
    quote = QuoteOutput(
        allow_null=True, help_text="Null where no offer and hours were asked about."
    )


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
        responses={
            200: VoucherCheckOutput,
            **REFUSALS,
            **TAKES_JSON,
            **NOT_FOUND,
            **REFUSED,
        },
    )
    def post(self, request: Request) -> Response:
        """Return what the voucher behind a redemption code may pay for, without a trace."""
        given = read_input(VoucherCheckInput, request.data)
        code = given["redemption_code"]
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
            "quote": self._quote(request, voucher, given),
        }
        return Response(VoucherCheckOutput(answer).data)

    def _quote(
        self, request: Request, voucher: Voucher, given: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Return what an order would hold, where an offer and hours were named."""
        if not given["offer"] or given["hours"] is None:
            return None
        offer = offer_by_code(given["offer"])
        provider = self.provider_of(request)
        if offer.provider_id != provider.pk:
            raise actions.OfferNotYours(
                offer=offer.code, provider=provider.organisation.name_here
            )
        quote = quote_order(
            voucher=voucher, offer=offer, hours=given["hours"], at=timezone.now()
        )
        return {
            "price_total": quote.price_total,
            "held": quote.hold_amount,
            "own_share": quote.own_share,
            "lapses_at": quote.lapses_at,
        }


class RedemptionInput(serializers.Serializer[Any]):
    """Which code is redeemed, for how much of which offer."""

    redemption_code = serializers.CharField(max_length=40)
    offer = serializers.CharField(max_length=16, help_text="The code of an offer of yours.")
    hours = serializers.DecimalField(14, 4, min_value=0, help_text=HOURS_HELP)
    reference = serializers.CharField(
        max_length=80,
        required=False,
        default="",
        allow_blank=True,
        help_text="The account, project or cluster under which your meter counts it.",
    )


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
        return Response(order_answer(order), 201)
