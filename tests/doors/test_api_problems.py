"""Every refusal of the API has one shape, says what to do, and leads to the page on its code."""

import logging

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from providers.api.reference import codes_of_refusals
from tests.cast import M3, make_scene
from tests.doors.pages import words
from tests.doors.programs import PROBLEM, Program
from vouchers import actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(now):
    return make_scene(M3)


@pytest.fixture
def program(scene):
    return Program(scene.seller)


def test_a_refusal_is_problem_details(program, scene):
    content = {"redemption_code": "XXXX-XXXX-XXXX-XXXX", "offer": scene.seller.offer.code}

    answer = program.post("redemptions", {**content, "hours": "1"}, key="r-1")

    told = answer.json()
    assert answer.status_code == told["status"] == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert told.keys() == PROBLEM
    assert told["type"] == f"{settings.PUBLIC_URL}/developers/errors/#code_unknown"
    assert told["title"] == "Not found"
    assert told["instance"].startswith("urn:uuid:")
    assert told["code"] == "code_unknown"


def test_two_refusals_are_two_occurrences(program):
    first, second = (program.get("orders/R-NOBODY").json() for _ in range(2))

    assert first["instance"] != second["instance"]
    assert {**first, "instance": ""} == {**second, "instance": ""}


def test_the_record_and_the_field_at_fault_are_named(program):
    records = [{"key": "a"}, {"key": "b"}]

    told = program.post("usage", {"source": "c", "records": records}, key="u-1").json()

    assert told["code"] == "input_invalid"
    assert (told["row"], told["field"]) == (1, "records.0.account")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("get", "nowhere", {}, 404, "not_found"),
        ("post", "nowhere/at/all", {}, 404, "not_found"),
        ("delete", "orders", {}, 405, "method_not_allowed"),
        ("get", "orders", {"Accept": "text/html"}, 406, "not_acceptable"),
        ("post", "usage", {"Idempotency-Key": "u"}, 415, "unsupported_media_type"),
    ],
)
def test_what_no_operation_answers_has_the_same_shape(
    program, method, path, headers, status, code
):
    body = {"data": "<xml/>", "content_type": "application/xml"} if method == "post" else {}

    answer = getattr(program.client, method)(f"/api/v1/{path}", headers=headers, **body)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert answer.json().keys() == PROBLEM


def test_a_failure_of_ours_is_told_without_its_inside_and_logged(program, scene, monkeypatch):
    def fail(**_given):
        raise ValueError("the inside")

    monkeypatch.setattr(actions, "redeem_code", fail)
    content = {"redemption_code": "X", "offer": scene.seller.offer.code, "hours": "1"}
    program.client.raise_request_exception = False
    told = []
    handler = logging.Handler()
    handler.emit = told.append
    logging.getLogger("providers.api.problems").addHandler(handler)

    answer = program.post("redemptions", content, key="r-1")

    logging.getLogger("providers.api.problems").removeHandler(handler)
    assert answer.status_code == 500
    assert answer.json()["code"] == "error"
    assert "the inside" not in answer.content.decode()
    assert str(told[0].exc_info[1]) == "the inside"


def test_a_null_character_in_an_address_of_the_api_is_told_in_the_same_shape():
    answer = Client().get("/api/v1/orders/%00")

    assert answer.status_code == 404
    assert answer.json().keys() == PROBLEM


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_code_has_its_place_on_the_page(browser, language):
    page = browser().get(reverse("api_errors"), headers={"Accept-Language": language})

    content = page.content.decode()
    codes = codes_of_refusals()
    assert {"key_reused", "order_already_open", "nothing_to_bill", "input_invalid"} <= set(
        codes
    )
    for code in codes:
        assert content.count(f'id="{code}"') == 1
    assert "%(" not in content
    told = words(page)
    assert ("The key {key} was already used" in told) == (language == "en")
    assert ("请" in told) == (language == "zh-hans")
