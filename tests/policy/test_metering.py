"""Until when use may be told: the law says so many days, or says nothing."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.metering import AFTERS, MeteringRule
from policy.programme import ProgrammeInvalid, read, shipped

LAW = shipped()["cn-chengdu-2025"]
SECTION = '\n[metering]\nclause = "Article 14"\ndays = {days}\nafter = {after}\n'


def test_a_law_that_says_nothing_limits_nothing():
    assert {read(text).metering for text in shipped().values()} == {None}


def test_a_law_says_how_many_days_after_the_month_or_the_use():
    rule = read(LAW + SECTION.format(days=10, after='"MONTH"')).metering

    assert rule == MeteringRule("Article 14", 10, "MONTH")
    assert rule.last_day(date(2025, 6, 1)) == date(2025, 7, 10)
    assert rule.last_day(date(2024, 2, 29)) == date(2024, 3, 10)
    assert MeteringRule("", 0, "USE").last_day(date(2025, 6, 1)) == date(2025, 6, 1)


@pytest.mark.parametrize(
    ("days", "after", "place"),
    [(-1, '"MONTH"', "days"), (10, '"YEAR"', "after"), ('"10"', '"USE"', "days")],
)
def test_what_can_not_be_meant_is_refused_by_its_place(days, after, place):
    with pytest.raises(ProgrammeInvalid) as refused:
        read(LAW + SECTION.format(days=days, after=after))

    assert any(f"[metering], {place}:" in problem for problem in refused.value.problems)


@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.integers(0, 400),
    st.integers(0, 500),
    st.sampled_from(AFTERS),
)
def test_the_last_day_of_use_and_the_first_use_of_a_day_say_the_same(used, days, gap, after):
    rule, on = MeteringRule("", days, after), used + timedelta(days=gap)

    assert (on <= rule.last_day(used)) == (used >= rule.first_use(on))
