"""Registers are asked when an application is sent and when an officer wants; pages say what came."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.urls import reverse

from ledger.queries import acts_about
from parties.kinds import Register
from parties.models import RegisterAnswer
from tests import cast
from tests.doors.pages import key_on, send, words
from vouchers.models import Decision

pytestmark = pytest.mark.django_db

CLEAN = {"findings": []}
BARRED = {"findings": [{"kind": "ACCESS_WITHDRAWN", "day": "2025-03-01"}]}


@pytest.fixture
def folder(settings, tmp_path):
    settings.REGISTERS_FOLDER = str(tmp_path / "registers")
    return tmp_path / "registers"


@pytest.fixture
def laboratory(db):
    return cast.a_laboratory(country="GB", region="GB-LND", is_clean=False)


@pytest.fixture
def scheme(db):
    return cast.make_programme(cast.make_authority(), cast.M5)


def send_off(browser, scheme, applicant, **answers):
    """Check and send an application as its applicant, and return the confirmation's words."""
    draft = cast.a_draft(scheme, applicant, hours="800", **answers)
    client = browser(applicant.person)
    check = reverse("application_check", args=[draft.reference])
    sent = client.post(check, {"key": key_on(client.get(check))})
    return draft, words(client.get(sent.url))


def test_what_a_register_says_at_sending_decides_at_once(browser, folder, scheme, laboratory):
    number = cast.number_of(laboratory.organisation)
    cast.a_register_file(folder, Register.CONDUCT, {number: CLEAN})

    _draft, page = send_off(browser, scheme, laboratory)

    assert "You are awarded 800 GPU-hours" in page
    (answer,) = RegisterAnswer.objects.all()
    assert (answer.register, answer.source) == ("CONDUCT", "The register's own copy")
    assert Decision.objects.get().facts["registers"][0]["register"] == "CONDUCT"


def test_a_finding_at_sending_sends_it_to_an_officer(browser, folder, scheme, laboratory):
    number = cast.number_of(laboratory.organisation)
    cast.a_register_file(folder, Register.CONDUCT, {number: BARRED})

    draft, _page = send_off(browser, scheme, laboratory)

    draft.refresh_from_db()
    assert draft.status == "REFERRED"
    assert "CONDUCT_BAR" in str(Decision.objects.get().reasons)


@contextmanager
def broken():
    """A register on this machine that errs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(503)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_register_that_is_down_stops_no_sending_and_its_facts_refer(
    browser, folder, settings, scheme, laboratory
):
    with broken() as url:
        settings.REGISTER_URLS = {"CONDUCT": url}
        draft, page = send_off(browser, scheme, laboratory)

    draft.refresh_from_db()
    assert draft.reference in page
    assert draft.status == "REFERRED"
    assert RegisterAnswer.objects.count() == 0


def test_an_application_sent_twice_asks_once(browser, folder, scheme, laboratory):
    number = cast.number_of(laboratory.organisation)
    cast.a_register_file(folder, Register.CONDUCT, {number: CLEAN})
    draft = cast.a_draft(scheme, laboratory, hours="800")
    client = browser(laboratory.person)
    check = reverse("application_check", args=[draft.reference])
    key = key_on(client.get(check))

    first, second = (client.post(check, {"key": key}) for _ in range(2))

    assert first.url == second.url
    kinds = [act.kind for act in acts_about(laboratory.organisation.address)]
    assert kinds.count("ask_registers") == 1
    assert Decision.objects.count() == 1


# --- the officer -----------------------------------------------------------------------------


@pytest.fixture
def referred(scheme, laboratory):
    return cast.a_sent_application(scheme, laboratory, hours="800")


def test_an_officer_asks_again_and_sees_the_answer_with_source_and_day(
    browser, folder, scheme, laboratory, referred
):
    officer = browser(scheme.authority.officer)
    page = reverse("decide", args=[referred.reference])
    before = words(officer.get(page))
    number = cast.number_of(laboratory.organisation)
    cast.a_register_file(folder, Register.CONDUCT, {number: BARRED})

    answered = send(officer, reverse("registers_ask", args=[referred.reference]))

    after = words(officer.get(answered.url))
    assert "No register has answered about this organisation yet." in before
    assert "1 answer of a register is kept." in after
    assert "ACCESS_WITHDRAWN, 1 March 2025 The register's own copy 2 June 2025" in after
    assert "Register of aid Not known: this register is not connected" in after
    assert "A condition is not met" in after
    (act,) = [
        one
        for one in acts_about(laboratory.organisation.address)
        if one.kind == "ask_registers"
    ]
    assert act.actor == scheme.authority.officer.address


def test_an_officer_is_told_which_register_failed_and_why(
    browser, folder, settings, scheme, referred
):
    officer = browser(scheme.authority.officer)
    with broken() as url:
        settings.REGISTER_URLS = {"CONDUCT": url}
        answered = send(officer, reverse("registers_ask", args=[referred.reference]))
        page = words(officer.get(answered.url))

    assert "Register of conduct: no answer (HTTP 503). Ask again later." in page
    assert "No register had an answer, so nothing is known anew." in page
    assert RegisterAnswer.objects.count() == 0


def test_nobody_but_an_officer_of_the_programme_asks(browser, scheme, laboratory, referred):
    url = reverse("registers_ask", args=[referred.reference])

    for person in (laboratory.person, scheme.authority.finance[0]):
        assert browser(person).get(url).status_code == 404
        assert browser(person).post(url).status_code == 404


def test_a_draft_is_nobodys_to_ask_about(browser, scheme, laboratory):
    draft = cast.a_draft(scheme, laboratory)

    url = reverse("registers_ask", args=[draft.reference])
    assert browser(scheme.authority.officer).get(url).status_code == 404


def test_the_ownership_of_the_provider_is_asked_too(browser, folder):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, cast.M1)
    seller, applicant = cast.make_provider(authority), cast.an_sme()
    cast.a_register_file(folder, Register.OWNERSHIP, {}, complete=True)

    draft, _page = send_off(browser, scheme, applicant, provider_code=seller.organisation.code)

    asked = RegisterAnswer.objects.filter(register="OWNERSHIP")
    assert {one.organisation for one in asked} == {seller.organisation, applicant.organisation}
    draft.refresh_from_db()
    assert draft.status == "SENT"


# --- the organisation ------------------------------------------------------------------------


def test_an_organisation_sees_what_registers_say_of_it(browser, laboratory):
    organisation = laboratory.organisation
    page = reverse("organisation")
    before = words(browser(laboratory.person).get(page))
    cast.told(
        organisation,
        business={"employees": 40, "revenue": 1_234_56, "currency": "GBP", "tax_debt": False},
        conduct=CLEAN,
        ownership=cast.links(cast.a_link("OTHER:<b>HOLDING", organisation, "0.51")),
        aid={
            "aid": [
                {
                    "grantor": "A ministry",
                    "amount": 5_00,
                    "currency": "GBP",
                    "granted_on": "2025-01-05",
                }
            ]
        },
    )

    after = words(browser(laboratory.person).get(page))

    assert "They are asked when an application is sent." in before
    assert "Yearly revenue £1,234.56 A register 2 June 2025" in after
    assert "Findings of conduct None A register" in after
    assert "OTHER:<B>HOLDING: 51% of Vision Laboratory (Share of votes)" in after
    assert "A ministry: £5.00, 5 January 2025" in after


def test_the_facts_are_told_in_chinese(browser, laboratory):
    cast.told(laboratory.organisation, business={"employees": 40}, conduct=CLEAN)
    client = browser(laboratory.person)

    page = words(client.get(reverse("organisation"), headers={"accept-language": "zh-hans"}))

    assert "登记机构的答复" in page
    assert "失信及处罚记录 无" in page
    assert "未接入该登记机构" in page
