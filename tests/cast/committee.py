"""Laws with reviews, committees, lotteries and notices, and the people who review."""

from datetime import date, timedelta

from parties.models import User
from parties.roles import Role
from tests.cast.basics import M3, NOON, a_key
from tests.cast.people import Authority, a_person, with_role
from tests.cast.programmes import policy_text
from vouchers import actions
from vouchers.models import Application, Assignment, Review

# The rounds of the cast close on 31 December 2025.
CLOSED = NOON.replace(year=2026, month=1, day=2)

REVIEWS = """
[review]
clause = "Article 8"
quorum = 2
blind = true
{more}

[[review.criteria]]
name = "MERIT"
title_en = "Merit"
title_zh = "技术水平"
weight = "0.75"
most = 10

[[review.criteria]]
name = "PLAN"
title_en = "Plan"
title_zh = "实施计划"
weight = "0.25"
most = 5
"""


def law(*sections: str, code: str = M3) -> str:
    """Return a shipped document with more sections."""
    text = policy_text(code).replace(
        "application = { from = 2025-01-01, until = 2025-12-31 }",
        "application = { from = 2025-01-01, until = 2026-12-31 }",
    )
    return "\n".join((text, *sections))


def reviewed(more: str = "") -> str:
    """Return the section of reviews: two reviewers, merit 3/4 and plan 1/4."""
    return REVIEWS.format(more=more)


def allocated(method: str, *, waiting_days: int = 0, more: str = "") -> str:
    """Return the section that shares out a round by a method."""
    waits = f"waiting_days = {waiting_days}\n" if waiting_days else ""
    return f'\n[allocation]\nclause = "Article 10"\nmethod = "{method}"\n{waits}{more}\n'


def a_reviewer(authority: Authority, name: str = "Rita Reader") -> User:
    """Return a person who reviews for an authority."""
    return with_role(a_person(name), authority.organisation, Role.REVIEWER)


def assigned(
    application: Application, user: User, authority: Authority, *, task: str = "REVIEW"
) -> Assignment:
    """Give an application to a person to review, or to decide."""
    return actions.assign_application(
        application=application,
        user=user,
        task=task,
        due_on=date(2025, 6, 20) if task == "REVIEW" else None,
        actor=authority.officer,
        at=NOON,
        key=a_key("assign"),
    )


def a_review(
    application: Application, authority: Authority, *, merit: int = 8, plan: int = 4
) -> Review:
    """Return a review by a new reviewer, who was given the application."""
    reviewer = a_reviewer(authority)
    assigned(application, reviewer, authority)
    return actions.submit_review(
        application=application,
        points={"MERIT": merit, "PLAN": plan},
        comment="A clear plan.",
        actor=reviewer,
        at=NOON + timedelta(days=1),
        key=a_key("review"),
    )
