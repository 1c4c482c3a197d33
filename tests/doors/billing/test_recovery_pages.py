"""A case from its notice to the last cent, on the pages of those whose step it is."""

import csv
import io

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.models import Recovery
from notices import actions as notices
from notices.models import Message
from tests.billing.recovering import DECIDED, LATER, OPENED, a_scene, paid
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return a_scene()


@pytest.fixture
def line(scene):
    return paid(scene)[1]


@pytest.fixture
def clock(monkeypatch):
    """Set the doors' clock."""

    def to(at):
        monkeypatch.setattr(timezone, "now", lambda: at)

    to(OPENED)
    return to


def a_case(client, line, amount="200.00"):
    address = reverse("recovery_new") + f"?origin={line.bill.number}/{line.row}"
    answer = send(
        client,
        address,
        amount=amount,
        legal_basis="Measures, Article 21",
        reason="The node stood still",
    )
    assert answer.status_code == 302, words(answer)
    return Recovery.objects.latest("pk")


def page(client, case, step=""):
    return reverse(f"recovery_{step}" if step else "recovery", args=[case.code])


def test_a_case_goes_from_notice_to_repayment_by_those_whose_step_it_is(
    browser, scene, line, clock
):
    first, second = (browser(one) for one in scene.authority.finance[:2])
    debtor = browser(scene.seller.person)
    case = a_case(first, line)
    assert "¥200.00" in words(debtor.get(page(debtor, case)))
    assert "Decide" not in words(debtor.get(page(debtor, case)))

    send(debtor, page(debtor, case, "reply"), text="It ran all the time")
    assert "It ran all the time" in words(second.get(page(second, case)))
    refused = send(first, page(first, case, "decide"), amount="150.00", note="So it is")
    assert "so another person must do this step" in words(refused)
    send(second, page(second, case, "decide"), amount="150.00", note="So it is")
    shown = words(debtor.get(page(debtor, case)))
    assert "Still owed ¥150.00" in shown
    assert "Due on 31 August 2025" in shown

    clock(LATER)
    # Whoever comes back weeks later signs in again.
    first, second = (browser(one) for one in scene.authority.finance[:2])
    debtor = browser(scene.seller.person)
    send(first, page(first, case, "collect"), kind="REPAYMENT", amount="160", note="Entry 7")
    proposal = case.proposals.get()
    confirm = reverse("recovery_confirm", args=[case.code, proposal.pk])
    assert confirm not in first.get(page(first, case)).content.decode()
    assert confirm in second.get(page(second, case)).content.decode()
    send(second, confirm)

    case.refresh_from_db()
    assert (case.status, case.recovered_amount) == ("CLOSED", 150_00)
    assert "¥150.00 ¥10.00" in words(debtor.get(page(debtor, case)))


def test_what_is_wrong_is_said_with_the_fix(browser, scene, line, clock):
    finance = browser(scene.authority.finance[0])
    new = reverse("recovery_new")

    assert "Reference of the payment" in words(finance.get(new))
    assert "Nothing of yours is found" in words(finance.get(new + "?origin=BL-NONE/1"))
    address = new + f"?origin={line.bill.number}/{line.row}"
    answer = send(finance, address, amount="600.01", legal_basis="A", reason="B")

    assert "At most ¥600.00 can be recovered here." in words(answer)
    assert not Recovery.objects.exists()
    assert "No recovery." in words(finance.get(reverse("recoveries")))


def test_the_list_has_its_clocks_and_its_csv(browser, scene, line, clock):
    finance = browser(scene.authority.finance[0])
    case = a_case(finance, line)
    assert f"{case.code} {scene.seller.organisation.name}" in words(
        finance.get(reverse("recoveries"))
    )

    clock(DECIDED)
    finance = browser(scene.authority.finance[0])

    assert "16 August 2025, overdue" in words(finance.get(reverse("recoveries")))
    text = finance.get(reverse("recoveries_csv")).content.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["case"], row["claimed"], row["upheld"]) == (case.code, "200.00", "0.00")
    assert row["origin"] == f"{line.bill.number}/{line.row}"


def test_a_case_is_nobody_elses(browser, scene, line, clock):
    case = a_case(browser(scene.authority.finance[0]), line)
    stranger = browser(scene.applicant.person)

    for step in ("", "reply", "decide", "offset", "collect"):
        assert stranger.get(page(stranger, case, step)).status_code == 404
    assert case.code not in words(stranger.get(reverse("recoveries")))
    assert browser(scene.seller.person).get(page(None, case, "decide")).status_code == 404


def test_the_debtor_is_written_to_at_each_step(browser, scene, line, clock):
    case = a_case(browser(scene.authority.finance[0]), line)
    clock(DECIDED)
    second = browser(scene.authority.finance[1])
    send(second, page(second, case, "decide"), amount="200", note="So it is")
    notices.write_letters(at=LATER)

    subjects = [one.subject for one in Message.objects.filter(user=scene.seller.person)]

    assert any("¥200.00 may have to be paid back" in one for one in subjects), subjects
    assert any("¥200.00 is to be paid back" in one for one in subjects), subjects
