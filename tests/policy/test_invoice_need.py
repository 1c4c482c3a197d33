"""A law may ask for the provider's invoice before a bill is paid, and can't ask it of hours."""

import pytest

from policy.differences import differences
from policy.programme import ProgrammeInvalid, read, shipped

OFFSET = shipped()["cn-chengdu-2025"]


def asking(text: str, word: str) -> str:
    return text.replace("\n[settlement]\n", f'\n[settlement]\ninvoice = "{word}"\n')


def test_a_law_that_says_nothing_asks_for_none():
    assert {read(text).settlement.invoice for text in shipped().values()} == {"OPTIONAL"}


def test_a_law_may_ask_for_it():
    strict = read(asking(OFFSET, "REQUIRED"))

    assert strict.settlement.invoice == "REQUIRED"
    (change,) = differences(read(OFFSET), strict)
    assert change.en == "[settlement] invoice changes from OPTIONAL to REQUIRED."


def test_what_can_not_be_meant_is_refused_by_its_place():
    in_kind = next(text for text in shipped().values() if read(text).mode == "M5")
    for text in (asking(OFFSET, "MAYBE"), asking(in_kind, "REQUIRED")):
        with pytest.raises(ProgrammeInvalid) as refused:
            read(text)
        assert any("[settlement], invoice:" in one for one in refused.value.problems)
