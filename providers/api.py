"""What every operation of the API shares, the provider's own offers, and the page on the API."""

import functools
import json
import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from providers import queries
from providers.authentication import ApiCaller
from providers.models import Offer, Provider

ROWS_A_PAGE = 50
_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)


# --- refusals --------------------------------------------------------------------------------


class Error(serializers.Serializer[Any]):
    """How every refusal is told."""

    code = serializers.CharField(help_text="Never changes; for programs.")
    message = serializers.CharField(help_text="What is wrong and what to do, for people.")
    values = serializers.DictField(help_text="The values that the message names.")


class InputInvalid(APIException):
    """A request whose content can't be read; 400, with what is wrong at each place."""

    status_code = 400

    def __init__(self, code: str, message: str, values: dict[str, Any]) -> None:
        super().__init__(message, code)
        # As a mapping it passes the exception handler as it is.
        detail: Any = {"code": code, "message": message, "values": values}
        self.detail = detail


class BodyTooLarge(APIException):
    """A request with more bytes than are taken."""

    status_code = 413
    default_code = "body_too_large"


# What can go wrong with an operation, for its description.
REFUSALS = {
    400: OpenApiResponse(Error, description="The request can't be read; nothing was done."),
    401: OpenApiResponse(Error, description="No key, or one that is unknown or revoked."),
}
NOT_FOUND = {404: OpenApiResponse(Error, description="Nothing of yours has this code.")}
REFUSED = {409: OpenApiResponse(Error, description="Refused; nothing was done.")}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description=(
        "Chosen by you, 1 to 200 visible characters, a new one for each request. Sent again "
        "with the same content it gives the first answer and does nothing; with other content "
        "it is refused (key_reused)."
    ),
)
PAGE = OpenApiParameter(
    "page", OpenApiTypes.INT, description="From 1; a page has 50 rows.", default=1
)


class BearerKey(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description tells of a provider's key."""

    target_class = "providers.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme: a bearer token in the header."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of yours: `Authorization: Bearer tess_live_…`",
        }


# --- what operations share -------------------------------------------------------------------


class Operation(APIView):
    """One operation: reads JSON of bounded size, as a provider by its key."""

    parser_classes = [JSONParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let nobody in without a key, nor with a body that is longer than what is taken.

        :raises BodyTooLarge: if the request says that its body is.
        """
        super().initial(request, *args, **kwargs)
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        said = str(request.META.get("CONTENT_LENGTH") or "0")
        if not said.isdecimal() or int(said) > most:
            raise BodyTooLarge(
                _("The request has more than %(most)s bytes. Send it in parts.")
                % {"most": most}
            )

    @staticmethod
    def caller_of(request: Request) -> ApiCaller:
        """Return who calls: a provider, by one of its keys."""
        caller: Any = request.user
        assert isinstance(caller, ApiCaller), "every operation asks for a key"
        return caller

    @classmethod
    def provider_of(cls, request: Request) -> Provider:
        """Return the provider whose key was shown."""
        return cls.caller_of(request).provider

    @classmethod
    def key_of(cls, request: Request) -> str:
        """Return what makes this request happen once, scoped to the provider.

        :raises InputInvalid: if the header is missing or unreadable.
        """
        given = request.headers.get("Idempotency-Key", "")
        if not _KEY.fullmatch(given):
            raise InputInvalid(
                "idempotency_key_missing",
                _(
                    "Send a header Idempotency-Key of 1 to 200 visible characters, a new one "
                    "for each request, so that a request sent twice is done once."
                ),
                {"header": "Idempotency-Key"},
            )
        return f"api:{cls.provider_of(request).organisation.code}:{given}"


def read_input(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return a request's content as its serializer reads it.

    :raises InputInvalid: naming each place, what is wrong there, and how many there are.
    """
    given = serializer(data=data)
    if given.is_valid():
        return dict(given.validated_data)
    problems = dict(_problems(given.errors, ""))
    first, words = next(iter(problems.items()))
    message = _("%(place)s: %(words)s") % {"place": first, "words": words}
    if len(problems) > 1:
        message += " " + _("There are %(count)s problems in all.") % {"count": len(problems)}
    raise InputInvalid("input_invalid", message, problems)


def _problems(errors: Any, place: str) -> list[tuple[str, str]]:
    """Return each problem with its place, such as `records.3.count`."""
    if isinstance(errors, dict):
        pairs: Any = errors.items()
    elif any(isinstance(one, dict) for one in errors):
        pairs = ((str(number), one) for number, one in enumerate(errors) if one)
    else:
        return [(place or "body", " ".join(str(one) for one in errors))]
    found: list[tuple[str, str]] = []
    for name, inner in pairs:
        inside = name if name != "non_field_errors" else ""
        found += _problems(inner, ".".join(part for part in (place, inside) if part))
    return found


def read_page(request: Request, rows: QuerySet[Any]) -> dict[str, Any]:
    """Return the page of rows that a request asks for, with how many there are."""
    asked = request.query_params.get("page", "1")
    page = Paginator(rows, ROWS_A_PAGE).get_page(asked)
    return {
        "count": page.paginator.count,
        "page": page.number,
        "pages": page.paginator.num_pages,
        "results": list(page),
    }


# --- operations ------------------------------------------------------------------------------


class OfferPrice(serializers.Serializer[Any]):
    """The price of one hour now."""

    currency = serializers.CharField()
    rate = serializers.DecimalField(
        14, 4, help_text="Currency units for one GPU-hour or core-hour."
    )


class OfferOutput(serializers.Serializer[Any]):
    """One of your offers."""

    code = serializers.CharField()
    title = serializers.CharField()
    resource = serializers.CharField(help_text="GPU or CPU.")
    resource_class = serializers.CharField()
    region = serializers.CharField()
    is_published = serializers.BooleanField()
    prices = OfferPrice(many=True)


class OfferPage(serializers.Serializer[Any]):
    """A page of your offers."""

    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    results = OfferOutput(many=True)


class Offers(Operation):
    """Your offers and what an hour of each costs now."""

    @extend_schema(
        operation_id="list_offers",
        summary="List your offers",
        parameters=[PAGE],
        responses={200: OfferPage, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Return a provider's offers with the prices in force, newest first."""
        page = read_page(request, queries.offers_of(self.provider_of(request)))
        page["results"] = _with_prices(page["results"])
        return Response(OfferPage(page).data)


def _with_prices(offers: Sequence[Offer]) -> list[dict[str, Any]]:
    prices = queries.prices_in_force(offers, timezone.now())
    return [
        {
            "code": offer.code,
            "title": offer.title,
            "resource": offer.resource,
            "resource_class": offer.resource_class,
            "region": offer.region,
            "is_published": offer.status == Offer.Status.PUBLISHED,
            "prices": [price for (pk, _unit), price in prices.items() if pk == offer.pk],
        }
        for offer in offers
    ]


# --- the page on the API ---------------------------------------------------------------------


@require_GET
def api_docs(request: HttpRequest) -> HttpResponse:
    """Show every operation of the API with what it takes and gives, and how to call it."""
    schema = _schema()
    context = {
        "version": schema["info"]["version"],
        "columns": [_("Field"), _("Type"), _("Required"), _("Meaning")],
        "operations": _operations(),
        "schemas": _shapes(schema),
    }
    return render(request, "providers/api_docs.html", context)


@functools.cache
def _schema() -> dict[str, Any]:
    """Return the API's description; the code does not change while it runs."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema


@functools.cache
def _operations() -> tuple[dict[str, Any], ...]:
    schema = _schema()
    return tuple(
        {
            "id": operation["operationId"],
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "description": operation.get("description", ""),
            "parameters": [
                one for one in operation.get("parameters", []) if one.get("description")
            ],
            "body": _name_of(_content(operation.get("requestBody", {}))),
            "answers": [
                {
                    "status": status,
                    "description": answer.get("description", ""),
                    "shape": _name_of(_content(answer)),
                }
                for status, answer in operation["responses"].items()
            ],
            "curl": _curl(method.upper(), path, operation),
        }
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    )


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = (
        holder.get("content", {}).get("application/json", {}).get("schema", {})
    )
    return shape


def _name_of(shape: dict[str, Any]) -> str:
    return str(shape.get("$ref", "")).rpartition("/")[2]


def _curl(method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [f"curl -X {method} {settings.PUBLIC_URL}{path}"]
    lines.append('-H "Authorization: Bearer $TESSERA_KEY"')
    if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", [])):
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    body = _content(operation.get("requestBody", {}))
    if body:
        lines.append('-H "Content-Type: application/json"')
        example = json.dumps(_example(operation), ensure_ascii=False, indent=2)
        lines.append(f"-d '{example}'")
    return " \\\n  ".join(lines)


def _example(operation: dict[str, Any]) -> Any:
    """Return the first example that an operation gives of its request."""
    content = operation["requestBody"]["content"]["application/json"]
    return next(iter(content["examples"].values()))["value"]


def _shapes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "description": shape.get("description", ""),
            "fields": [
                [
                    field,
                    _type_of(inner),
                    _("yes") if field in shape.get("required", []) else _("no"),
                    inner.get("description", "–"),
                ]
                for field, inner in shape.get("properties", {}).items()
            ],
        }
        for name, shape in schema["components"]["schemas"].items()
    ]


def _type_of(shape: dict[str, Any]) -> str:
    name = _name_of(shape) or _name_of((shape.get("allOf") or [{}])[0])
    if name:
        return name
    if shape.get("type") == "array":
        return f"[{_type_of(shape['items'])}]"
    return " ".join(str(shape[part]) for part in ("type", "format") if part in shape)
