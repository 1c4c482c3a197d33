"""Who may apply is answered with every reason; what nobody knows is referred to a person."""

from datetime import date
from decimal import Decimal

import pytest

from policy.eligibility import ApplicantFacts, answer, answer_provider
from policy.programme import read, shipped

DOCUMENTS = shipped()
PROGRAMMES = {code: read(text) for code, text in DOCUMENTS.items()}
EX_POST = PROGRAMMES["cn-nanning-2025"]
OFFSET = PROGRAMMES["cn-chengdu-2025"]
IN_KIND = PROGRAMMES["uk-airr"]


def local(**more):
    facts = {
        "organisation_kind": "SME",
        "region": "CN-4501",
        "applied_on": date(2026, 1, 10),
        "provider_related": False,
        "provider_listed": True,
    }
    return ApplicantFacts(**{**facts, **more})


def british(hours, **more):
    facts = {
        "organisation_kind": "SME",
        "region": "GB",
        "applied_on": date(2025, 12, 1),
        "requested_gpu_hours": Decimal(hours),
    }
    return ApplicantFacts(**{**facts, **more})


def codes(given):
    return [reason.code for reason in given.reasons]


def test_an_applicant_who_meets_every_condition_passes():
    given = answer(local(), EX_POST)

    assert (given.outcome, codes(given), given.route) == ("PASS", ["ALL_MET"], None)


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"provider_related": True}, "PROVIDER_RELATED"),
        ({"provider_listed": False}, "PROVIDER_NOT_LISTED"),
        ({"region": "CN-5101"}, "REGION_NOT_ADMITTED"),
        ({"region": "CN-45010"}, "REGION_NOT_ADMITTED"),
        ({"region": "CN-4502"}, "REGION_NOT_ADMITTED"),
        ({"region": ""}, "REGION_NOT_ADMITTED"),
        ({"organisation_kind": "INDIVIDUAL"}, "KIND_NOT_ADMITTED"),
        ({"conduct_bars": frozenset({"MAJOR_PENALTY"})}, "CONDUCT_BAR"),
        ({"other_public_money": True}, "OTHER_PUBLIC_MONEY"),
        ({"applied_on": date(2026, 1, 3)}, "APPLICATION_WINDOW"),
        ({"applied_on": date(2026, 1, 24)}, "APPLICATION_WINDOW"),
    ],
)
def test_one_failing_condition_fails_and_names_its_clause(facts, code):
    given = answer(local(**facts), EX_POST)

    assert (given.outcome, codes(given)) == ("FAIL", [code])
    assert all(given.reasons[0].to_dict().values())


@pytest.mark.parametrize("day", [date(2026, 1, 4), date(2026, 1, 23)])
def test_the_first_and_the_last_day_are_in_time(day):
    assert answer(local(applied_on=day), EX_POST).outcome == "PASS"


def test_a_district_lies_in_its_city():
    assert answer(local(region="CN-4501-02"), EX_POST).outcome == "PASS"


def test_a_finding_that_the_programme_does_not_name_is_no_bar():
    facts = local(conduct_bars=frozenset({"LATE_REPORT"}))

    assert answer(facts, EX_POST).outcome == "PASS"


def test_every_reason_is_given_not_only_the_first():
    facts = local(region="CN-5101", provider_related=True, other_public_money=True)

    assert codes(answer(facts, EX_POST)) == [
        "REGION_NOT_ADMITTED",
        "OTHER_PUBLIC_MONEY",
        "PROVIDER_RELATED",
    ]


def test_what_nobody_knows_is_referred():
    given = answer(local(provider_related=None), EX_POST)

    assert (given.outcome, codes(given)) == ("REFER", ["FACT_MISSING"])
    assert given.reasons[0].en == (
        "Not known yet: whether the provider is related. An officer will ask."
    )


def test_a_failure_weighs_more_than_a_question():
    assert (
        answer(local(provider_related=None, provider_listed=False), EX_POST).outcome == "FAIL"
    )


def test_a_provider_chosen_later_is_not_asked_about_on_applying():
    facts = local(provider_related=None, provider_listed=None)

    assert answer(facts, OFFSET).outcome == "PASS"


def test_public_money_may_be_left_to_an_officer():
    assert answer(local(other_public_money=True), OFFSET).outcome == "REFER"


@pytest.mark.parametrize(
    ("related", "listed", "outcome"),
    [
        (False, True, "PASS"),
        (True, True, "FAIL"),
        (False, False, "FAIL"),
        (None, True, "REFER"),
        (False, None, "REFER"),
    ],
)
def test_a_provider_is_checked_on_ordering(related, listed, outcome):
    assert answer_provider(related, listed, OFFSET).outcome == outcome


WITH_LIMITS = read(
    DOCUMENTS["cn-chengdu-2025"].replace(
        "lookback_years = 3",
        "lookback_years = 3\nregistered_business = true\nemployees_max = 299\n"
        'revenue_max = "100000000"\nage_years_max = 5',
        1,
    )
)


@pytest.mark.parametrize(
    ("facts", "outcome", "expected"),
    [
        ({}, "PASS", ["ALL_MET"]),
        ({"employees": 300}, "FAIL", ["TOO_MANY_EMPLOYEES"]),
        ({"employees": None}, "REFER", ["FACT_MISSING"]),
        ({"revenue": Decimal("100000000.01")}, "FAIL", ["TOO_MUCH_REVENUE"]),
        ({"revenue": None}, "REFER", ["FACT_MISSING"]),
        ({"founded_on": date(2020, 1, 10)}, "FAIL", ["TOO_OLD"]),
        ({"founded_on": date(2020, 1, 11)}, "PASS", ["ALL_MET"]),
        ({"is_registered_business": False}, "FAIL", ["NOT_A_REGISTERED_BUSINESS"]),
    ],
)
def test_size_and_age_are_limits_included(facts, outcome, expected):
    small = {
        "employees": 299,
        "revenue": Decimal(100_000_000),
        "founded_on": date(2022, 5, 1),
    }

    given = answer(local(**{**small, **facts}), WITH_LIMITS)

    assert (given.outcome, codes(given)) == (outcome, expected)


@pytest.mark.parametrize(
    ("signed", "outcome"),
    [
        (date(2025, 9, 1), "PASS"),
        (date(2025, 8, 31), "FAIL"),
        (None, "REFER"),
    ],
)
def test_a_contract_counts_from_its_first_day_of_signing(signed, outcome):
    programme = read(
        DOCUMENTS["cn-chengdu-2025"].replace(
            "\n[applicant]", "signed = { from = 2025-09-01 }\n\n[applicant]", 1
        )
    )

    assert answer(local(contract_signed_on=signed), programme).outcome == outcome


def test_a_small_business_with_18_000_hours_takes_the_rapid_route():
    given = answer(british(18_000), IN_KIND)

    assert (given.outcome, given.route) == ("PASS", "RAPID_ACCESS")


def test_a_charity_with_18_000_hours_has_no_route():
    facts = british(18_000, organisation_kind="CHARITY", is_registered_business=False)

    given = answer(facts, IN_KIND)

    assert (given.outcome, given.route) == ("FAIL", None)
    assert codes(given) == [
        "ROUTE_HOURS",
        "ROUTE_KIND",
        "NOT_A_REGISTERED_BUSINESS",
        "ROUTE_HOURS",
        "ROUTE_HOURS",
    ]


def test_a_university_with_60_000_hours_has_two_routes():
    given = answer(british(60_000, organisation_kind="UNIVERSITY"), IN_KIND)

    assert (given.outcome, given.route) == ("PASS", "INNOVATOR")
    assert codes(given) == ["ALL_MET", "ROUTE_ALSO_OPEN"]
    assert given.reasons[1].en == "AI open access also takes this request."


@pytest.mark.parametrize(
    ("day", "outcome", "route"),
    [
        (date(2026, 1, 16), "PASS", "INNOVATOR"),
        (date(2026, 1, 17), "PASS", "OPEN_ACCESS"),
        (date(2026, 7, 17), "PASS", "OPEN_ACCESS"),
        (date(2026, 7, 18), "FAIL", None),
    ],
)
def test_a_closed_route_is_not_taken(day, outcome, route):
    facts = british(60_000, organisation_kind="UNIVERSITY", applied_on=day)

    given = answer(facts, IN_KIND)

    assert (given.outcome, given.route) == (outcome, route)


def test_8_000_hours_of_a_first_time_user_take_the_gateway():
    facts = british(8_000, organisation_kind="UNIVERSITY", first_time_user=True)

    given = answer(facts, IN_KIND)

    assert (given.outcome, given.route) == ("PASS", "GATEWAY")


def test_a_returning_university_at_the_gateway_is_referred():
    facts = british(8_000, organisation_kind="UNIVERSITY", first_time_user=False)

    given = answer(facts, IN_KIND)

    assert (given.outcome, given.route, codes(given)) == (
        "REFER",
        "GATEWAY",
        ["RETURNING_USER"],
    )


def test_a_returning_business_with_8_000_hours_takes_the_rapid_route():
    given = answer(british(8_000, first_time_user=False), IN_KIND)

    assert (given.outcome, given.route) == ("PASS", "RAPID_ACCESS")


def test_without_hours_there_is_no_route_yet():
    given = answer(british(1, requested_gpu_hours=None), IN_KIND)

    assert (given.outcome, given.route, codes(given)) == ("REFER", None, ["FACT_MISSING"])
