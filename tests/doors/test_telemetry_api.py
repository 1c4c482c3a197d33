"""A provider's program sends telemetry: once, signed or not, and hears what is missing."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from billing.models import TelemetryBatch, TelemetryMinute, UsageLine
from billing.queries import evidence_of_usage
from billing.usage.evidence import Finding
from billing.usage.signed import signed_words
from providers.kinds import KeyKind
from tests.billing.test_telemetry import register, use
from tests.cast import M3, a_hold, make_scene
from tests.doors.programs import JULY, PROBLEM, Program, metered

pytestmark = pytest.mark.django_db

NOON = datetime(2025, 6, 10, 12, tzinfo=UTC)


@pytest.fixture
def now(monkeypatch):
    """The clock of the doors: July, when June's telemetry is sent."""
    monkeypatch.setattr(timezone, "now", lambda: JULY)
    return JULY


@pytest.fixture
def scene(now, db):
    return make_scene(M3)


@pytest.fixture
def program(scene):
    return Program(scene.seller)


@pytest.fixture
def secret(scene):
    made = Ed25519PrivateKey.generate()
    register(scene.seller, made)
    return made


def page(text, **more):
    return {"source": "dcgm", "taken_at": NOON.isoformat(), "page": text, **more}


def signed(secret, sequence, text):
    digest = hashlib.sha256(text.encode()).hexdigest()
    signature = secret.sign(signed_words("dcgm", sequence, NOON, digest))
    signed = {"sequence": sequence, "signature": base64.b64encode(signature).decode()}
    return page(text, signed=signed)


def test_a_page_is_kept_as_minutes(program):
    answer = program.post("telemetry", page(use(40) + use("NaN")), key="t-1")

    assert answer.status_code == 200
    assert answer.json() == {
        "rank": "PUSHED",
        "sequence": None,
        "samples": 1,
        "blank": 1,
        "unreadable": 0,
        "minutes": 1,
        "missing": [],
    }


def test_a_page_sent_twice_is_kept_once_and_answered_alike(program):
    first, again = (program.post("telemetry", page(use(40)), key="t-1") for _ in "12")
    other = program.post("telemetry", page(use(40)), key="t-2")

    assert first.content == again.content
    assert again["Idempotent-Replayed"] == "true"
    assert other.json() == first.json()
    assert TelemetryBatch.objects.count() == TelemetryMinute.objects.count() == 1


def test_a_signed_batch_hears_which_numbers_are_missing(program, secret):
    program.post("telemetry", signed(secret, 1, use(40)), key="t-1")
    answer = program.post("telemetry", signed(secret, 4, use(41)), key="t-4").json()

    assert (answer["rank"], answer["sequence"]) == ("SIGNED", 4)
    assert answer["missing"] == [{"first": 2, "last": 3}]


def test_what_is_wrongly_signed_is_refused_and_not_kept(program, secret):
    batch = signed(secret, 1, use(40))
    for number, wrong in enumerate(
        [
            {**batch, "signed": {**batch["signed"], "sequence": 2}},
            {**batch, "page": use(41)},
            page(use(40)),
        ]
    ):
        answer = program.post("telemetry", wrong, key=f"t-{number}")
        assert answer.status_code == 409
        assert set(answer.json()) == PROBLEM
        assert answer.json()["code"] in ("signature_wrong", "signature_missing")
    assert not TelemetryBatch.objects.exists()


@pytest.mark.parametrize("missing", ["sequence", "signature"])
def test_a_number_without_its_signature_can_not_be_read(program, secret, missing):
    batch = signed(secret, 1, use(40))
    del batch["signed"][missing]
    answer = program.post("telemetry", batch, key="t-1")

    assert (answer.status_code, answer.json()["field"]) == (400, f"signed.{missing}")
    assert not TelemetryBatch.objects.exists()


def test_a_read_only_key_sends_nothing(scene):
    answer = Program(scene.seller, kind=KeyKind.READ).post("telemetry", page(use(40)), key="t")

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert not TelemetryBatch.objects.exists()


def test_usage_names_its_gpus_and_telemetry_is_laid_beside_it(scene, program):
    order = a_hold(scene.voucher, scene.applicant, scene.seller, hours="400")
    record = metered(order.code, count="1", devices=["GPU-a"], ended_at="2025-06-10T01:00:00Z")
    sent = {"source": "c", "records": [record]}
    assert program.post("usage", sent, key="u-1").json()["recorded"] == 1
    midnight = NOON - timedelta(hours=12)
    text = "".join(use(9, midnight + timedelta(minutes=n), gpu="GPU-a") for n in range(60))
    program.post("telemetry", page(text), key="t-1")

    (found,) = evidence_of_usage(UsageLine.objects.all())
    assert (found.finding, found.seen_ms) == (Finding.WITHIN, 3_600_000)


@pytest.mark.parametrize("device", ["GPU a", "", "GPU-\u4e2d", "x" * 121])
def test_a_gpu_that_can_not_be_named_so_is_refused(scene, program, device):
    order = a_hold(scene.voucher, scene.applicant, scene.seller, hours="400")
    sent = {"source": "c", "records": [metered(order.code, devices=[device])]}

    assert program.post("usage", sent, key="u-1").status_code == 400
    assert not UsageLine.objects.exists()
