"""An officer asks, the applicant answers: once, in time, and nothing that was sent changes."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction

from common.files import FILE_BYTES_MAX, FileNotChecked, FileRefused, checked_file
from ledger.queries import acts_about
from parties.queries import NotAllowed
from tests import cast
from tests.cast import NOON, TODAY, a_key
from vouchers import actions, queries
from vouchers.models import Application, Attachment, InformationAnswer, InformationRequest

pytestmark = pytest.mark.django_db

DUE = date(2025, 6, 20)
PDF = checked_file("contract.pdf", b"%PDF-1.7\ncontract")


@pytest.fixture
def scheme(db):
    return cast.make_programme(cast.make_authority(), cast.M3)


@pytest.fixture
def applicant(db):
    return cast.an_sme()


@pytest.fixture
def sent(scheme, applicant):
    return cast.a_sent_application(scheme, applicant)


def ask(scheme, application, *, key=None, **more):
    facts = {"question": "Send the contract.", "answer_name": "fee_total", "due_on": DUE}
    return actions.request_information(
        application=application,
        **{**facts, **more},
        actor=scheme.authority.officer,
        at=NOON,
        key=key or a_key("ask"),
    )


def answer(application, applicant, *, text="Here it is.", files=(), at=NOON, key=None):
    return actions.answer_request(
        application=application,
        text=text,
        files=files,
        actor=applicant.person,
        at=at,
        key=key or a_key("answer"),
    )


def decide(scheme, application, *, at=NOON):
    return actions.decide_application(
        application=application,
        outcome="PASS",
        awarded=None,
        note="",
        actor=scheme.authority.officer,
        at=at,
        key=a_key("decide"),
    )


# --- asking and answering --------------------------------------------------------------------


def test_a_question_stops_the_decision_until_it_is_answered(scheme, applicant, sent):
    ask(scheme, sent)
    sent.refresh_from_db()
    assert sent.status == Application.Status.INFO_NEEDED

    with pytest.raises(actions.AnswerAwaited):
        decide(scheme, sent)
    assert not sent.decisions.exists()

    given = answer(sent, applicant, files=[PDF])
    sent.refresh_from_db()
    assert sent.status == Application.Status.REFERRED
    assert given.attachments.get().sha256 == PDF.sha256
    assert decide(scheme, sent).outcome == "PASS"


def test_the_answers_that_were_sent_stay_as_they_were(scheme, applicant, sent):
    before = dict(sent.answers)
    ask(scheme, sent)
    answer(sent, applicant)
    sent.refresh_from_db()
    assert sent.answers == before


def test_an_answer_that_does_not_come_holds_up_nobody(scheme, sent):
    ask(scheme, sent)
    with pytest.raises(actions.AnswerAwaited):
        decide(scheme, sent, at=NOON.replace(year=2025, month=6, day=20))
    late = NOON.replace(year=2025, month=6, day=21)
    assert decide(scheme, sent, at=late).outcome == "PASS"


def test_a_late_answer_is_taken_while_nothing_is_decided(scheme, applicant, sent):
    ask(scheme, sent)
    answer(sent, applicant, at=NOON + timedelta(days=60))
    assert queries.request_open(sent) is None


def test_asked_and_answered_twice_with_one_key_is_once(scheme, applicant, sent):
    first, again = (ask(scheme, sent, key="ask:1") for _turn in range(2))
    assert first == again
    answers = [answer(sent, applicant, files=[PDF], key="answer:1") for _turn in range(2)]
    assert answers[0] == answers[1]
    assert InformationRequest.objects.count() == InformationAnswer.objects.count() == 1
    assert Attachment.objects.count() == 1


def test_one_question_at_a_time(scheme, sent):
    ask(scheme, sent)
    with pytest.raises(actions.RequestOpen):
        ask(scheme, sent)
    assert InformationRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"question": "  "}, actions.QuestionMissing),
        ({"question": "x" * 4001}, actions.QuestionMissing),
        ({"answer_name": "shoe_size"}, actions.AnswerUnknown),
        ({"due_on": TODAY - timedelta(days=1)}, actions.DueDayPassed),
    ],
)
def test_what_can_not_be_asked_is_refused(scheme, sent, more, refusal):
    acts = acts_about(sent.address).count()
    with pytest.raises(refusal):
        ask(scheme, sent, **more)
    sent.refresh_from_db()
    assert sent.status == Application.Status.SENT
    assert acts_about(sent.address).count() == acts


def test_nobody_else_asks_or_answers(scheme, applicant, sent):
    with pytest.raises(NotAllowed):
        actions.request_information(
            application=sent,
            question="Why?",
            answer_name="",
            due_on=DUE,
            actor=applicant.person,
            at=NOON,
            key=a_key("ask"),
        )
    ask(scheme, sent)
    with pytest.raises(NotAllowed):
        answer(sent, cast.an_sme("Another Ltd"))
    assert not InformationAnswer.objects.exists()


def test_without_a_question_there_is_nothing_to_answer(scheme, applicant, sent):
    with pytest.raises(actions.RequestNotOpen):
        answer(sent, applicant, files=[PDF])
    assert not Attachment.objects.exists()


def test_an_answer_without_words_or_file_is_refused(scheme, applicant, sent):
    ask(scheme, sent)
    with pytest.raises(actions.AnswerEmpty):
        answer(sent, applicant, text=" ")
    sent.refresh_from_db()
    assert sent.status == Application.Status.INFO_NEEDED


def test_who_was_asked_may_withdraw_instead(scheme, applicant, sent):
    ask(scheme, sent)
    actions.withdraw_application(
        application=sent, actor=applicant.person, at=NOON, key=a_key("withdraw")
    )
    with pytest.raises(actions.RequestNotOpen):
        answer(sent, applicant)


# --- files -----------------------------------------------------------------------------------


def test_a_draft_takes_a_file_once_and_gives_it_back(scheme, applicant):
    draft = cast.a_draft(scheme, applicant)
    for _turn in range(2):
        kept = actions.attach_file(application=draft, file=PDF, actor=applicant.person, at=NOON)
    assert bytes(Attachment.objects.get().content) == PDF.content
    actions.remove_attachment(attachment=kept, actor=applicant.person)
    assert not Attachment.objects.exists()


def test_a_file_that_was_sent_stays_whoever_asks(scheme, applicant):
    draft = cast.a_draft(scheme, applicant)
    kept = actions.attach_file(application=draft, file=PDF, actor=applicant.person, at=NOON)
    actions.submit_application(
        application=draft, actor=applicant.person, at=NOON, key=a_key("submit")
    )
    with pytest.raises(actions.ApplicationSent):
        actions.remove_attachment(attachment=kept, actor=applicant.person)
    with pytest.raises(DatabaseError, match="stays as it is"), transaction.atomic():
        Attachment.objects.filter(pk=kept.pk).delete()
    with pytest.raises(DatabaseError, match="stays as it is"), transaction.atomic():
        Attachment.objects.filter(pk=kept.pk).update(name="other.pdf")
    assert Attachment.objects.get().name == "contract.pdf"


def test_an_application_takes_ten_files(scheme, applicant):
    draft = cast.a_draft(scheme, applicant)
    for number in range(11):
        file = checked_file(f"{number}.txt", f"note {number}".encode())
        if number == 10:
            with pytest.raises(actions.TooManyAttachments):
                actions.attach_file(
                    application=draft, file=file, actor=applicant.person, at=NOON
                )
        else:
            actions.attach_file(application=draft, file=file, actor=applicant.person, at=NOON)
    assert Attachment.objects.count() == 10


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.pdf", b"", "it is empty"),
        ("big.txt", b"x" * (FILE_BYTES_MAX + 1), "or less"),
        ("page.pdf", b"<html><script>alert(1)</script>", "this kind of file is not taken"),
        ("page.html", b"<html></html>", "Save it as one of PDF"),
        ("run.exe", b"MZ\x90\x00", "this kind of file"),
        ("picture.pdf", b"\x89PNG\r\n\x1a\n....", "Its content is of the kind .png"),
        ("locked.pdf", b"%PDF-1.7 trailer << /Encrypt 5 0 R >>", "locked with a password"),
        ("bytes.txt", b"abc\x00def", "this kind of file"),
    ],
)
def test_a_file_that_can_not_be_kept_is_refused_with_the_fix(name, content, says):
    with pytest.raises(FileRefused) as found:
        checked_file(name, content)
    assert says in str(found.value)
    assert name in str(found.value)


def test_a_name_is_made_safe_and_a_chinese_text_is_a_text():
    kept = checked_file("..\\..\\etc/合同\x07\n.txt", "合同内容".encode("gb18030"))
    assert kept.name == "合同__.txt"
    assert kept.media_type == "text/plain"


def test_a_scanner_has_the_last_word(settings):
    settings.ATTACHMENT_SCANNER = ["grep", "-vqz", "EICAR"]
    assert checked_file("clean.txt", b"clean")
    with pytest.raises(FileRefused, match="virus scanner found something"):
        checked_file("bad.txt", b"X5O!P%@AP EICAR-STANDARD-ANTIVIRUS-TEST-FILE")


def test_a_scanner_that_is_away_keeps_nothing(settings):
    settings.ATTACHMENT_SCANNER = ["/nowhere/scanner"]
    with pytest.raises(FileNotChecked):
        checked_file("clean.txt", b"clean")
    settings.ATTACHMENT_SCANNER = ["sh", "-c", "exit 2"]
    with pytest.raises(FileNotChecked):
        checked_file("clean.txt", b"clean")
