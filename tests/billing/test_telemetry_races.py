"""Whoever sends at the same moment: a number of a meter is given to one batch."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billing.models import MeterKey, TelemetryBatch, TelemetryMinute
from tests import cast
from tests.billing.test_telemetry import push, register, signed, use
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow


def test_of_batches_at_once_under_one_number_one_is_recorded(committed_db):
    seller = cast.make_scene(cast.M3).seller
    secret = Ed25519PrivateKey.generate()
    keys = at_once(4, lambda number: register(seller, secret, key=f"click {number}"))

    found = at_once(6, lambda number: signed(seller, secret, 1, use(number)))
    same = at_once(
        6, lambda number: push(seller, use(40), source="other", key=f"click-{number}")
    )

    assert {one.pk for one in keys} == {MeterKey.objects.get().pk}
    assert sorted(getattr(one, "code", "recorded") for one in found) == [
        "recorded",
        *["sequence_used"] * 5,
    ]
    assert len({one.pk for one in same}) == 1
    assert TelemetryBatch.objects.count() == TelemetryMinute.objects.count() == 2
