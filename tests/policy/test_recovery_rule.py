"""What a law says of taking back what was paid and not owed, and what can't be meant."""

from datetime import date

import pytest

from policy.programme import ProgrammeInvalid, read, shipped
from policy.recovery import RecoveryRule

LAW = shipped()["cn-chengdu-2025"]
SECTION = (
    '\n[recovery]\nclause = "Article 21"\nreply_days = 15\ndue_days = 30\n'
    'offset = true\nreturns_to = "VOUCHER"\n'
)


def test_a_law_that_says_nothing_lets_nothing_be_recovered():
    assert {read(text).recovery for text in shipped().values()} == {None}


def test_a_law_says_how_long_for_a_reply_and_a_payment_and_where_value_returns():
    rule = read(LAW + SECTION).recovery

    assert rule == RecoveryRule("Article 21", 15, 30, True, "VOUCHER")
    assert rule.reply_until(date(2025, 6, 20)) == date(2025, 7, 5)
    assert rule.due_on(date(2025, 12, 15)) == date(2026, 1, 14)
    assert read(LAW + SECTION + 'interest = "NONE"\n').recovery == rule


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("reply_days = 15", "reply_days = 0", "reply_days"),
        ("due_days = 30", 'due_days = "30"', "due_days"),
        ('"VOUCHER"', '"PROVIDER"', "returns_to"),
        ("offset = true", 'offset = "yes"', "offset"),
        ("offset = true", 'offset = true\ninterest = "LEGAL"', "interest"),
        ("offset = true", "offset = true\nshare = 1", "share"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_its_place(old, new, place):
    with pytest.raises(ProgrammeInvalid) as refused:
        read(LAW + SECTION.replace(old, new))

    assert any(f"[recovery], {place}:" in problem for problem in refused.value.problems)
