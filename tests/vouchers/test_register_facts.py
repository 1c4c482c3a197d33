"""Decisions know what registers said, no more and no less: unknown refers, and is never clean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ledger.queries import extent
from policy.programme import read
from tests import cast
from tests.vouchers.register_laws import (
    NOTHING,
    UNDERTAKING,
    codes,
    finding,
    law,
    own,
    proposal,
    scheme_of,
)
from vouchers import actions
from vouchers.models import Order
from vouchers.queries.known import ANSWER_LASTS
from vouchers.queries.replays import replays
from vouchers.queries.simulations import simulate


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("conduct", "outcome"),
    [
        ({"findings": []}, "PASS"),
        (finding("2024-01-31"), "FAIL"),
        (finding("2022-06-03"), "FAIL"),
        (finding("2022-06-02"), "PASS"),
        (finding("2025-06-02"), "FAIL"),
        (finding("2024-01-31", "LATE_REPORT"), "PASS"),
    ],
)
def test_a_finding_bars_within_the_laws_years(conduct, outcome):
    applicant = cast.an_sme(is_clean=False)
    cast.told(applicant.organisation, conduct=conduct)

    found = proposal(cast.a_sent_application(scheme_of(law()), applicant))

    assert found.outcome == outcome
    assert ("CONDUCT_BAR" in codes(found)) == (outcome == "FAIL")


@pytest.mark.django_db
def test_conduct_that_no_register_was_asked_about_is_referred():
    found = proposal(cast.a_sent_application(scheme_of(law()), cast.an_sme(is_clean=False)))

    assert found.outcome == "REFER"
    assert codes(found) == {"FACT_MISSING"}


@pytest.mark.django_db
def test_clean_is_said_for_a_time_and_a_finding_until_it_is_taken_back():
    scheme = scheme_of(law())
    clean, barred = cast.an_sme("Clean Ltd"), cast.an_sme("Barred Ltd", is_clean=False)
    cast.told(barred.organisation, conduct=finding("2025-05-01"))
    late = cast.NOON + ANSWER_LASTS
    next_round = cast.a_round(
        scheme.authority, scheme.programme, budget=1_000_000_00, code="2025-B"
    )
    again = replace(scheme, round=next_round)

    applications = [cast.a_sent_application(scheme, one) for one in (clean, barred)]
    later = [cast.a_sent_application(again, one, at=late) for one in (clean, barred)]

    assert [proposal(one).outcome for one in applications] == ["PASS", "FAIL"]
    # How long a decision takes is not the applicant's; how old an answer is at sending is.
    assert [proposal(one, late).outcome for one in applications] == ["PASS", "FAIL"]
    assert [proposal(one, late).outcome for one in later] == ["REFER", "FAIL"]


# --- the provider ----------------------------------------------------------------------------


def bought_from(seller, applicant, *changes):
    """Return what is proposed where the law checks the provider on applying."""
    text = law(
        cast.M1, ('list_name = "南宁', 'related_from = "0.25"\nlist_name = "南宁'), *changes
    )
    scheme = cast.make_programme(cast.make_authority(), cast.M1, text=text)
    code = seller.organisation.code
    return proposal(cast.a_sent_application(scheme, applicant, provider_code=code))


@pytest.fixture
def seller(db):
    return cast.make_provider(cast.make_authority())


@pytest.mark.parametrize(("share", "outcome"), [("0.25", "FAIL"), ("0.24", "PASS")])
def test_a_provider_that_holds_enough_of_the_applicant_is_related(seller, share, outcome):
    applicant = cast.an_sme()
    link = cast.a_link(seller.organisation, applicant.organisation, share)
    for one in (seller.organisation, applicant.organisation):
        cast.told(one, ownership=cast.links(link))

    found = bought_from(seller, applicant)

    assert found.outcome == outcome
    assert ("PROVIDER_RELATED" in codes(found)) == (outcome == "FAIL")


def test_a_law_may_leave_a_related_provider_to_an_officer(seller):
    applicant = cast.an_sme()
    link = cast.a_link("OTHER:FUND", seller.organisation, "0.3")
    other = cast.a_link("OTHER:FUND", applicant.organisation, "0.3")
    for one in (seller.organisation, applicant.organisation):
        cast.told(one, ownership=cast.links(link, other))

    found = bought_from(seller, applicant, ('related = "DENY"', 'related = "REFER"'))

    assert (found.outcome, codes(found)) == ("REFER", {"PROVIDER_RELATED"})


@pytest.mark.parametrize("asked", ["nobody", "applicant", "provider"])
def test_unrelated_is_who_both_sides_were_asked_about(seller, asked):
    applicant = cast.an_sme()
    told = {"applicant": applicant.organisation, "provider": seller.organisation}
    if asked in told:
        cast.told(told[asked], ownership=NOTHING)

    found = bought_from(seller, applicant)

    assert (found.outcome, codes(found)) == ("REFER", {"FACT_MISSING"})


@pytest.mark.django_db
def test_an_order_at_a_related_provider_is_refused_and_holds_nothing():
    scene = cast.make_scene()
    own(scene.seller, scene.applicant)
    before = extent()

    with pytest.raises(actions.ProviderNotCovered, match="are related"):
        cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    assert Order.objects.count() == 0
    assert extent() == before


# --- what is kept ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_decision_keeps_who_said_it_and_when_and_is_worked_out_the_same_again():
    scheme = scheme_of(law(more=UNDERTAKING))
    mother, daughter = cast.an_sme("Mother Ltd"), cast.an_sme("Daughter Ltd")
    own(mother, daughter)
    cast.an_approved_application(scheme, mother)
    decision = cast.an_approved_application(scheme, daughter)
    later = datetime(2025, 9, 1, tzinfo=UTC)
    cast.told(daughter.organisation, at=later, conduct=finding("2025-08-01"), ownership=NOTHING)

    asked_at = cast.NOON.isoformat()
    assert decision.facts["registers"] == [
        {"register": "CONDUCT", "source": "A register", "asked_at": asked_at},
        {"register": "OWNERSHIP", "source": "A register", "asked_at": asked_at},
    ]
    assert [one.differences for one in replays()] == [(), ()]


@pytest.mark.django_db
def test_facts_are_those_of_the_instant():
    applicant = cast.an_sme()
    later = cast.NOON + timedelta(days=1)
    cast.told(applicant.organisation, at=later, conduct=finding("2025-01-01"))
    sent = cast.a_sent_application(scheme_of(law()), applicant)

    assert proposal(sent).outcome == "PASS"
    assert proposal(sent, later).outcome == "FAIL"


@pytest.mark.django_db
def test_a_simulation_leaves_out_days_on_which_no_undertaking_was_counted():
    scheme = scheme_of(law())
    cast.an_approved_application(scheme, cast.an_sme())
    counting = read(law(more=UNDERTAKING))
    same = replace(read(law()), title_en="The same")

    assert simulate(scheme.programme, same).left_out == 0
    assert simulate(scheme.programme, counting).left_out == 1


@pytest.mark.django_db
def test_what_was_decided_by_undertakings_is_simulated_by_the_same_line_only():
    scheme = scheme_of(law(more=UNDERTAKING))
    applicant = cast.an_sme()
    cast.told(applicant.organisation, ownership=NOTHING)
    cast.an_approved_application(scheme, applicant)
    text = law(more=UNDERTAKING).replace('amount = "100000"', 'amount = "50000"')
    lower = text.replace("lookback_years", 'undertaking_above = "0.3"\nlookback_years')

    found = simulate(scheme.programme, read(text))

    assert [(row.before, row.after) for row in found.rows] == [(60_000_00, 50_000_00)]
    assert simulate(scheme.programme, read(lower)).left_out == 1
    assert Decimal("0.5") == read(text).applicant.control_above
