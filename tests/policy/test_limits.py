"""Tiers, ceilings and other support, each kind of rule by its own figures."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.answers import percent_text
from policy.calculation import work_out
from policy.claims import Claim, FeeLine, OtherAid, Past
from policy.conditions import lies_in
from policy.eligibility import ApplicantFacts, answer
from policy.funding import split
from policy.history import year_of, years_before
from policy.programme import read, shipped

PLAIN = shipped()["cn-xiamen-2024"].replace(
    '[floor]\nclause = "厦府办规〔2024〕6号：年度实际支出5万元以上"\nbase_min = "50000"\n', ""
)
IN_KIND = shipped()["uk-airr"]
ORGANISATION_CAP = 'scope = "ORGANISATION"\namount = "1000000"\n'
TIER = '[[tiers]]\nclause = "厦府办规〔2024〕6号：不超过实际支出的50%"\nrate = "0.50"\n'
DAY = date(2026, 6, 15)


def changed(text, *pairs):
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return read(text)


def capped(lines):
    return changed(
        PLAIN, (ORGANISATION_CAP, f'scope = "ORGANISATION"\namount = "1000000"\n{lines}')
    )


def fees(amount, *more, **facts):
    return Claim(
        as_of=facts.pop("as_of", DAY),
        fee_lines=(FeeLine("compute", Decimal(amount)), *more),
        **facts,
    )


def issued(on, amount, **more):
    return Past(measure="ISSUED", on=on, amount=amount, **more)


# Tiers


BRACKETS = """[share]
clause = "x"
select = "MARGINAL"

[[tiers]]
clause = "first"
rate = "0.50"
year_total_max = "100000"

[[tiers]]
clause = "second"
rate = "1/3"
year_total_max = "400000"

[[tiers]]
clause = "rest"
rate = "0.10"
"""


def test_each_part_of_the_years_fees_has_the_share_of_its_own_bracket():
    award = work_out(fees("500000"), changed(PLAIN, (TIER, BRACKETS)))

    assert award.recommended == 50_000_00 + 100_000_00 + 10_000_00
    line = next(line for line in award.working if line.name == "share")
    assert line.label_en == ("50 % of 100,000 CNY + 1/3 of 300,000 CNY + 10 % of 100,000 CNY")
    assert line.clause == "first; second; rest"


@given(parts=st.lists(st.integers(1, 300_000), min_size=1, max_size=6))
def test_brackets_give_a_years_claims_together_what_one_claim_of_all_gets(parts):
    programme = changed(PLAIN, (TIER, BRACKETS))
    earlier, together = Decimal(0), 0
    for part in parts:
        claim = fees(part * 3, declared_this_year=earlier)
        together += work_out(claim, programme).recommended
        earlier += part * 3

    # Each claim is cut to the fen by itself.
    assert 0 <= work_out(fees(earlier), programme).recommended - together < len(parts)


def test_the_highest_share_wins_whatever_the_order():
    highest = """[share]
clause = "x"
select = "HIGHEST"

[[tiers]]
clause = "everybody"
rate = "0.20"

[[tiers]]
clause = "young"
rate = "0.40"
age_years_max = 1

[[tiers]]
clause = "qualified"
rate = "0.30"
qualifications = ["613"]
"""
    programme = changed(PLAIN, (TIER, highest))
    told = {"age_years": 1, "qualifications": frozenset({"613"})}

    assert work_out(fees("1000", **told), programme).recommended == 400_00
    assert work_out(fees("1000", **{**told, "age_years": 2}), programme).recommended == 300_00
    unknown = work_out(fees("1000"), programme)
    assert (unknown.recommended, unknown.outcome) == (200_00, "REFER")


def test_a_fixed_amount_is_never_more_than_the_fee():
    fixed = '[[tiers]]\nclause = "x"\nfixed = "500"\n'
    programme = changed(PLAIN, (TIER, fixed))

    assert work_out(fees("10000"), programme).recommended == 500_00
    assert work_out(fees("320"), programme).recommended == 320_00


def test_a_share_is_shown_as_it_is_written():
    assert percent_text(Fraction(2, 3)) == "2/3"
    assert percent_text(Fraction(3, 8)) == "37.5 %"


# Ceilings by period, measure and scope


@pytest.mark.parametrize(
    ("period", "before", "left"),
    [
        ('period = "CALENDAR_YEAR"', date(2026, 1, 1), 400_000_00),
        ('period = "CALENDAR_YEAR"', date(2025, 12, 31), 1_000_000_00),
        ('period = "FISCAL_YEAR"\nfiscal_month = 4', date(2026, 4, 1), 400_000_00),
        ('period = "FISCAL_YEAR"\nfiscal_month = 4', date(2026, 3, 31), 1_000_000_00),
        ('period = "ROLLING"\nrolling_years = 3', date(2023, 6, 16), 400_000_00),
        ('period = "ROLLING"\nrolling_years = 3', date(2023, 6, 15), 1_000_000_00),
        ('period = "LIFETIME"', date(2001, 1, 1), 400_000_00),
    ],
)
def test_a_ceiling_counts_what_its_period_holds(period, before, left):
    programme = capped(f'{period}\nmeasured = ["ISSUED"]\n')
    claim = fees("10000000", past=(issued(before, 600_000_00),))

    assert work_out(claim, programme).recommended == left


def test_a_ceiling_of_a_round_counts_that_round():
    programme = capped('period = "ROUND"\nmeasured = ["ISSUED"]\n')
    past = (issued(DAY, 600_000_00, round="2026-1"), issued(DAY, 300_000_00, round="2026-2"))

    assert work_out(fees("9e6", past=past, round="2026-1"), programme).recommended == 400_000_00


def test_a_ceiling_of_the_undertaking_counts_its_other_organisations_and_one_of_its_own_not():
    programme = changed(
        PLAIN,
        (
            ORGANISATION_CAP,
            'scope = "ORGANISATION"\nmeasured = ["ISSUED"]\namount = "1000000"\n\n[[caps]]\n'
            'clause = "x"\nscope = "UNDERTAKING"\nmeasured = ["ISSUED"]\namount = "1500000"\n',
        ),
    )
    past = (issued(DAY, 400_000_00), issued(DAY, 800_000_00, is_own=False))

    assert work_out(fees("9e6", past=past), programme).recommended == 300_000_00


@pytest.mark.parametrize(("scope", "field"), [("CONTRACT", "contract"), ("PROJECT", "project")])
def test_a_ceiling_of_a_contract_or_project_counts_its_awards_and_refers_without_its_name(
    scope, field
):
    programme = changed(
        PLAIN,
        (
            ORGANISATION_CAP,
            f'scope = "{scope}"\nmeasured = ["ISSUED"]\namount = "1000000"\n',
        ),
    )
    past = (
        issued(date(2019, 1, 1), 700_000_00, **{field: "A"}),
        issued(DAY, 90_00, **{field: "B"}),
    )

    named = work_out(fees("9e6", past=past, **{field: "A"}), programme)
    unnamed = work_out(fees("9e6", past=past), programme)

    assert (named.recommended, named.outcome) == (300_000_00, "PASS")
    assert unnamed.outcome == "REFER"


PERIODS = {
    "CALENDAR_YEAR": ("", lambda day: day.year),
    "FISCAL_YEAR": ("fiscal_month = 7\n", lambda day: year_of(day, 7)),
    "LIFETIME": ("", lambda day: 0),
}


@given(
    period=st.sampled_from(sorted(PERIODS)),
    claims=st.lists(
        st.tuples(st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.integers(1, 3_000_000)),
        min_size=1,
        max_size=8,
    ),
)
def test_no_order_of_claims_passes_a_ceiling(period, claims):
    more, key = PERIODS[period]
    programme = capped(f'period = "{period}"\n{more}measured = ["ISSUED"]\n')
    past = ()
    for day, amount in claims:
        award = work_out(fees(amount, as_of=day, past=past), programme)
        past += (issued(day, award.recommended),)

    totals = {}
    for one in past:
        totals[key(one.on)] = totals.get(key(one.on), 0) + one.amount
    assert max(totals.values()) <= 1_000_000_00


@given(
    claims=st.lists(
        st.tuples(st.dates(date(2020, 1, 1), date(2028, 12, 31)), st.integers(1, 3_000_000)),
        min_size=1,
        max_size=8,
    )
)
def test_no_order_of_claims_passes_a_rolling_ceiling_on_any_day(claims):
    programme = capped('period = "ROLLING"\nrolling_years = 3\nmeasured = ["ISSUED"]\n')
    past = ()
    for day, amount in claims:
        award = work_out(fees(amount, as_of=day, past=past), programme)
        past += (issued(day, award.recommended),)

    for end in {one.on for one in past}:
        start = years_before(end, 3)
        assert sum(o.amount for o in past if start < o.on <= end) <= 1_000_000_00


# Other support


@pytest.mark.parametrize(
    ("rule", "aid", "outcome"),
    [
        ('levels = ["CITY"]\nsame = "ANYTHING"', {"level": "CITY"}, "FAIL"),
        ('levels = ["CITY"]\nsame = "ANYTHING"', {"level": "DISTRICT"}, "PASS"),
        (
            'regions = ["CN-32"]\nsame = "ANYTHING"',
            {"level": "CITY", "region": "CN-3210"},
            "FAIL",
        ),
        (
            'regions = ["CN-32"]\nsame = "ANYTHING"',
            {"level": "CITY", "region": "CN-3301"},
            "PASS",
        ),
        (
            'kinds = ["COMPUTE"]\nsame = "ANYTHING"',
            {"level": "CITY", "kind": "MODEL"},
            "PASS",
        ),
        ('same = "CONTRACT"', {"level": "CITY", "contract": "C-1"}, "FAIL"),
        ('same = "CONTRACT"', {"level": "CITY", "contract": "C-2"}, "PASS"),
        ('same = "PROJECT"', {"level": "CITY", "project": "P-1"}, "FAIL"),
        ('levels = ["CITY"]\nsame = "PROJECT"', {"level": "CITY", "project": "P-2"}, "PASS"),
    ],
)
def test_other_support_shuts_out_by_its_own_level_place_kind_and_purpose(rule, aid, outcome):
    exclusion = f'\n[[exclusions]]\nclause = "x"\nstance = "DENY"\n{rule}\n'
    given_aid = OtherAid(source="elsewhere", amount=Decimal(1), on=DAY, **aid)
    facts = ApplicantFacts(
        organisation_kind="SME",
        region="CN-3502",
        applied_on=DAY,
        provider_related=False,
        contract="C-1",
        project="P-1",
        other_aid=(given_aid,),
    )
    programme = read(PLAIN + exclusion)

    assert answer(facts, programme).outcome == outcome
    assert answer(replace(facts, other_aid=None), programme).outcome == "REFER"
    assert answer(replace(facts, other_aid=()), programme).outcome == "PASS"
    if 'same = "ANYTHING"' not in rule:
        nameless = answer(replace(facts, contract="", project=""), programme)
        assert nameless.outcome == "REFER"


def aid(on, amount, regime="EU_DE_MINIMIS", **more):
    return OtherAid(
        source="x", level="NATIONAL", amount=Decimal(amount), on=on, regime=regime, **more
    )


def european():
    text = shipped()["fi-businessfinland"].replace('amount = "4000"', 'amount = "900000"')
    rule = (
        '\n[state_aid]\nclause = "Regulation (EU) 2023/2831, article 3(2)"\n'
        'regime = "EU_DE_MINIMIS"\nmost = "300000"\ncurrency = "EUR"\n'
    )
    return read(text + rule)


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ((), 300_000_00),
        ((aid(date(2023, 6, 16), "250000"),), 50_000_00),
        ((aid(date(2023, 6, 15), "250000"),), 300_000_00),
        ((aid(date(2024, 1, 1), "250000", is_own=False),), 50_000_00),
        ((aid(date(2024, 1, 1), "250000", regime=""),), 300_000_00),
        ((aid(date(2024, 1, 1), "400000"),), 0),
    ],
)
def test_minimal_aid_of_a_single_undertaking_rolls_over_three_years_by_day(before, left):
    award = work_out(fees("800000", other_aid=before), european())

    assert (award.recommended, award.outcome) == (left, "PASS")


def test_minimal_aid_in_another_currency_or_unknown_is_referred():
    foreign = (aid(DAY, "1000", currency="SEK"),)

    assert work_out(fees("800", other_aid=foreign), european()).outcome == "REFER"
    assert work_out(fees("800", other_aid=None), european()).outcome == "REFER"


@pytest.mark.parametrize(
    ("on", "hours"),
    [
        # This financial year and the two before it begin on 1 April 2024.
        (date(2024, 4, 1), 6_000),
        (date(2024, 3, 31), 9_000),
    ],
)
def test_british_minimal_aid_counts_by_financial_years_and_hours_at_their_value(on, hours):
    rule = (
        '\n[state_aid]\nclause = "Subsidy Control Act 2022, section 36"\n'
        'regime = "UK_MFA"\nmost = "315000"\ncurrency = "GBP"\nvalue_per_hour = "2.50"\n'
    )
    before = (aid(on, "300000", regime="UK_MFA"),)
    claim = Claim(as_of=DAY, requested_gpu_hours=Decimal(9_000), other_aid=before)

    assert work_out(claim, read(IN_KIND + rule)).recommended == hours * 3_600_000


# Parts and places


@given(
    amount=st.integers(0, 10**15), shares=st.lists(st.integers(1, 9), min_size=1, max_size=5)
)
def test_the_funders_parts_add_up_and_none_is_a_unit_off(amount, shares):
    whole = sum(shares)
    rules = "".join(
        f'\n[[funders]]\nclause = "x"\nname = "F{n}"\nshare = "{share}/{whole}"\n'
        for n, share in enumerate(shares)
    )
    parts = split(amount, read(PLAIN + rules))

    assert sum(part for _, part in parts) == amount
    for (_, part), share in zip(parts, shares, strict=True):
        assert abs(part - Fraction(amount * share, whole)) < 1


@pytest.mark.parametrize(
    ("region", "place", "lies"),
    [
        ("GB-LND", "GB", True),
        ("GBR", "GB", False),
        ("CN-4403", "CN-44", True),
        ("CN-440305", "CN-44", True),
        ("CN-44030", "CN-44", False),
        ("CN-45", "CN-44", False),
        ("", "GB", False),
    ],
)
def test_a_place_takes_what_lies_in_it(region, place, lies):
    assert lies_in(region, (place,)) is lies


def test_a_leap_day_some_years_before_is_the_day_before_march():
    assert years_before(date(2024, 2, 29), 3) == date(2021, 2, 28)
