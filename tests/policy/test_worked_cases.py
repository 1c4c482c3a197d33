"""The worked cases of published schemes hold to the cent, each named as in the design paper."""

from datetime import date
from decimal import Decimal

import pytest

from policy import opinion
from policy.claims import Claim, FeeLine, OtherAid, Past, Upstream
from policy.dossiers import Dossier
from policy.eligibility import ApplicantFacts, answer
from policy.funding import split
from policy.holds import hold_amount
from policy.programme import read, shipped
from policy.settlement import settle_claim
from policy.size import SizeFacts, Tie, size_of

PROGRAMMES = {code: read(text) for code, text in shipped().items()}
CLAIMED = PROGRAMMES["cn-beijing-2023"]
CLIFF = PROGRAMMES["cn-hangzhou-2025"]
MATCH = PROGRAMMES["cn-hangzhou-2025-mianshen"]
SHARED = PROGRAMMES["cn-henan-2025"]
COST_SHARE = PROGRAMMES["ca-aicaf-2025"]
OWN_PART = PROGRAMMES["fi-businessfinland"]
DAY = date(2026, 3, 2)


def worked(programme, *lines, **more):
    claim = Claim(**{"as_of": DAY, "fee_lines": lines, "other_aid": (), **more})
    return opinion.form(Dossier(claim, None), programme)


def fee(amount, resource="compute", **more):
    return FeeLine(resource, Decimal(amount), **more)


def codes(found):
    return [reason.code for reason in found.reasons]


def step(found, name):
    return next(line.amount for line in found.award.working if line.name == name)


# W02: claimed with the contract, redeemed after use


def beijing(**more):
    days = {"contract_from": date(2024, 3, 1), "contract_until": date(2024, 12, 31)}
    lines = (fee("1500000"), fee("100000", "storage"))
    given = {"as_of": date(2024, 3, 10), "contract": "C-1", **days, **more}
    return worked(CLAIMED, *lines, **given)


def test_w02_a_fifth_of_the_intelligent_compute_alone_is_claimed():
    found = beijing()

    assert (found.outcome, found.recommended) == ("PASS", 300_000_00)
    assert step(found, "leave_out") == "1500000.0000 CNY"


def test_w02_after_use_the_firm_is_paid_and_bears_the_rest():
    claim = Claim(
        as_of=date(2024, 3, 10),
        fee_lines=(fee("1500000"), fee("100000", "storage")),
        contract="C-1",
    )

    share = settle_claim(claim, 300_000_00, CLAIMED)

    assert (share.covered, share.co_payment) == (300_000_00, 1_300_000_00)


def test_w02_a_contract_into_the_next_year_is_referred_because_the_year_is_not_said():
    found = beijing(contract_until=date(2025, 2, 28))

    assert (found.outcome, found.recommended) == ("REFER", 300_000_00)
    assert codes(found) == ["CAP_TWO_YEARS"]


def test_w02_a_contract_is_claimed_once():
    before = Past(measure="CLAIMED", on=date(2023, 10, 1), amount=100_00, contract="C-1")

    found = beijing(past=(before,))

    assert (found.outcome, found.recommended) == ("FAIL", 0)
    assert codes(found) == ["CONTRACT_CLAIMED_BEFORE"]


@pytest.mark.parametrize(
    ("measure", "on", "left"),
    [
        ("CLAIMED", date(2024, 1, 2), 100_000_00),
        ("REDEEMED", date(2024, 1, 2), 100_000_00),
        # Issued counts in neither, and another calendar year is another ceiling.
        ("ISSUED", date(2024, 1, 2), 300_000_00),
        ("CLAIMED", date(2023, 12, 31), 300_000_00),
    ],
)
def test_w02_claims_and_redemptions_of_the_calendar_year_count_to_the_cap(measure, on, left):
    before = Past(measure=measure, on=on, amount=1_900_000_00, contract="C-0")

    assert beijing(past=(before,)).recommended == left


# W04: the small users' cliff looks at the whole year


@pytest.mark.parametrize(
    ("year", "recommended"),
    [
        ("400000", 200_000_00),
        ("500000", 250_000_00),
        ("500001", 150_000_30),
        ("833333.33", 249_999_99),
        ("833333.34", 250_000_00),
    ],
)
def test_w04_above_the_limit_the_whole_amount_has_the_lower_share(year, recommended):
    found = worked(CLIFF, fee(year, facility="HIGH"), size="SMALL", qualifications=frozenset())

    assert (found.outcome, found.recommended) == ("PASS", recommended)


def test_w04_the_bracket_is_of_the_years_cumulated_amount_and_its_crossing_is_referred():
    line = fee("200000", facility="HIGH")
    more = {"size": "SMALL", "qualifications": frozenset()}

    within = worked(CLIFF, line, declared_this_year=Decimal(300_000), **more)
    across = worked(CLIFF, line, declared_this_year=Decimal(300_001), **more)

    assert (within.outcome, within.recommended) == ("PASS", 100_000_00)
    assert (across.outcome, across.recommended) == ("REFER", 60_000_00)
    assert codes(across) == ["BRACKET_CROSSED"]


def test_w04_an_unknown_size_is_referred_and_never_taken_for_small():
    found = worked(CLIFF, fee("400000", facility="LOW"), qualifications=frozenset())

    assert (found.outcome, found.recommended) == ("REFER", 80_000_00)
    assert codes(found) == ["FACT_MISSING"]


def test_w04_the_foundation_models_firm_passes_the_cap_and_others_do_not():
    line = fee("30000000", facility="HIGH")
    exempt = worked(
        CLIFF, line, size="LARGE", qualifications=frozenset({"FOUNDATION_MODEL_FIRM"})
    )
    capped = worked(CLIFF, line, size="LARGE", qualifications=frozenset())
    unknown = worked(CLIFF, line, size="LARGE")

    assert (exempt.recommended, capped.recommended) == (9_000_000_00, 8_000_000_00)
    assert (unknown.outcome, unknown.recommended) == ("REFER", 8_000_000_00)


def test_the_city_voucher_stacks_with_the_national_one_up_to_sixty_per_cent():
    aid = OtherAid(
        source="cn-national-ai-voucher", level="NATIONAL", amount=Decimal(400_000), on=DAY
    )
    line = fee("1000000", facility="HIGH")

    found = worked(CLIFF, line, size="LARGE", qualifications=frozenset(), other_aid=(aid,))

    assert found.recommended == 200_000_00
    assert "STACK_LIMIT" in codes(found)


@pytest.mark.parametrize(
    ("facility", "recommended"), [("HIGH", 150_000_00), ("LOW", 100_000_00)]
)
def test_the_match_follows_the_national_approval_without_a_review(facility, recommended):
    above = Upstream(
        programme="cn-national-ai-voucher",
        approved=True,
        base=Decimal(1_000_000),
        award=Decimal(300_000),
    )

    found = worked(
        MATCH, fee("1000000", facility=facility), upstream=above, qualifications=frozenset()
    )

    assert (found.outcome, found.recommended) == ("PASS", recommended)


def test_nothing_is_matched_that_was_not_approved_above():
    found = worked(MATCH, fee("1000000", facility="HIGH"), qualifications=frozenset())

    assert (found.outcome, found.recommended) == ("FAIL", 0)
    assert "NOT_APPROVED_ABOVE" in codes(found)


# W09: half from the province, half from the city; gates by the facility's size


@pytest.mark.parametrize(
    ("amount", "recommended", "each"),
    [("3000000", 600_000_00, 300_000_00), ("8000000", 1_000_000_00, 500_000_00)],
)
def test_w09_a_fifth_up_to_a_million_is_borne_by_two(amount, recommended, each):
    found = worked(SHARED, fee(amount))

    assert found.recommended == recommended
    assert found.award.funders == (("PROVINCE", each), ("CITY", each))


def test_w09_an_odd_fen_goes_to_the_funder_named_first():
    assert split(1_00_01, SHARED) == (("PROVINCE", 50_01), ("CITY", 50_00))


@pytest.mark.parametrize(
    ("kind", "size", "outcome"),
    [
        ("AI_CENTRE", "80", "FAIL"),
        ("AI_CENTRE", "100", "REFER"),
        ("AI_CENTRE", "100.5", "PASS"),
        ("DATA_CENTRE", "1000", "REFER"),
        ("DATA_CENTRE", "999", "FAIL"),
        ("SUPERCOMPUTING_CENTRE", "1", "PASS"),
        ("AI_CENTRE", None, "REFER"),
    ],
)
def test_w09_a_facility_must_be_larger_and_exactly_as_large_is_referred(kind, size, outcome):
    facts = ApplicantFacts(
        organisation_kind="SME",
        region="CN-4101",
        applied_on=DAY,
        provider_related=False,
        facility_kind=kind,
        facility_size=None if size is None else Decimal(size),
    )

    assert answer(facts, SHARED).outcome == outcome


# W14: two thirds and one half, within a range of cost


def canada(*lines, as_of=date(2026, 6, 1)):
    return worked(COST_SHARE, *lines, as_of=as_of)


def test_w14_each_cost_has_the_share_of_where_it_was_computed():
    found = canada(
        fee("600000", region="CA-QC", used_on=date(2026, 5, 1)),
        fee("300000", region="US-VA", used_on=date(2026, 5, 1)),
    )

    assert (found.outcome, found.recommended) == ("PASS", 550_000_00)
    assert step(found, "share") == "550000.0000 CAD"


def test_w14_compute_from_abroad_ends_on_its_day():
    last, after = date(2027, 3, 31), date(2027, 4, 15)

    assert canada(fee("200000", region="US-VA", used_on=last)).recommended == 100_000_00
    found = canada(fee("200000", region="US-VA", used_on=after))
    assert (found.recommended, codes(found)) == (0, ["NO_SHARE"])


def test_w14_below_the_range_nothing_can_be_had_and_above_it_the_rest_does_not_count():
    below = canada(fee("90000", region="CA"))
    above = canada(fee("7500000", region="CA"))

    assert (below.outcome, below.recommended, codes(below)) == ("FAIL", 0, ["BELOW_FLOOR"])
    assert above.recommended == 3_333_333_33
    assert step(above, "base_most") == "5000000.0000 CAD"


def test_w14_thirds_that_add_up_to_a_whole_are_a_whole():
    found = canada(fee("100000.01", region="CA"), fee("100000.02", region="CA-ON"))

    assert found.recommended == 133_333_35


@pytest.mark.parametrize(("employees", "outcome"), [(499, "PASS"), (500, "FAIL")])
def test_w14_five_hundred_people_are_too_many(employees, outcome):
    facts = ApplicantFacts(
        organisation_kind="SME",
        region="CA-ON",
        applied_on=date(2025, 7, 1),
        employees=employees,
        provider_related=False,
        declarations=frozenset(COST_SHARE.applicant.declarations),
    )

    assert answer(facts, COST_SHARE).outcome == outcome


# W18: the company's own thousand


@pytest.mark.parametrize(
    ("price", "agency"),
    [("5000", 4_000_00), ("4200", 3_200_00), ("7000", 4_000_00), ("800", 0)],
)
def test_w18_the_company_bears_a_thousand_and_the_agency_at_most_four(price, agency):
    assert worked(OWN_PART, fee(price, tax=Decimal(240))).recommended == agency


def test_w18_an_order_never_takes_the_companys_own_part_from_the_voucher():
    amount, working = hold_amount(4_200_00, 4_000_00, 0, OWN_PART)

    assert amount == 3_200_00
    assert [line.amount for line in working][-1] == "3200.0000 EUR"


# W20: sizes


@pytest.mark.parametrize(
    ("employees", "revenue", "size"),
    [
        (120, 8_000_000, "SMALL"),
        (120, 12_000_000, "MEDIUM"),
        (350, 90_000_000, "MEDIUM"),
        (350, 150_000_000, "LARGE"),
        (9, 3_000_000, "MICRO"),
        (300, 100_000_000, "LARGE"),
        (299, 100_000_000, "MEDIUM"),
        (300, None, ""),
    ],
)
def test_w20_a_chinese_software_firm_is_large_by_both_figures_only(employees, revenue, size):
    facts = SizeFacts(
        employees=employees, revenue=None if revenue is None else Decimal(revenue)
    )

    assert size_of("CN-2011-300-SOFTWARE", facts) == size


def european(own, share=None, other=200):
    facts = SizeFacts(employees=own, revenue=Decimal(40_000_000))
    tied = SizeFacts(employees=other, revenue=Decimal(1_000_000))
    ties = () if share is None else (Tie(share=Decimal(share), facts=tied),)
    return size_of("EU-2003-361", facts, ties)


def test_w20_partners_count_by_their_share_and_linked_enterprises_whole():
    assert european(180, "0.30") == "MEDIUM"  # 180 + 60
    assert european(180, "0.55") == "LARGE"  # 180 + 200
    assert european(180, "0.24") == "MEDIUM"  # too little to count
    assert european(249) == "MEDIUM"
    assert european(250) == "LARGE"


def test_w20_a_european_size_that_hangs_on_missing_money_is_not_known():
    assert size_of("EU-2003-361", SizeFacts(employees=120)) == ""
    assert size_of("EU-2003-361", SizeFacts(employees=251)) == "LARGE"
