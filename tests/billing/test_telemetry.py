"""Telemetry is kept by the minute, once; what is signed is proved, and a gap is seen."""

import base64
import hashlib
import io
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import ProgrammingError, connection

from billing import actions, queries
from billing.models import MeterKey, TelemetryBatch, TelemetryMinute
from billing.models.telemetry import MeterRank
from billing.usage.signed import signed_words
from ledger.actions import KeyReused
from ledger.models import Act
from tests import cast
from tests.real_data import shared

pytestmark = pytest.mark.django_db

UUID = "GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52"
BARE = "604ac76c-d9cf-fef3-62e9-d92044ab6e52"
NOON = datetime(2025, 6, 10, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=20)


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def seller(scene):
    return scene.seller


@pytest.fixture
def secret():
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def public(secret):
    return base64.b64encode(secret.public_key().public_bytes_raw()).decode()


def use(percent, at=None, *, gpu=UUID, part=""):
    labels = f'UUID="{gpu}"' + (f',GPU_I_ID="{part}"' if part else "")
    stamp = f" {int(at.timestamp() * 1000)}" if at else ""
    return f"DCGM_FI_DEV_GPU_UTIL{{{labels}}} {percent}{stamp}\n"


def push(seller, text, *, key="push", source="dcgm", taken_at=NOON, at=LATER, **more):
    return actions.record_telemetry(
        provider=seller.provider,
        source=source,
        rank=more.pop("rank", MeterRank.PUSHED),
        stream=io.BytesIO(text if isinstance(text, bytes) else text.encode()),
        taken_at=taken_at,
        actor=seller.person,
        at=at,
        key=key,
        **more,
    )


def signed(seller, secret, sequence, text, **more):
    page = hashlib.sha256(text.encode()).hexdigest()
    words = signed_words("dcgm", sequence, more.get("taken_at", NOON), page)
    signature = base64.b64encode(secret.sign(words)).decode()
    more.setdefault("key", f"push-{sequence}-{page[:9]}")
    return push(seller, text, signature=actions.Signature(sequence, signature), **more)


def register(seller, secret, *, key="register", source="dcgm", at=NOON):
    return actions.register_meter_key(
        provider=seller.provider,
        source=source,
        public_key=public(secret),
        actor=seller.person,
        at=at,
        key=key,
    )


def minutes():
    return [
        (one.device, one.minute, one.samples, one.utilisation_total, one.power_total)
        for one in TelemetryMinute.objects.order_by("device", "minute")
    ]


def nothing_recorded():
    return not (TelemetryBatch.objects.exists() or TelemetryMinute.objects.exists())


# --- minutes ---------------------------------------------------------------------------------


def test_samples_are_summed_by_device_and_minute(seller):
    second = timedelta(seconds=1)
    batch = push(
        seller,
        use(40, NOON)
        + use("60.5", NOON + 59 * second)
        + use(0, NOON + 60 * second)
        + use(100, NOON, part="7"),
    )

    assert minutes() == [
        (BARE, NOON, 2, 1005, 0),
        (BARE, NOON + 60 * second, 1, 0, 0),
        (f"{BARE}/7", NOON, 1, 1000, 0),
    ]
    assert (batch.samples, batch.blank, batch.unreadable, batch.minutes) == (4, 0, 0, 3)
    assert (batch.rank, batch.sequence, batch.signed_with) == (MeterRank.PUSHED, None, None)


def test_a_page_without_times_is_of_the_instant_that_is_said(seller):
    push(seller, use(7), taken_at=NOON + timedelta(seconds=30))

    assert minutes() == [(BARE, NOON, 1, 70, 0)]


@pytest.mark.parametrize(
    "blank", ["9223372036854775794", "2147483632", "NaN", "140737488355328"]
)
def test_a_value_that_means_none_is_no_minute(seller, blank):
    batch = push(seller, use(blank) + use(50, NOON, gpu="GPU-other"))

    assert minutes() == [("other", NOON, 1, 500, 0)]
    assert (batch.samples, batch.blank) == (1, 1)


def test_the_most_exact_measure_with_a_value_counts_alone(seller):
    ratio = f'DCGM_FI_PROF_GR_ENGINE_ACTIVE{{UUID="{UUID}"}} '
    push(seller, use(100) + ratio + "0.25\n")
    push(seller, use(100) + ratio + "9223372036854775794\n", source="other", key="other")

    totals = TelemetryMinute.objects.order_by("batch").values_list(
        "utilisation_total", flat=True
    )
    assert list(totals) == [250, 1000]


def test_what_no_gpu_does_is_counted_and_not_kept(seller):
    batch = push(seller, use(101) + use(-1) + use(99) + "broken {\n")

    assert minutes() == [(BARE, NOON, 1, 990, 0)]
    assert (batch.samples, batch.unreadable) == (1, 3)


@pytest.mark.parametrize(
    ("state", "thousandths", "milliwatts"), [("idle", 0, 69_850), ("load", 1000, 631_950)]
)
def test_the_recorded_pages_of_an_h100_say_what_was_published(
    seller, state, thousandths, milliwatts
):
    name = f"linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01__{state}.metrics"
    push(seller, shared(f"usage/gpu_telemetry/{name}").read_bytes())

    zeros = "00000000-0000-0000-0000-000000000000"
    assert minutes() == [(zeros, NOON, 1, thousandths, milliwatts)]


# --- once ------------------------------------------------------------------------------------


def test_asked_twice_it_is_one_batch(seller):
    first = push(seller, use(40))
    assert push(seller, use(40)) == first
    assert push(seller, use(40), key="another key") == first
    assert TelemetryMinute.objects.count() == 1


def test_an_unchanged_page_of_a_later_minute_is_another_batch(seller):
    push(seller, use(0))
    push(seller, use(0), taken_at=NOON + timedelta(minutes=1), key="next")

    assert TelemetryMinute.objects.count() == 2


def test_a_key_of_another_page_is_refused(seller):
    push(seller, use(40))
    with pytest.raises(KeyReused):
        push(seller, use(41))
    assert TelemetryBatch.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("go_goroutines 7\n", actions.TelemetryEmpty),
        ("DCGM_FI_DEV_GPU_UTIL 40\n", actions.TelemetryEmpty),
        (use(40, LATER + timedelta(minutes=6)), actions.TelemetryLater),
    ],
)
def test_what_says_nothing_or_is_not_yet_is_refused(seller, text, refusal):
    acts = Act.objects.count()
    with pytest.raises(refusal):
        push(seller, text)
    assert nothing_recorded()
    assert Act.objects.count() == acts


@pytest.mark.parametrize("table", ["meterkey", "telemetrybatch", "telemetryminute"])
def test_what_was_recorded_stays(seller, secret, table):
    register(seller, secret)
    signed(seller, secret, 1, use(40))
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute(f"delete from billing_{table}")


# --- signed ----------------------------------------------------------------------------------


def test_a_signed_batch_is_kept_with_what_proves_it(seller, secret):
    key = register(seller, secret)
    batch = signed(seller, secret, 1, use(40))

    assert (batch.rank, batch.sequence, batch.signed_with) == (MeterRank.SIGNED, 1, key)
    words = signed_words(batch.source, batch.sequence, batch.taken_at, batch.page_sha256)
    secret.public_key().verify(base64.b64decode(batch.signature), words)
    assert TelemetryMinute.objects.get().rank == MeterRank.SIGNED


def test_the_signed_words_are_five_lines():
    words = signed_words("dcgm", 17, NOON + timedelta(microseconds=1999), "ab12")

    assert words == b"tessera-telemetry-1\ndcgm\n17\n1749556800001\nab12"


def test_a_wrong_signature_records_nothing(seller, secret):
    register(seller, secret)
    acts = Act.objects.count()
    other = Ed25519PrivateKey.generate()

    with pytest.raises(actions.SignatureWrong, match="Nothing was recorded"):
        signed(seller, other, 1, use(40))
    page = hashlib.sha256(use(40).encode()).hexdigest()
    text = base64.b64encode(secret.sign(signed_words("dcgm", 1, NOON, page))).decode()
    for sequence, sent in ((2, text), (1, text[:-4]), (1, "no base64")):
        with pytest.raises(actions.SignatureWrong):
            push(seller, use(40), signature=actions.Signature(sequence, sent))
    with pytest.raises(actions.SignatureWrong):
        push(seller, use(41), signature=actions.Signature(1, text))

    assert nothing_recorded()
    assert Act.objects.count() == acts


def test_a_meter_that_signs_is_taken_signed_alone(seller, secret):
    with pytest.raises(actions.MeterKeyMissing):
        signed(seller, secret, 1, use(40))
    register(seller, secret)
    for rank in (MeterRank.PUSHED, MeterRank.FILE):
        with pytest.raises(actions.SignatureMissing):
            push(seller, use(40), rank=rank)
    assert nothing_recorded()


def test_a_missing_number_is_seen_until_it_comes(scene, seller, secret):
    register(seller, secret)
    provider = [seller.provider.pk]
    for sequence in (1, 2, 5, 9):
        signed(seller, secret, sequence, use(sequence))
    assert queries.gaps_of(provider) == [("dcgm", 3, 4), ("dcgm", 6, 8)]

    signed(seller, secret, 4, use(4))
    assert queries.gaps_of(provider) == [("dcgm", 3, 3), ("dcgm", 6, 8)]
    other = cast.make_provider(scene.scheme.authority, "Other")
    assert queries.gaps_of([other.provider.pk]) == queries.gaps_of(provider, "other") == []


def test_a_number_again_with_the_same_bytes_is_the_first_batch(seller, secret):
    register(seller, secret)
    first = signed(seller, secret, 1, use(40))

    assert signed(seller, secret, 1, use(40), key="again") == first
    assert TelemetryMinute.objects.count() == 1


def test_a_number_again_with_other_bytes_is_refused(seller, secret):
    register(seller, secret)
    signed(seller, secret, 1, use(40))
    acts = Act.objects.count()

    with pytest.raises(actions.SequenceUsed, match="another batch under the number 1"):
        signed(seller, secret, 1, use(90))

    assert minutes() == [(BARE, NOON, 1, 400, 0)]
    assert Act.objects.count() == acts


def test_the_newest_key_is_in_force_and_the_first_answer_outlives_its_key(seller, secret):
    register(seller, secret)
    first = signed(seller, secret, 1, use(40))
    new = Ed25519PrivateKey.generate()
    register(seller, new, key="new", at=NOON + timedelta(hours=1))

    with pytest.raises(actions.SignatureWrong):
        signed(seller, secret, 2, use(41))
    assert signed(seller, new, 2, use(41)).sequence == 2
    assert signed(seller, secret, 1, use(40)) == first


def test_a_key_is_registered_once(seller, secret):
    first = register(seller, secret)
    assert register(seller, secret) == first == register(seller, secret, key="another")
    assert MeterKey.objects.count() == 1


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "ä" * 44, "-----BEGIN PUBLIC KEY-----"])
def test_what_is_no_key_is_refused(seller, text):
    with pytest.raises(actions.KeyUnreadable, match="32 bytes in base64"):
        actions.register_meter_key(
            provider=seller.provider,
            source="dcgm",
            public_key=text,
            actor=seller.person,
            at=NOON,
            key="register",
        )
    assert not MeterKey.objects.exists()
