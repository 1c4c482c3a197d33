"""Standing moves the next award smoothly and within limits; little evidence takes little."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.programme import read, shipped
from policy.standing import amount_multiplier, effect, performance, validity_multiplier

DOCUMENTS = shipped()
OFFSET = read(DOCUMENTS["cn-chengdu-2025"])
WEIGHTS = dict(OFFSET.standing.weights)
MUCH = Decimal(3)

zs = st.decimals(-4, 4, places=3)
evidence = st.decimals(0, 10, places=2)


@pytest.mark.parametrize(
    ("z", "amount", "days"),
    [
        ("-2", "0.54", "0.70"),
        ("-1.5", "0.58", "0.73"),
        ("-1", "0.67", "0.78"),
        ("-0.5", "0.81", "0.88"),
        ("0", "1.00", "1.00"),
        ("0.5", "1.19", "1.13"),
        ("1", "1.33", "1.22"),
        ("1.5", "1.42", "1.28"),
        ("2", "1.46", "1.30"),
    ],
)
def test_the_published_table(z, amount, days):
    amount_off = amount_multiplier(Decimal(z), MUCH, OFFSET) - Decimal(amount)
    days_off = validity_multiplier(Decimal(z), MUCH, OFFSET) - Decimal(days)

    assert abs(amount_off) <= Decimal("0.005")
    # Two cells (0.73 for 0.7249, 0.88 for 0.8746) are printed one cent above their own formula.
    assert abs(days_off) <= Decimal("0.0055")


@pytest.mark.parametrize(
    ("z", "amount", "days"),
    [
        ("-2", "0.5392", "0.6958"),
        ("-1.5", "0.5832", "0.7249"),
        ("-0.5", "0.8100", "0.8746"),
        ("0.5", "1.1900", "1.1254"),
        ("2", "1.4608", "1.3042"),
    ],
)
def test_the_formula_to_four_decimals(z, amount, days):
    assert amount_multiplier(Decimal(z), MUCH, OFFSET) == Decimal(amount)
    assert validity_multiplier(Decimal(z), MUCH, OFFSET) == Decimal(days)


def test_multipliers_have_four_decimals():
    assert str(amount_multiplier(Decimal(1), MUCH, OFFSET)) == "1.3320"
    assert str(validity_multiplier(Decimal(-1), MUCH, OFFSET)) == "0.7809"


@pytest.mark.parametrize(
    ("n", "least"), [("0", "1.0000"), ("1", "0.8333"), ("2", "0.6667"), ("3", "0.5180")]
)
def test_little_evidence_takes_little_away(n, least):
    assert amount_multiplier(Decimal(-4), Decimal(n), OFFSET) == Decimal(least)


def test_less_than_no_evidence_is_refused():
    with pytest.raises(ValueError, match="Evidence is 0 or more"):
        amount_multiplier(Decimal(0), Decimal(-1), OFFSET)


@given(n=evidence)
def test_a_newcomer_is_neither_better_nor_worse_off(n):
    assert amount_multiplier(Decimal(0), n, OFFSET) == 1
    assert validity_multiplier(Decimal(0), n, OFFSET) == 1


@given(z=zs, n=evidence)
def test_the_effect_stays_within_its_reach(z, n):
    assert Decimal("0.5") < amount_multiplier(z, n, OFFSET) < Decimal("1.5")
    assert Decimal("0.67") < validity_multiplier(z, n, OFFSET) < Decimal("1.33")


@given(pair=st.tuples(zs, zs), n=evidence)
def test_a_better_standing_never_lowers_the_multiplier(pair, n):
    worse, better = sorted(pair)

    assert amount_multiplier(worse, n, OFFSET) <= amount_multiplier(better, n, OFFSET)
    assert validity_multiplier(worse, n, OFFSET) <= validity_multiplier(better, n, OFFSET)


@given(z=zs, step=st.decimals(0, "0.5", places=3), n=evidence)
def test_there_is_no_cliff(z, step, n):
    moved = amount_multiplier(z + step, n, OFFSET) - amount_multiplier(z, n, OFFSET)

    # reach × steepness = 0.4 a unit of z, and one ten-thousandth for the two roundings
    assert moved <= Decimal("0.4") * step + Decimal("0.0001")


@given(z=zs, pair=st.tuples(evidence, evidence))
def test_more_evidence_never_softens_a_bad_standing(z, pair):
    less, more = sorted(pair)

    assert amount_multiplier(z, more, OFFSET) <= amount_multiplier(z, less, OFFSET)


def test_standing_beyond_its_limits_counts_as_the_limit():
    assert amount_multiplier(Decimal(9), MUCH, OFFSET) == amount_multiplier(
        Decimal("2.5"), MUCH, OFFSET
    )


def test_the_effect_shows_how_it_came_about():
    shown = effect(Decimal("-1"), Decimal(1), OFFSET)

    assert (shown.amount_multiplier, shown.validity_multiplier) == (
        Decimal("0.8333"),
        Decimal("0.8333"),
    )
    assert [(line.name, line.amount) for line in shown.working] == [
        ("standing", "-1"),
        ("evidence", "1"),
        ("least", "0.8333"),
        ("amount_multiplier", "0.8333"),
        ("validity_multiplier", "0.8333"),
    ]


def test_a_programme_without_standing_has_no_effect():
    text = DOCUMENTS["cn-chengdu-2025"]
    start, end = text.index("[standing]"), text.index("[outcome]")
    programme = read(text[:start] + text[end:])

    shown = effect(Decimal(-2), MUCH, programme)

    assert (shown.amount_multiplier, shown.validity_multiplier, shown.working) == (1, 1, ())


def test_performance_is_the_weighted_mean():
    components = {
        "use": Decimal("0.8"),
        "milestones": Decimal(1),
        "outcomes": Decimal("0.5"),
        "forecast": Decimal("0.9"),
        "compliance": Decimal(1),
    }

    # 0.24 + 0.25 + 0.125 + 0.09 + 0.10
    assert performance(components, WEIGHTS) == (Decimal("0.805"), Decimal(1))


def test_what_is_missing_drops_out_and_lowers_the_observed_weight():
    components = {"use": Decimal("0.8"), "milestones": None, "compliance": Decimal(1)}

    x, observed = performance(components, WEIGHTS)

    assert (x, observed) == (Decimal("0.85"), Decimal("0.40"))


def test_nothing_observed_says_nothing():
    assert performance({"use": None}, WEIGHTS) == (0, 0)


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ({"luck": Decimal(1)}, "No weight is set for luck"),
        ({"use": Decimal("1.01")}, "between 0 and 1"),
        ({"use": Decimal("-0.01")}, "between 0 and 1"),
    ],
)
def test_a_component_that_cannot_be_is_refused(components, said):
    with pytest.raises(ValueError, match=said):
        performance(components, WEIGHTS)


@given(
    values=st.fixed_dictionaries(
        {name: st.none() | st.decimals(0, 1, places=3) for name in WEIGHTS}
    )
)
def test_performance_lies_between_0_and_1(values):
    x, observed = performance(values, WEIGHTS)

    assert 0 <= x <= 1
    assert 0 <= observed <= 1
