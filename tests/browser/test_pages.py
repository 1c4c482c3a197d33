"""Every page, for everybody who has it, in both languages, wide and narrow.

None breaks a rule that axe knows, says anything on the console, scrolls sideways on a small
screen, or lacks its heading and its language.
"""

import pytest

from tests.browser.accessible import problems_of
from tests.browser.addresses import WHO
from tests.browser.history import History
from tests.browser.pictures import take_picture
from tests.browser.stage import SPOKEN

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("who", WHO)
def test_every_page_keeps_the_rules(come, history: History, who: str, language: str):
    person, paths = WHO[who]
    visitor = come(person(history), language=language)
    problems = []
    for path in paths(history):
        response = visitor.page.goto(f"{visitor.portal}{path}")
        if response is None or response.status != 200:
            problems.append(f"{path} answers {response and response.status}")
            continue
        take_picture(visitor, f"{who} {path}", language)
        problems += [f"{path} {one}" for one in problems_of(visitor, SPOKEN[language])]
    assert problems == []


@pytest.mark.parametrize("language", SPOKEN)
def test_a_page_that_is_not_there_keeps_the_rules(come, history: History, language: str):
    visitor = come(history.firm.person, language=language)
    visitor.open("/vouchers/V-NOBODY/", status=404)
    assert problems_of(visitor, SPOKEN[language]) == []
    take_picture(visitor, "firm 404", language)
