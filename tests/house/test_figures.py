"""Amounts, hours, instants, shares and statuses are shown exactly."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from common.formatting import day, gpu_hours, instant, language_tag, money, percent, status_tag

AT = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (123456, "CNY", "¥1,234.56"),
        (5, "GBP", "£0.05"),
        (-123456, "GBP", "−£1,234.56"),
        (1234567, "KRW", "₩1,234,567"),
        (10**17 + 1, "CNY", "¥1,000,000,000,000,000.01"),
        (4_444_200_000, "GPU:H100", "1,234.5 GPU-hours"),
        (3_600_000, "GPU:H100", "1 GPU-hour"),
        (0, "GPU:H100", "0 GPU-hours"),
        (-1_800_000, "GPU:A100", "−0.5 GPU-hours"),
        (None, "CNY", "–"),
    ],
)
def test_an_amount_is_shown_exactly(amount, unit, text):
    assert money(amount, unit) == text


def test_gpu_hours_round_half_up_at_the_fourth_decimal():
    assert gpu_hours(180) == "0.0001 GPU-hours"
    assert gpu_hours(179) == "0 GPU-hours"
    assert gpu_hours(36_000_000) == "10 GPU-hours"


def test_an_instant_names_its_time_zone():
    assert instant(AT) == (
        '<time datetime="2026-03-31T09:00:00+00:00">31 March 2026, 09:00 (UTC)</time>'
    )
    assert "14:30 (UTC+5:30)" in instant(AT, "Asia/Kolkata")
    assert "05:00 (UTC−4)" in instant(AT, "America/Toronto")


def test_a_day_is_not_an_instant():
    assert day(date(2026, 3, 31)) == '<time datetime="2026-03-31">31 March 2026</time>'
    with pytest.raises(TypeError):
        day(AT)


def test_a_share_is_shown_to_one_decimal():
    assert percent(Decimal("0.125")) == "12.5%"
    assert percent(Decimal("-0.04")) == "−4%"


def test_a_tag_has_a_known_colour_or_none():
    assert status_tag("<Draft>") == "&lt;Draft&gt;"
    with pytest.raises(ValueError, match="pink"):
        status_tag("Draft", "pink")


def test_a_language_is_tagged_as_html_wants_it():
    assert [language_tag(code) for code in ("en", "zh-hans", "en-gb")] == [
        "en",
        "zh-Hans",
        "en-GB",
    ]
