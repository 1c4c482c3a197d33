"""A bill splits without a fen lost, and never draws more than the hold has left."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import GPU_MS_PER_HOUR
from policy.calculation import Claim
from policy.programme import read, shipped
from policy.settlement import settle_claim, split_bill, split_line

DOCUMENTS = shipped()
OFFSET = read(DOCUMENTS["cn-chengdu-2025"])
EX_POST = read(DOCUMENTS["cn-nanning-2025"])
WITH_FLOOR = read(DOCUMENTS["cn-xiamen-2024"])
IN_KIND = read(DOCUMENTS["uk-airr"])
ROUNDS_UP = read(
    DOCUMENTS["cn-chengdu-2025"]
    .replace('mode = "DOWN"', 'mode = "UP"')
    .replace('of = "1"\ndecimals = 2', 'of = "1"\ndecimals = 0')
)


@pytest.mark.parametrize(
    ("billed", "accepted", "hold_left", "parts"),
    [
        (1_000_000_00, 1_000_000_00, 600_000_00, (600_000_00, 400_000_00, 0)),
        (1_000_000_00, 900_000_00, 600_000_00, (540_000_00, 360_000_00, 0)),
        (1_000_000_00, 1_000_000_00, 550_000_00, (550_000_00, 400_000_00, 50_000_00)),
        (1_00, 0, 1_00, (0, 0, 0)),
        (33, 33, 100, (19, 14, 0)),
        (100, 100, 0, (0, 40, 60)),
    ],
)
def test_a_line_splits_into_share_and_co_payment(billed, accepted, hold_left, parts):
    share = split_line(billed, accepted, hold_left, OFFSET)

    assert (share.covered, share.co_payment, share.beyond_hold) == parts


def test_a_split_shows_every_step():
    working = split_line(1_000_00, 900_00, 500_00, OFFSET).working

    assert [(line.name, line.amount) for line in working] == [
        ("billed", "1000.0000 CNY"),
        ("accepted", "900.0000 CNY"),
        ("share", "540.0000 CNY"),
        ("covered", "500.0000 CNY"),
        ("co_payment", "360.0000 CNY"),
        ("beyond_hold", "40.0000 CNY"),
    ]
    assert all(line.clause for line in working)


def test_hours_in_kind_are_covered_whole():
    share = split_line(3 * GPU_MS_PER_HOUR, 2 * GPU_MS_PER_HOUR + 7, 10**9, IN_KIND)
    short = split_line(100, 100, 60, IN_KIND)

    assert (share.covered, share.co_payment, share.beyond_hold) == (7_200_007, 0, 0)
    assert (short.covered, short.co_payment, short.beyond_hold) == (60, 0, 40)


def test_a_coarse_step_upward_covers_no_more_than_the_whole():
    assert split_line(50, 50, 1_000, ROUNDS_UP).covered == 50


@pytest.mark.parametrize("wrong", [(10, 11, 5), (10, -1, 5), (10, 5, -1)])
def test_an_amount_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="lies between 0 and what was billed"):
        split_line(*wrong, OFFSET)


def test_a_bill_is_rounded_once_and_the_odd_fen_go_to_the_largest_remainders():
    bill = split_bill([("a", 33), ("b", 33), ("c", 34)], 1_000, OFFSET)

    assert bill.total.covered == 60
    assert [(key, share.covered, share.co_payment) for key, share in bill.lines] == [
        ("a", 20, 13),
        ("b", 20, 13),
        ("c", 20, 14),
    ]
    # Line by line it would have been 19 + 19 + 20.
    assert sum(split_line(n, n, 1_000, OFFSET).covered for n in (33, 33, 34)) == 58


def test_a_bill_beyond_its_hold_is_shared_out_evenly():
    bill = split_bill([(1, 100_00), (2, 300_00)], 120_00, OFFSET)

    assert [(s.covered, s.co_payment, s.beyond_hold) for _, s in bill.lines] == [
        (30_00, 40_00, 30_00),
        (90_00, 120_00, 90_00),
    ]


def test_an_empty_bill_is_nothing():
    bill = split_bill([], 100, OFFSET)

    assert (bill.total.covered, bill.lines) == (0, ())


def test_a_line_of_nothing_gets_nothing():
    bill = split_bill([("a", 0), ("b", 5)], 100, OFFSET)

    assert [share.covered for _, share in bill.lines] == [0, 3]


@given(
    amounts=st.lists(st.integers(0, 10**9), max_size=40),
    hold_left=st.integers(0, 10**10),
    programme=st.sampled_from([OFFSET, IN_KIND, ROUNDS_UP, EX_POST]),
)
def test_the_lines_of_a_bill_add_up_exactly(amounts, hold_left, programme):
    bill = split_bill(list(enumerate(amounts)), hold_left, programme)
    shares = [share for _, share in bill.lines]

    assert [key for key, _ in bill.lines] == list(range(len(amounts)))
    assert sum(share.covered for share in shares) == bill.total.covered <= hold_left
    assert sum(share.co_payment for share in shares) == bill.total.co_payment
    assert sum(share.beyond_hold for share in shares) == bill.total.beyond_hold
    for amount, share in zip(amounts, shares, strict=True):
        assert min(share.covered, share.co_payment, share.beyond_hold) >= 0
        assert share.covered + share.co_payment + share.beyond_hold == amount


@given(accepted=st.integers(0, 10**12), hold_left=st.integers(0, 10**12))
def test_the_parts_of_a_line_add_up_and_the_share_is_the_most(accepted, hold_left):
    share = split_line(accepted, accepted, hold_left, OFFSET)

    assert share.covered + share.co_payment + share.beyond_hold == accepted
    assert share.covered <= hold_left
    assert share.covered * 100 <= accepted * 60


def paid(amount, **more):
    return Claim(as_of=date(2026, 1, 10), fee_lines=(("compute", Decimal(amount)),), **more)


def test_a_claim_is_settled_on_what_was_paid_within_the_balance():
    full = settle_claim(paid(300_000), 150_000_00, WITH_FLOOR)
    short = settle_claim(paid(300_000), 100_000_00, WITH_FLOOR)

    assert (full.covered, full.co_payment, full.beyond_hold) == (150_000_00, 150_000_00, 0)
    assert (short.covered, short.co_payment, short.beyond_hold) == (
        100_000_00,
        150_000_00,
        50_000_00,
    )
    assert [line.name for line in short.working][-2:] == ["round", "covered"]


def test_a_claim_of_the_official_example_leaves_the_user_174_898():
    claim = paid(200_000, contract_from=date(2025, 1, 1), contract_until=date(2026, 12, 31))

    share = settle_claim(claim, 25_102_00, EX_POST)

    assert (share.covered, share.co_payment, share.beyond_hold) == (25_102_00, 174_898_00, 0)


def test_standing_moves_the_voucher_not_the_share_of_a_paid_fee():
    claim = paid(300_000, multiplier=Decimal("0.5"))

    assert settle_claim(claim, 150_000_00, WITH_FLOOR).covered == 150_000_00


def test_a_balance_below_nothing_is_refused():
    with pytest.raises(ValueError, match="0 or more"):
        settle_claim(paid(1), -1, WITH_FLOOR)
