"""What each journey of an applicant may cost, in pages, answers and clicks.

Each is gone in both languages, and once in a browser that runs no scripts. What was promised
stands in `tests.browser.budget`; what it costs today is told exactly.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils.translation import gettext

from common.formatting import day_text
from tests import cast
from tests.browser.budget import (
    ANSWER_A_QUESTION,
    APPLY,
    APPLY_AGAIN,
    CHECK,
    WHAT_IS_NEXT_BY_LETTER,
    WHAT_IS_NEXT_FROM_HOME,
    Budget,
)
from tests.browser.history import now
from tests.browser.stage import PASSWORD, SPOKEN, Stage
from tests.browser.steps import apply, day
from tests.browser.telling import (
    TODAY,
    UNTIL,
    a_firm,
    answers_of,
    in_words,
    link_in_mail_to,
    told,
)
from tests.cast import Scheme
from vouchers import actions as vouchers
from vouchers import queries
from vouchers.models import Application

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize(
        ("language", "script"), [("en", True), ("zh-hans", True), ("en", False)]
    ),
]

DAYS = {**day("start_on", TODAY), **day("end_on", UNTIL)}
PROJECT = {
    "project_title": "Reading old maps",
    "use_type": "TRAIN",
    "description": "Train a model that reads old maps.",
}


def test_who_may_apply_is_told_for_five_answers_and_one_button(
    come, stage: Stage, language: str, script: bool
):
    visitor = come(language=language, script=script)
    visitor.open("/")
    visitor.follow("/apply/check/")
    visitor.spent.begin()
    visitor.answer(
        kind="SME",
        region="CN-4501",
        is_registered_business="yes",
        employees="40",
        other_public_money="no",
    )
    visitor.send("main form button")

    assert visitor.spent.pages == ["/apply/check/"]
    assert visitor.spent.cost == Budget(pages=1, answers=5, clicks=6)
    assert CHECK.covers(visitor.spent.cost)
    code = stage.m3.round.code
    assert visitor.page.locator(f'main a[href="/apply/{cast.M3}/{code}/"]').count() == 1


def test_a_firm_applies_for_at_most_twelve_answers(
    come, stage: Stage, language: str, script: bool
):
    firm = a_firm(f"First Maps {language} {script}")
    holder = come(firm.person, language=language, script=script)
    start = f"/apply/{stage.m3.programme.code}/{stage.m3.round.code}/"
    holder.open("/apply/")
    holder.follow(start)
    holder.spent.begin()
    holder.send()
    reference = holder.path.split("/")[2]
    holder.follow("/tasks/organisation/")
    holder.send()
    holder.answer(**PROJECT)
    other = holder.switch_language()
    assert other != SPOKEN[language]
    assert holder.answered(*PROJECT) == PROJECT
    holder.send()
    assert holder.language == other
    holder.answer(resource_class="H100", hours="4000")
    assert holder.switch_language() == SPOKEN[language]
    assert holder.answered("resource_class", "hours") == {
        "resource_class": "H100",
        "hours": "4000",
    }
    holder.send()
    holder.answer(**DAYS, fee_total="100,000.00", other_public_money="no")
    holder.send()
    holder.answer(declaration=True)
    holder.send()
    holder.send()

    of = f"/applications/{reference}"
    tasks = ("organisation", "project", "compute", "time", "declaration")
    assert holder.spent.pages == [
        f"{of}/tasks/",
        *(f"{of}/tasks/{task}/" for task in tasks),
        f"{of}/check/",
        f"{of}/sent/",
    ]
    assert holder.spent.cost == Budget(pages=8, answers=10, clicks=20)
    assert APPLY.covers(holder.spent.cost)
    sent = Application.objects.get(reference=reference)
    assert reference in holder.words
    assert in_words(language, day_text, queries.due_on(sent)) in holder.words
    assert told(holder) == answers_of(firm, language)
    assert sent.status == "SENT"


def test_what_was_told_last_year_need_not_be_told_again(
    come, stage: Stage, last_year: Scheme, language: str, script: bool
):
    firm = a_firm(f"Second Maps {language} {script}")
    cast.an_issued_voucher(last_year, firm)
    holder = come(firm.person, language=language, script=script)
    holder.open("/apply/")
    holder.follow(f"/apply/{stage.m3.programme.code}/{stage.m3.round.code}/")
    holder.spent.begin()
    holder.answer(is_copy=True)
    holder.send()
    reference = holder.path.split("/")[2]
    holder.answer(**DAYS)
    holder.send()
    holder.answer(declaration=True)
    holder.send()
    holder.send()

    of = f"/applications/{reference}"
    assert holder.spent.pages == [
        f"{of}/tasks/time/",
        f"{of}/tasks/declaration/",
        f"{of}/check/",
        f"{of}/sent/",
    ]
    assert holder.spent.cost == Budget(pages=4, answers=4, clicks=8)
    assert APPLY_AGAIN.covers(holder.spent.cost)
    assert told(holder) == answers_of(
        firm, language, email="mina@example.org", milestone="95 % of the names are read"
    )


def test_a_small_request_is_answered_on_the_page_that_confirms_it(
    come, stage: Stage, language: str, script: bool
):
    firm = a_firm(f"Small Maps {language} {script}", password=PASSWORD)
    holder = come(language=language, script=script)
    reference = apply(holder, stage.m3, firm, fee_total="50,000.00")

    of = f"/applications/{reference}"
    assert holder.spent.pages[-2:] == [f"{of}/check/", f"{of}/sent/"]
    # 60 % of the fee, and at most 50,000.00 is decided by the rule.
    awarded = in_words(language, gettext, "You are awarded %(awarded)s.")
    assert awarded % {"awarded": "¥30,000.00"} in holder.words
    assert Application.objects.get(reference=reference).status == "APPROVED"


def test_what_happens_next_is_one_link_away_from_the_letter(
    come, stage: Stage, language: str, script: bool
):
    firm = a_firm(f"Asking Maps {language} {script}", password=PASSWORD)
    sent = cast.a_sent_application(stage.m3, firm, at=now())
    link = link_in_mail_to(firm.person)
    page = f"/applications/{sent.reference}/"
    decided = in_words(language, gettext, "Decided by %(due)s.")
    due = {"due": in_words(language, day_text, queries.due_on(sent))}
    assert link == page

    holder = come(firm.person, language=language, script=script)
    holder.come_by(link)
    assert holder.spent.pages == [page]
    assert holder.spent.cost == Budget(pages=1, answers=0, clicks=1)
    assert WHAT_IS_NEXT_BY_LETTER.covers(holder.spent.cost)
    assert decided % due in holder.words

    stranger = come(language=language, script=script)
    stranger.come_by(link)
    stranger.answer(login=firm.person.email, password=PASSWORD)
    stranger.send()
    assert stranger.path == page
    assert decided % due in stranger.words


def test_what_happens_next_is_two_links_away_from_home_at_most(
    come, stage: Stage, language: str, script: bool
):
    firm = a_firm(f"Home Maps {language} {script}")
    sent = cast.a_sent_application(stage.m3, firm, at=now())
    holder = come(firm.person, language=language, script=script)
    holder.open("/")
    holder.spent.begin()
    holder.follow(f"/applications/{sent.reference}/")

    assert holder.spent.cost == Budget(pages=1, answers=0, clicks=1)
    assert WHAT_IS_NEXT_FROM_HOME.covers(holder.spent.cost)
    due = {"due": in_words(language, day_text, queries.due_on(sent))}
    assert in_words(language, gettext, "Decided by %(due)s.") % due in holder.words


def test_a_question_is_answered_with_a_file_on_the_page_of_the_letter(
    come, stage: Stage, language: str, script: bool
):
    firm = a_firm(f"Asked Maps {language} {script}")
    sent = cast.a_sent_application(stage.m3, firm, at=now())
    vouchers.request_information(
        application=sent,
        question="What does the provider charge?",
        answer_name="fee_total",
        due_on=TODAY + timedelta(days=10),
        actor=stage.authority.officer,
        at=now(),
        key=cast.a_key("ask"),
    )
    holder = come(firm.person, language=language, script=script)
    holder.come_by(link_in_mail_to(firm.person))
    assert "What does the provider charge?" in holder.words
    offer = {"name": "offer.txt", "mimeType": "text/plain", "buffer": b"100,000.00 in all\n"}
    holder.answer(text="As their offer says.", file=offer)
    holder.send()

    of = f"/applications/{sent.reference}"
    assert holder.spent.pages == [f"{of}/answer/", f"{of}/"]
    assert holder.spent.cost == Budget(pages=2, answers=2, clicks=4)
    assert ANSWER_A_QUESTION.covers(holder.spent.cost)
    assert "As their offer says." in holder.words
    assert "<time" not in holder.words
    kept = queries.attachments_of(sent).get()
    assert (kept.name, bytes(kept.content)) == ("offer.txt", b"100,000.00 in all\n")
    sent.refresh_from_db()
    assert sent.status == "REFERRED"


@pytest.fixture(scope="module")
def last_year(stage: Stage) -> Scheme:
    """A round of the same programme that closed last year."""
    programme = stage.m3.programme
    past = cast.a_round(stage.authority, programme, budget=1_000_000_00, code="LAST")
    return replace(stage.m3, round=past)
