"""A law says whether an own share is proven, and can't ask for it where no fee is claimed."""

import pytest

from policy.differences import differences
from policy.programme import ProgrammeInvalid, read, shipped
from policy.settlement import Share

CLAIMED, OFFSET = shipped()["cn-hangzhou-2025"], shipped()["cn-chengdu-2025"]
IN_KIND = shipped()["uk-airr"]


def asking(text: str, word: str = "PROVEN") -> str:
    assert "\n[settlement]\n" in text
    return text.replace("\n[settlement]\n", f'\n[settlement]\nown_share = "{word}"\n')


def test_a_law_that_says_nothing_asks_for_no_proof():
    assert {read(text).settlement.own_share for text in shipped().values()} == {"NOT_ASKED"}


def test_a_law_may_ask_for_proof_and_the_change_is_told():
    strict = read(asking(CLAIMED))

    assert strict.settlement.own_share == "PROVEN"
    (change,) = differences(read(CLAIMED), strict)
    assert change.en == "[settlement] own_share changes from NOT_ASKED to PROVEN."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (asking(CLAIMED, "BELIEVED"), "[settlement], own_share:"),
        (asking(OFFSET), "mode M3 has no claim of a fee"),
        (asking(IN_KIND), "mode M5 has no claim of a fee"),
    ],
)
def test_proof_that_can_not_be_given_is_refused_by_its_place(text, said):
    with pytest.raises(ProgrammeInvalid) as refused:
        read(text)

    assert any(said in problem for problem in refused.value.problems)


@pytest.mark.parametrize("mode", ["M6", "M8"])
def test_shared_costs_and_matches_may_pay_either_side(mode):
    text = shipped()["cn-xiamen-2024"].replace('mode = "M1"', 'mode = "M6"')
    if mode == "M8":
        text = shipped()["cn-hangzhou-2025-mianshen"]
    paying = text.replace('payee = "BENEFICIARY"', 'payee = "PROVIDER"')

    assert (read(text).mode, read(text).payee) == (mode, "BENEFICIARY")
    assert (read(paying).mode, read(paying).payee) == (mode, "PROVIDER")


def test_ones_own_is_whatever_the_voucher_does_not_cover():
    assert Share(60, 30, 10).own == 40
