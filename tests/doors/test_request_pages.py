"""Asking, answering and attaching through the pages: by those who may, with what they typed kept."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests import cast
from tests.doors.pages import key_on, send, words
from vouchers.models import Application, Attachment, InformationAnswer, InformationRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme(db):
    return cast.make_programme(cast.make_authority(), cast.M3)


@pytest.fixture
def applicant(db):
    return cast.an_sme()


def a_pdf(name="contract.pdf"):
    return SimpleUploadedFile(name, b"%PDF-1.7\ncontract", "application/pdf")


QUESTION = {
    "question": "Send the contract.",
    "answer_name": "fee_total",
    "due_on_day": "31",
    "due_on_month": "12",
    "due_on_year": "2099",
}


def test_an_officer_asks_and_the_applicant_answers_on_one_page(browser, scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    officer, person = browser(scheme.authority.officer), browser(applicant.person)
    assert "Ask the applicant for information" in words(
        officer.get(reverse("decide", args=[sent.reference]))
    )
    answered = send(officer, reverse("request_new", args=[sent.reference]), **QUESTION)
    assert answered.url == reverse("queue")

    place = words(person.get(reverse("application", args=[sent.reference])))
    assert "We need something from you" in place
    assert "Answer the question" in place
    page = person.get(reverse("request_answer", args=[sent.reference]))
    assert "Send the contract." in words(page)
    assert "Whole fee for the compute" in words(page)
    typed = {"text": "Here it is.", "file": a_pdf(), "key": key_on(page)}
    done = person.post(reverse("request_answer", args=[sent.reference]), typed)
    assert done.url == reverse("application", args=[sent.reference])
    assert InformationAnswer.objects.get().text == "Here it is."

    case = words(officer.get(reverse("decide", args=[sent.reference])))
    assert "Here it is." in case
    assert "contract.pdf" in case


def test_an_empty_answer_is_asked_for_again(browser, scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    send(
        browser(scheme.authority.officer),
        reverse("request_new", args=[sent.reference]),
        **QUESTION,
    )
    answer = send(
        browser(applicant.person), reverse("request_answer", args=[sent.reference]), text=""
    )
    assert "Write an answer, or add a file" in words(answer)
    assert not InformationAnswer.objects.exists()


def test_nobody_else_asks_answers_or_reads(browser, scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    stranger = browser(cast.an_sme("Another Ltd").person)
    for name in ("request_new", "request_answer", "application_attachments"):
        assert stranger.get(reverse(name, args=[sent.reference])).status_code == 404
    own = browser(applicant.person)
    assert own.get(reverse("request_new", args=[sent.reference])).status_code == 404
    assert not InformationRequest.objects.exists()


def test_a_draft_s_files_are_added_read_and_taken_off(browser, scheme, applicant):
    draft = cast.a_draft(scheme, applicant)
    person = browser(applicant.person)
    place = reverse("application_attachments", args=[draft.reference])
    assert person.post(place, {"file": a_pdf()}).url == place
    kept = Attachment.objects.get()
    assert "contract.pdf" in words(person.get(place))

    file = person.get(reverse("attachment", args=[draft.reference, kept.pk]))
    assert file.content == b"%PDF-1.7\ncontract"
    assert file["Content-Disposition"] == 'attachment; filename="contract.pdf"'
    assert file["X-Content-Type-Options"] == "nosniff"

    stranger = browser(cast.an_sme("Another Ltd").person)
    refused = stranger.get(reverse("attachment", args=[draft.reference, kept.pk]))
    assert refused.status_code == 404
    send(person, reverse("attachment_remove", args=[draft.reference, kept.pk]))
    assert not Attachment.objects.exists()


def test_the_check_and_the_confirmation_name_the_files(browser, scheme, applicant):
    draft = cast.a_draft(scheme, applicant)
    person = browser(applicant.person)
    person.post(reverse("application_attachments", args=[draft.reference]), {"file": a_pdf()})
    check = reverse("application_check", args=[draft.reference])
    assert "contract.pdf" in words(person.get(check))
    assert "contract.pdf" in words(person.get(send(person, check).url))


def test_a_wrong_file_is_refused_in_words(browser, scheme, applicant):
    draft = cast.a_draft(scheme, applicant)
    place = reverse("application_attachments", args=[draft.reference])
    answer = browser(applicant.person).post(
        place, {"file": SimpleUploadedFile("run.exe", b"MZ\x90")}
    )
    assert "Save it as one of PDF, PNG, JPEG, TXT, CSV" in words(answer)
    assert not Attachment.objects.exists()


def test_the_tasks_name_the_files_and_none_is_needed(browser, scheme, applicant):
    draft = cast.a_draft(scheme, applicant)
    person = browser(applicant.person)
    tasks = words(person.get(reverse("application_tasks", args=[draft.reference])))
    assert "Add files (optional) 0 files" in tasks
    send(person, reverse("application_check", args=[draft.reference]))
    draft.refresh_from_db()
    assert draft.status != Application.Status.DRAFT
