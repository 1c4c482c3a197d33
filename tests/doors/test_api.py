"""A provider's programs do what its people do: once a key, refused in one shape, as described."""

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

from billing import actions as billing
from billing.models import Bill, UsageLine
from ledger import queries as ledger
from ledger.actions import SYSTEM
from notices.webhooks import signed_headers
from providers import actions as providers
from providers.api import reference
from providers.kinds import EVENTS
from providers.models import ApiKey
from providers.queries import secret_of
from tests.cast import M3, a_hold, a_key, make_provider, make_scene
from tests.doors.pages import send, words
from tests.doors.programs import PROBLEM, Program
from vouchers.models import Order

pytestmark = pytest.mark.django_db

JULY = datetime(2025, 7, 2, tzinfo=UTC)
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


def redemption(scene, **more):
    given = {
        "redemption_code": scene.voucher.redemption_code,
        "offer": scene.seller.offer.code,
        "hours": "100",
        "reference": "acct-1",
    }
    return {**given, **more}


def free(scene):
    return ledger.balance(scene.scheme.programme.account("voucher", scene.voucher.code)).free


# --- vouchers --------------------------------------------------------------------------------


def test_a_code_tells_what_it_may_pay(scene, program):
    code = scene.voucher.redemption_code.lower().replace("-", " ")

    answer = program.post("vouchers/check", {"redemption_code": code})

    assert answer.status_code == 200
    assert answer.json() == {
        "programme": M3,
        "mode": "M3",
        "unit": "CNY",
        "free": 60_000_00,
        "valid_until": scene.voucher.valid_until_on.isoformat(),
        "voucher_status": "ACTIVE",
        "quote": None,
    }


def test_an_unknown_code_is_not_found(scene, program):
    answer = program.post("vouchers/check", {"redemption_code": "XXXX-XXXX-XXXX-XXXX"})

    assert answer.status_code == 404
    assert answer.json()["code"] == "code_unknown"
    assert "Ask its holder to read it to you again" in answer.json()["detail"]


def test_a_redemption_sets_value_aside(scene, program):
    answer = program.post("redemptions", redemption(scene), key="r-1")

    order = Order.objects.get()
    assert answer.status_code == 201
    body = answer.json()
    assert (body["code"], body["order_status"], body["hours"]) == (order.code, "OPEN", "100")
    assert (body["price_total"], body["held"], body["held_now"]) == (
        2_500_00,
        1_500_00,
        1_500_00,
    )
    assert free(scene) == 58_500_00
    assert order.placed_by == "PROVIDER"


def test_the_same_key_gives_the_first_order(scene, program):
    answers = [program.post("redemptions", redemption(scene), key="r-1") for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert Order.objects.count() == 1
    assert free(scene) == 58_500_00


def test_the_same_key_with_other_content_is_refused(scene, program):
    program.post("redemptions", redemption(scene), key="r-1")

    answer = program.post("redemptions", redemption(scene, hours="200"), key="r-1")

    assert answer.status_code == 422
    assert answer.json()["code"] == "key_reused"
    assert free(scene) == 58_500_00


def test_a_second_redemption_of_the_same_order_is_refused(scene, program):
    program.post("redemptions", redemption(scene), key="r-1")

    answer = program.post("redemptions", redemption(scene), key="r-2")

    assert answer.status_code == 409
    assert answer.json()["code"] == "order_already_open"
    assert answer.json()["values"] == {"order": Order.objects.get().code}
    assert free(scene) == 58_500_00


def test_a_key_is_scoped_to_its_provider(scene, program):
    other = make_provider(scene.authority, "Other Compute")
    program.post("redemptions", redemption(scene), key="r-1")

    answer = Program(other).post(
        "redemptions", redemption(scene, offer=other.offer.code), key="r-1"
    )

    assert answer.status_code == 201
    assert Order.objects.count() == 2


def test_another_providers_offer_is_refused(scene, program):
    other = make_provider(scene.authority, "Other Compute")

    answer = program.post("redemptions", redemption(scene, offer=other.offer.code), key="r-1")

    assert answer.status_code == 409
    assert answer.json()["code"] == "offer_not_yours"


def test_an_unknown_offer_is_not_found(scene, program):
    answer = program.post("redemptions", redemption(scene, offer="F-NOBODY"), key="r-1")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_more_than_the_voucher_has_is_refused_or_cut_but_never_beyond(scene, program):
    program.post("redemptions", redemption(scene, hours="100000"), key="r-1")

    assert free(scene) >= 0


def test_the_page_and_the_program_redeem_alike(browser, scene, program):
    program.post("redemptions", redemption(scene), key="r-1")
    client = browser(scene.seller.person)

    page = send(
        client,
        reverse("redeem"),
        redemption_code=scene.voucher.redemption_code,
        offer=scene.seller.offer.code,
        hours="100",
        provider_reference="acct-1",
        confirm="1",
        confirmed="1",
        step="confirm",
    )

    assert Order.objects.count() == 1
    assert "is already open on this voucher" in words(page)


def test_orders_are_listed_and_read_by_their_provider_alone(scene, program):
    order = a_hold(scene.voucher, scene.applicant, scene.seller)
    other = Program(make_provider(scene.authority, "Other Compute"))

    listed = program.get("orders").json()
    assert (listed["count"], listed["pages"]) == (1, 1)
    assert listed["results"] == [program.get(f"orders/{order.code}").json()]
    assert other.get("orders").json()["results"] == []
    assert other.get(f"orders/{order.code}").status_code == 404


def test_offers_tell_their_price(scene, program):
    (offer,) = program.get("offers").json()["results"]

    assert offer["code"] == scene.seller.offer.code
    assert offer["prices"] == [{"currency": "CNY", "rate": "25.0000"}]
    assert (offer["service_level"], offer["is_domestic"]) == ("ON_DEMAND", False)
    assert offer["queue_hours"] is None


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


# --- usage -----------------------------------------------------------------------------------


def metered(account, key="job-1", **more):
    given = {
        "key": key,
        "account": account,
        "resource": "GPU",
        "resource_class": "H100",
        "count": "8",
        "started_at": "2025-06-10T00:00:00Z",
        "ended_at": "2025-06-11T00:00:00Z",
        "state": "COMPLETED",
    }
    return {**given, **more}


@pytest.fixture
def order(scene):
    return a_hold(scene.voucher, scene.applicant, scene.seller, hours="400")


def test_each_record_gets_its_answer_and_good_ones_count(scene, program, order):
    records = [
        metered(order.code),
        metered("R-NOBODY", key="job-2"),
        metered(order.code, key="job-3", ended_at="2025-06-09T00:00:00Z"),
        metered(order.code, key="job-4", state="RUNNING"),
        metered(order.code, key="job-5", state="WHATEVER"),
    ]

    answer = program.post("usage", {"source": "cluster-1", "records": records}, key="u-1")

    body = answer.json()
    assert answer.status_code == 200
    assert (body["recorded"], body["skipped"], body["refused"]) == (1, 1, 3)
    assert [one["outcome"] for one in body["records"]] == [
        "TAKEN",
        "REFUSED",
        "REFUSED",
        "SKIPPED",
        "REFUSED",
    ]
    codes = [one["code"] for record in body["records"] for one in record["problems"]]
    assert codes == ["account_unknown", "ends_before_start", "state_unknown"]
    assert UsageLine.objects.get().quantity_ms == 192 * 3_600_000


def test_the_same_batch_again_is_recorded_once(scene, program, order):
    batch = {"source": "cluster-1", "records": [metered(order.code)]}

    answers = [program.post("usage", batch, key=key).json() for key in ("u-1", "u-1", "u-2")]

    assert [(one["recorded"], one["known_before"]) for one in answers] == [
        (1, 0),
        (1, 0),
        (0, 1),
    ]
    assert UsageLine.objects.count() == 1


def test_what_was_recorded_is_not_changed(scene, program, order):
    program.post("usage", {"source": "c", "records": [metered(order.code)]}, key="u-1")

    changed = {"source": "c", "records": [metered(order.code, count="4")]}
    body = program.post("usage", changed, key="u-2").json()

    assert body["records"][0]["problems"][0]["code"] == "recorded_before"
    assert UsageLine.objects.get().count_thousandths == 8000


def test_too_many_records_are_refused_at_once(scene, program, order):
    records = [metered(order.code, key=f"job-{n}") for n in range(1001)]

    answer = program.post("usage", {"source": "c", "records": records}, key="u-1")

    assert answer.status_code == 400
    assert not UsageLine.objects.exists()


# --- bills -----------------------------------------------------------------------------------

JUNE = {"period_from": "2025-06-01T00:00:00+08:00", "period_until": "2025-07-01T00:00:00+08:00"}


def bill(invoice="INV-1", **more):
    return {"programme": M3, "invoice_number": invoice, **JUNE, **more}


@pytest.fixture
def used(program, order):
    program.post("usage", {"source": "c", "records": [metered(order.code)]}, key="u-1")
    return order


def test_a_period_is_billed_once_a_key(scene, program, used):
    answers = [program.post("bills", bill(), key="b-1") for _ in range(2)]

    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["total"] == 4_800_00
    assert Bill.objects.count() == 1


def test_a_bills_lines_carry_their_verdicts(scene, program, used):
    lines = [
        {"source": "c", "key": "job-1", "hours": "200"},
        {"source": "c", "key": "nobody", "hours": "1", "rate": "25.00"},
    ]
    number = program.post("bills", bill(lines=lines), key="b-1").json()["number"]
    before = program.get(f"bills/{number}").json()
    assert [one["verdict"] for one in before["lines"]["results"]] == [None, None]

    billing.settle_bill(bill=Bill.objects.get(), actor=SYSTEM, at=JULY, key=a_key("settle"))

    after = program.get(f"bills/{number}").json()
    assert after["bill_status"] == "SETTLED"
    first, second = after["lines"]["results"]
    assert (first["verdict"], first["accepted"], first["withheld"]) == (
        "REDUCED",
        4_800_00,
        200_00,
    )
    assert first["reason_code"] == "billed_above_meter"
    assert "200 GPU-hours" in first["reason"]
    assert (second["verdict"], second["reason_code"]) == ("WITHHELD", "no_meter")


def test_a_bill_is_read_by_its_provider_alone(scene, program, used):
    number = program.post("bills", bill(), key="b-1").json()["number"]
    other = Program(make_provider(scene.authority, "Other Compute"))

    assert other.get(f"bills/{number}").status_code == 404


def test_a_period_without_usage_is_refused(scene, program, order):
    answer = program.post("bills", bill(), key="b-1")

    assert answer.status_code == 409
    assert answer.json()["code"] == "nothing_to_bill"
    assert not Bill.objects.exists()


def test_an_unknown_programme_is_not_found(scene, program, order):
    assert program.post("bills", bill(programme="nowhere"), key="b-1").status_code == 404


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
