"""What deciding may cost an officer, in pages, answers and clicks.

As in `tests.browser.test_budgets`: in both languages, and once without scripts.
"""

import pytest

from tests import cast
from tests.browser.budget import DECIDE, Budget
from tests.browser.history import now
from tests.browser.stage import Stage
from tests.browser.telling import a_firm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize(
        ("language", "script"), [("en", True), ("zh-hans", True), ("en", False)]
    ),
]


def test_an_officer_approves_with_one_answer_and_issues_with_none(
    come, stage: Stage, language: str, script: bool
):
    firm = a_firm(f"Good Maps {language} {script}")
    sent = cast.a_sent_application(stage.m3, firm, at=now())
    officer = come(stage.authority.officer, language=language, script=script)
    officer.open("/")
    of = f"/applications/{sent.reference}"
    officer.follow(f"{of}/decide/")
    officer.answer(outcome="PASS")
    officer.send()

    assert officer.spent.pages == ["/queue/", f"{of}/decide/", f"{of}/issue/"]
    assert officer.spent.cost == Budget(pages=3, answers=1, clicks=3)
    assert DECIDE.covers(officer.spent.cost)
    officer.send()
    assert officer.path.startswith("/vouchers/V-")
    assert officer.spent.cost == Budget(pages=4, answers=1, clicks=4)


def test_an_officer_says_no_with_two_answers(come, stage: Stage, language: str, script: bool):
    firm = a_firm(f"Late Maps {language} {script}")
    sent = cast.a_sent_application(stage.m3, firm, at=now())
    officer = come(stage.authority.officer, language=language, script=script)
    officer.open("/")
    of = f"/applications/{sent.reference}"
    officer.follow(f"{of}/decide/")
    officer.answer(outcome="FAIL", note="The project is over.")
    officer.send()

    assert officer.spent.pages == ["/queue/", f"{of}/decide/", "/queue/"]
    assert officer.spent.cost == Budget(pages=3, answers=2, clicks=4)
    assert DECIDE.covers(officer.spent.cost)
    sent.refresh_from_db()
    assert sent.status == "NOT_APPROVED"
