"""Organisations of one undertaking count as one, as far as registers know who holds whom."""

from datetime import timedelta

import pytest

from common.errors import Refused
from ledger.queries import extent
from tests import cast
from tests.cast import committee
from tests.ledger.book import at_once
from tests.vouchers.register_laws import (
    NOTHING,
    UNDERTAKING,
    decide,
    law,
    own,
    proposal,
    scheme_of,
)
from vouchers import actions, queries
from vouchers.models import Decision
from vouchers.queries.replays import replays


@pytest.mark.django_db
def test_a_ceiling_of_an_undertaking_holds_across_its_organisations():
    scheme = scheme_of(law(more=UNDERTAKING))
    mother, daughter = cast.an_sme("Mother Ltd"), cast.an_sme("Daughter Ltd")
    own(mother, daughter)

    first = cast.an_issued_voucher(scheme, mother)
    second = cast.an_issued_voucher(scheme, daughter)

    assert (first.amount, second.amount) == (60_000_00, 40_000_00)
    reached = [one for one in second.decision.reasons if one["code"] == "CAP_REACHED"]
    assert [one["clause"] for one in reached] == ["One undertaking"]


@pytest.mark.django_db
def test_strangers_have_a_ceiling_each():
    scheme = scheme_of(law(more=UNDERTAKING))
    amounts = []
    for name in ("One Ltd", "Other Ltd"):
        applicant = cast.an_sme(name)
        cast.told(applicant.organisation, ownership=NOTHING)
        amounts.append(cast.an_issued_voucher(scheme, applicant).amount)

    assert amounts == [60_000_00, 60_000_00]


@pytest.mark.django_db
def test_from_which_share_on_is_the_documents_to_say():
    half = law(
        cast.M3,
        ("lookback_years = 3\n", 'lookback_years = 3\nundertaking_above = "0.6"\n'),
        more=UNDERTAKING,
    )
    scheme = scheme_of(half)
    mother, daughter = cast.an_sme("Mother Ltd"), cast.an_sme("Daughter Ltd")
    own(mother, daughter)

    cast.an_issued_voucher(scheme, mother)

    assert proposal(cast.a_sent_application(scheme, daughter)).award.recommended == 60_000_00


@pytest.mark.django_db
def test_an_undertaking_that_nobody_knows_is_referred_and_not_taken_for_none():
    scheme = scheme_of(law(more=UNDERTAKING))
    applicant = cast.an_sme()
    sent = cast.a_sent_application(scheme, applicant)

    unknown = proposal(sent)
    cast.told(applicant.organisation, ownership=NOTHING)

    assert unknown.outcome == "REFER"
    assert "which organisations are one undertaking" in queries.in_words(unknown.reasons)
    assert proposal(sent).outcome == "PASS"


@pytest.mark.django_db
def test_a_law_that_counts_no_undertaking_does_not_ask_for_it():
    sent = cast.a_sent_application(scheme_of(law()), cast.an_sme())

    assert proposal(sent).outcome == "PASS"


@pytest.mark.django_db
def test_on_refusal_nothing_moves_where_an_undertaking_has_had_all():
    scheme = scheme_of(law(more=UNDERTAKING))
    applicants = [cast.an_sme(f"Firm {number}") for number in range(3)]
    link = [cast.a_link("OTHER:MOTHER", one.organisation, "1") for one in applicants]
    for one in applicants:
        cast.told(one.organisation, ownership=cast.links(*link))
    cast.an_issued_voucher(scheme, applicants[0])
    cast.an_issued_voucher(scheme, applicants[1])
    sent = cast.a_sent_application(scheme, applicants[2])
    before, decided = extent(), Decision.objects.count()

    with pytest.raises(Refused):
        decide(scheme, sent, "late")

    assert (extent(), Decision.objects.count()) == (before, decided)


@pytest.mark.slow
def test_ten_organisations_of_one_undertaking_race_for_its_ceiling(committed_db):
    scheme = scheme_of(law(more=UNDERTAKING))
    applicants = [cast.an_sme(f"Firm {number}") for number in range(10)]
    link = [cast.a_link("OTHER:MOTHER", one.organisation, "1") for one in applicants]
    sent = []
    for one in applicants:
        cast.told(one.organisation, ownership=cast.links(*link))
        sent.append(cast.a_sent_application(scheme, one, fee_total="60000.00"))

    answers = at_once(10, lambda number: decide(scheme, sent[number], f"d{number}"))

    bugs = [a for a in answers if isinstance(a, Exception) and not isinstance(a, Refused)]
    assert bugs == []
    awarded = [one.awarded for one in answers if isinstance(one, Decision)]
    assert sorted(awarded) == [28_000_00, 36_000_00, 36_000_00]


@pytest.mark.django_db
def test_a_round_decided_together_keeps_an_undertakings_ceiling_among_its_own():
    scheme = scheme_of(committee.law(committee.allocated("FIRST_COME"), UNDERTAKING))
    mother, daughter, stranger = (cast.an_sme(name) for name in ("Mother", "Daughter", "Else"))
    own(mother, daughter)
    cast.told(stranger.organisation, ownership=NOTHING)
    sent = [
        cast.a_sent_application(scheme, one, at=cast.NOON + timedelta(minutes=minute))
        for minute, one in enumerate((mother, daughter, stranger))
    ]

    actions.decide_round(
        round=scheme.round, actor=scheme.authority.officer, at=committee.CLOSED, key="round"
    )

    awarded = [Decision.objects.get(application=one).awarded for one in sent]
    assert awarded == [60_000_00, 40_000_00, 60_000_00]
    assert [one.differences for one in replays()] == [(), (), ()]
