"""Runs are billed up to an increment once, and only what is without tax has the share."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.holds import basis_of, hold_amount
from policy.metering import billed_ms
from policy.programme import ProgrammeInvalid, read, shipped
from policy.settlement import split_bill, split_line

OFFSET = shipped()["cn-chengdu-2025"]
JUNE = datetime(2025, 6, 1, tzinfo=UTC)
JULY = datetime(2025, 7, 1, tzinfo=UTC)
AUGUST = datetime(2025, 8, 1, tzinfo=UTC)


def law(*lines, document=OFFSET):
    """Return a shipped law with more lines in its [settlement]."""
    return read(document.replace("[settlement]\n", "\n".join(("[settlement]", *lines, ""))))


WITHOUT_TAX = law('tax_basis = "EXCLUSIVE"', 'tax_rate = "0.06"')


@pytest.mark.parametrize(
    ("seconds", "increment", "billed"),
    [
        (61, 60, 120_000),
        (60, 60, 60_000),
        (1, 60, 60_000),
        (0, 60, 0),
        (61, None, 61_000),
        (3_601, 3_600, 7_200_000),
    ],
)
def test_a_run_is_billed_up_to_its_next_increment_that_began(seconds, increment, billed):
    ended = JUNE + timedelta(seconds=seconds)

    assert billed_ms(1000, JUNE, ended, JUNE, JULY, increment) == billed


def test_what_an_increment_adds_is_billed_in_the_month_in_which_the_run_ends():
    started, ended = JULY - timedelta(seconds=30), JULY + timedelta(seconds=31)

    june = billed_ms(2000, started, ended, JUNE, JULY, 60)
    july = billed_ms(2000, started, ended, JULY, AUGUST, 60)

    assert (june, july) == (60_000, 180_000)


@given(
    count=st.integers(1, 64_000),
    starts=st.integers(0, 10_000),
    length=st.integers(0, 90_000),
    cut=st.integers(-1_000, 101_000),
    increment=st.integers(1, 7_200),
)
def test_the_parts_of_a_run_add_up_to_the_run(count, starts, length, cut, increment):
    started = JUNE + timedelta(seconds=starts)
    ended, middle = started + timedelta(seconds=length), JUNE + timedelta(seconds=cut)

    parts = [
        billed_ms(count, started, ended, from_at, until_at, increment)
        for from_at, until_at in ((JUNE - timedelta(days=1), middle), (middle, JULY))
    ]

    steps = -(-length // increment)
    assert sum(parts) == count * steps * increment
    assert min(parts) >= 0


def test_only_the_price_without_tax_has_the_share():
    # 1,060.00 at 6 % is 1,000.00 without tax: 60 % of that are covered.
    share = split_line(1_060_00, 1_060_00, 10_000_00, WITHOUT_TAX)

    assert (share.covered, share.co_payment, share.beyond_hold) == (600_00, 460_00, 0)
    assert [(one.name, one.amount) for one in share.working][2:4] == [
        ("basis", "1000.0000 CNY"),
        ("share", "600.0000 CNY"),
    ]


def test_a_hold_is_of_the_price_without_tax_too():
    amount, _working = hold_amount(1_060_00, 10_000_00, 0, WITHOUT_TAX, on=date(2026, 1, 5))

    assert amount == 600_00


@given(amounts=st.lists(st.integers(0, 10**9), max_size=20), hold_left=st.integers(0, 10**10))
def test_without_tax_the_lines_still_add_up(amounts, hold_left):
    bill = split_bill(list(enumerate(amounts)), hold_left, WITHOUT_TAX)
    accepted = sum(amounts)

    assert sum(one.covered for _, one in bill.lines) == bill.total.covered
    assert bill.total.covered * 100 <= basis_of(accepted, WITHOUT_TAX) * 60 + 100
    for amount, (_, one) in zip(amounts, bill.lines, strict=True):
        assert one.covered + one.co_payment + one.beyond_hold == amount
        assert min(one.covered, one.co_payment, one.beyond_hold) >= 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (('tax_basis = "EXCLUSIVE"',), "prices without tax need the tax's rate"),
        (('tax_rate = "0.06"',), "prices without tax need the tax's rate"),
        (('tax_basis = "EXCLUSIVE"', 'tax_rate = "1.5"'), "is no rate of tax"),
        (("increment_seconds = 0",), "0 rounds nothing"),
        (("increment_seconds = 86401",), "write a whole number from 0 to 86400"),
    ],
)
def test_what_contradicts_itself_is_refused(lines, said):
    with pytest.raises(ProgrammeInvalid, match=said):
        law(*lines)


@pytest.mark.parametrize(
    ("code", "lines", "said"),
    [
        ("cn-nanning-2025", ("increment_seconds = 60",), "bills no runs"),
        (
            "cn-nanning-2025",
            ('tax_basis = "EXCLUSIVE"', 'tax_rate = "0.06"'),
            r"write \[base\] tax for fees",
        ),
        ("uk-airr", ('tax_basis = "EXCLUSIVE"', 'tax_rate = "0.06"'), "no prices on bills"),
    ],
)
def test_a_mode_without_such_bills_has_neither(code, lines, said):
    with pytest.raises(ProgrammeInvalid, match=said):
        law(*lines, document=shipped()[code])
