"""The published worked examples come out to the fen, and every step of them is shown."""

from datetime import date
from decimal import Decimal

import pytest

from common.money import GPU_MS_PER_HOUR
from policy.answers import Line, Reason
from policy.calculation import Claim, work_out
from policy.programme import read, shipped

DOCUMENTS = shipped()
PROGRAMMES = {code: read(text) for code, text in DOCUMENTS.items()}
EX_POST = PROGRAMMES["cn-nanning-2025"]
OFFSET = PROGRAMMES["cn-chengdu-2025"]
WITH_FLOOR = PROGRAMMES["cn-xiamen-2024"]
IN_KIND = PROGRAMMES["uk-airr"]
DAY = date(2026, 1, 10)


def fee(amount, **more):
    return Claim(as_of=DAY, fee_lines=(("compute", Decimal(amount)),), **more)


def in_window(*fee_lines, **more):
    days = {"contract_from": date(2025, 4, 1), "contract_until": date(2025, 10, 1)}
    return Claim(as_of=DAY, fee_lines=fee_lines, **days, **more)


def steps(award):
    return [(line.name, line.amount) for line in award.working]


def codes(award):
    return [reason.code for reason in award.reasons]


def test_the_official_example_is_apportioned_and_cut_twice():
    claim = fee(
        200_000,
        settled_fee=Decimal(200_000),
        contract_from=date(2025, 1, 1),
        contract_until=date(2026, 12, 31),
    )

    award = work_out(claim, EX_POST)

    assert steps(award) == [
        ("fee", "200000.0000 CNY"),
        ("leave_out", "200000.0000 CNY"),
        ("apportion", "83676.0000 CNY"),
        ("share", "25102.8000 CNY"),
        ("standing", "25102.8000 CNY"),
        ("cap_organisation", "25102.8000 CNY"),
        ("pool", "25102.8000 CNY"),
        ("round", "25102.0000 CNY"),
    ]
    assert award.working[2].label_en == "Apportioned to the window of use, 305 of 729 days"
    assert award.recommended == 25_102_00
    assert award.reasons == ()


def test_counting_both_end_days_would_give_another_amount():
    text = DOCUMENTS["cn-nanning-2025"].replace("END_MINUS_START", "INCLUSIVE")
    claim = fee(200_000, contract_from=date(2025, 1, 1), contract_until=date(2026, 12, 31))

    award = work_out(claim, read(text))

    assert dict(steps(award))["apportion"] == "83835.0000 CNY"
    assert award.recommended == 25_150_00


def test_rounding_half_up_would_give_another_amount():
    text = DOCUMENTS["cn-nanning-2025"].replace('mode = "DOWN"', 'mode = "HALF_UP"')
    claim = fee(200_000, contract_from=date(2025, 1, 1), contract_until=date(2026, 12, 31))

    assert work_out(claim, read(text)).recommended == 25_103_00


def test_a_large_fee_meets_the_yearly_cap():
    award = work_out(in_window(("compute", Decimal(10_000_000))), EX_POST)

    assert steps(award) == [
        ("fee", "10000000.0000 CNY"),
        ("leave_out", "10000000.0000 CNY"),
        ("apportion", "10000000.0000 CNY"),
        ("share", "3000000.0000 CNY"),
        ("standing", "3000000.0000 CNY"),
        ("cap_organisation", "2000000.0000 CNY"),
        ("pool", "2000000.0000 CNY"),
        ("round", "2000000.0000 CNY"),
    ]
    assert award.recommended == 2_000_000_00
    assert codes(award) == ["CAP_REACHED"]


def test_storage_is_left_out_of_the_base():
    claim = in_window(("compute", Decimal(400_000)), ("storage", Decimal(100_000)))

    award = work_out(claim, EX_POST)

    assert steps(award)[:4] == [
        ("fee", "500000.0000 CNY"),
        ("leave_out", "400000.0000 CNY"),
        ("apportion", "400000.0000 CNY"),
        ("share", "120000.0000 CNY"),
    ]
    assert award.recommended == 120_000_00


def test_only_the_settled_part_counts():
    claim = in_window(
        ("compute", Decimal(400_000)),
        ("storage", Decimal(100_000)),
        settled_fee=Decimal(250_000),
    )

    award = work_out(claim, EX_POST)

    assert dict(steps(award))["settled"] == "200000.0000 CNY"
    assert award.recommended == 60_000_00


@pytest.mark.parametrize(
    ("first", "last", "recommended"),
    [
        (date(2025, 3, 1), date(2025, 12, 31), 30_000_00),
        (date(2024, 1, 1), date(2025, 2, 28), 0),
        (date(2026, 1, 1), date(2026, 1, 1), 0),
        (date(2025, 6, 1), date(2025, 6, 1), 30_000_00),
        (date(2025, 6, 2), date(2025, 6, 1), 0),
        # 30 of 60 days lie in the window.
        (date(2025, 12, 1), date(2026, 1, 30), 15_000_00),
    ],
)
def test_the_part_outside_the_window_does_not_count(first, last, recommended):
    claim = fee(100_000, contract_from=first, contract_until=last)

    assert work_out(claim, EX_POST).recommended == recommended


def test_without_contract_days_nothing_is_given_and_the_days_are_asked_for():
    award = work_out(fee(100_000), EX_POST)

    assert award.recommended == 0
    assert codes(award) == ["CONTRACT_DAYS_MISSING"]


@pytest.mark.parametrize(
    ("price", "used", "recommended", "reasons"),
    [
        (1_000_000, 0, 600_000_00, []),
        (10_000_000, 0, 5_000_000_00, ["CAP_REACHED"]),
        (1_000_000, 4_800_000_00, 200_000_00, ["CAP_REACHED"]),
        (1_000_000, 5_000_000_00, 0, ["CAP_REACHED"]),
    ],
)
def test_the_offset_is_a_share_within_the_year(price, used, recommended, reasons):
    award = work_out(fee(price, used_this_year=used), OFFSET)

    assert award.recommended == recommended
    assert codes(award) == reasons


def test_the_offset_shows_every_step():
    award = work_out(fee(1_000_000, used_this_year=4_800_000_00), OFFSET)

    assert steps(award) == [
        ("fee", "1000000.0000 CNY"),
        ("share", "600000.0000 CNY"),
        ("standing", "600000.0000 CNY"),
        ("cap_organisation", "200000.0000 CNY"),
        ("pool", "200000.0000 CNY"),
        ("round", "200000.0000 CNY"),
    ]
    cap = award.working[3]
    assert cap.label_en == "At most 5,000,000 CNY a year, 4,800,000 CNY already used"
    assert cap.label_zh == "年度上限 5,000,000 CNY，本年度已使用 4,800,000 CNY"


@pytest.mark.parametrize(
    ("spend", "recommended", "reasons"),
    [
        ("49999", 0, ["BELOW_FLOOR"]),
        ("49999.99", 0, ["BELOW_FLOOR"]),
        ("50000", 25_000_00, []),
        ("300000", 150_000_00, []),
        ("3000000", 1_000_000_00, ["CAP_REACHED"]),
    ],
)
def test_the_floor_and_the_cap_of_a_half_share(spend, recommended, reasons):
    award = work_out(fee(spend), WITH_FLOOR)

    assert award.recommended == recommended
    assert codes(award) == reasons


def test_the_floor_shows_every_step():
    assert steps(work_out(fee(3_000_000), WITH_FLOOR)) == [
        ("fee", "3000000.0000 CNY"),
        ("floor", "3000000.0000 CNY"),
        ("share", "1500000.0000 CNY"),
        ("standing", "1500000.0000 CNY"),
        ("cap_organisation", "1000000.0000 CNY"),
        ("pool", "1000000.0000 CNY"),
        ("round", "1000000.0000 CNY"),
    ]


TWO_TIERS = DOCUMENTS["cn-xiamen-2024"].replace(
    "[[tiers]]",
    '[[tiers]]\nclause = "small users"\nrate = "0.50"\nkinds = ["SME"]\n'
    'year_total_max = "500000"\n\n[[tiers]]',
    1,
)


@pytest.mark.parametrize(
    ("spend", "before", "kind", "recommended"),
    [
        (400_000, 0, "SME", 200_000_00),
        (500_000, 0, "SME", 250_000_00),
        (500_001, 0, "SME", 150_000_30),
        (100_000, 400_000, "SME", 50_000_00),
        (100_001, 400_000, "SME", 30_000_30),
        (400_000, 0, "UNIVERSITY", 120_000_00),
    ],
)
def test_a_tier_by_yearly_total_is_a_cliff_over_the_cumulated_amount(
    spend, before, kind, recommended
):
    programme = read(
        TWO_TIERS.replace('不超过实际支出的50%"\nrate = "0.50"', 'x"\nrate = "0.30"')
    )
    claim = fee(spend, declared_this_year=Decimal(before), organisation_kind=kind)

    assert work_out(claim, programme).recommended == recommended


def test_the_share_of_the_day_counts():
    dated = '[{ value = "0.60" }, { from = 2026-01-10, value = "0.40" }]'
    programme = read(DOCUMENTS["cn-chengdu-2025"].replace('"0.60"', dated))

    before = Claim(as_of=date(2026, 1, 9), fee_lines=(("compute", Decimal(100)),))

    assert work_out(before, programme).recommended == 60_00
    assert work_out(fee(100), programme).recommended == 40_00


def test_the_pool_left_limits_the_award():
    award = work_out(fee(1_000_000, pool_left=123_45), OFFSET)

    assert award.recommended == 123_45
    assert codes(award) == ["POOL_REACHED"]


def test_rounding_up_does_not_break_a_cap():
    text = DOCUMENTS["cn-chengdu-2025"].replace('mode = "DOWN"', 'mode = "UP"')
    programme = read(text.replace('of = "1"\ndecimals = 2', 'of = "1000"\ndecimals = 0'))

    award = work_out(fee(1_000_000, used_this_year=4_999_000_01), programme)

    assert award.recommended == 0


@pytest.mark.parametrize(
    ("programme", "multiplier", "recommended"),
    [
        (OFFSET, "1.2", 720_000_00),
        (OFFSET, "0.8", 480_000_00),
        (OFFSET, "9", 900_000_00),
        (OFFSET, "0", 300_000_00),
        (WITH_FLOOR, "1.2", 500_000_00),
        (WITH_FLOOR, "0.8", 400_000_00),
    ],
)
def test_standing_moves_the_award_within_its_reach(programme, multiplier, recommended):
    claim = fee(1_000_000, multiplier=Decimal(multiplier))

    assert work_out(claim, programme).recommended == recommended


def test_a_programme_without_standing_ignores_it():
    text = DOCUMENTS["cn-chengdu-2025"]
    start, end = text.index("[standing]"), text.index("[outcome]")
    programme = read(text[:start] + text[end:])

    award = work_out(fee(1_000_000, multiplier=Decimal("0.5")), programme)

    assert award.recommended == 600_000_00
    assert "standing" not in dict(steps(award))


@pytest.mark.parametrize(
    ("hours", "route", "recommended", "days"),
    [
        (18_000, "RAPID_ACCESS", 18_000, 90),
        (18_000, None, 18_000, 90),
        (8_000, "GATEWAY", 8_000, 90),
        (60_000, "INNOVATOR", 60_000, 181),
        (60_000, "OPEN_ACCESS", 60_000, 365),
        (30_000, None, 0, 92),
        (18_000, "GATEWAY", 0, 90),
    ],
)
def test_hours_in_kind_follow_the_route(hours, route, recommended, days):
    claim = Claim(as_of=DAY, requested_gpu_hours=Decimal(hours), route=route)

    award = work_out(claim, IN_KIND)

    assert award.recommended == recommended * GPU_MS_PER_HOUR
    assert award.validity_days == days


def test_hours_in_kind_show_every_step():
    claim = Claim(as_of=DAY, requested_gpu_hours=Decimal("18000.5"), multiplier=Decimal("0.7"))

    assert steps(work_out(claim, IN_KIND)) == [
        ("hours", "18000.5000 GPU-h"),
        ("route", "18000.5000 GPU-h"),
        ("standing", "12600.3500 GPU-h"),
        ("round", "12600.0000 GPU-h"),
    ]


def test_standing_may_not_pass_the_most_hours_of_a_route():
    programme = read(DOCUMENTS["uk-airr"].replace('ceiling = "SHARE"', 'ceiling = "CAPS"'))
    claim = Claim(as_of=DAY, requested_gpu_hours=Decimal(18_000), multiplier=Decimal("1.4"))

    award = work_out(claim, programme)

    assert award.recommended == 20_000 * GPU_MS_PER_HOUR
    assert codes(award) == ["CAP_REACHED"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"fee_lines": (("compute", Decimal(-1)),)},
        {"fee_lines": (("compute", Decimal("NaN")),)},
        {"used_this_year": -1},
        {"pool_left": -1},
        {"multiplier": Decimal(-1)},
    ],
)
def test_a_claim_below_nothing_is_no_claim(wrong):
    with pytest.raises(ValueError, match="must be 0 or more"):
        Claim(as_of=DAY, **wrong)


def test_working_and_reasons_survive_storage():
    award = work_out(fee(49_999), WITH_FLOOR)

    lines = tuple(Line.from_dict(line.to_dict()) for line in award.working)
    reasons = tuple(Reason.from_dict(reason.to_dict()) for reason in award.reasons)

    assert (lines, reasons) == (award.working, award.reasons)


@pytest.mark.parametrize("code", PROGRAMMES)
def test_every_line_names_its_clause_in_both_languages(code):
    claim = fee(1_000_000, requested_gpu_hours=Decimal(5_000), contract_from=DAY)

    for line in work_out(claim, PROGRAMMES[code]).working:
        assert all(line.to_dict().values())
