"""A provider applies, an officer decides and suspends, and everybody sees the list."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from providers.models import AccreditationApplication, Suspension
from tests import cast
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority(db):
    return cast.make_authority()


@pytest.fixture
def newcomer(authority):
    return cast.a_newcomer()


def applied(client, authority, **more):
    url = reverse("accreditation_apply")
    typed = {
        "authority": authority.organisation.code,
        "items": ["AI_COMPUTE"],
        "regions": "CN-5101",
        "description": "Two halls in Chengdu.",
        "contact_name": "Nina Lu",
        "contact_email": "nina@example.org",
        "declared": "on",
    }
    return client.post(url, {**typed, **more, "key": key_on(client.get(url))})


def test_a_newcomer_applies_with_a_document_and_is_accredited(browser, authority, newcomer):
    _organisation, person = newcomer
    provider, officer = browser(person), browser(authority.officer)
    assert "You are not accredited yet." in words(provider.get(reverse("accreditation")))

    licence = SimpleUploadedFile("licence.txt", b"Licence 1", "text/plain")
    assert applied(provider, authority, licence=licence).url == reverse("accreditation")
    application = AccreditationApplication.objects.get()
    desk = reverse("providers_desk")
    assert application.code in words(officer.get(desk))
    file = reverse(
        "accreditation_document", args=[application.code, application.documents.get().pk]
    )
    assert officer.get(file).content == provider.get(file).content == b"Licence 1"
    assert browser(cast.an_sme().person).get(file).status_code == 404

    answer = send(
        officer,
        reverse("accreditation_decide", args=[application.code]),
        outcome="GRANTED",
        items="AI_COMPUTE",
        batch="2025-1",
    )

    assert answer.url == desk
    assert "Nothing is waiting for you." in words(officer.get(desk))
    page = words(provider.get(reverse("accreditation")))
    assert (
        "City Data Bureau, 2025-1 AI compute (GPU) From 2 June 2025 until further notice"
        in page
    )
    stranger = browser()
    assert "New Compute" in words(stranger.get(reverse("accredited"), {"batch": "2025"}))
    assert "No accreditation matches." in words(
        stranger.get(reverse("accredited"), {"batch": "2024"})
    )
    table = stranger.get(reverse("accredited_csv")).content.decode("utf-8-sig").splitlines()
    assert table[1].startswith("2025-1,New Compute,,")
    assert table[1].endswith(",AI_COMPUTE,2025-06-02,,City Data Bureau,IN_FORCE")
    assert len(table) == 2


def test_a_refusal_without_a_reason_is_asked_for_one(browser, authority, newcomer):
    application = cast.an_accreditation_application(authority, *newcomer)
    url = reverse("accreditation_decide", args=[application.code])
    officer = browser(authority.officer)

    page = send(officer, url, outcome="REFUSED")
    assert "Say why, in at most 2000 characters." in words(page)
    send(officer, url, outcome="REFUSED", reasons="The licence has expired.")

    shown = words(browser(newcomer[1]).get(reverse("accreditation")))
    assert "Refused" in shown
    assert "The licence has expired." in shown
    assert officer.get(url).status_code == 200


def test_what_is_missing_in_an_application_is_asked_for(browser, authority, newcomer):
    page = applied(browser(newcomer[1]), authority, items=[], declared="")

    assert "Choose at least one kind of service" in words(page)
    assert "Confirm that what you say is true before you send it." in words(page)
    assert AccreditationApplication.objects.count() == 0


def test_each_page_is_for_those_whose_it_is(browser, authority, newcomer):
    application = cast.an_accreditation_application(authority, *newcomer)
    seller = cast.make_provider(authority)
    elsewhere = cast.make_authority("Another Bureau")
    decide = reverse("accreditation_decide", args=[application.code])
    case = reverse("provider_case", args=[seller.organisation.code])

    assert browser(elsewhere.officer).get(decide).status_code == 404
    for name in ("accreditation", "accreditation_apply"):
        assert browser(seller.person).get(reverse(name)).status_code == 200
        assert browser(cast.an_sme().person).get(reverse(name)).status_code == 404
    for url in (decide, case, f"{case}suspend/", f"{case}lift/", reverse("providers_desk")):
        assert browser(seller.person).get(url).status_code == 404
        assert browser().get(url).status_code == 302
    officer = browser(authority.officer)
    assert officer.get(reverse("provider_case", args=["NOBODY"])).status_code == 404
    assert officer.get(f"{case}lift/").status_code == 404


def test_a_suspension_is_seen_by_provider_holder_and_officer_until_it_is_lifted(browser):
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    officer = browser(scene.authority.officer)
    case = reverse("provider_case", args=[scene.seller.organisation.code])

    send(
        officer,
        f"{case}suspend/",
        note="An audit is under way.",
        stops_orders="yes",
        holds="RELEASE",
        bills="WAIT",
        until_on_day="30",
        until_on_month="6",
        until_on_year="2025",
    )

    told = (
        "From 2 June 2025 to 30 June 2025. An audit is under way.",
        "It takes no new orders.",
        "Orders without use are released, and their holds go back to the vouchers.",
        "Its bills are taken, and their settlement waits until the suspension is over.",
    )
    pages = (
        (browser(scene.seller.person), reverse("accreditation")),
        (browser(scene.seller.person), reverse("provider_home")),
        (browser(scene.applicant.person), reverse("order", args=[order.code])),
        (officer, case),
    )
    for client, url in pages:
        assert all(one in words(client.get(url)) for one in told)

    send(officer, f"{case}lift/", note="All is well.")
    for client, url in pages[:3]:
        assert "An audit is under way." not in words(client.get(url))
    assert Suspension.objects.get().lift.note == "All is well."
    page = words(officer.get(case))
    assert re.search(
        r"From [\w ]+ until it was lifted on [\w ]+\. An audit is under way\.", page
    )
    assert "All is well." in page


def test_a_suspension_without_a_reason_or_an_effect_is_refused_in_words(browser, authority):
    seller = cast.make_provider(authority)
    url = reverse("provider_suspend", args=[seller.organisation.code])
    typed = {"stops_orders": "no", "holds": "STAY", "bills": "CONTINUE"}

    page = send(browser(authority.officer), url, note="x", **typed)

    assert "Choose at least one effect" in words(page)
    assert Suspension.objects.count() == 0
