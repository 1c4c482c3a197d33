"""The API is what its description says: one shape for everybody, one for every refusal."""

import json
import sys
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openapi_spec_validator import validate
from standardwebhooks import WebhookVerificationError

from notices.webhooks import signed_headers
from providers import actions as providers
from providers.api import reference
from providers.kinds import EVENTS
from providers.models import ApiKey
from providers.queries import secret_of
from tests.cast import M3, a_key, make_scene
from tests.doors.pages import words
from tests.doors.programs import JULY, PROBLEM, Program, redemption

pytestmark = pytest.mark.django_db

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "api" / "openapi.json"


@pytest.fixture
def now(monkeypatch):
    """The clock of the doors: July, when June is billed."""
    monkeypatch.setattr(timezone, "now", lambda: JULY)
    return JULY


@pytest.fixture
def scene(db, now):
    return make_scene(M3)


@pytest.fixture
def program(scene):
    return Program(scene.seller)


# --- keys and shapes -------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["orders", "offers", "bills/BL-1", "orders/R-1"])
def test_nothing_is_told_without_a_key(scene, path):
    for headers in ({}, {"Authorization": "Bearer tess_live_wrong"}):
        answer = Client(headers=headers).get(f"/api/v1/{path}")
        assert answer.status_code == 401
        assert answer.json().keys() == PROBLEM
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["WWW-Authenticate"] == "Bearer"


def test_a_revoked_key_opens_nothing(scene, program):
    providers.revoke_api_key(
        api_key=ApiKey.objects.get(), actor=scene.seller.person, at=JULY, key=a_key()
    )

    assert program.get("orders").status_code == 401


@pytest.mark.parametrize("path", ["redemptions", "usage", "bills"])
@pytest.mark.parametrize("key", [None, "two words", "é", "x" * 201])
def test_a_post_without_a_readable_idempotency_key_is_told_why(scene, program, path, key):
    answer = program.post(path, {}, key=key)

    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_missing"
    assert "so that a request sent twice is done once" in answer.json()["detail"]


def test_every_wrong_field_is_named(scene, program):
    answer = program.post("redemptions", {"hours": "many", "offer": ""}, key="r-1")

    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == "input_invalid"
    assert set(body["values"]) == {"hours", "offer", "redemption_code"}
    assert "There are 3 problems in all." in body["detail"]


@pytest.mark.parametrize("content", ["{", "[]", "null", '"text"', "[[1]]"])
def test_what_is_no_object_is_refused_in_the_same_shape(scene, program, content):
    answer = program.client.post(
        "/api/v1/redemptions",
        content,
        content_type="application/json",
        headers={"Idempotency-Key": "r-1"},
    )

    assert answer.status_code == 400
    assert PROBLEM <= answer.json().keys() <= PROBLEM | {"field"}


def test_a_body_above_the_limit_is_not_read(scene, program, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    answer = program.post("redemptions", redemption(scene, reference="x" * 80), key="r-1")

    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


def test_refusals_speak_the_callers_language(scene, program):
    answer = program.client.post(
        "/api/v1/vouchers/check",
        {"redemption_code": "X"},
        content_type="application/json",
        headers={"Accept-Language": "zh-hans"},
    )

    assert answer["Content-Language"].lower() == "zh-hans"


# --- the description -------------------------------------------------------------------------


def test_the_committed_description_is_what_the_code_does(tmp_path):
    made = tmp_path / "openapi.json"

    call_command(
        "spectacular", format="openapi-json", file=str(made), validate=True, fail_on_warn=True
    )

    assert json.loads(made.read_text()) == json.loads(COMMITTED.read_text())
    validate(json.loads(COMMITTED.read_text()))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_description_that_is_served_is_the_committed_one(scene, language):
    reference.described_api.cache_clear()
    reference._described_bytes.cache_clear()

    answer = Client().get(reverse("api_schema"), headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert json.loads(answer.content) == json.loads(COMMITTED.read_text())


def test_every_event_is_described():
    described = json.loads(COMMITTED.read_text())["webhooks"]

    assert described.keys() == EVENTS.keys()
    for item in described.values():
        shape = item["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert shape["$ref"].startswith("#/components/schemas/")


def test_every_operation_tells_its_refusals_in_one_shape():
    document = json.loads(COMMITTED.read_text())

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            refusals = {one for one in operation["responses"] if one >= "400"}
            assert {"400", "401", "403", "406", "429", "500"} <= refusals, (method, path)
            if method == "post":
                assert {"413", "415"} <= refusals, (method, path)
            for status in refusals:
                content = operation["responses"][status]["content"]
                assert content == {
                    "application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/Problem"}
                    }
                }


def test_the_reference_page_shows_every_operation_with_an_example(browser, scene):
    page = browser().get(reverse("api_docs"))

    told = words(page)
    for path in json.loads(COMMITTED.read_text())["paths"]:
        assert path in told
    assert "curl -X POST" in told
    assert "Authorization: Bearer $TESSERA_KEY" in told
    for event, meaning in EVENTS.items():
        assert f"{event} {meaning}" in told
    assert 'id="events"' in page.content.decode()
    assert 'href="#shape-"' not in page.content.decode()
    assert "<script src" in page.content.decode()
    assert "style=" not in page.content.decode()


def test_every_example_in_python_is_a_call_of_its_operation(scene, program, monkeypatch):
    asked = []

    class Requests(ModuleType):
        """What the examples import, with our own portal at the other end."""

        @staticmethod
        def request(method, url, *, headers, json=None, timeout):
            path = url.removeprefix(settings.PUBLIC_URL)
            answer = Client(headers=headers).generic(
                method, path, dumps(json), content_type="application/json"
            )
            asked.append((method, path, answer.status_code, answer.json().get("code")))
            return answer

    monkeypatch.setitem(sys.modules, "requests", Requests("requests"))
    for operation in reference._operations():
        exec(compile(operation["python"], operation["id"], "exec"), {"key": program.secret})

    paths = json.loads(COMMITTED.read_text())["paths"]
    assert {(one[0], one[1]) for one in asked} == {
        (method.upper(), path) for path, methods in paths.items() for method in methods
    }
    # The examples name things that are not there; what they send can be read.
    assert {one[2:] for one in asked} <= {
        (200, None),
        (201, None),
        (404, "not_found"),
        (404, "code_unknown"),
    }


def test_the_example_checks_an_event(capsys):
    secret, body = secret_of("a seed"), '{"type": "order.placed", "data": {"order": "R-1"}}'
    headers = signed_headers(number="msg_1", at=datetime.now(UTC), body=body, secrets=[secret])
    given = {"secret": secret, "body": body, "headers": headers}

    exec(reference.CHECK_AN_EVENT, given)

    assert capsys.readouterr().out == "order.placed {'order': 'R-1'}\n"
    with pytest.raises(WebhookVerificationError):
        exec(reference.CHECK_AN_EVENT, {**given, "body": body.replace("R-1", "R-2")})
