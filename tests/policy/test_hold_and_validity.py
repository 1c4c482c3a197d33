"""A hold is the programme's share within what is free; days are counted after the first."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import GPU_MS_PER_HOUR
from policy import holds, validity
from policy.programme import read, shipped

DOCUMENTS = shipped()
OFFSET = read(DOCUMENTS["cn-chengdu-2025"])
EX_POST = read(DOCUMENTS["cn-nanning-2025"])
IN_KIND = read(DOCUMENTS["uk-airr"])
HOUR = GPU_MS_PER_HOUR
PLENTY = 10**12


@pytest.mark.parametrize(
    ("price", "free", "used", "amount"),
    [
        (1_000_000_00, PLENTY, 0, 600_000_00),
        (10_000_000_00, PLENTY, 0, 5_000_000_00),
        (1_000_000_00, PLENTY, 4_800_000_00, 200_000_00),
        (1_000_000_00, PLENTY, 6_000_000_00, 0),
        (1_000_000_00, 50_000_00, 0, 50_000_00),
        (1, PLENTY, 0, 0),
        (33, PLENTY, 0, 19),
        (0, PLENTY, 0, 0),
    ],
)
def test_a_hold_is_the_share_within_balance_and_year(price, free, used, amount):
    held, _ = holds.hold_amount(price, free, used, OFFSET)

    assert held == amount


def test_a_hold_shows_every_step():
    _, working = holds.hold_amount(1_000_000_00, 500_000_00, 4_800_000_00, OFFSET)

    assert [(line.name, line.amount) for line in working] == [
        ("price", "1000000.0000 CNY"),
        ("share", "600000.0000 CNY"),
        ("free", "500000.0000 CNY"),
        ("cap_organisation", "200000.0000 CNY"),
    ]
    assert all(line.clause for line in working)


@pytest.mark.parametrize(
    ("ordered", "free", "amount"),
    [
        (2 * HOUR, 10 * HOUR, 2 * HOUR),
        (2 * HOUR + 1, 10 * HOUR, 3 * HOUR),
        (2 * HOUR + 1, 2 * HOUR + 5, 2 * HOUR + 5),
        (20 * HOUR, 10 * HOUR, 10 * HOUR),
    ],
)
def test_hours_in_kind_are_held_whole(ordered, free, amount):
    held, _ = holds.hold_amount(ordered, free, 0, IN_KIND)

    assert held == amount


def test_a_mode_that_pays_after_use_holds_nothing():
    held, working = holds.hold_amount(1_000_00, PLENTY, 0, EX_POST)

    assert (held, [line.name for line in working]) == (0, ["no_hold"])
    with pytest.raises(ValueError, match="places no holds"):
        holds.last_day(date(2026, 1, 1), EX_POST)


def test_the_share_of_the_day_is_held():
    dated = '[{ value = "0.60" }, { from = 2026-07-01, value = "0.40" }]'
    programme = read(DOCUMENTS["cn-chengdu-2025"].replace('"0.60"', dated))

    before, _ = holds.hold_amount(100_00, PLENTY, 0, programme, on=date(2026, 6, 30))
    after, _ = holds.hold_amount(100_00, PLENTY, 0, programme, on=date(2026, 7, 1))

    assert (before, after) == (60_00, 40_00)


@pytest.mark.parametrize("wrong", [(-1, 0, 0), (0, -1, 0), (0, 0, -1)])
def test_a_hold_of_less_than_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="0 or more"):
        holds.hold_amount(*wrong, OFFSET)


@given(
    price=st.integers(0, 10**13),
    free=st.integers(0, 10**13),
    used=st.integers(0, 10**10),
    programme=st.sampled_from([OFFSET, IN_KIND]),
)
def test_a_hold_never_passes_what_is_free(price, free, used, programme):
    held, _ = holds.hold_amount(price, free, used, programme)

    assert 0 <= held <= free
    if programme is OFFSET:
        assert held <= min(price, max(5_000_000_00 - used, 0))
        assert held * 100 <= price * 60


def test_a_hold_lapses_after_its_last_day():
    assert holds.last_day(date(2026, 1, 15), OFFSET) == date(2026, 2, 14)
    assert holds.last_day(date(2028, 2, 20), IN_KIND) == date(2028, 3, 5)


def test_the_days_of_a_hold_may_change_in_mid_life():
    dated = "days = [{ value = 30 }, { from = 2026-07-01, value = 10 }]"
    programme = read(DOCUMENTS["cn-chengdu-2025"].replace("days = 30", dated))

    assert holds.last_day(date(2026, 6, 30), programme) == date(2026, 7, 30)
    assert holds.last_day(date(2026, 7, 1), programme) == date(2026, 7, 11)


@pytest.mark.parametrize(
    ("multiplier", "days"),
    [
        ("1", 365),
        ("1.3", 475),
        ("0.7", 256),
        ("0.6666", 245),
        ("5", 486),
        ("0", 245),
    ],
)
def test_standing_moves_validity_within_its_reach(multiplier, days):
    assert validity.days(OFFSET, Decimal(multiplier)) == days


def test_a_short_voucher_is_not_cut_below_the_fewest_days():
    programme = read(DOCUMENTS["cn-chengdu-2025"].replace("days = 365", "days = 70"))

    assert validity.days(programme, Decimal("0.7")) == 60
    assert validity.days(programme, Decimal("0.9")) == 63


def test_a_voucher_ends_so_many_days_after_issue():
    assert validity.last_day(date(2026, 1, 1), OFFSET) == date(2027, 1, 1)
    assert validity.last_day(date(2026, 1, 1), OFFSET, Decimal("1.3")) == date(2027, 4, 21)


@pytest.mark.parametrize(
    ("issued_on", "route", "last"),
    [
        (date(2026, 1, 10), "RAPID_ACCESS", date(2026, 4, 10)),
        (date(2025, 11, 30), "GATEWAY", date(2026, 2, 28)),
        (date(2026, 1, 10), "INNOVATOR", date(2026, 7, 10)),
        (date(2026, 12, 31), "OPEN_ACCESS", date(2027, 12, 31)),
    ],
)
def test_a_route_ends_after_its_months(issued_on, route, last):
    assert validity.last_day(issued_on, IN_KIND, route=route) == last


def test_standing_does_not_reach_the_months_of_a_route():
    last = validity.last_day(date(2026, 1, 10), IN_KIND, Decimal("0.7"), route="GATEWAY")

    assert last == date(2026, 4, 10)
