"""Telemetry at a browser: sent as a page, signed by keys, beside each line for both sides."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing import actions
from billing.models import MeterKey, TelemetryBatch, UsageLine
from tests.billing import stage
from tests.billing.test_line_evidence import A, a_line
from tests.billing.test_line_evidence import page as minutes
from tests.billing.test_telemetry import public, push, register, signed, use
from tests.cast import make_provider
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


def upload(client, text, **more):
    given = {"source": "dcgm", "taken_at": "2025-06-10 12:00", **more}
    file = SimpleUploadedFile("page.prom", text.encode())
    return send(client, reverse("telemetry_upload"), **given, file=file)


def test_a_page_is_sent_as_a_file_and_listed(provider, now):
    assert "No telemetry yet" in words(provider.get(reverse("telemetry")))

    answer = upload(provider, use(40) + use("NaN"))

    assert answer.url == reverse("telemetry")
    page = words(provider.get(answer.url))
    assert "We have the telemetry of 1 minute of a GPU." in page
    assert "dcgm From a file – 1 1 0 1" in page
    assert TelemetryBatch.objects.get().name == "page.prom"


def test_what_is_refused_is_told_above_the_form(provider, now):
    page = words(upload(provider, "up 1\n"))
    assert "The page says of no GPU how busy it was" in page
    page = words(upload(provider, use(40), taken_at="yesterday"))
    assert "Enter the day and time such as 2026-11-02 08:30" in page
    assert not TelemetryBatch.objects.exists()


def test_a_key_is_registered_and_missing_numbers_are_shown(provider, scene, now):
    secret = Ed25519PrivateKey.generate()
    page = words(send(provider, reverse("meter_key_new"), source="dcgm", public_key="abc"))
    assert "This is no public key of Ed25519" in page
    assert not MeterKey.objects.exists()

    send(provider, reverse("meter_key_new"), source="dcgm", public_key=f" {public(secret)} ")
    for sequence in (2, 16, 19):
        signed(scene.seller, secret, sequence, use(sequence))

    page = words(provider.get(reverse("telemetry")))
    assert "dcgm: number 1 is missing." in page
    assert "dcgm: numbers 17 to 18 are missing." in page
    assert "Signed by the meter 19 1 0 0 1" in page
    assert public(secret) in page


def test_both_sides_see_what_telemetry_says_of_a_line(browser, provider, scene, order, now):
    a_line(scene, order, hours=10)
    push(scene.seller, minutes(A, range(500)) + minutes(A, range(500, 560), 0))
    bill = stage.bill(scene)
    told = (
        "Seen in telemetry: 9.3333 GPU-hours of 10 GPU-hours. Outside tolerance: 0.6667 "
        "GPU-hours more than seen. Idle: 10.7 % of its minutes. Sent by a program, unsigned."
    )

    for client in (provider, browser(scene.applicant.person)):
        assert told in words(client.get(reverse("usage")))
        assert told in words(client.get(reverse("bill", args=[bill.number])))
        assert told in words(client.get(reverse("order", args=[order.code])))


def test_an_order_s_page_has_evidence_beside_a_line_and_none_beside_what_takes_it_back(
    browser, provider, scene, order, now
):
    a_line(scene, order, hours=1)
    push(scene.seller, minutes(A, range(60)))
    actions.correct_usage(
        line=UsageLine.objects.get(),
        reason="Not theirs.",
        right=None,
        actor=scene.seller.person,
        at=stage.LATER,
        key="correct",
    )

    for client in (provider, browser(scene.applicant.person)):
        page = words(client.get(reverse("order", args=[order.code])))
        assert "Evidence" in page
        assert page.count("Seen in telemetry") == 1


def test_an_order_whose_lines_name_no_gpu_has_no_column_for_evidence(
    provider, scene, order, now
):
    stage.use(scene.seller, order, hours=1)

    assert "Evidence" not in words(provider.get(reverse("order", args=[order.code])))


def test_a_bill_whose_lines_name_no_gpu_says_so(provider, scene, order, now):
    stage.use(scene.seller, order, hours=10)
    bill = stage.bill(scene)

    page = words(provider.get(reverse("bill", args=[bill.number])))
    assert "No line here names its GPUs" in page
    assert "Evidence" not in page


def test_a_line_without_telemetry_says_so_beside_one_with_it(provider, scene, order, now):
    a_line(scene, order, hours=1)
    a_line(scene, order, "", hours=1, key="job-2")

    page = words(provider.get(reverse("usage")))
    assert "No telemetry." in page
    assert "The line names no GPU." in page


def test_nobody_sees_or_sends_for_another(browser, scene, now):
    register(scene.seller, Ed25519PrivateKey.generate(), source="own-meter")
    push(scene.seller, use(40), source="own-pages")
    other = browser(make_provider(scene.scheme.authority, "Other").person)
    holder = browser(scene.applicant.person)

    for client in (other, holder):
        page = words(client.get(reverse("telemetry")))
        assert "own-pages" not in page
        assert "own-meter" not in page
    for name in ("telemetry_upload", "meter_key_new"):
        assert holder.get(reverse(name)).status_code == 404
    officer = browser(scene.scheme.authority.officer)
    assert "own-pages" in words(officer.get(reverse("telemetry")))


def test_the_pages_speak_chinese(provider, scene, order, now):
    a_line(scene, order, hours=1)
    push(scene.seller, minutes(A, range(60)))
    chinese = {"Accept-Language": "zh-hans"}

    assert "遥测可见" in words(provider.get(reverse("usage"), headers=chinese))
    assert "可信程度" in words(provider.get(reverse("telemetry"), headers=chinese))
