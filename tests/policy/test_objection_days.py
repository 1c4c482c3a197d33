"""A law may give an objection its days, and say what silence means when they are over."""

from datetime import UTC, datetime, timedelta

import pytest

from policy.differences import differences
from policy.objections import default_at, reply_until, verdict_until
from policy.programme import ProgrammeInvalid, read, shipped

OFFSET, CLAIMED = shipped()["cn-chengdu-2025"], shipped()["cn-hangzhou-2025"]
RAISED = datetime(2025, 7, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
BOTH = ("reply_days = 3", "verdict_days = 10")


def law(*lines, text=OFFSET):
    assert "\n[settlement]\n" in text
    return text.replace("\n[settlement]\n", "\n".join(("\n[settlement]", *lines, "")))


def rule(*lines):
    return read(law(*lines)).settlement


def test_a_law_that_says_nothing_gives_no_days_and_waits_for_an_officer():
    for text in shipped().values():
        said = read(text).settlement
        assert (said.reply_days, said.verdict_days) == (None, None)
        assert (said.reply_silence, said.verdict_silence) == ("WAITS", "WAITS")
        assert reply_until(said, RAISED) is None
        assert verdict_until(said, RAISED, RAISED) is None
        assert default_at(said, RAISED, None, RAISED, RAISED + 1_000 * DAY) == ""


def test_days_begin_with_the_objection_and_when_it_can_be_decided():
    said = rule(*BOTH)

    assert reply_until(said, RAISED) == RAISED + 3 * DAY
    assert verdict_until(said, RAISED, RAISED) == RAISED + 13 * DAY
    assert verdict_until(said, RAISED, RAISED + 7 * DAY) == RAISED + 17 * DAY
    assert verdict_until(rule("verdict_days = 10"), RAISED, RAISED + DAY) == RAISED + 11 * DAY


@pytest.mark.parametrize(
    ("silences", "replied", "days", "found"),
    [
        (("DECLINES", "WAITS"), None, 2.99, ""),
        (("DECLINES", "WAITS"), None, 3, "REPLY_DECLINES"),
        (("DECLINES", "WAITS"), 2.99, 100, ""),
        # A reply that came late is none.
        (("DECLINES", "WAITS"), 3, 4, "REPLY_DECLINES"),
        (("WAITS", "ACCEPTS"), None, 12.99, ""),
        (("WAITS", "ACCEPTS"), None, 13, "VERDICT_ACCEPTS"),
        (("WAITS", "DECLINES"), 1, 13, "VERDICT_DECLINES"),
        # Who was silent first decides, however late it is looked at.
        (("DECLINES", "ACCEPTS"), None, 100, "REPLY_DECLINES"),
        (("DECLINES", "ACCEPTS"), 1, 100, "VERDICT_ACCEPTS"),
        (("WAITS", "WAITS"), None, 100, ""),
    ],
)
def test_silence_decides_as_the_law_says_and_not_before(silences, replied, days, found):
    reply, verdict = silences
    said = rule(*BOTH, f'reply_silence = "{reply}"', f'verdict_silence = "{verdict}"')
    replied_at = None if replied is None else RAISED + replied * DAY

    assert default_at(said, RAISED, replied_at, RAISED, RAISED + days * DAY) == found


def test_a_change_of_days_is_told_by_its_place():
    (change,) = differences(read(law("reply_days = 3")), read(law("reply_days = 5")))

    assert change.en == "[settlement] reply_days changes from 3 to 5."


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (law("reply_days = 0"), "[settlement], reply_days:"),
        (law("verdict_days = 0"), "[settlement], verdict_days:"),
        (law("verdict_days = 366"), "[settlement], verdict_days:"),
        (law('reply_silence = "DECLINES"'), "[settlement], reply_silence:"),
        (law('verdict_silence = "ACCEPTS"'), "[settlement], verdict_silence:"),
        (
            law("reply_days = 3", 'reply_silence = "ACCEPTS"'),
            "[settlement], reply_silence:",
        ),
        (law("reply_days = 3", text=CLAIMED), "[settlement], reply_days:"),
        (law("verdict_days = 3", text=CLAIMED), "[settlement], verdict_days:"),
        (
            law("verdict_days = 3").replace("objection_days = 7\n", "objection_days = 0\n"),
            "[settlement], verdict_days:",
        ),
    ],
)
def test_what_can_not_be_meant_is_refused_by_its_place(text, place):
    with pytest.raises(ProgrammeInvalid) as refused:
        read(text)

    assert any(place in problem for problem in refused.value.problems)
