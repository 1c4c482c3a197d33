"""The papers of a bill: its invoice, and a credit or debit note for each correction."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.invoices.model import CREDIT_NOTE, DEBIT_NOTE, INVOICE
from billing.invoices.paper import pdf_of
from billing.invoices.writing import SELF_BILLED, written
from billing.models import Bill
from billing.queries.invoices import InvoicePart, invoice_for, invoice_part_of, invoice_parts
from common.days import day_of
from common.downloads import file_answer
from common.errors import NotFound
from providers.api import NOT_FOUND, REFUSALS, REFUSED, Operation
from providers.kinds import Scope

KINDS = {INVOICE: "INVOICE", CREDIT_NOTE: "CREDIT_NOTE", DEBIT_NOTE: "DEBIT_NOTE"}
MEDIA_TYPES = {"xml": "application/xml", "pdf": "application/pdf"}


class PaperOutput(serializers.Serializer[Any]):
    """A paper that was written for a bill."""

    position = serializers.IntegerField(help_text="Its place among the bill's papers, from 1.")
    paper = serializers.ChoiceField(choices=list(KINDS.values()))
    number = serializers.CharField()
    type_code = serializers.CharField(
        help_text="UNTDID 1001: 389, 261 or 527, since the buyer writes it for you."
    )
    issued_on = serializers.DateField()
    amount = serializers.IntegerField(
        help_text="Minor units: what the vouchers bear, or what a note adds or takes back."
    )
    unit = serializers.CharField()
    corrects = serializers.CharField(
        help_text="The number of the paper that a note corrects; empty for an invoice."
    )


class Papers(serializers.Serializer[Any]):
    """All papers of a bill, oldest first."""

    results = PaperOutput(many=True)


class BillPapers(Operation):
    """The papers of one bill of yours."""

    scopes = {"GET": Scope.BILLS_READ}

    @extend_schema(
        operation_id="list_bill_papers",
        summary="List the invoice, credit notes and debit notes of a bill",
        responses={200: Papers, **REFUSALS, **NOT_FOUND},
    )
    def get(self, request: Request, number: str) -> Response:
        """Return what was written for a bill; nothing before it is settled, and in kind."""
        bill = bill_of_caller(self, request, number)
        rows = [_row(bill, part) for part in invoice_parts(bill)]
        return Response(Papers({"results": rows}).data)


class BillPaper(Operation):
    """One paper of a bill of yours, as a file."""

    scopes = {"GET": Scope.BILLS_READ}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Take whatever a client says that it accepts: the address says what the file is."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="download_bill_paper",
        summary="Download an invoice, credit note or debit note",
        parameters=[
            OpenApiParameter(
                "form",
                OpenApiTypes.STR,
                OpenApiParameter.PATH,
                enum=list(MEDIA_TYPES),
                description="xml: UBL 2.1 of EN 16931; pdf: to print.",
            )
        ],
        responses={
            **{(200, one): OpenApiTypes.BINARY for one in MEDIA_TYPES.values()},
            **REFUSALS,
            **NOT_FOUND,
            **REFUSED,
        },
    )
    def get(self, request: Request, number: str, position: int, form: str) -> HttpResponse:
        """Return a paper by its place in the list; the same paper is the same XML every time."""
        bill = bill_of_caller(self, request, number)
        if form not in MEDIA_TYPES:
            raise NotFound(what=form)
        part = invoice_part_of(bill, position)
        invoice = invoice_for(bill, part)
        content = written(invoice) if form == "xml" else pdf_of(invoice, bill, part.paper)
        return file_answer(
            f"{part.number.replace('/', '-')}.{form}", content, MEDIA_TYPES[form]
        )


def bill_of_caller(operation: Operation, request: Request, number: str) -> Bill:
    """Return a bill of the provider whose key was shown.

    :raises NotFound: if there is none of this number, or it is another's.
    """
    bill = (
        Bill.objects.filter(
            provider=operation.provider_of(request), kind=Bill.Kind.BILL, number=number
        )
        .select_related("programme__authority", "provider__organisation")
        .first()
    )
    if bill is None:
        raise NotFound(what=number)
    return bill


def _row(bill: Bill, part: InvoicePart) -> dict[str, Any]:
    return {
        "position": part.position,
        "paper": KINDS[part.paper],
        "number": part.number,
        "type_code": SELF_BILLED[part.paper],
        "issued_on": day_of(part.at, bill.programme.zone),
        "amount": abs(part.covered),
        "unit": bill.unit,
        "corrects": part.original,
    }
