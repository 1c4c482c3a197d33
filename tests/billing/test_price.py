"""A price is worked out in whole numbers and rounded once."""

from decimal import Decimal

from billing.queries import price_of


def test_a_price_is_rounded_half_up_once():
    # 0.005 and 0.0049…: 1.8 and 1.79… seconds at 10.00 an hour.
    assert price_of(Decimal("10"), 1_800, "CNY") == 1
    assert price_of(Decimal("10"), 1_799, "CNY") == 0
    assert price_of(Decimal("1234.5678"), 3_600_000, "CNY") == 1_234_57
    assert price_of(Decimal("1234.5650"), 3_600_000, "CNY") == 1_234_57
    assert price_of(Decimal("1500"), 3_600_000, "JPY") == 1_500
    assert price_of(Decimal("25"), 7, "GPU:H100") == 7
