"""The regulator, the officer and finance read the figures; a holder reports and sees its standing."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from scoring import actions, queries
from scoring.models import Outcome
from tests import cast
from tests.scoring import road

pytestmark = pytest.mark.django_db


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def scene():
    scene = cast.make_scene()
    road.used_and_settled(scene.scheme, scene.seller, scene.voucher, scene.applicant, hours=40)
    return scene


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_shows_figures_with_definition_and_query(scene, language):
    for person in (
        scene.authority.regulator,
        scene.authority.officer,
        scene.authority.finance[0],
    ):
        client = signed_in(person)
        client.cookies["django_language"] = language
        page = client.get("/report/")
        assert page.status_code == 200
        text = page.content.decode()
        assert "¥59,400.00" in text
        assert "from ledger_entry e" in text
        assert "style=" not in text


def test_a_programme_and_a_past_instant_can_be_chosen(scene):
    client = signed_in(scene.authority.regulator)
    code = scene.scheme.programme.code
    then = {"on_day": "1", "on_month": "7", "on_year": "2025", "time": "10:00"}
    page = client.get("/report/", {"programme": code, **then})
    assert page.context["found"].at == datetime(2025, 7, 1, 10, tzinfo=UTC)
    assert [one.code for one in page.context["found"].scopes] == [code]
    assert "¥60,000.00" in page.content.decode()
    exact = client.get("/report/", {"programme": code, "at": road.SETTLED.isoformat()})
    assert exact.context["found"].at == road.SETTLED
    assert "¥59,400.00" in exact.content.decode()


def test_the_csv_begins_with_a_byte_order_mark_and_has_the_same_figures(scene):
    client = signed_in(scene.authority.regulator)
    page = client.get("/report/figures.csv", {"at": road.SETTLED.isoformat()})
    assert page.content.startswith(b"\xef\xbb\xbfas_of,")
    assert "text/csv" in page["Content-Type"]
    assert b",5940000,CNY," in page.content


def test_a_definition_shows_the_figure_everywhere(scene):
    client = signed_in(scene.authority.regulator)
    page = client.get("/report/definitions/utilisation/", {"at": road.SETTLED.isoformat()})
    assert page.status_code == 200
    assert "1.00%" in page.content.decode()
    assert client.get("/report/definitions/nothing/").status_code == 404


def test_others_are_refused(scene):
    for person in (scene.applicant.person, scene.seller.person):
        for path in ("/report/", "/report/figures.csv", "/report/definitions/paid/"):
            assert signed_in(person).get(path).status_code in (403, 409)
    assert Client().get("/report/").status_code == 302


def test_odd_filters_give_the_figures_of_now(scene):
    client = signed_in(scene.authority.regulator)
    odd = {"programme": "x'; drop table", "on_day": "31", "on_month": "2", "at": "2025-13-45"}
    page = client.get("/report/", odd)
    assert page.status_code == 200
    assert page.context["found"].programme == ""


@pytest.mark.parametrize(
    "at",
    ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"],
)
def test_an_instant_at_either_end_of_the_calendar_is_answered(scene, at):
    client = signed_in(scene.authority.regulator)
    for path in ("/report/", "/report/figures.csv"):
        assert client.get(path, {"at": at}).status_code == 200
    found = client.get("/report/", {"at": at}).context["found"]
    assert (found.at.year == 2000) == at.startswith("0001")


@pytest.mark.parametrize("year", ["1", "9999"])
def test_a_day_that_no_report_can_have_is_refused_in_words(scene, year):
    client = signed_in(scene.authority.regulator)
    for time in ("", "23:59"):
        day = {"on_day": "31", "on_month": "12", "on_year": year.zfill(4), "time": time}
        page = client.get("/report/", day)
        assert page.status_code == 200
        assert "Enter a day from 2000 to 2100" in page.content.decode()


def test_a_report_as_of_a_future_instant_is_as_of_now(scene):
    client = signed_in(scene.authority.regulator)
    before = timezone.now()
    for asked in (
        {"at": "2099-01-01T00:00:00Z"},
        {"on_day": "1", "on_month": "1", "on_year": "2099"},
    ):
        assert before <= client.get("/report/", asked).context["found"].at <= timezone.now()


def test_before_any_programme_the_page_says_so(scene):
    page = signed_in(scene.authority.regulator).get("/report/", {"at": "2001-01-01T00:00:00Z"})
    assert "No programme existed at that time" in page.content.decode()


def test_a_holder_reports_an_outcome(scene):
    client = signed_in(scene.applicant.person)
    path = f"/vouchers/{scene.voucher.code}/outcomes/new/"
    page = client.get(path)
    assert page.status_code == 200
    sent = {
        "key": page.context["form"]["key"].value(),
        "kind": "MODEL",
        "title": "Map reader",
        "evidence_url": "",
        "happened_on_day": "20",
        "happened_on_month": "6",
        "happened_on_year": "2025",
    }
    refused = client.post(path, sent)
    assert "Map reader" in refused.content.decode()
    assert "has no web address" in refused.content.decode()
    assert not Outcome.objects.exists()
    done = client.post(path, {**sent, "evidence_url": "https://example.org/map-reader"})
    assert done.status_code == 302
    assert Outcome.objects.get().title == "Map reader"
    assert signed_in(scene.seller.person).get(path).status_code == 404


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_holder_sees_its_standing_and_what_it_changes(scene, language):
    actions.report_outcome(
        voucher=scene.voucher,
        kind=Outcome.Kind.MODEL,
        title="Map reader",
        evidence_url="https://example.org/map-reader",
        happened_on=road.PAID.date(),
        actor=scene.applicant.person,
        at=road.PAID,
        key="outcome",
    )
    (due,) = queries.vouchers_due(road.PAID)
    actions.score_voucher(voucher=due.voucher, at=road.PAID, key=due.key)
    actions.publish_standing(
        organisation=scene.applicant.organisation, at=road.PAID, key="standing"
    )
    client = signed_in(scene.applicant.person)
    client.cookies["django_language"] = language
    text = client.get("/standing/").content.decode()
    assert scene.voucher.code in text
    assert "× 1.0385" in text
    assert "× 1.0254" in text
    assert ("同类单位的平均值" if language == "zh-hans" else "Mean of its peers") in text
