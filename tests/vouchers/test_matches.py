"""Awards above are recorded once, and followed by the rule; what it can't settle waits."""

from datetime import date, timedelta

import pytest

from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed, SamePerson
from policy.programme import shipped
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once
from vouchers import actions, tasks
from vouchers.models import Application, Decision, UpstreamAward, Voucher
from vouchers.queries import award_problems, matches_to_follow

BUDGET = cast.MATCH_BUDGET


@pytest.fixture
def scheme(db):
    return cast.a_match()


@pytest.fixture
def firm(db):
    return cast.an_sme(region="CN-3301")


def state(scheme):
    counts = (UpstreamAward.objects.count(), Application.objects.count())
    return extent(), stage.nets(scheme.programme), counts


def refused(error, scheme, ask):
    before = state(scheme)
    with pytest.raises(error) as refusal:
        ask()
    assert state(scheme) == before
    return str(refusal.value)


def test_each_award_has_an_application_and_recording_moves_no_value(scheme, firm):
    rows = [cast.an_award(firm), cast.an_award(firm, row=3, reference="N-2", base=100_000_00)]

    report = cast.recorded(scheme, *rows)

    assert report.problems == ()
    assert [one.application.status for one in report.recorded] == ["SENT", "SENT"]
    assert stage.nets(scheme.programme) == {"appropriation:2025": -BUDGET, "available": BUDGET}
    first, second = cast.followed(report)
    assert (first.amount, second.amount) == (120_000_00, 15_000_00)
    assert {one.decision.decided_by for one in (first, second)} == {None}
    kept = first.decision.facts["claim"]["upstream"]
    assert (kept["programme"], kept["base"]) == (cast.NATIONAL, "800000.00")
    stage.assert_in_step()


def test_asked_twice_it_is_recorded_and_followed_once(scheme, firm):
    once = cast.recorded(scheme, cast.an_award(firm), key="k")
    again = cast.recorded(scheme, cast.an_award(firm), key="k")
    assert [one.pk for one in again.recorded] == [one.pk for one in once.recorded]
    assert cast.followed(once) == cast.followed(again)
    with pytest.raises(KeyReused):
        cast.recorded(scheme, cast.an_award(firm, base=1_00), key="k")
    assert Voucher.objects.count() == 1


def test_good_rows_count_and_the_others_are_told_by_their_row(scheme, firm):
    cast.recorded(scheme, cast.an_award(firm, reference="OLD"))
    wrong = {
        2: cast.an_award(firm, row=2, upstream="another", reference="a"),
        3: cast.an_award(firm, row=3, reference="OLD"),
        4: cast.an_award(firm, row=4, reference="b", identifier="91510100999999999X"),
        5: cast.an_award(firm, row=5, reference="c", base=0, award=0),
        6: cast.an_award(firm, row=6, reference="d", base=1_00, award=2_00),
        7: cast.an_award(firm, row=7, reference="e", facility="MIDDLE"),
        8: cast.an_award(firm, row=8, reference="f", awarded_on=date(2025, 6, 3)),
        9: cast.an_award(firm, row=9, reference="g\n"),
        11: cast.an_award(firm, row=11, reference="good"),
    }
    good = cast.an_award(firm, row=10, reference="good")

    report = cast.recorded(scheme, *wrong.values(), good)

    # The first of two lines with one reference counts.
    assert [one.reference for one in report.recorded] == ["good"]
    assert {one.row: one.code for one in report.problems} == {
        2: "upstream_other",
        3: "recorded",
        4: "organisation_unknown",
        5: "base_invalid",
        6: "award_invalid",
        7: "facility_unknown",
        8: "day_invalid",
        9: "reference_invalid",
        10: "repeated",
    }
    (before,) = [one for one in report.problems if one.code == "recorded"]
    assert before.values["base"] == 800_000_00
    assert before.values["organisation"] == firm.organisation.name


def test_looking_a_list_over_writes_nothing(scheme, firm):
    before = state(scheme)
    found = award_problems(scheme.round, [cast.an_award(firm, upstream="x")], cast.NOON)
    assert [one.code for one in found] == ["upstream_other"]
    assert state(scheme) == before


def test_who_may_not_and_what_can_not_be_recorded_is_refused(scheme, firm):
    authority, award = scheme.authority, cast.an_award(firm)
    for person in (authority.finance[0], authority.admin, firm.person):
        refused(NotAllowed, scheme, lambda one=person: cast.recorded(scheme, award, actor=one))
    refused(actions.NothingToRecord, scheme, lambda: cast.recorded(scheme))
    bad = cast.an_award(firm, upstream="x")
    refused(actions.NothingToRecord, scheme, lambda: cast.recorded(scheme, bad))
    many = [cast.an_award(firm, row=n, reference=str(n)) for n in range(2, 1003)]
    said = refused(actions.NothingToRecord, scheme, lambda: cast.recorded(scheme, *many))
    assert "at most 1000" in said
    other = cast.make_programme(authority, cast.M3)
    refused(actions.NoMatch, other, lambda: cast.recorded(other, award))

    def late():
        actions.record_upstream_awards(
            round=scheme.round,
            rows=[award],
            actor=authority.officer,
            at=cast.NOON + timedelta(days=365),
            key="late",
        )

    refused(actions.RoundClosed, scheme, late)


def test_nobody_applies_by_hand(scheme, firm):
    said = refused(actions.NobodyApplies, scheme, lambda: cast.a_draft(scheme, firm))
    assert "follows the awards of another programme" in said


def test_what_the_law_refers_waits_for_another_officer_with_its_reasons(scheme, firm):
    # Which facility it was nobody told, so that the share is not known.
    report = cast.recorded(scheme, cast.an_award(firm, facility=""))
    assert cast.followed(report) == [None]

    application = Application.objects.get(upstream_award=report.recorded[0])
    decision = application.decisions.get()
    assert (application.status, decision.outcome) == ("REFERRED", Decision.Outcome.REFER)
    assert "FACT_MISSING" in {reason["code"] for reason in decision.reasons}
    assert stage.nets(scheme.programme) == {"appropriation:2025": -BUDGET, "available": BUDGET}

    def decide(officer):
        return actions.decide_application(
            application=application,
            outcome="FAIL",
            awarded=None,
            note="The facility is not known",
            actor=officer,
            at=cast.NOON,
            key="decide",
        )

    refused(SamePerson, scheme, lambda: decide(scheme.authority.officer))
    assert decide(scheme.authority.second_officer).outcome == Decision.Outcome.FAIL
    assert list(matches_to_follow()) == []


def test_a_firm_that_is_not_admitted_is_referred_and_not_turned_down(scheme):
    organisation = cast.an_organisation("PROVIDER", "Kind Compute", region="CN-3301")
    seller = cast.Applicant(organisation, scheme.authority.officer)
    report = cast.recorded(scheme, cast.an_award(seller))
    assert cast.followed(report) == [None]
    decision = Decision.objects.get()
    assert decision.outcome == Decision.Outcome.REFER
    assert "KIND_NOT_ADMITTED" in {reason["code"] for reason in decision.reasons}


def test_the_yearly_ceiling_counts_over_all_awards_of_a_firm(scheme, firm):
    cast.a_round(scheme.authority, scheme.programme, budget=10_000_000_00, code="2025-B")
    rows = [
        cast.an_award(firm, row=n, reference=str(n), base=30_000_000_00) for n in range(2, 4)
    ]
    first, second = cast.followed(cast.recorded(scheme, *rows))
    # 15 % of 30 million is 4.5 million; the year has eight, unless the firm is exempt.
    assert first.amount == 4_500_000_00
    assert second is None
    assert Decision.objects.order_by("pk").last().outcome == Decision.Outcome.REFER


@pytest.mark.django_db
def test_where_the_budget_does_not_reach_an_award_waits_as_approved(firm):
    scheme = cast.a_match(budget=150_000_00)
    other = cast.an_sme("Second Model Ltd", region="CN-3301")
    rows = (cast.an_award(firm), cast.an_award(other, row=3, reference="N-2"))

    report = cast.recorded(scheme, *rows)
    first, second = cast.followed(report)

    assert (first.amount, second) == (120_000_00, None)
    waiting = Application.objects.get(upstream_award=report.recorded[1])
    assert waiting.status == Application.Status.APPROVED
    assert waiting.decisions.get().awarded == 120_000_00
    assert stage.nets(scheme.programme)["available"] == 30_000_00
    assert list(matches_to_follow()) == [waiting]
    # With more budget the sweep goes on from there, and only once.
    cast.a_round(scheme.authority, scheme.programme, budget=BUDGET, code="2025-B")
    for _again in range(2):
        tasks.follow_upstream_awards()
    assert Voucher.objects.count() == 2
    assert stage.nets(scheme.programme)["available"] == 30_000_00 + BUDGET - 120_000_00
    assert list(matches_to_follow()) == []
    stage.assert_in_step()


@pytest.mark.django_db
def test_where_the_document_wants_people_the_award_waits_for_them(firm):
    text = shipped()[cast.M8].replace("people = 0", "people = 1")
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, cast.M8, text=text, budget=BUDGET)

    report = cast.recorded(scheme, cast.an_award(firm))

    assert cast.followed(report) == [None]
    assert Application.objects.get().status == Application.Status.SENT
    assert Decision.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "after", "error", "said"),
    [
        (
            'kind = "INCURRED"\n',
            'kind = "INCURRED"\n[base.apportion]\nclause = "x"\ncount = "INCLUSIVE"\n'
            "rounded = false\n",
            actions.FactsNotAsked,
            "the days of the contract",
        ),
        ('facilities = ["LOW"]', 'chip_origins = ["DOMESTIC"]', actions.FactsNotAsked, "chip"),
    ],
)
def test_a_match_that_could_not_be_settled_makes_no_programme(before, after, error, said):
    authority = cast.make_authority()
    text = shipped()[cast.M8].replace(before, after)
    window = "use = { from = 2025-01-01, until = 2025-12-31 }\n\n[applicant]"
    text = text.replace("\n[applicant]", window)
    with pytest.raises(error, match=said):
        cast.make_programme(authority, cast.M8, text=text, budget=BUDGET)


@pytest.mark.slow
def test_one_list_recorded_by_many_at_once_counts_once(committed_db):
    scheme, firm = cast.a_match(), cast.an_sme(region="CN-3301")
    rows = [cast.an_award(firm, row=n, reference=str(n)) for n in range(2, 6)]

    answers = at_once(10, lambda number: cast.recorded(scheme, *rows, key=f"k{number}"))

    good = [one for one in answers if isinstance(one, actions.AwardsReport)]
    assert len(good) == 1
    assert {type(one) for one in answers} == {actions.AwardsReport, actions.NothingToRecord}
    assert UpstreamAward.objects.count() == Application.objects.count() == 4


@pytest.mark.slow
def test_an_award_followed_by_many_at_once_has_one_voucher(committed_db):
    scheme, firm = cast.a_match(), cast.an_sme(region="CN-3301")
    report = cast.recorded(scheme, cast.an_award(firm))

    answers = at_once(20, lambda _number: cast.followed(report))

    bugs = [
        one
        for one in answers
        if isinstance(one, Exception) and not isinstance(one, actions.VoucherIssued)
    ]
    assert bugs == []
    assert Voucher.objects.get().amount == 120_000_00
    assert Decision.objects.count() == 1
    assert stage.nets(scheme.programme)["available"] == BUDGET - 120_000_00
    stage.assert_in_step()
