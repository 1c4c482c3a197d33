"""A decision keeps its facts, working and law; people decide, within what the policy allows."""

import pytest

from ledger.queries import extent
from parties.queries import NotAllowed, SamePerson
from parties.roles import Role
from tests import cast
from vouchers import actions, queries
from vouchers.models import Decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme():
    return cast.make_programme(cast.make_authority())


@pytest.fixture
def applicant():
    return cast.an_sme()


def decide(application, actor, outcome="PASS", awarded=None, note="", key="d"):
    return actions.decide_application(
        application=application,
        outcome=outcome,
        awarded=awarded,
        note=note,
        actor=actor,
        at=cast.NOON,
        key=key,
    )


def undo(decision, actor, note="The fee was misread.", key="u"):
    return actions.undo_decision(
        decision=decision, note=note, actor=actor, at=cast.NOON, key=key
    )


def test_an_approval_gives_what_the_policy_recommends_with_its_working(scheme, applicant):
    decision = cast.an_approved_application(scheme, applicant)

    assert (decision.recommended, decision.awarded) == (60_000_00, 60_000_00)
    assert decision.validity_days == 365
    assert decision.policy_version == scheme.release.version
    assert [line["name"] for line in decision.working] == [
        "fee",
        "share",
        "standing",
        "cap_organisation",
        "pool",
        "round",
    ]
    assert decision.working[-1]["amount"] == "60000.0000 CNY"
    assert decision.reasons[0]["code"] == "ALL_MET"
    assert decision.facts["applicant"]["organisation_kind"] == "SME"
    assert decision.facts["applicant"]["applied_on"] == "2025-06-02"
    fees = [line[:2] for line in decision.facts["claim"]["fee_lines"]]
    assert fees == [["compute", "100000.00"], ["storage", "0"]]
    decision.application.refresh_from_db()
    assert decision.application.status == "APPROVED"


def test_hours_in_kind_are_awarded_by_route(scheme):
    airr = cast.make_programme(scheme.authority, cast.M5)
    laboratory = cast.a_laboratory(country="GB", region="GB-LND")

    decision = cast.an_approved_application(airr, laboratory)

    assert decision.awarded == 5_000 * cast.HOUR
    assert decision.facts["claim"]["route"] == "GATEWAY"
    assert decision.validity_days == 92


def test_a_claim_after_use_leaves_storage_out(scheme):
    nanning = cast.make_programme(scheme.authority, cast.M1)

    decision = cast.an_approved_application(nanning, cast.an_sme(), fee_storage="20000.00")

    assert decision.awarded == 24_000_00


def test_an_officer_may_award_less_and_never_more(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    officer = scheme.authority.officer
    before = extent()

    with pytest.raises(actions.AwardAboveRecommended, match=r"¥60,000.01 .* ¥60,000.00"):
        decide(sent, officer, awarded=60_000_01)
    with pytest.raises(actions.NothingToAward):
        decide(sent, officer, awarded=0)
    assert extent() == before

    assert decide(sent, officer, awarded=45_000_00).awarded == 45_000_00


def test_turning_down_needs_a_note(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)

    with pytest.raises(actions.NoteMissing):
        decide(sent, scheme.authority.officer, "FAIL", note="  ")
    decision = decide(sent, scheme.authority.officer, "FAIL", note="The use is not lawful.")

    assert (decision.outcome, decision.awarded, decision.recommended) == ("FAIL", 0, 60_000_00)
    sent.refresh_from_db()
    assert sent.status == "NOT_APPROVED"


def test_only_an_officer_of_the_programme_decides(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    stranger = cast.make_authority("Another Bureau")
    elsewhere = cast.with_role(
        cast.a_person(), scheme.authority.organisation, Role.OFFICER, "another-programme"
    )

    for person in (
        applicant.person,
        scheme.authority.finance[0],
        scheme.authority.regulator,
        stranger.officer,
        elsewhere,
    ):
        with pytest.raises(NotAllowed, match="Programme officer"):
            decide(sent, person)
    assert Decision.objects.count() == 0


def test_who_sent_the_application_can_not_decide_it(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    cast.with_role(applicant.person, scheme.authority.organisation, Role.OFFICER)

    with pytest.raises(SamePerson, match="sent the application"):
        decide(sent, applicant.person)
    assert Decision.objects.count() == 0


def test_what_the_policy_does_not_admit_is_not_approved(scheme):
    nanning = cast.make_programme(scheme.authority, cast.M1)
    elsewhere = cast.an_sme("Far Ltd", region="CN-1101")
    sent = cast.a_sent_application(nanning, elsewhere)

    with pytest.raises(actions.NotEligible, match="the registered region is CN-1101"):
        decide(sent, scheme.authority.officer)
    assert Decision.objects.count() == 0


def test_the_same_key_decides_once_and_other_content_is_refused(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    officer = scheme.authority.officer

    first = decide(sent, officer)
    assert decide(sent, officer) == first
    with pytest.raises(Exception, match="already used for another request"):
        decide(sent, officer, awarded=1)
    with pytest.raises(actions.ApplicationClosed):
        decide(sent, officer, key="another")
    assert Decision.objects.count() == 1


# --- without a person ------------------------------------------------------------------------


def automatically(application, key="auto"):
    return actions.decide_automatically(application=application, at=cast.NOON, key=key)


def test_a_small_amount_is_approved_without_a_person(scheme, applicant):
    # 60 % of 83,333.33 is 49,999.998, cut to the fen: within the 50,000 of the policy.
    sent = cast.a_sent_application(scheme, applicant, fee_total="83333.33")

    decision = automatically(sent)

    assert (decision.outcome, decision.awarded) == ("PASS", 49_999_99)
    assert decision.decided_by is None
    assert automatically(sent) == decision


def test_a_larger_amount_waits_for_an_officer(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant, fee_total="83333.35")

    assert automatically(sent) is None
    with pytest.raises(actions.OfficerNeeded):
        decide(sent, None)
    sent.refresh_from_db()
    assert sent.status == "SENT"
    assert Decision.objects.count() == 0


def test_nobody_is_turned_down_without_a_person(scheme):
    airr = cast.make_programme(scheme.authority, cast.M5)
    abroad = cast.a_laboratory(country="CN", region="CN-4501")
    sent = cast.a_sent_application(airr, abroad, hours="100")

    decision = automatically(sent)

    assert (decision.outcome, decision.awarded) == ("REFER", 0)
    assert "REGION_NOT_ADMITTED" in [reason["code"] for reason in decision.reasons]
    sent.refresh_from_db()
    assert sent.status == "REFERRED"
    assert (
        decide(sent, scheme.authority.officer, "FAIL", note="Not in the country.").outcome
        == "FAIL"
    )


def test_a_returning_user_is_referred(scheme):
    airr = cast.make_programme(scheme.authority, cast.M5)
    university = cast.a_university(country="GB", region="GB-SCT")
    sent = cast.a_sent_application(airr, university, hours="100", is_first_time=False)

    decision = automatically(sent)

    assert [reason["code"] for reason in decision.reasons] == ["RETURNING_USER"]
    assert decide(sent, scheme.authority.officer).awarded == 100 * cast.HOUR


# --- undone ----------------------------------------------------------------------------------


def test_an_undone_decision_stays_and_the_application_waits_again(scheme, applicant):
    first = cast.an_approved_application(scheme, applicant)

    undoing = undo(first, scheme.authority.second_officer)

    assert (undoing.undoes, undoing.outcome, undoing.awarded) == (first, "REFER", 0)
    assert Decision.objects.get(pk=first.pk).outcome == "PASS"
    first.application.refresh_from_db()
    assert first.application.status == "REFERRED"
    assert queries.decision_in_force(first.application) is None
    assert undo(first, scheme.authority.second_officer) == undoing
    with pytest.raises(actions.NotDecided):
        undo(first, scheme.authority.second_officer, key="another")

    anew = decide(first.application, scheme.authority.officer, awarded=50_000_00, key="d2")
    assert anew.awarded == 50_000_00


def test_an_undone_award_issues_no_voucher(scheme, applicant):
    first = cast.an_approved_application(scheme, applicant)
    undo(first, scheme.authority.second_officer)
    before = extent()

    with pytest.raises(actions.NotDecided):
        actions.issue_voucher(
            decision=first, actor=scheme.authority.officer, at=cast.NOON, key="i"
        )
    assert extent() == before


def test_a_decision_with_a_voucher_can_not_be_undone(scheme, applicant):
    voucher = cast.an_issued_voucher(scheme, applicant)
    before = extent()

    with pytest.raises(actions.VoucherIssued, match=voucher.code):
        undo(voucher.decision, scheme.authority.officer)
    assert extent() == before


def test_a_decision_is_not_undone_under_a_new_application(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    refusal = decide(sent, scheme.authority.officer, "FAIL", note="Incomplete.")
    another = cast.a_sent_application(scheme, applicant)

    with pytest.raises(actions.AnotherApplicationOpen, match=another.reference):
        undo(refusal, scheme.authority.officer)


def test_undoing_needs_an_officer_and_a_note(scheme, applicant):
    first = cast.an_approved_application(scheme, applicant)

    with pytest.raises(NotAllowed):
        undo(first, scheme.authority.finance[0])
    with pytest.raises(actions.NoteMissing):
        undo(first, scheme.authority.officer, note="")
    assert Decision.objects.count() == 1


# --- the yearly cap --------------------------------------------------------------------------


def test_the_cap_of_the_year_counts_awards_vouchers_and_holds(scheme, applicant):
    authority = scheme.authority
    cast.a_round(authority, scheme.programme, budget=1_000_000_00, code="2025-B")
    seller = cast.make_provider(authority)
    # 60 % of 8,000,000 is 4,800,000, which leaves 200,000 of the 5,000,000 a year.
    voucher = cast.an_issued_voucher(scheme, applicant, fee_total="8000000.00")
    cast.a_hold(voucher, applicant, seller, hours="1000")
    second_round = scheme.programme.rounds.get(code="2025-B")
    again = cast.Scheme(authority, scheme.programme, scheme.release, second_round)

    decision = cast.an_approved_application(again, applicant, fee_total="1000000.00")

    assert (
        queries.used_this_year(applicant.organisation, scheme.programme, cast.TODAY)
        == 15_000_00
    )
    assert decision.facts["claim"]["used_this_year"] == 4_800_000_00
    assert (decision.recommended, decision.awarded) == (200_000_00, 200_000_00)
    assert "CAP_REACHED" in [reason["code"] for reason in decision.reasons]
    committed = queries.committed_this_year(
        applicant.organisation, scheme.programme, cast.TODAY
    )
    assert committed == 5_000_000_00
