"""What a holder's silence means is what the law says, and the law can't ask the impossible."""

import pytest

from policy.differences import differences
from policy.programme import ProgrammeInvalid, read, shipped

OFFSET, CLAIMED = shipped()["cn-chengdu-2025"], shipped()["cn-hangzhou-2025"]
DAYS = "objection_days = 7\n"


def silent(text: str, word: str) -> str:
    assert "\n[settlement]\n" in text
    return text.replace("\n[settlement]\n", f'\n[settlement]\nsilence = "{word}"\n')


def test_a_law_that_says_nothing_takes_silence_for_acceptance():
    assert {read(text).settlement.silence for text in shipped().values()} == {"ACCEPTS"}


def test_a_law_may_withhold_what_nobody_confirmed():
    strict = read(silent(OFFSET, "WITHHOLDS"))

    assert strict.settlement.silence == "WITHHOLDS"
    (change,) = differences(read(OFFSET), strict)
    assert change.en == "[settlement] silence changes from ACCEPTS to WITHHOLDS."


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (silent(OFFSET, "IGNORES"), "[settlement], silence:"),
        (silent(OFFSET, "WITHHOLDS").replace(DAYS, "objection_days = 0\n"), "objection_days:"),
        (silent(CLAIMED, "WITHHOLDS"), "[settlement], silence:"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_its_place(text, place):
    with pytest.raises(ProgrammeInvalid) as refused:
        read(text)

    assert any(place in problem for problem in refused.value.problems)
