"""Scores are exact, and what a document says about deciding can be told from what it can't say."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.allocation import draw_key
from policy.process_rules import Criterion, ReviewRule
from policy.programme import ProgrammeInvalid, read
from policy.review import is_reviewed, score
from tests.cast.committee import allocated, law, reviewed

RULE = ReviewRule(
    clause="Article 8",
    quorum=2,
    blind=False,
    above=None,
    least=None,
    criteria=(
        Criterion("MERIT", "Merit", "技术水平", Decimal("0.75"), 10),
        Criterion("PLAN", "Plan", "实施计划", Decimal("0.25"), 5),
    ),
)
POINTS = st.fixed_dictionaries({"MERIT": st.integers(0, 10), "PLAN": st.integers(0, 5)})


def test_a_score_is_weighed_averaged_and_rounded_once():
    # 0.75 × 7/10 + 0.25 × 2/5 = 0.625; 0.75 × 6/10 + 0.25 × 5/5 = 0.7; 0.75 + 0 = 0.75
    three = [{"MERIT": 7, "PLAN": 2}, {"MERIT": 6, "PLAN": 5}, {"MERIT": 10, "PLAN": 0}]
    assert score(three[:1], RULE) == Decimal("62.50")
    assert score(three[:2], RULE) == Decimal("66.25")
    assert score(three, RULE) == Decimal("69.17")
    assert score([], RULE) is None


@given(st.lists(POINTS, min_size=1, max_size=6))
def test_a_score_lies_between_its_reviews_in_any_order(points):
    alone = [score([one], RULE) for one in points]
    found = score(points, RULE)
    assert min(alone) - Decimal("0.01") <= found <= max(alone) + Decimal("0.01")
    assert score(points[::-1], RULE) == found


@pytest.mark.parametrize(
    "points", [{"MERIT": 11, "PLAN": 0}, {"MERIT": 1}, {"MERIT": -1, "PLAN": 0}]
)
def test_points_outside_a_criterion_are_no_points(points):
    with pytest.raises(ValueError, match="give 0 to"):
        score([points], RULE)


def test_an_amount_at_the_limit_is_not_above_it():
    programme = read(law(reviewed('above = "60000"')))
    assert not is_reviewed(60_000_00, programme)
    assert is_reviewed(60_000_01, programme)
    assert not is_reviewed(10**15, read(law()))


@given(
    st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=6),
    st.binary(min_size=32, max_size=32),
)
def test_a_draw_depends_on_who_takes_part_and_not_on_their_order(references, seed):
    key = draw_key(seed, references)
    assert draw_key(seed, references[::-1]) == key
    assert draw_key(seed, [*references, "one more"]) != key


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ([allocated("SCORE")], "needs a score of everyone; add [review] without `above`"),
        ([reviewed('above = "1"'), allocated("SCORE")], "needs a score of everyone"),
        ([reviewed(), allocated("LOTTERY")], "has lottery_least and lottery_most"),
        (
            [reviewed(), allocated("SCORE", more='lottery_least = "1"\nlottery_most = "2"')],
            "a lottery, and nothing else",
        ),
        (
            [reviewed(), allocated("LOTTERY", more='lottery_least = "9"\nlottery_most = "2"')],
            "from lottery_least up to lottery_most",
        ),
        ([reviewed().replace('"0.75"', '"0.80"')], "their weights add up to 1.05"),
        ([reviewed('least = "101"')], "a score is 100 at most"),
        ([reviewed().replace("PLAN", "MERIT")], "'MERIT' is there twice"),
        (['[notice]\nclause = "x"\ndays = 0\n'], "write a whole number from 1 to 365"),
        (['[voucher]\nclause = "x"\nextensions_max = 1\n'], "write both extension_days_max"),
        (["[appeal]\ndays = 30\n"], "[appeal], clause: is missing"),
    ],
)
def test_what_can_not_be_is_told_with_its_line_and_the_fix(sections, says):
    with pytest.raises(ProgrammeInvalid) as found:
        read(law(*sections))
    assert any(says in problem for problem in found.value.problems), found.value.problems
    assert all(problem.startswith("line ") for problem in found.value.problems)
