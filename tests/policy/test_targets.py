"""A target earns by what was assessed: from `full` all of the award, below `least` nothing."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.programme import ProgrammeInvalid, read, shipped
from policy.targets import earned, settle_target

TEXT = (Path(__file__).parent / "schemes" / "cn-qingyang-2025.toml").read_text("utf-8")
TARGET = read(TEXT)
ALL_OR_NOTHING = read(
    TEXT.replace('least = "2500"', 'least = "5000"').replace('"PRO_RATA"', '"NOTHING"')
)
ROUNDS_UP = read(
    TEXT.replace('mode = "DOWN"', 'mode = "UP"').replace("decimals = 2", "decimals = 0")
)

AWARD = 1_000_000_00


@pytest.mark.parametrize(
    ("figure", "amount"),
    [
        ("0", 0),
        ("2499.999999", 0),
        ("2500", 500_000_00),
        ("3333.333333", 666_666_66),
        ("4999.999999", 999_999_99),
        ("5000", AWARD),
        ("8000", AWARD),
    ],
)
def test_between_the_least_and_the_full_figure_a_part_is_earned(figure, amount):
    assert earned(AWARD, Decimal(figure), TARGET)[0] == amount


@pytest.mark.parametrize(("figure", "amount"), [("4999.999999", 0), ("5000", AWARD)])
def test_all_or_nothing_is_earned_where_the_document_says_so(figure, amount):
    assert earned(AWARD, Decimal(figure), ALL_OR_NOTHING)[0] == amount


def test_the_working_shows_each_step_with_its_clause():
    share = settle_target(AWARD, Decimal("4000.5"), 100_00, 700_000_00, TARGET)

    assert [(line.name, line.amount) for line in share.working] == [
        ("award", "1000000.0000 CNY"),
        ("assessed", "4000.5000 PFLOPS"),
        ("target", "800100.0000 CNY"),
        ("round", "800100.0000 CNY"),
        ("paid_before", "800000.0000 CNY"),
        ("covered", "700000.0000 CNY"),
    ]
    assert all(line.clause and line.label_en and line.label_zh for line in share.working)
    assert (share.covered, share.co_payment, share.beyond_hold) == (700_000_00, 0, 100_000_00)


@given(
    award=st.integers(0, 10**12),
    pair=st.tuples(*[st.decimals(0, 10_000, places=6)] * 2),
    paid=st.integers(0, 10**12),
    balance=st.integers(0, 10**12),
    rules=st.sampled_from([TARGET, ALL_OR_NOTHING, ROUNDS_UP]),
)
def test_more_never_earns_less_and_nothing_passes_award_or_balance(
    award, pair, paid, balance, rules
):
    low, high = sorted(pair)
    less, more = (earned(award, figure, rules)[0] for figure in (low, high))
    share = settle_target(award, high, paid, balance, rules)

    assert 0 <= less <= more <= award
    assert more == (award if high >= 5000 else more)
    assert 0 <= share.covered <= balance
    assert share.covered + paid <= max(award, paid)


def test_an_amount_below_nothing_and_a_programme_without_a_target_are_refused():
    with pytest.raises(ValueError, match="0 or more"):
        earned(-1, Decimal(1), TARGET)
    with pytest.raises(ValueError, match="0 or more"):
        settle_target(1, Decimal("NaN"), 0, 0, TARGET)
    with pytest.raises(ValueError, match="0 or more"):
        settle_target(1, Decimal(1), -1, 0, TARGET)
    with pytest.raises(ValueError, match="has no target"):
        earned(1, Decimal(1), read(shipped()["cn-xiamen-2024"]))


SECTION = TEXT[TEXT.index("[target]") : TEXT.index("[rounding]")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TEXT.replace(SECTION, ""), "line 10, the top of the document, mode: a performance"),
        (
            TEXT.replace('mode = "M7"', 'mode = "M1"').replace('"PROVIDER"', '"BENEFICIARY"'),
            "both",
        ),
        (TEXT.replace('least = "2500"', 'least = "6000"'), "[target], least: 6000 is above"),
        (TEXT.replace('full = "5000"', 'full = "0"'), '[target], full: "0" is met by nothing'),
        (TEXT.replace('"PRO_RATA"', '"NOTHING"'), 'write partial = "PRO_RATA"'),
        (TEXT.replace('"PRO_RATA"', '"HALF"'), "write one of NOTHING, PRO_RATA"),
        (TEXT.replace('measure = "PFLOPS"\n', ""), "[target], measure: is missing"),
        (TEXT.replace('full = "5000"', "full = 5000"), "write a decimal in quotes"),
        (TEXT.replace('payee = "PROVIDER"', 'payee = "NOBODY"'), "contradicts mode M7"),
    ],
)
def test_a_target_that_contradicts_the_document_is_told_by_line_and_fix(content, said):
    with pytest.raises(ProgrammeInvalid) as refusal:
        read(content)

    assert said in str(refusal.value)
    assert "line " in str(refusal.value)
