"""The provider's own invoice of a bill: attached by its programs, and given back as it came."""

import base64
import binascii
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import actions
from billing.api.papers import bill_of_caller
from billing.models import ProviderInvoice
from billing.queries.provider_invoices import provider_invoice_file
from common.downloads import file_answer
from providers.api import (
    IDEMPOTENCY_KEY,
    NOT_FOUND,
    REFUSALS,
    REFUSED,
    TAKES_JSON,
    InputInvalid,
    Operation,
    once,
    read_input,
)
from providers.kinds import Scope

XML = "application/xml"


class InvoiceInput(serializers.Serializer[Any]):
    """An invoice's file."""

    name = serializers.CharField(max_length=120, help_text="The file's name.")
    content = serializers.CharField(
        help_text="The XML file, byte for byte, in base64 (RFC 4648)."
    )


class InvoiceOutput(serializers.Serializer[Any]):
    """An invoice that is attached to a bill."""

    bill = serializers.CharField()
    kind = serializers.ChoiceField(choices=ProviderInvoice.Kind.choices)
    number = serializers.CharField()
    issued_on = serializers.DateField(allow_null=True)
    amount = serializers.IntegerField(help_text="With tax, in minor units.")
    sha256 = serializers.CharField()
    attached_at = serializers.DateTimeField()


class BillInvoice(Operation):
    """The provider's own invoice of one bill of yours."""

    scopes = {"POST": Scope.BILLS_WRITE, "GET": Scope.BILLS_READ}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Take whatever a client says that it accepts where a file is read."""
        return super().perform_content_negotiation(request, force=request.method == "GET")

    @extend_schema(
        operation_id="attach_bill_invoice",
        summary="Attach your own invoice to a bill",
        parameters=[IDEMPOTENCY_KEY],
        request=InvoiceInput,
        examples=[
            OpenApiExample(
                "A fapiao",
                {"name": "fapiao.xml", "content": "PEVJbnZvaWNlPg=="},
                request_only=True,
            )
        ],
        responses={201: InvoiceOutput, **REFUSALS, **TAKES_JSON, **NOT_FOUND, **REFUSED},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        """Attach an invoice in UBL 2.1 or a fapiao; it has to be in order and the bill's own."""
        key = self.key_of(request)
        given = read_input(InvoiceInput, request.data)
        made = actions.attach_invoice(
            bill=bill_of_caller(self, request, number),
            name=given["name"],
            data=_bytes_of(given["content"]),
            actor=self.caller_of(request).address,
            at=timezone.now(),
            key=key,
        )
        return Response(InvoiceOutput(_row(made)).data, 201)

    @extend_schema(
        operation_id="download_bill_invoice",
        summary="Download the invoice that you attached",
        responses={(200, XML): OpenApiTypes.BINARY, **REFUSALS, **NOT_FOUND},
    )
    def get(self, request: Request, number: str) -> HttpResponse:
        """Return the file, byte for byte as it was sent."""
        found = provider_invoice_file(bill_of_caller(self, request, number))
        return file_answer(found.name, bytes(found.content), XML)


def _bytes_of(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise InputInvalid(
            "content_not_base64",
            _("“content” is no base64. Encode the file's bytes as RFC 4648 says."),
            {"field": "content"},
        ) from None


def _row(made: ProviderInvoice) -> dict[str, Any]:
    return {
        "bill": made.bill.number,
        "kind": made.kind,
        "number": made.number,
        "issued_on": made.issued_on,
        "amount": made.amount,
        "sha256": made.sha256,
        "attached_at": made.attached_at,
    }
