"""What a document may ask of registers, and what becomes of what they did not say."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from policy import dossiers
from policy.calculation import work_out
from policy.claims import Claim, FeeLine, OtherAid, Past
from policy.dates import full_years
from policy.eligibility import ApplicantFacts, answer
from policy.history import looks_back_to
from policy.programme import ProgrammeInvalid, read, shipped
from policy.size import STANDARDS, counts_ties, currency_of

TEXT = shipped()["cn-chengdu-2025"]
DAY = date(2025, 6, 2)
UNDERTAKING = (
    '\n[[caps]]\nclause = "U"\nscope = "UNDERTAKING"\nperiod = "LIFETIME"\n'
    'measured = ["ISSUED"]\namount = "1000"\n'
)
AID = '\n[state_aid]\nclause = "S"\nregime = "EU_DE_MINIMIS"\nmost = "1000"\ncurrency = "CNY"\n'


def text(applicant="", provider="", more="", source=TEXT):
    found = source.replace("lookback_years = 3\n", f"lookback_years = 3\n{applicant}\n")
    return found.replace('checked_at = "ORDER"\n', f'checked_at = "ORDER"\n{provider}\n') + more


def problems(**given):
    with pytest.raises(ProgrammeInvalid) as caught:
        read(text(**given))
    return "\n".join(caught.value.problems)


def claim(**more):
    fees = (FeeLine("compute", Decimal(1000)),)
    return Claim(as_of=DAY, fee_lines=fees, other_aid=(), **more)


def facts(**more):
    return ApplicantFacts(organisation_kind="SME", region="CN-51", applied_on=DAY, **more)


# --- thresholds ------------------------------------------------------------------------------


def test_more_than_half_controls_unless_the_document_says_otherwise():
    said = text(applicant='undertaking_above = "0.3"', more=UNDERTAKING)

    assert read(TEXT).applicant.control_above == Decimal("0.5")
    assert read(TEXT).provider.related_from is None
    assert read(said).applicant.control_above == Decimal("0.3")
    assert read(text(provider='related_from = "0.25"')).provider.related_from == Decimal("0.25")


@pytest.mark.parametrize("share", ["1", "1.5"])
def test_no_share_of_all_or_more_can_be_passed(share):
    said = problems(applicant=f'undertaking_above = "{share}"', more=UNDERTAKING)

    assert "[applicant], undertaking_above" in said
    assert f"'{share}' is no share that controls; write" in said


@pytest.mark.parametrize("share", ["0", "1.01"])
def test_nobody_is_related_from_nothing_or_from_more_than_all(share):
    assert f"'{share}' is no share; write" in problems(provider=f'related_from = "{share}"')


def test_shares_are_written_in_quotes_so_that_they_stay_exact():
    assert "related_from" in problems(provider="related_from = 0.25")


def test_a_line_on_which_nothing_depends_is_a_contradiction():
    open_text = TEXT.replace('related = "DENY"', 'related = "ALLOW"')

    related = problems(provider='related_from = "0.25"', source=open_text)
    above = problems(applicant='undertaking_above = "0.4"', source=open_text)

    assert "nothing depends on it" in related
    assert "nothing counts an undertaking here" in above
    read(text(applicant='undertaking_above = "0.4"', more=UNDERTAKING, source=open_text))
    read(text(applicant='undertaking_above = "0.4"', more=AID, source=open_text))


def test_related_from_above_the_line_of_control_never_counts():
    assert "never counts" in problems(provider='related_from = "0.6"')


# --- unknown ---------------------------------------------------------------------------------


def test_conduct_that_nobody_asked_about_refers_where_something_bars():
    barring, open_to_all = read(TEXT), read(TEXT.replace("bars = [", "bars = []  # ["))

    assert answer(facts(conduct_bars=frozenset()), barring).outcome == "PASS"
    assert answer(facts(conduct_bars=None), barring).outcome == "REFER"
    assert answer(facts(conduct_bars=None), open_to_all).outcome == "PASS"


@pytest.mark.parametrize("more", [UNDERTAKING, AID])
def test_an_undertaking_that_is_not_known_refers_where_it_counts(more):
    law = read(text(more=more))

    assert work_out(claim(), law).outcome == "PASS"
    assert work_out(claim(undertaking_known=False), law).outcome == "REFER"
    assert work_out(claim(undertaking_known=False), read(TEXT)).outcome == "PASS"


def test_what_is_certain_is_taken_although_the_undertaking_is_not_known():
    past = Past(measure="ISSUED", on=DAY, amount=700_00, is_own=False)

    found = work_out(claim(past=(past,), undertaking_known=False), read(text(more=UNDERTAKING)))

    assert (found.recommended, found.outcome) == (300_00, "REFER")


def test_a_dossier_says_whether_its_undertaking_is_known_and_who_told_it():
    values = {
        "applicant": {
            "organisation_kind": "SME",
            "region": "CN",
            "applied_on": "2025-06-02",
            "conduct_bars": None,
        },
        "claim": {"as_of": "2025-06-02", "undertaking_known": False},
        "registers": [{"register": "AID", "source": "x", "asked_at": "2025-06-02T12:00:00Z"}],
    }

    found = dossiers.dossier_from(values)

    assert found.applicant.conduct_bars is None
    assert found.claim.undertaking_known is False
    assert dossiers.dossier_from({"claim": {"as_of": "2025-06-02"}}).claim.undertaking_known


# --- what others of an undertaking had -------------------------------------------------------


def aid(**more):
    given = {"source": "A city", "level": "CITY", "amount": Decimal(100), "on": DAY}
    return OtherAid(**{**given, **more})


def test_what_another_organisation_had_shuts_nobody_out_but_for_the_same_contract():
    anything = '\n[[exclusions]]\nclause = "x"\nstance = "DENY"\nsame = "ANYTHING"\n'
    contract = anything.replace("ANYTHING", "CONTRACT")
    theirs = aid(is_own=False, contract="C-7")

    def outcome(more, **given):
        found = facts(other_aid=(replace(theirs, **given),), contract="C-7")
        return answer(found, read(text(more=more))).outcome

    assert outcome(anything, is_own=True) == "FAIL"
    assert outcome(anything) == "PASS"
    assert outcome(contract) == "FAIL"
    assert outcome(contract, contract="C-8") == "PASS"


def test_what_another_organisation_had_stacks_for_the_same_contract_only():
    law = read(
        text(
            more='\n[stacking]\nclause = "x"\nlevels = ["CITY"]\n'
            '[[stacking.limits]]\nclause = "x"\ntotal_rate_max = "0.60"\n'
        )
    )

    def given(**more):
        one = replace(claim(contract="C-7"), other_aid=(aid(currency="CNY", **more),))
        return work_out(one, law).recommended

    assert given() == 500_00
    assert given(is_own=False) == 600_00
    assert given(is_own=False, contract="C-7") == 500_00


# --- days, years and standards ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "years", "counts"),
    [
        (date(2022, 6, 3), 3, True),
        (date(2022, 6, 2), 3, False),
        (date(2025, 6, 3), 3, True),
        (date(1990, 1, 1), None, True),
    ],
)
def test_looking_back_ends_exactly_so_many_years_ago(on, years, counts):
    assert looks_back_to(on, DAY, years) is counts


def test_an_age_is_told_in_whole_years():
    assert full_years(date(2020, 6, 2), DAY) == 5
    assert full_years(date(2020, 6, 3), DAY) == 4
    assert full_years(date(2020, 2, 29), date(2021, 2, 28)) == 0


def test_each_size_standard_says_its_currency_and_whether_ties_count():
    found = {name: (currency_of(name), counts_ties(name)) for name in STANDARDS}

    assert found == {
        "CN-2011-300-SOFTWARE": ("CNY", False),
        "CN-2011-300-TRANSMISSION": ("CNY", False),
        "EU-2003-361": ("EUR", True),
    }
