"""What telemetry says of a line: its own minutes, its own provider's, the best believed first."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billing import queries
from billing.models import BillLine, UsageLine
from billing.models.telemetry import MeterRank
from billing.usage.evidence import Finding
from tests import cast
from tests.billing import stage
from tests.billing.test_telemetry import push, register, signed, use

pytestmark = pytest.mark.django_db

A, B = "GPU-aaaa", "GPU-bbbb"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def a_line(scene, order, device=A, *, hours=1, gpus=1, key="job-1", started=stage.START):
    record = stage.a_record(order.code, key, hours=hours, gpus=gpus, started=started)
    report = stage.record(scene.seller, record._replace(device=device))
    assert report.errors == ()
    return UsageLine.objects.get(key=key)


def page(device, minutes, percent=90, *, started=stage.START, part=""):
    return "".join(
        use(percent, started + number * MINUTE, gpu=device, part=part) for number in minutes
    )


def said(line):
    (found,) = queries.evidence_of_usage([line])
    return found


def test_a_line_whose_every_minute_is_seen_is_seen_whole(scene, order):
    line = a_line(scene, order)
    push(scene.seller, page(A, range(60)))

    found = said(line)

    assert (found.finding, found.seen_ms) == (Finding.WITHIN, line.quantity_ms)
    assert (found.seen.minutes, found.seen.busy_minutes, found.seen.idle_minutes) == (60, 60, 0)
    assert found.idle_thousandths == 0


def test_missing_minutes_are_not_seen_and_idle_ones_are_told(scene, order):
    line = a_line(scene, order)
    push(scene.seller, page(A, range(20)) + page(A, range(20, 50), percent=4))

    found = said(line)

    assert (found.finding, found.seen_ms) == (Finding.OUTSIDE, 50 * 60_000)
    assert (found.difference_ms, found.tolerance_ms) == (600_000, 360_000)
    assert found.idle_thousandths == 600


def test_a_minute_is_cut_at_the_ends_of_the_line(scene, order):
    line = a_line(scene, order, started=stage.START + MINUTE / 2)
    push(scene.seller, page(A, range(-5, 70)))

    found = said(line)

    assert (found.seen_ms, found.seen.minutes) == (line.quantity_ms, 61)


def test_a_blank_minute_is_neither_seen_nor_idle(scene, order):
    line = a_line(scene, order)
    push(scene.seller, page(A, [0]) + page(A, range(1, 60), "9223372036854775794"))

    found = said(line)

    assert (found.seen_ms, found.idle_thousandths) == (60_000, 0)


def test_power_alone_is_seen_and_says_nothing_of_use(scene, order):
    line = a_line(scene, order)
    push(scene.seller, page(A, [0]).replace("GPU_UTIL", "POWER_USAGE"))

    found = said(line)

    assert (found.seen_ms, found.idle_thousandths) == (60_000, None)


def test_devices_are_added_up_and_others_left_alone(scene, order):
    line = a_line(scene, order, f"{A} {B}", gpus=2)
    push(scene.seller, page(A, range(60)) + page(B, range(30)) + page("GPU-other", range(60)))

    assert said(line).seen_ms == 90 * 60_000


def test_a_slice_is_not_its_gpu(scene, order):
    line = a_line(scene, order, f"{A}/7")
    push(scene.seller, page(A, range(60)) + page(A, range(10), part="7"))

    assert said(line).seen_ms == 10 * 60_000


def test_telemetry_of_another_provider_says_nothing(scene, order):
    line = a_line(scene, order)
    other = cast.make_provider(scene.scheme.authority, "Other")
    push(other, page(A, range(60)))

    assert said(line).finding == Finding.NO_TELEMETRY


def test_of_a_minute_the_best_believed_meter_counts_alone(scene, order):
    line = a_line(scene, order)
    secret = Ed25519PrivateKey.generate()
    push(scene.seller, page(A, range(60), 95), source="file", rank=MeterRank.FILE)
    push(scene.seller, page(A, range(60), 95), source="pushed", key="pushed")
    assert said(line).seen.rank == MeterRank.PUSHED

    register(scene.seller, secret)
    signed(scene.seller, secret, 1, page(A, range(30), 0))
    found = said(line)

    assert (found.seen.minutes, found.seen.idle_minutes) == (60, 30)
    assert found.seen.rank == MeterRank.PUSHED  # the least believed that counted

    signed(scene.seller, secret, 2, page(A, range(30, 60), 0))
    assert said(line).seen.rank == MeterRank.SIGNED


def test_meters_of_one_rank_are_taken_together(scene, order):
    line = a_line(scene, order)
    push(scene.seller, page(A, [0], 0), source="one", key="one")
    push(scene.seller, page(A, [0], 12), source="two", key="two")

    found = said(line)

    assert (found.seen.minutes, found.seen.busy_minutes) == (1, 1)


def test_lines_without_a_gpu_are_not_asked_about(scene, order):
    gpu = a_line(scene, order, "")
    cpu = replace_resource(a_line(scene, order, key="job-2"), "CPU")

    assert [one and one.finding for one in queries.evidence_of_usage([gpu, cpu])] == [
        Finding.NO_DEVICE,
        None,
    ]
    assert queries.evidence_of_usage([]) == []


def replace_resource(line, resource):
    """Return a line as if it were of another resource; nothing is stored."""
    line.resource = resource
    return line


def test_what_was_billed_stands_against_what_was_seen(scene, order):
    a_line(scene, order, hours=10)
    push(scene.seller, page(A, range(540)))
    stage.bill(scene, stage.a_line(hours=12))

    (found,) = queries.evidence_of_bill(BillLine.objects.select_related("bill", "usage_line"))

    assert found.finding == Finding.OUTSIDE
    assert (found.billed_ms, found.seen_ms) == (12 * cast.HOUR, 9 * cast.HOUR)


def test_evidence_moves_no_money(scene, order):
    a_line(scene, order, hours=10)
    before = stage.bill(scene)
    push(scene.seller, page(A, range(60)))
    stage.settle(before)

    ((outcome, accepted, withheld, _covered, _reason),) = stage.verdicts(before)
    assert (outcome, accepted, withheld) == ("ACCEPTED", 250_00, 0)
