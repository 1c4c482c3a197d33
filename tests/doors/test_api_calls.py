"""Every request is counted and noted, and told to its provider alone."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.urls import reverse

from providers import actions
from providers.models import ApiCall
from tests.cast import M3, make_provider, make_scene
from tests.doors.pages import words
from tests.doors.programs import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(now):
    return make_scene(M3)


@pytest.fixture
def program(scene):
    return Program(scene.seller)


# --- the rate --------------------------------------------------------------------------------


def test_every_answer_tells_what_is_left(program, settings):
    settings.API_REQUESTS_A_MINUTE = 3

    left = [program.get("orders")["RateLimit"] for _ in range(3)]

    # The doors' clock stands at the begin of a minute.
    assert left == ['"minute";r=2;t=60', '"minute";r=1;t=60', '"minute";r=0;t=60']
    assert program.get("orders")["RateLimit-Policy"] == '"minute";q=3;w=60'


def test_beyond_the_limit_is_refused_until_the_next_minute(program, settings, now, monkeypatch):
    settings.API_REQUESTS_A_MINUTE = 1
    program.get("orders")

    answer = program.get("orders")

    assert answer.status_code == 429
    assert answer.json()["code"] == "too_many_requests"
    assert answer["Retry-After"] == "60"
    monkeypatch.setattr("django.utils.timezone.now", lambda: now + timedelta(minutes=1))
    assert program.get("orders").status_code == 200


def test_what_came_too_often_is_not_kept_as_the_first_answer(program, scene, settings):
    content = {
        "redemption_code": scene.voucher.redemption_code,
        "offer": scene.seller.offer.code,
        "hours": "1",
    }
    settings.API_REQUESTS_A_MINUTE = 0
    assert program.post("redemptions", content, key="r-1").status_code == 429

    settings.API_REQUESTS_A_MINUTE = 9
    assert program.post("redemptions", content, key="r-1").status_code == 201


def test_each_key_has_a_limit_of_its_own(program, scene, settings):
    settings.API_REQUESTS_A_MINUTE = 1
    program.get("orders")

    assert Program(scene.seller).get("orders").status_code == 200


def test_the_count_costs_the_log_of_the_database_nothing():
    with connection.cursor() as cursor:
        cursor.execute(
            "select relpersistence from pg_class where relname = 'providers_apicount'"
        )
        assert cursor.fetchone() == ("u",)


# --- pages -----------------------------------------------------------------------------------


def test_a_list_leads_to_the_pages_around_it(program, scene, monkeypatch):
    monkeypatch.setattr("providers.api.reading.ROWS_A_PAGE", 1)
    for number in range(3):
        program.post(
            "redemptions",
            {
                "redemption_code": scene.voucher.redemption_code,
                "offer": scene.seller.offer.code,
                "hours": "1",
                "reference": f"acct-{number}",
            },
            key=f"r-{number}",
        )

    links = program.get("orders", page=2)["Link"]

    base = "http://testserver/api/v1/orders?page="
    assert links.split(", ") == [
        f'<{base}1>; rel="first"',
        f'<{base}3>; rel="last"',
        f'<{base}1>; rel="prev"',
        f'<{base}3>; rel="next"',
    ]
    seen = [program.get("orders", page=number).json()["results"][0] for number in (1, 2, 3)]
    assert [one["reference"] for one in seen] == ["acct-2", "acct-1", "acct-0"]


# --- the log ---------------------------------------------------------------------------------


def test_a_request_is_noted_without_its_content(program, scene):
    content = {"redemption_code": "SECRET-CODE", "offer": scene.seller.offer.code, "hours": "1"}

    answer = program.post("redemptions?secret=1", content, key="r-1")

    call = ApiCall.objects.get()
    assert (call.method, call.path) == ("POST", "/api/v1/redemptions")
    assert (call.status, call.code) == (404, "code_unknown")
    assert call.api_key == program.api_key
    assert call.provider == scene.seller.provider
    assert call.address == "127.0.0.1"
    assert call.took_ms >= 0
    assert f"urn:uuid:{call.request_id}" == answer.json()["instance"]
    assert call.request_id == UUID(answer["X-Request-Id"])
    assert "SECRET" not in str(list(ApiCall.objects.values()))


def test_of_what_came_too_often_the_first_is_noted(program, settings):
    settings.API_REQUESTS_A_MINUTE = 1
    for _ in range(5):
        program.get("orders")

    assert list(ApiCall.objects.order_by("pk").values_list("status", flat=True)) == [200, 429]


def test_who_is_not_known_is_not_noted(program):
    program.client.get("/api/v1/orders", headers={"Authorization": "Bearer tess_live_no"})

    assert not ApiCall.objects.exists()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_lists_and_filters_the_requests_of_its_provider(
    browser, program, scene, language
):
    program.get("orders")
    program.get("orders/R-NOBODY")
    Program(make_provider(scene.authority, "Other Compute")).get("offers")
    client = browser(scene.seller.person)
    client.cookies["django_language"] = language

    whole = words(client.get(reverse("api_calls")))
    refused = words(client.get(reverse("api_calls"), {"outcome": "refused"}))
    by_path = words(client.get(reverse("api_calls"), {"words": "NOBODY"}))
    none = words(client.get(reverse("api_calls"), {"words": "nothing like it"}))

    assert "/api/v1/orders/R-NOBODY" in whole
    assert "/api/v1/offers" not in whole
    assert "not_found" in refused
    assert refused.count("/api/v1/orders") == by_path.count("/api/v1/orders") == 1
    assert ("No request matches." in none) == (language == "en")


def test_a_request_is_found_by_the_number_on_its_refusal(browser, program, scene):
    program.get("orders")
    instance = program.get("orders/R-NOBODY").json()["instance"]

    page = words(browser(scene.seller.person).get(reverse("api_calls"), {"words": instance}))

    assert page.count("/api/v1/orders") == 1
    assert "/api/v1/orders/R-NOBODY" in page


def test_the_file_has_what_the_page_lists(browser, program, scene):
    program.get("orders")
    program.get("orders/R-NOBODY")

    answer = browser(scene.seller.person).get(reverse("api_calls_csv"), {"outcome": "refused"})

    header, row = answer.content.decode("utf-8-sig").splitlines()
    assert header.startswith("When,Method,Path,Status,Code")
    assert ",GET,/api/v1/orders/R-NOBODY,404,not_found," in row


def test_a_page_without_requests_says_what_to_do(browser, scene):
    page = words(browser(scene.seller.person).get(reverse("api_calls")))

    assert "No requests yet" in page


def test_the_log_is_kept_for_thirty_days(program, now):
    program.get("orders")

    assert actions.forget_old_calls(at=now + timedelta(days=30)) == 0
    assert actions.forget_old_calls(at=now + timedelta(days=31)) == 1
