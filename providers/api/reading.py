"""Read what a request says: its body, and which page of a list it asks for."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from providers.api.problems import InputInvalid

ROWS_A_PAGE = 50
PAGES_MOST = 1_000_000
_PAGE = re.compile(r"[0-9]{1,7}", re.ASCII)


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


def _links(request: Request, page: Page[Any]) -> Iterator[str]:
    """Return the first, previous, next and last page as far as there are others."""
    numbers = {"first": 1, "last": page.paginator.num_pages}
    if page.has_previous():
        numbers["prev"] = page.previous_page_number()
    if page.has_next():
        numbers["next"] = page.next_page_number()
    for relation, number in numbers.items():
        asked = request.query_params.copy()
        asked["page"] = str(number)
        address = request.build_absolute_uri(f"{request.path}?{asked.urlencode()}")
        yield f'<{address}>; rel="{relation}"'


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
        # Places of a list may be numbers.
        inside = str(name) if name != "non_field_errors" else ""
        found += _problems(inner, ".".join(part for part in (place, inside) if part))
    return found


def read_page(request: Request, rows: QuerySet[Any]) -> dict[str, Any]:
    """Return the page of rows that a request asks for, with how many there are.

    The answer will carry the addresses of the pages around it, as Link (RFC 8288).

    :param rows: in an order that no two of them share a place in.
    :raises InputInvalid: if the page is no number from 1 on; beyond the last it is the last.
    """
    asked = request.query_params.get("page", "1")
    if not _PAGE.fullmatch(asked) or not 1 <= int(asked) <= PAGES_MOST:
        words = _("“%(page)s” is no page. Give a whole number from 1 on.") % {
            "page": asked[:20]
        }
        raise InputInvalid("input_invalid", words, {"page": words})
    page = Paginator(rows, ROWS_A_PAGE).get_page(asked)
    request._request.links = ", ".join(_links(request, page))  # type: ignore[attr-defined]
    return {
        "count": page.paginator.count,
        "page": page.number,
        "pages": page.paginator.num_pages,
        "results": list(page),
    }
