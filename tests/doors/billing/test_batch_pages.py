"""A batch at a browser: its list, what changed since, who may do what, and who asked in vain."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from billing.models import (
    Batch,
    BatchJob,
    DuplicateAnswer,
    Payment,
    PaymentFile,
    RefusedAttempt,
)
from billing.tasks import do_batch_jobs
from billing.views import batch_steps
from parties.models import BankDetail
from parties.roles import Role
from tests import cast
from tests.doors.billing.june import JULY, locked, prepared, released, step
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db


def address(name, batch, *more):
    return reverse(name, args=[batch.code, *more])


def test_an_open_batch_loses_a_payment_and_gets_it_back(browser, scene, due):
    batch = prepared(browser, scene)
    finance = browser(scene.authority.finance[0])
    payment = batch.payments.get()
    remove = address("payment_remove", batch, payment.end_to_end_id)
    assert remove in finance.get(address("batch", batch)).content.decode()

    answer = send(finance, remove, note="The holder asked us to wait")

    page = finance.get(answer.url)
    assert "Removed from the batch" in words(page)
    assert "Due, and not in this batch" in words(page)
    add = re.search(r'href="([^"]+/add/\?payable=[^"]+)"', page.content.decode())[1]
    send(finance, add, payable=payment.payable)
    batch.refresh_from_db()
    assert batch.total == 3_600_00
    step(finance, "batch_lock", batch)
    assert remove not in finance.get(answer.url).content.decode()


def test_the_second_person_is_shown_what_changed_and_says_yes_to_that(browser, scene, due):
    batch = locked(browser, scene)
    second = browser(scene.authority.finance[1])
    approve = address("batch_approve", batch)
    stale = second.get(approve).content.decode()
    old = scene.seller.bank_detail.number
    cast.a_bank_detail(scene.seller.organisation, scene.seller.person, scene.authority)
    new = BankDetail.objects.exclude(number=old).order_by("-pk").first().number
    seen = re.search(r'name="seen" value="(\w+)"', stale)[1]

    page = second.post(
        approve, {"seen": seen, "key": re.search(r'name="key" value="([^"]+)"', stale)[1]}
    )

    assert "is not as you were shown it" in words(page)
    shown = words(second.get(address("batch", batch)))
    assert "Changed since the list was locked on" in shown
    assert old in shown
    assert new in shown
    assert Batch.objects.get().status == "LOCKED"
    step(second, "batch_approve", batch)
    assert Batch.objects.get().status == "APPROVED"


def test_a_yes_without_a_list_is_no_yes(browser, scene, due):
    batch = locked(browser, scene)
    second = browser(scene.authority.finance[1])

    page = send(second, address("batch_approve", batch))

    assert "This page has lost its list" in words(page)
    assert Batch.objects.get().status == "LOCKED"


def test_a_batch_is_sent_back_with_a_word_why_and_shows_what_changed_then(browser, scene, due):
    batch = locked(browser, scene)
    first, second, third = (browser(one) for one in scene.authority.finance)
    step(second, "batch_approve", batch)

    step(third, "batch_send_back", batch, note="One party is being looked into")

    page = words(first.get(address("batch", batch)))
    assert "One party is being looked into" in page
    assert "Approved Not yet" in page
    step(first, "batch_lock", batch)
    page = words(second.get(address("batch", batch)))
    assert "Changed from the list that was sent back" in page
    step(second, "batch_approve", batch)
    step(third, "batch_release", batch)
    assert Batch.objects.get().status == "RELEASED"


def test_a_payment_like_an_earlier_one_asks_for_a_word(browser, scene, due):
    batch = locked(browser, scene)
    second = browser(scene.authority.finance[1])
    payment = batch.payments.get()
    _an_earlier_twin(batch, payment)
    approve = address("batch_approve", batch)
    page = second.get(address("batch", batch))
    assert "Possible duplicates" in words(page)
    assert f'href="{approve}"' in page.content.decode()

    step(second, "batch_approve", batch)
    assert Batch.objects.get(pk=batch.pk).status == "LOCKED"
    step(second, "batch_approve", batch, reason_1="June and July cost the same")

    assert Batch.objects.get(pk=batch.pk).status == "APPROVED"
    assert DuplicateAnswer.objects.get().reason == "June and July cost the same"
    assert "June and July cost the same" in words(second.get(address("batch", batch)))


def _an_earlier_twin(batch, payment):
    """Make the payment's row the later of two that look alike."""
    earlier = Batch.objects.get(pk=batch.pk)
    earlier.pk, earlier.code, earlier.status, earlier.approved_by = None, "B-2", "OPEN", None
    earlier.save()
    twin = Payment.objects.get(pk=payment.pk)
    twin.pk, twin.batch = -payment.pk, earlier
    twin.end_to_end_id, twin.reference = "B-2-00001", ""
    twin.status = "SENT"
    twin.save(force_insert=True)


def test_the_payments_and_the_file_are_downloaded_as_they_went(browser, scene, due):
    batch = released(browser, scene)
    finance = browser(scene.authority.finance[0])
    payment = batch.payments.get()

    table = finance.get(address("batch_csv", batch)).content.decode("utf-8-sig")
    (row,) = list(csv.DictReader(io.StringIO(table)))
    assert row["Reference"] == payment.end_to_end_id
    assert row["Reference for the payee (RF)"] == payment.reference
    assert (row["Amount"], row["Currency"]) == ("3600.00", "CNY")
    file = PaymentFile.objects.get()
    assert file.sha256 in words(finance.get(address("batch", batch)))
    for _again in range(2):
        assert finance.get(address("batch_file", batch)).content == bytes(file.content)


def test_a_person_says_that_the_bank_has_the_file(browser, scene, due):
    batch = released(browser, scene)
    finance = browser(scene.authority.finance[0])
    assert "give it to the bank" in words(finance.get(address("batch", batch)))

    step(finance, "batch_hand_over", batch)

    assert Batch.objects.get().status == "SENT"
    assert "Sent to bank" in words(finance.get(address("batch", batch)))


# --- the writing of the file -------------------------------------------------------------------


def test_a_large_batch_is_written_by_the_worker_and_its_page_says_so(
    browser, scene, due, monkeypatch
):
    monkeypatch.setattr(batch_steps, "WRITTEN_AT_ONCE", 0)
    batch = locked(browser, scene)
    step(browser(scene.authority.finance[1]), "batch_approve", batch)
    third = browser(scene.authority.finance[2])

    step(third, "batch_release", batch)

    page = third.get(address("batch", batch))
    assert "Waiting to be written" in words(page)
    assert address("batch_release", batch) not in page.content.decode()
    assert Batch.objects.get().status == "APPROVED"
    do_batch_jobs()
    assert Batch.objects.get().status == "RELEASED"
    assert PaymentFile.objects.get().name in words(third.get(address("batch", batch)))


def test_a_file_that_was_not_written_says_why_and_is_asked_for_again(browser, scene, due):
    batch = locked(browser, scene)
    step(browser(scene.authority.finance[1]), "batch_approve", batch)
    third = browser(scene.authority.finance[2])
    details = BankDetail.objects.filter(organisation=scene.seller.organisation)
    details.update(status="REPLACED")

    step(third, "batch_release", batch)

    page = words(third.get(address("batch", batch)))
    assert "Not written" in page
    assert "There is no approved bank detail of Acme Compute" in page
    assert Batch.objects.get().status == "APPROVED"
    details.update(status="APPROVED")
    step(third, "batch_release", batch)
    assert Batch.objects.get().status == "RELEASED"
    assert "Not written" not in words(third.get(address("batch", batch)))


def test_a_stuck_file_is_seen_on_the_page_of_batches(browser, scene, due, monkeypatch):
    monkeypatch.setattr(batch_steps, "WRITTEN_AT_ONCE", 0)
    batch = locked(browser, scene)
    step(browser(scene.authority.finance[1]), "batch_approve", batch)
    step(browser(scene.authority.finance[2]), "batch_release", batch)
    finance = browser(scene.authority.finance[0])
    stuck = f"The file of batch {batch.code} should be written by now"
    assert stuck not in words(finance.get(reverse("batches")))

    BatchJob.objects.update(asked_at=JULY - timedelta(minutes=11))

    assert stuck in words(finance.get(reverse("batches")))
    assert "Stuck" in words(finance.get(address("batch", batch)))


# --- nobody does another's part, and every attempt is written down ---------------------------


def test_every_attempt_at_another_s_step_is_on_the_auditors_page(browser, scene, due):
    batch = locked(browser, scene)
    first = scene.authority.finance[0]
    fellow = cast.with_role(
        cast.another_account(first), scene.authority.organisation, Role.FINANCE
    )
    outsiders = [scene.seller.person, scene.authority.officer, cast.a_person("No Body")]
    elsewhere = cast.make_authority("Another Bureau").finance[0]

    for person in (first, fellow):
        page = step(browser(person), "batch_approve", batch)
        assert "You prepared the batch" in words(page)
    key = key_on(browser(first).get(address("batch_cancel", batch)))
    for person in (*outsiders, elsewhere):
        answer = browser(person).post(address("batch_approve", batch), {"key": key})
        assert answer.status_code in (404, 409)

    assert Batch.objects.get().status == "LOCKED"
    found = list(RefusedAttempt.objects.order_by("pk").values_list("asked_by", "code"))
    assert found == [
        (first.pk, "same_person"),
        (fellow.pk, "same_person"),
        *((one.pk, "not_allowed") for one in outsiders),
        (elsewhere.pk, "not_found"),
    ]
    auditor = browser(scene.authority.investigator)
    page = words(auditor.get(reverse("refused_attempts")))
    assert fellow.email in page
    assert "Batch approved" in page
    table = auditor.get(reverse("refused_attempts_csv")).content.decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(table)))) == 1 + len(found)


def test_only_auditors_see_who_asked_in_vain(browser, scene, due):
    for person in (scene.authority.finance[0], scene.authority.officer, scene.seller.person):
        for name in ("refused_attempts", "refused_attempts_csv"):
            assert browser(person).get(reverse(name)).status_code == 409
    page = browser(scene.authority.regulator).get(reverse("refused_attempts"))
    assert "Nobody has asked for a step that was another person’s." in words(page)
    assert (
        reverse("refused_attempts")
        in browser(scene.authority.regulator).get(reverse("ledger_audit")).content.decode()
    )


# --- deputies --------------------------------------------------------------------------------


def test_a_finance_officer_names_a_deputy_who_then_takes_the_step(browser, scene, due):
    _first, second, _third = scene.authority.finance
    deputy = scene.authority.officer
    batch = locked(browser, scene)
    officer = browser(deputy)
    assert (
        address("batch_approve", batch)
        not in officer.get(address("batch", batch)).content.decode()
    )
    finance = browser(second)
    assert reverse("finance_deputy_new") in finance.get(reverse("batches")).content.decode()

    days = {
        f"{name}_{place}": str(part)
        for name, day in (("from_on", JULY), ("until_on", JULY + timedelta(days=7)))
        for place, part in (("day", day.day), ("month", day.month), ("year", day.year))
    }
    answer = send(finance, reverse("finance_deputy_new"), deputy=str(deputy.pk), **days)

    assert answer.url == reverse("batches")
    assert f"{deputy.name} takes your steps until" in words(finance.get(answer.url))
    step(officer, "batch_approve", batch)
    page = words(officer.get(address("batch", batch)))
    assert f"{deputy.name}, in place of {second.name}" in page
    assert Batch.objects.get().status == "APPROVED"
    assert "You approved the batch" in words(finance.get(address("batch", batch)))
