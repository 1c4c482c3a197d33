"""How batches are paid is said by the law, or is three people and the newer message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.payment import UNSAID, PaymentRule
from policy.programme import ProgrammeInvalid, read, shipped

LAW = shipped()["cn-chengdu-2025"]
IN_KIND = next(text for text in shipped().values() if 'mode = "M5"' in text)


def said(*lines):
    return "\n".join(["", "[payment]", 'clause = "Article 18"', *lines, ""])


def test_a_law_that_says_nothing_takes_three_people_for_any_total():
    law = read(LAW)

    assert law.payment is None
    assert law.paying == UNSAID
    assert not law.paying.needs_authorisation(10**15, "CNY")
    assert law.paying.message == "pain.001.001.09"


def test_a_law_says_the_limit_the_days_and_the_message():
    lines = ('authorise_above = "5000.50"', "duplicate_days = 7", 'message = "pain.001.001.03"')
    rule = read(LAW + said(*lines)).paying

    assert (rule.clause, rule.duplicate_days) == ("Article 18", 7)
    assert rule.message == "pain.001.001.03"
    assert [
        rule.needs_authorisation(total, "CNY") for total in (500_049, 500_050, 500_051)
    ] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("authorise_above = 5000", "authorise_above"),
        ("duplicate_days = -1", "duplicate_days"),
        ('message = "pain.001.001.08"', "message"),
        ("authorize_above = 1", "authorize_above"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_its_place(line, place):
    with pytest.raises(ProgrammeInvalid) as refused:
        read(LAW + said(line))

    assert any(f"[payment], {place}:" in problem for problem in refused.value.problems)


def test_hours_in_kind_are_not_paid():
    with pytest.raises(ProgrammeInvalid) as refused:
        read(IN_KIND + said())

    assert any("hours in kind are not paid" in problem for problem in refused.value.problems)


@given(st.integers(0, 10**14), st.integers(0, 10**12))
def test_a_larger_total_never_takes_fewer_people(total, more):
    rule = PaymentRule("", UNSAID.authorise_above or 5_000, 0, "pain.001.001.09")

    assert rule.needs_authorisation(total + more, "CNY") >= rule.needs_authorisation(
        total, "CNY"
    )
