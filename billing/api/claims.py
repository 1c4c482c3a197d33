"""A provider's claims of fees, where the programme pays the provider after use."""

from datetime import UTC
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import actions, queries
from billing.api.bills import AMOUNT_MOST, BillHead, bill_head
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

MINOR_HELP = "Minor units of the programme's currency."


class ClaimInput(serializers.Serializer[Any]):
    """A fee of which a programme pays you its share."""

    voucher = serializers.CharField(
        max_length=20, help_text="The voucher's code, under which you sent usage."
    )
    invoice_number = serializers.CharField(max_length=60)
    amount = serializers.IntegerField(
        min_value=1, max_value=AMOUNT_MOST, help_text=f"The whole invoice. {MINOR_HELP}"
    )
    fee_excluded = serializers.IntegerField(
        min_value=0,
        max_value=AMOUNT_MOST,
        default=0,
        help_text=f"What of it is not for compute, such as storage. {MINOR_HELP}",
    )
    contract_from_on = serializers.DateField()
    contract_until_on = serializers.DateField()
    period_from = serializers.DateTimeField()
    period_until = serializers.DateTimeField(help_text="The first instant after the period.")


class Claims(Operation):
    """Claim a fee."""

    scopes = {"POST": Scope.BILLS_WRITE}

    @extend_schema(
        operation_id="send_claim",
        summary="Claim a programme's share of a fee",
        parameters=[IDEMPOTENCY_KEY],
        request=ClaimInput,
        examples=[
            OpenApiExample(
                "A fee of November, half of it the programme's",
                {
                    "voucher": "V-7KQ2M4",
                    "invoice_number": "INV-2026-0413",
                    "amount": 20000000,
                    "contract_from_on": "2026-03-01",
                    "contract_until_on": "2026-12-31",
                    "period_from": "2026-11-01T00:00:00+08:00",
                    "period_until": "2026-12-01T00:00:00+08:00",
                },
                request_only=True,
            )
        ],
        responses={201: BillHead, **REFUSALS, **TAKES_JSON, **NOT_FOUND, **REFUSED},
    )
    @once
    def post(self, request: Request) -> Response:
        """Claim on a voucher whose law pays you; the holder confirms the claim or objects to it."""
        key = self.key_of(request)
        given = read_input(ClaimInput, request.data)
        provider = self.provider_of(request)
        bill = actions.submit_claim(
            voucher=queries.voucher_to_claim(provider, given["voucher"]),
            provider=provider,
            invoice_number=given["invoice_number"],
            amount_paid=given["amount"],
            fee_excluded=given["fee_excluded"],
            contract_from_on=given["contract_from_on"],
            contract_until_on=given["contract_until_on"],
            period_from=given["period_from"].astimezone(UTC),
            period_until=given["period_until"].astimezone(UTC),
            actor=self.caller_of(request).address,
            at=timezone.now(),
            key=key,
        )
        return Response(BillHead(bill_head(bill)).data, 201)
