"""What the API's description says of many operations alike."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from providers.api.problems import PROBLEM, Problem


def _told(**by_status: str) -> dict[tuple[int, str], OpenApiResponse]:
    """Return answers of one shape, by status written as `s409`."""
    return {
        (int(status[1:]), PROBLEM): OpenApiResponse(Problem, description=words)
        for status, words in by_status.items()
    }


# What can go wrong with an operation, for its description.
REFUSALS = _told(
    s400="The request can't be read; nothing was done.",
    s401="No key, or one that is unknown or revoked.",
    s406="Another form than JSON was asked for.",
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
