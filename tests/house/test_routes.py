"""Every route says who may enter: the public ones are named here, all others ask who is there."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

pytestmark = pytest.mark.django_db

PUBLIC = {
    "home", "help", "statuses", "accessibility", "demo_sign_in", "set_language", "eligibility_check",
    "catalogue_csv", "offer_prices_csv", "price_caps", "price_caps_csv", "equivalents",
    "equivalents_csv",
    "apply", "awards", "catalogue", "offer", "api_docs", "api_errors", "api_schema", "api_token",
    "sandbox_enter",
    "accredited", "accredited_csv", "capacity_public", "capacity_sample", "prices_sample", "bill_lines_sample", "usage_sample", "usage_template",
    "usage_sample_xlsx", "usage_template_xlsx", "usage_bad_sample", "usage_bad_sample_xlsx",
}  # fmt: skip


def routes(resolver, prefix=""):
    for entry in resolver.url_patterns:
        place = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, place)
        elif isinstance(entry, URLPattern):
            yield entry.name, place, entry.pattern.converters


def address(place, converters):
    for name, converter in converters.items():
        kind = type(converter).__name__
        value = "1" if kind == "IntConverter" else "X-222222"
        tag = kind.removesuffix("Converter").lower()
        for written in (f"<{tag}:{name}>", f"<{name}>", f"<str:{name}>", f"<path:{name}>"):
            place = place.replace(written, value)
    return "/" + place


def ours():
    for name, place, converters in routes(get_resolver()):
        if place.startswith("account/") or "^" in place:
            continue  # the sign-in library's own pages
        yield name, address(place, converters)


def test_only_the_public_routes_answer_a_stranger():
    stranger, open_doors, seen = Client(), set(), set()
    for name, path in ours():
        assert name, path
        seen.add(name)
        answer = stranger.get(path)
        asks = answer.status_code in (302, 401) and (
            answer.status_code == 401 or "/account/login" in answer.headers["Location"]
        )
        # 405: the route takes other methods alone; then a POST must ask too.
        if answer.status_code == 405:
            posted = stranger.post(path)
            asks = posted.status_code == 401 or "/account/login" in posted.headers.get(
                "Location", ""
            )
        if not asks:
            open_doors.add(name)
    assert open_doors == PUBLIC
    assert seen >= PUBLIC
