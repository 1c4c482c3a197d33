"""Every operation of the API by every kind of key: whose it is not, finds and moves nothing."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from billing.models import UsageLine
from providers import actions as providers
from providers.api.reference import described_api
from providers.models import ApiKey
from tests.browser.history import History, make_history
from tests.cast import a_key, make_authority, make_provider
from tests.doors.matrix import World, rows, things_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def world(db) -> World:
    h = make_history()
    return World(h, things_of(h))


@dataclass(frozen=True)
class Call:
    """One operation on what is the first provider's, and the scope that it asks for."""

    method: str
    path: str
    scope: str
    content: dict | None = None


def calls_of(h: History) -> list[Call]:
    """Return a call of every operation that the description has."""
    at = datetime.now(UTC).replace(microsecond=0)
    record = {
        "key": "m-1",
        "account": h.order.code,
        "resource": "GPU",
        "resource_class": "H100",
        "count": "1",
        "started_at": at.isoformat(),
        "ended_at": (at + timedelta(minutes=6)).isoformat(),
    }
    line = UsageLine.objects.filter(provider=h.seller.provider).earliest("pk")
    correction = {"source": line.source, "key": line.key, "reason": "No."}
    # A page without a sample: it is refused, whoever sends it.
    telemetry = {"source": "m", "taken_at": at.isoformat(), "page": "# nothing"}
    code = h.voucher.redemption_code
    wanted = {"redemption_code": code, "offer": h.seller.offer.code, "hours": "1"}
    bill = {
        "programme": h.m3.programme.code,
        "period_from": (at - timedelta(days=20)).isoformat(),
        "period_until": (at + timedelta(days=2)).isoformat(),
        "invoice_number": "M-1",
    }
    claim = {
        "voucher": h.voucher.code,
        "invoice_number": "M-1",
        "amount": 1_00,
        "contract_from_on": "2025-03-01",
        "contract_until_on": "2025-12-31",
        "period_from": bill["period_from"],
        "period_until": bill["period_until"],
    }
    # It is refused, whoever sends it.
    invoice = {"name": "a.xml", "content": "PGEvPg=="}
    return [
        Call("get", "/api/v1/offers", "offers:read"),
        Call("post", "/api/v1/vouchers/check", "vouchers:read", {"redemption_code": code}),
        Call("post", "/api/v1/redemptions", "orders:write", wanted),
        Call("get", "/api/v1/orders", "orders:read"),
        Call("get", f"/api/v1/orders/{h.order.code}", "orders:read"),
        *(
            Call("post", f"/api/v1/orders/{h.order.code}/{act}", "orders:write", content)
            for act, content in (
                ("accept", {"hours": "400"}),
                ("decline", {"reason": "No."}),
                ("change", {"hours": "399", "reason": "No."}),
                ("cancel", {"reason": "No."}),
                ("release", {}),
            )
        ),
        Call("post", "/api/v1/claims", "bills:write", claim),
        Call("post", "/api/v1/usage", "usage:write", {"source": "m", "records": [record]}),
        Call("post", "/api/v1/usage/corrections", "usage:write", correction),
        Call("post", "/api/v1/telemetry", "usage:write", telemetry),
        Call("post", "/api/v1/bills", "bills:write", bill),
        Call("get", f"/api/v1/bills/{h.settled.number}", "bills:read"),
        Call("post", f"/api/v1/bills/{h.settled.number}/invoice", "bills:write", invoice),
        Call("get", f"/api/v1/bills/{h.settled.number}/invoice", "bills:read"),
        Call("get", f"/api/v1/bills/{h.settled.number}/papers", "bills:read"),
        Call("get", f"/api/v1/bills/{h.settled.number}/papers/1.xml", "bills:read"),
        Call("get", f"/api/v1/trace/bill/{h.settled.number}", "bills:read"),
    ]


def asked(call: Call, secret: str):
    headers = {"Idempotency-Key": a_key()}
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    return Client(headers=headers).generic(
        call.method.upper(), call.path, json.dumps(call.content), "application/json"
    )


def a_key_of(seller, kind="LIVE") -> str:
    _row, secret = providers.create_api_key(
        provider=seller.provider,
        name=kind,
        kind=kind,
        actor=seller.person,
        at=datetime.now(UTC),
        key=a_key(),
    )
    return secret


def test_every_operation_is_called_here(world):
    described = described_api()["paths"]
    called = {
        (
            call.method,
            re.sub(r"/(orders|bills|trace/bill)/[^/]+", r"/\1/{}", call.path)
            .replace("/trace/bill/", "/trace/{}/")
            .replace("/papers/1.xml", "/papers/{}.{}"),
        )
        for call in calls_of(world.h)
    }

    assert called == {
        (method, re.sub(r"{\w+}", "{}", path))
        for path, methods in described.items()
        for method in methods
    }


def test_no_key_and_no_revoked_key_opens_anything(world):
    secret = a_key_of(world.h.seller)
    row = ApiKey.objects.latest("pk")
    providers.revoke_api_key(
        api_key=row, actor=world.h.seller.person, at=datetime.now(UTC), key=a_key()
    )
    before = rows()

    for call in calls_of(world.h):
        for shown in ("", secret, secret[:-1] + "x", "tess_live_unknown"):
            answer = asked(call, shown)
            assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), call
    assert rows() == before


def test_a_read_only_key_reads_and_changes_nothing(world):
    secret = a_key_of(world.h.seller, "READ")
    before = rows()

    for call in calls_of(world.h):
        answer = asked(call, secret)
        if call.scope.endswith(":read"):
            assert answer.status_code == 200, call
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), call
    assert rows() == before


def test_another_providers_key_finds_and_moves_nothing_of_the_first(world):
    h = world.h
    secret = a_key_of(make_provider(make_authority("Elsewhere Bureau"), "Rival Compute"))
    before = rows()

    answers = {(call.method, call.path): asked(call, secret) for call in calls_of(h)}

    told = {key: (one.status_code, one.json()) for key, one in answers.items()}
    assert told["get", f"/api/v1/orders/{h.order.code}"][0] == 404
    assert told["get", f"/api/v1/bills/{h.settled.number}"][0] == 404
    assert {
        told[way, f"/api/v1/bills/{h.settled.number}/invoice"][0] for way in ("get", "post")
    } == {404}
    assert told["get", f"/api/v1/bills/{h.settled.number}/papers"][0] == 404
    assert told["get", f"/api/v1/bills/{h.settled.number}/papers/1.xml"][0] == 404
    assert told["get", f"/api/v1/trace/bill/{h.settled.number}"][0] == 404
    acts = ("accept", "decline", "change", "cancel", "release")
    assert {told["post", f"/api/v1/orders/{h.order.code}/{act}"][0] for act in acts} == {404}
    assert told["get", "/api/v1/orders"][1]["results"] == []
    assert h.seller.offer.code not in str(told["get", "/api/v1/offers"])
    assert told["post", "/api/v1/redemptions"][0] == 409
    assert told["post", "/api/v1/usage"][1]["recorded"] == 0
    assert told["post", "/api/v1/usage/corrections"][0] == 404
    assert told["post", "/api/v1/bills"][0] == 409
    # A code opens its voucher to every provider: that is what its holder gave it for.
    assert told["post", "/api/v1/vouchers/check"][0] == 200
    moved = {table for table, count in rows().items() if count != before[table]}
    assert moved == set()
