"""A provider's programs: one call and one event, through the processes that serve them (P3)."""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError

import pytest
from standardwebhooks import Webhook

from config.embedded import valkey
from providers import actions as providers
from tests import processes
from tests.cast import M3, NOON, a_hold, a_key, make_scene
from tests.notices.receiver import listening

pytestmark = pytest.mark.slow


def call(address, secret, path, content, key):
    request = urllib.request.Request(
        f"{address}/api/v1/{path}",
        json.dumps(content).encode(),
        {
            "Authorization": f"Bearer {secret}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, json.load(answer)
    except HTTPError as error:
        return error.code, error.headers, json.load(error)


def test_usage_goes_in_by_one_call_and_comes_back_as_one_event(
    committed_db, tmp_path, settings
):
    settings.WEBHOOKS_TO_LOOPBACK = True
    settings.SECRET_KEY = "x" * 50  # as the processes are told
    scene = make_scene(M3)
    order = a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")
    started = order.placed_at + timedelta(hours=1)
    _key, secret = providers.create_api_key(
        provider=scene.seller.provider,
        name="meter",
        actor=scene.seller.person,
        at=NOON,
        key=a_key(),
    )
    records = {
        "source": "cluster-1",
        "records": [
            {
                "key": "job-1",
                "account": order.code,
                "resource": "GPU",
                "resource_class": "H100",
                "count": "8",
                "started_at": started.isoformat(),
                "ended_at": (started + timedelta(hours=2)).isoformat(),
                "state": "COMPLETED",
            }
        ],
    }

    with (
        listening() as receiver,
        valkey(tmp_path / "valkey") as broker,
        processes.portal(
            committed_db.app_url, tmp_path, BROKER_URL=broker, WEBHOOKS_TO_LOOPBACK="1"
        ) as address,
        processes.worker(committed_db.app_url, broker, tmp_path, WEBHOOKS_TO_LOOPBACK="1"),
        processes.beat(committed_db.app_url, broker, tmp_path),
    ):
        _endpoint, signing = providers.add_webhook(
            provider=scene.seller.provider,
            url=receiver.url,
            events=["usage.recorded"],
            actor=scene.seller.person,
            at=datetime.now(UTC),
            key=a_key(),
        )
        status, headers, body = call(address, secret, "usage", records, "u-1")
        again = call(address, secret, "usage", records, "u-1")

        assert (status, body["recorded"]) == (200, 1), body
        assert (again[0], again[2]) == (200, body)
        assert again[1]["Idempotent-Replayed"] == "true"
        assert headers["RateLimit-Policy"].endswith(";w=60")
        deadline = time.monotonic() + 90
        while not receiver.received:
            log = (tmp_path / "worker.log").read_text()[-3000:]
            assert time.monotonic() < deadline, log
            time.sleep(0.2)
        received = receiver.received[0]
        told = Webhook(signing).verify(received.body, received.headers)
        assert told["type"] == "usage.recorded"
        assert told["data"] == {"recorded": 1}
        time.sleep(6)
        assert len(receiver.received) == 1
