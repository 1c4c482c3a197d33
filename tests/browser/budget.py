"""What a journey costs a person: pages to read, questions to answer, clicks to make.

Everything is counted that a hand does: each box is clicked before it is filled, a day of three
boxes once, as Tab leads from box to box. A question that is filled in already costs nothing.
"""

import re
from dataclasses import dataclass

PART_OF_A_DAY = re.compile(r"_(?:day|month|year)$")


@dataclass(frozen=True)
class Budget:
    """The most that a journey may cost."""

    pages: int
    answers: int
    clicks: int

    def covers(self, cost: "Budget") -> bool:
        """Say whether the cost is within this budget."""
        return (
            cost.pages <= self.pages
            and cost.answers <= self.answers
            and cost.clicks <= self.clicks
        )


# As they were promised when the pages were designed.
CHECK = Budget(pages=1, answers=5, clicks=6)
APPLY = Budget(pages=8, answers=12, clicks=25)
APPLY_AGAIN = Budget(pages=4, answers=4, clicks=10)
WHAT_IS_NEXT_BY_LETTER = Budget(pages=1, answers=0, clicks=1)
WHAT_IS_NEXT_FROM_HOME = Budget(pages=1, answers=0, clicks=2)
ANSWER_A_QUESTION = Budget(pages=2, answers=3, clicks=4)
ORDER = Budget(pages=3, answers=3, clicks=6)
QUERY_A_LINE = Budget(pages=2, answers=2, clicks=4)
PUBLISH_AN_OFFER = Budget(pages=2, answers=8, clicks=4)
DECIDE = Budget(pages=3, answers=3, clicks=5)
SEND_A_BILL = Budget(pages=3, answers=1, clicks=3)
FIX_A_BILL = Budget(pages=4, answers=1, clicks=5)
SEE_WHEN_PAID = Budget(pages=1, answers=0, clicks=1)
FIND_WHAT_TO_FIX = Budget(pages=2, answers=0, clicks=2)


class Spent:
    """What was spent since the count began."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.answers: list[str] = []
        self.presses = 0
        self.reached = 0

    def begin(self) -> None:
        """Begin to count: the page that is shown is paid for."""
        self.pages, self.answers, self.presses, self.reached = [], [], 0, 0

    def page(self, path: str) -> None:
        """Count a page that was loaded; the same page, come back, is no other."""
        if path not in self.pages[-1:]:
            self.pages.append(path)

    def answer(self, name: str, *, is_reached: bool = False) -> None:
        """Count a question that was answered; the three boxes of a day are one.

        :param is_reached: by the keyboard, so that nobody clicked it.
        """
        question = PART_OF_A_DAY.sub("", name)
        if question not in self.answers[-1:]:
            self.answers.append(question)
            self.reached += is_reached

    def press(self) -> None:
        """Count a link that was followed, or a button that was pressed."""
        self.presses += 1

    @property
    def cost(self) -> Budget:
        """Return what was spent: a click for each question not reached by Tab, link and button."""
        answers = len(self.answers)
        return Budget(len(self.pages), answers, answers - self.reached + self.presses)
