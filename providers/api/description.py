"""What the API's description says of many operations alike."""

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from providers.api.problems import PROBLEM, Problem
from providers.api.reading import PAGES_MOST
from providers.kinds import Scope

SCOPE_WORDS = {
    Scope.OFFERS_READ: "Read your offers",
    Scope.VOUCHERS_READ: "Check what a voucher may pay",
    Scope.ORDERS_READ: "Read your orders",
    Scope.ORDERS_WRITE: "Redeem vouchers, and change your orders",
    Scope.USAGE_READ: "Read your usage",
    Scope.USAGE_WRITE: "Report usage",
    Scope.BILLS_READ: "Read your bills",
    Scope.BILLS_WRITE: "Send bills",
}


def _told(**by_status: str) -> dict[tuple[int, str], OpenApiResponse]:
    """Return answers of one shape, by status written as `s409`."""
    return {
        (int(status[1:]), PROBLEM): OpenApiResponse(Problem, description=words)
        for status, words in by_status.items()
    }


# What can go wrong with an operation, for its description.
REFUSALS = _told(
    s400="The request can't be read; nothing was done.",
    s401="No key, or one that is unknown, revoked or ended.",
    s403="The key lacks the scope, or may not be used from this address.",
    s406="Another form than JSON was asked for.",
    s429="More requests of the key within a minute than it has; Retry-After says when.",
    s500="Something of ours failed; send the same request with the same key again.",
)
TAKES_JSON = _told(
    s413="The body has more bytes than are taken.",
    s415="The body is not said to be JSON.",
)
NOT_FOUND = _told(s404="Nothing of yours has this code.")
REFUSED = _told(
    s409="Refused; nothing was done.",
    s422="The Idempotency-Key was used before with other content; nothing was done.",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,200}$", "minLength": 1, "maxLength": 200},
    OpenApiParameter.HEADER,
    required=True,
    description=(
        "Chosen by you, 1 to 200 visible characters, a new one for each request. Sent again "
        "within 48 hours with the same bytes it gives the first answer, with the header "
        "Idempotent-Replayed, and does nothing; with other content it is refused (key_reused), "
        "and while the first is worked on as well (in_flight)."
    ),
)
PAGE = OpenApiParameter(
    "page",
    {"type": "integer", "minimum": 1, "maximum": PAGES_MOST, "default": 1},
    description="From 1; a page has 50 rows. Beyond the last one, the last one is given.",
)


def _header(words: str, *, type: str = "string") -> dict[str, Any]:
    return {"description": words, "schema": {"type": type}}


# What answers carry beside their bodies.
HEADERS = {
    "X-Request-Id": _header("The number of the request, for when you ask us about it."),
    "RateLimit-Policy": _header('What a key may ask: `"minute";q=1200;w=60`.'),
    "RateLimit": _header(
        'What is left, and the seconds until it is whole: `"minute";r=9;t=30`.'
    ),
    "Retry-After": _header("Seconds after which to ask again.", type="integer"),
    "Link": _header("The first, previous, next and last page (RFC 8288)."),
    "Idempotent-Replayed": _header("`true` where it is the first answer, given again."),
    "WWW-Authenticate": _header("`Bearer`."),
}


# Where what an operation answers is asked for next: status, operation, and which value it takes.
LINKS = {
    "redeem": ("201", "read_order", "code", "code"),
    "send_bill": ("201", "read_bill", "number", "number"),
    "send_claim": ("201", "read_bill", "number", "number"),
}


def with_links(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Say which operation reads what another one made."""
    for methods in result["paths"].values():
        for operation in methods.values():
            if operation["operationId"] in LINKS:
                status, next_one, parameter, value = LINKS[operation["operationId"]]
                operation["responses"][status]["links"] = {
                    next_one: {
                        "operationId": next_one,
                        "parameters": {parameter: f"$response.body#/{value}"},
                    }
                }
    return result


def with_headers(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Say of every answer which headers it carries; the last step of describing."""
    for methods in result["paths"].values():
        for operation in methods.values():
            asked = {one["name"] for one in operation.get("parameters", [])}
            for status, answer in operation["responses"].items():
                answer["headers"] = {
                    name: {"$ref": f"#/components/headers/{name}"}
                    for name in _headers_of(status, asked)
                }
    result["components"]["headers"] = HEADERS
    return result


def _headers_of(status: str, asked: set[str]) -> list[str]:
    found = ["X-Request-Id"]
    if status != "401":
        found += ["RateLimit-Policy", "RateLimit"]
    if status == "401":
        found.append("WWW-Authenticate")
    if status in ("409", "429"):
        found.append("Retry-After")
    if status < "300" and "page" in asked:
        found.append("Link")
    if "Idempotency-Key" in asked and status not in ("400", "401", "429", "500"):
        found.append("Idempotent-Replayed")
    return found


class NotNegative(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Say of a decimal number with a least value of nothing or more that it has no sign."""

    target_class = "rest_framework.fields.DecimalField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the field's shape as it would be, without a minus where none is taken."""
        shape: dict[str, Any] = auto_schema._map_serializer_field(
            self.target, direction, bypass_extensions=True
        )
        least = self.target.min_value
        if least is not None and least >= 0 and "pattern" in shape:
            shape["pattern"] = shape["pattern"].replace("-?", "", 1)
        if isinstance(shape["type"], list):
            # That it may be null is added by whoever asks, for the second time.
            shape["type"] = shape["type"][0]
        return shape


class BearerKey(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description tells of a provider's key, and of a client's tokens."""

    target_class = "providers.authentication.ApiKeyAuthentication"
    name = ["apiKey", "oauth2"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """Return both schemes: the key itself, or a token that a client gets."""
        scopes = {scope.value: SCOPE_WORDS[scope] for scope in Scope}
        token = {"tokenUrl": "/api/v1/oauth/token", "scopes": scopes}
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": (
                    "A key of yours: `Authorization: Bearer tess_live_…`. A read-only key "
                    "(`tess_read_…`) has the scopes that end in `:read`."
                ),
            },
            {
                "type": "oauth2",
                "description": "Tokens of ten minutes for a client's own credentials.",
                "flows": {"clientCredentials": token},
            },
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Return what the operation asks for: its scope, of a key or of a token."""
        scope = auto_schema.view.scopes.get(auto_schema.method)
        asked = [scope.value] if scope else []
        return [{"apiKey": asked}, {"oauth2": asked}]
