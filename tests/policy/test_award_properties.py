"""Whatever is claimed, an award stays within its ceilings and never turns the wrong way."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from policy.calculation import Claim, work_out
from policy.programme import read, shipped

PROGRAMMES = {code: read(text) for code, text in shipped().items()}
OFFSET = PROGRAMMES["cn-chengdu-2025"]
WITH_FLOOR = PROGRAMMES["cn-xiamen-2024"]
DAY = date(2026, 1, 10)


def fee(amount, **more):
    days = {"contract_from": date(2025, 4, 1), "contract_until": date(2025, 10, 1)}
    return Claim(as_of=DAY, fee_lines=(("compute", Decimal(amount)),), **days, **more)


fees = st.decimals(0, 10**9, places=4)
used = st.integers(0, 10**10)
multipliers = st.decimals(0, 3, places=4)


@given(
    code=st.sampled_from(["cn-chengdu-2025", "cn-xiamen-2024", "cn-nanning-2025"]),
    amount=fees,
    used_this_year=used,
    pool_left=st.integers(0, 10**10),
    multiplier=multipliers,
)
def test_no_award_passes_a_ceiling(code, amount, used_this_year, pool_left, multiplier):
    programme = PROGRAMMES[code]
    claim = fee(
        amount,
        used_this_year=used_this_year,
        pool_left=pool_left,
        multiplier=multiplier,
    )

    award = work_out(claim, programme)

    cap = int(programme.cap("ORGANISATION").amount.on(DAY)) * 100
    assert 0 <= award.recommended <= min(max(cap - used_this_year, 0), pool_left)
    if programme.standing.ceiling == "SHARE":
        assert award.recommended <= Fraction(amount) * programme.tiers[0].rate.on(DAY) * 100


@given(amount=fees, used_this_year=used, pair=st.tuples(multipliers, multipliers))
def test_a_better_standing_never_lowers_an_award(amount, used_this_year, pair):
    lower, higher = (
        work_out(fee(amount, used_this_year=used_this_year, multiplier=multiplier), OFFSET)
        for multiplier in sorted(pair)
    )

    assert lower.recommended <= higher.recommended


@given(pair=st.tuples(fees, fees))
def test_a_higher_fee_never_lowers_an_award(pair):
    lower, higher = (work_out(fee(amount), WITH_FLOOR) for amount in sorted(pair))

    assert lower.recommended <= higher.recommended
