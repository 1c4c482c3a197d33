"""A round that is asked for more than it has is shared out exactly, and the same way again."""

import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.allocation import METHODS, Entry, Lottery, allot
from policy.claims import Claim, FeeLine
from policy.dossiers import Dossier
from policy.programme import read, shipped

TEXT = shipped()["cn-chengdu-2025"]
PROGRAMME = read(TEXT)
LIMITED = read(
    TEXT + '\n[[caps]]\nclause = "x"\nscope = "UNDERTAKING"\nmeasured = ["ISSUED"]\n'
    'amount = "100000"\n'
)
DAY = date(2026, 3, 2)
SEED = b"a seed that nobody knew"


def entry(reference, fee, *, organisation=None, **more):
    claim = Claim(as_of=DAY, fee_lines=(FeeLine("compute", Decimal(fee)),))
    return Entry(
        reference=reference,
        dossier=Dossier(claim, None),
        organisation=organisation or f"O-{reference}",
        **more,
    )


def awards(found):
    return {one.reference: one.awarded for one in found}


def band(least=50, most=80, seed=SEED):
    return Lottery(least=Decimal(least), most=Decimal(most), seed=seed)


def share(entries, budget, method, **more):
    lottery = band() if method == "LOTTERY" else None
    return allot(entries, PROGRAMME, budget, method, lottery=lottery, **more)


def test_first_come_takes_those_that_arrived_until_the_budget_is_gone():
    entries = [
        entry("A", 100, arrived=3),
        entry("B", 200, arrived=1),
        entry("C", 50, arrived=2),
    ]

    found = share(entries, 150_00, "FIRST_COME")

    assert [one.reference for one in found] == ["B", "C", "A"]
    assert awards(found) == {"B": 120_00, "C": 30_00, "A": 0}
    assert [one.is_waiting for one in found] == [False, False, True]


def test_who_no_longer_fits_waits_and_the_next_is_still_looked_at():
    entries = [entry("A", 100, score=Decimal(9)), entry("B", 1000, score=Decimal(8))]
    entries.append(entry("C", 50, score=Decimal(7)))

    found = share(entries, 100_00, "SCORE")
    parts = share(entries, 100_00, "SCORE", is_part_given=True)

    assert awards(found) == {"A": 60_00, "B": 0, "C": 30_00}
    assert awards(parts) == {"A": 60_00, "B": 40_00, "C": 0}


def test_early_and_small_first():
    entries = [
        entry("A", 300, arrived=1),
        entry("B", 100, arrived=2),
        entry("C", 100, arrived=1),
    ]

    assert [one.reference for one in share(entries, 1_000_00, "SMALL_FIRST")] == ["C", "B", "A"]


def test_pro_rata_gives_everyone_the_same_share_and_the_whole_budget():
    entries = [entry("A", 100), entry("B", 100), entry("C", 100)]

    found = share(entries, 100_00, "PRO_RATA")

    assert sorted(awards(found).values()) == [33_33, 33_33, 33_34]
    assert sum(awards(found).values()) == 100_00


def test_ceilings_of_an_undertaking_hold_over_its_applications_of_one_round():
    entries = [
        entry("A", 100_000, arrived=1, organisation="O-1", undertaking="U"),
        entry("B", 100_000, arrived=2, organisation="O-2", undertaking="U"),
        entry("C", 100_000, arrived=3, organisation="O-3"),
    ]

    found = allot(entries, LIMITED, 1_000_000_00, "FIRST_COME")

    assert awards(found) == {"A": 60_000_00, "B": 40_000_00, "C": 60_000_00}


def test_what_is_referred_is_given_nothing_and_does_not_wait():
    unknown = entry("A", 100).dossier.claim
    stacked = read(
        TEXT + '\n[stacking]\nclause = "x"\nlevels = ["CITY"]\n\n[[stacking.limits]]\n'
        'clause = "x"\ntotal_rate_max = "0.70"\n'
    )
    known = replace(unknown, other_aid=())
    entries = [
        replace(entry("A", 100), dossier=Dossier(unknown, None)),
        replace(entry("B", 100), dossier=Dossier(known, None)),
    ]

    found = {one.reference: one for one in allot(entries, stacked, 1_000_00, "FIRST_COME")}

    assert (found["A"].awarded, found["A"].is_waiting) == (0, False)
    assert found["A"].opinion.outcome == "REFER"
    assert found["B"].awarded == 60_00


# Chance


def test_above_the_band_the_score_decides_in_it_chance_and_below_it_the_score():
    entries = [entry("top", 100, score=Decimal(95)), entry("low", 100, score=Decimal(10))]
    entries += [entry(f"band-{n}", 100, score=Decimal(60)) for n in range(8)]

    found = share(entries, 60_00 * 5, "LOTTERY")

    by_reference = {one.reference: one for one in found}
    assert (by_reference["top"].awarded, by_reference["top"].probability) == (60_00, None)
    assert (by_reference["low"].awarded, by_reference["low"].probability) == (0, None)
    drawn = [by_reference[f"band-{n}"] for n in range(8)]
    assert sum(one.awarded for one in drawn) == 60_00 * 4
    assert {one.probability for one in drawn} == {Fraction(4, 8)}


def test_another_seed_is_another_draw_and_the_same_one_the_same():
    entries = [entry(f"E-{n}", 100, score=Decimal(60)) for n in range(12)]

    def winners(seed):
        found = allot(entries, PROGRAMME, 60_00 * 6, "LOTTERY", lottery=band(seed=seed))
        return {one.reference for one in found if one.awarded}

    assert winners(SEED) == winners(SEED)
    assert len({frozenset(winners(bytes([n]))) for n in range(20)}) > 10


def test_every_application_of_the_band_has_its_chance_over_many_seeds():
    entries = [entry(f"E-{n}", 100, score=Decimal(60)) for n in range(6)]
    wins = dict.fromkeys((one.reference for one in entries), 0)
    for number in range(600):
        lottery = band(seed=number.to_bytes(4, "big"))
        for one in allot(entries, PROGRAMME, 60_00 * 2, "LOTTERY", lottery=lottery):
            wins[one.reference] += bool(one.awarded)

    # 200 expected of 600 at a chance of a third; five deviations are 58.
    assert all(142 <= count <= 258 for count in wins.values())


def test_unequal_amounts_have_the_chances_of_other_draws_by_the_same_seed():
    entries = [entry("large", 500, score=Decimal(60)), entry("small", 100, score=Decimal(60))]

    first = share(entries, 300_00, "LOTTERY")
    again = share(entries, 300_00, "LOTTERY")

    chances = {one.reference: one.probability for one in first}
    assert chances == {one.reference: one.probability for one in again}
    # Whoever is drawn first takes what the other needs: near a half each.
    assert abs(chances["large"] - Fraction(1, 2)) < Fraction(1, 10)
    assert chances["large"] + chances["small"] == 1


def test_the_seed_is_bound_by_what_was_published_before():
    assert band().commitment == hashlib.sha256(SEED).hexdigest()
    with pytest.raises(ValueError, match="band and a seed"):
        allot([], PROGRAMME, 0, "LOTTERY")
    with pytest.raises(ValueError, match="0 or more"):
        allot([], PROGRAMME, -1, "SCORE")


# Whatever is asked for

ENTRIES = st.lists(
    st.builds(
        lambda fee, arrived, score, organisation: (fee, arrived, score, organisation),
        st.integers(1, 400_000),
        st.integers(1, 3),
        st.integers(0, 100),
        st.integers(1, 4),
    ),
    max_size=8,
)


def built(rows):
    return [
        entry(
            f"R-{n}",
            fee,
            arrived=arrived,
            score=Decimal(score),
            organisation=f"O-{organisation}",
        )
        for n, (fee, arrived, score, organisation) in enumerate(rows)
    ]


@given(
    rows=ENTRIES,
    budget=st.integers(0, 500_000_00),
    method=st.sampled_from(METHODS),
    is_part_given=st.booleans(),
    data=st.data(),
)
@settings(deadline=None)
def test_the_budget_is_never_passed_and_the_order_of_reading_changes_nothing(
    rows, budget, method, is_part_given, data
):
    entries = built(rows)
    found = share(entries, budget, method, is_part_given=is_part_given)

    shuffled = data.draw(st.permutations(entries))
    assert share(shuffled, budget, method, is_part_given=is_part_given) == found
    assert sum(one.awarded for one in found) <= budget
    assert {one.reference for one in found} == {one.reference for one in entries}
    assert [one.place for one in found] == list(range(1, len(entries) + 1))


@given(rows=ENTRIES, budget=st.integers(0, 500_000_00))
@settings(deadline=None)
def test_pro_rata_is_exact_and_who_asks_more_never_gets_less(rows, budget):
    found = share(built(rows), budget, "PRO_RATA")
    asked = [(one.opinion.recommended, one.awarded) for one in found]
    whole = sum(recommended for recommended, _ in asked)

    assert sum(awarded for _, awarded in asked) == min(whole, budget)
    for recommended, awarded in asked:
        assert awarded <= recommended
        if whole > budget:
            assert abs(awarded - Fraction(recommended * budget, whole)) < 1
    for more, less in zip(sorted(asked)[1:], sorted(asked), strict=False):
        assert more[1] >= less[1] or more[0] == less[0]
