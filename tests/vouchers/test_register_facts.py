"""Decisions know what registers said, no more and no less: unknown refers, and is never clean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from common.errors import Refused
from ledger.queries import extent
from policy.programme import read
from tests import cast
from tests.cast import committee
from tests.ledger.book import at_once
from vouchers import actions, queries
from vouchers.models import Decision, Order
from vouchers.queries.known import ANSWER_LASTS
from vouchers.queries.replays import replays
from vouchers.queries.simulations import simulate

NOTHING = {"links": []}
UNDERTAKING = (
    '\n[[caps]]\nclause = "One undertaking"\nscope = "UNDERTAKING"\nperiod = "LIFETIME"\n'
    'measured = ["ISSUED"]\namount = "100000"\n'
)


def law(code=cast.M3, *changes, more=""):
    text = cast.policy_text(code)
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text + more


def scheme_of(text, code=cast.M3):
    return cast.make_programme(cast.make_authority(), code, text=text)


def proposal(application, at=cast.NOON):
    return queries.proposal_of(application, at)


def codes(found):
    return {reason.code for reason in found.reasons}


def own(*pair):
    """Let the first hold 60 % of the second, as the register answers about both."""
    link = cast.a_link(pair[0].organisation, pair[1].organisation, "0.6")
    for one in pair:
        cast.told(one.organisation, ownership=cast.links(link))


# --- one undertaking -------------------------------------------------------------------------


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


def decide(scheme, application, key):
    return actions.decide_application(
        application=application,
        outcome="PASS",
        awarded=None,
        note="",
        actor=scheme.authority.officer,
        at=cast.NOON,
        key=key,
    )


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


# --- conduct ---------------------------------------------------------------------------------


def finding(day, kind="MAJOR_PENALTY"):
    return {"findings": [{"kind": kind, "day": day}]}


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


# --- size, place and more --------------------------------------------------------------------

BY_SIZE = (
    ("lookback_years = 3\n", 'lookback_years = 3\nsize_standard = "CN-2011-300-SOFTWARE"\n'),
    (
        '[[tiers]]\nclause = "南宁市通知：按实际结算费用的30%给予补助"\nrate = "0.30"\n',
        '[[tiers]]\nclause = "A"\nrate = "0.50"\nsizes = ["MICRO", "SMALL"]\n'
        '[[tiers]]\nclause = "B"\nrate = "0.30"\n',
    ),
)
SMALL = {"employees": 40, "revenue": 3_000_000_00, "currency": "CNY"}


@pytest.fixture
def by_size(db):
    return scheme_of(law(cast.M1, *BY_SIZE), cast.M1)


def sized(scheme, **business):
    applicant = cast.an_sme()
    if business:
        cast.told(applicant.organisation, business=business)
    return proposal(cast.a_sent_application(scheme, applicant))


def test_a_share_by_size_makes_a_programme_and_is_worked_out_by_the_register(by_size):
    small = sized(by_size, **SMALL)
    medium = sized(by_size, **{**SMALL, "employees": 200, "revenue": 50_000_000_00})

    assert small.facts["applicant"]["size"] == small.facts["claim"]["size"] == "SMALL"
    assert medium.facts["claim"]["size"] == "MEDIUM"
    assert small.award.recommended == 50_000_00
    assert medium.award.recommended == 30_000_00


@pytest.mark.parametrize("business", [{}, {**SMALL, "currency": "EUR"}, {"employees": 5}])
def test_a_size_without_its_figures_in_its_currency_is_not_known(by_size, business):
    found = sized(by_size, **business)

    assert found.facts["claim"]["size"] == ""
    assert found.outcome == "REFER"


@pytest.mark.django_db
def test_the_register_is_believed_before_what_was_typed_here_and_else_the_row_stands():
    scheme = scheme_of(law())
    told, silent = cast.an_sme("Told Ltd"), cast.an_sme("Silent Ltd")
    cast.told(
        told.organisation,
        business={
            "employees": 7,
            "founded_on": "2024-01-01",
            "region": "CN-5101",
            "tax_region": "CN-5101",
            "insurance_region": "CN-5101",
            "industry": "I6510",
            "qualifications": ["FILED_MODEL"],
            "credit_rating": "AA",
            "tax_debt": True,
            "revenue": 1_000_00,
            "currency": "CNY",
        },
    )

    facts = proposal(cast.a_sent_application(scheme, told)).facts
    other = proposal(cast.a_sent_application(scheme, silent)).facts["applicant"]

    applicant = facts["applicant"]
    assert (applicant["employees"], applicant["region"]) == (7, "CN-5101")
    assert applicant["founded_on"] == "2024-01-01"
    assert facts["claim"]["age_years"] == 1
    assert applicant["revenue"] == "1000.00"
    assert applicant["has_tax_debt"] is True
    assert applicant["qualifications"] == facts["claim"]["qualifications"] == ["FILED_MODEL"]
    assert (other["employees"], other["region"]) == (40, "CN-4501")
    unknown = ("revenue", "tax_region", "industry", "credit_rating", "has_tax_debt")
    assert [other[name] for name in unknown] == [None] * 5


EUROPEAN = 'lookback_years = 3\nsize_standard = "EU-2003-361"\n'


@pytest.fixture
def in_europe(db):
    return scheme_of(law(cast.M3, ("lookback_years = 3\n", EUROPEAN)))


def european(scheme, applicant):
    return proposal(cast.a_sent_application(scheme, applicant)).facts["claim"]["size"]


EURO = {"revenue": 1_000_000_00, "currency": "EUR"}


@pytest.mark.parametrize(
    ("share", "size"), [("0.2", "MICRO"), ("0.3", "SMALL"), ("0.6", "MEDIUM")]
)
def test_a_european_size_takes_partners_by_their_share_and_linked_ones_whole(
    in_europe, share, size
):
    applicant, other = cast.an_sme("Own Ltd"), cast.an_sme("Other Ltd")
    link = cast.a_link(other.organisation, applicant.organisation, share)
    cast.told(
        applicant.organisation,
        business={"employees": 5, **EURO},
        ownership=cast.links(link),
    )
    cast.told(other.organisation, business={"employees": 100, **EURO})

    assert european(in_europe, applicant) == size


def test_a_european_size_with_an_owner_of_whom_nobody_knows_is_not_known(in_europe):
    applicant, alone = cast.an_sme("Own Ltd"), cast.an_sme("Alone Ltd")
    link = cast.a_link("OTHER:ABROAD", applicant.organisation, "0.7")
    figures = {"employees": 5, **EURO}
    cast.told(applicant.organisation, business=figures, ownership=cast.links(link))
    cast.told(alone.organisation, business=figures)

    assert european(in_europe, applicant) == ""
    assert european(in_europe, alone) == ""


# --- other aid -------------------------------------------------------------------------------

EXCLUDED = (
    '\n[[exclusions]]\nclause = "No other city"\nstance = "DENY"\nlevels = ["CITY"]\n'
    'same = "ANYTHING"\n'
)


def aid(level="CITY"):
    return {
        "aid": [
            {
                "grantor": "City office",
                "level": level,
                "amount": 5_000_00,
                "currency": "CNY",
                "granted_on": "2025-01-05",
            }
        ]
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("register", "declared", "outcome"),
    [
        (None, False, "PASS"),
        ({"aid": []}, False, "PASS"),
        (aid(), False, "FAIL"),
        (aid("PROVINCE"), False, "PASS"),
        ({"aid": []}, True, "REFER"),
    ],
)
def test_the_register_of_aid_is_believed_before_a_declaration(register, declared, outcome):
    text = law(cast.M3, ('other_public_money = "REFER"', 'other_public_money = "ALLOW"'))
    scheme = scheme_of(text + EXCLUDED)
    applicant = cast.an_sme()
    if register is not None:
        cast.told(applicant.organisation, aid=register)

    sent = cast.a_sent_application(scheme, applicant, other_public_money=declared)

    assert proposal(sent).outcome == outcome


@pytest.mark.django_db
def test_what_the_programme_gave_itself_is_not_other_aid():
    text = law(cast.M3, ('other_public_money = "REFER"', 'other_public_money = "ALLOW"'))
    scheme, applicant = scheme_of(text + EXCLUDED), cast.an_sme()
    listed = aid()
    listed["aid"][0]["programme"] = scheme.programme.code
    cast.told(applicant.organisation, aid=listed)

    assert proposal(cast.a_sent_application(scheme, applicant)).outcome == "PASS"


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
