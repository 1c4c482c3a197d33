"""What ceilings of several years count: what was awarded, issued and redeemed, each once."""

import pytest

from policy.programme import read
from tests import cast
from vouchers import actions
from vouchers.queries.past import past_of

pytestmark = pytest.mark.django_db

LIFETIME = (
    '\n[[caps]]\nclause = "x"\nscope = "ORGANISATION"\nperiod = "LIFETIME"\n'
    'measured = ["ISSUED", "REDEEMED"]\namount = "100000"\n'
)
LAW = cast.policy_text(cast.M3) + LIFETIME


@pytest.fixture
def scheme():
    return cast.make_programme(cast.make_authority(), text=LAW)


def past(scheme, applicant):
    found = past_of(applicant.organisation, scheme.programme, read(LAW))
    return sorted((one.measure, one.amount, one.round) for one in found)


def test_an_award_that_waits_for_its_voucher_counts_as_issued(scheme):
    applicant = cast.an_sme()
    decision = cast.an_approved_application(scheme, applicant)

    waiting = past(scheme, applicant)
    actions.issue_voucher(
        decision=decision, actor=scheme.authority.second_officer, at=cast.NOON, key="i"
    )

    assert waiting == [("CLAIMED", 60_000_00, "2025-A"), ("ISSUED", 60_000_00, "2025-A")]
    assert past(scheme, applicant) == waiting


def test_the_next_rounds_award_has_what_the_waiting_one_left_of_a_lifetime(scheme):
    applicant = cast.an_sme()
    cast.an_approved_application(scheme, applicant)
    later = cast.a_round(scheme.authority, scheme.programme, budget=1_000_000_00, code="2025-B")
    again = cast.Scheme(scheme.authority, scheme.programme, scheme.release, later)

    second = cast.an_approved_application(again, applicant)

    assert second.awarded == 40_000_00


def test_an_undone_award_counts_no_more(scheme):
    applicant = cast.an_sme()
    decision = cast.an_approved_application(scheme, applicant)
    actions.undo_decision(
        decision=decision,
        note="Misread.",
        actor=scheme.authority.second_officer,
        at=cast.NOON,
        key="u",
    )

    assert past(scheme, applicant) == []


def test_a_law_that_counts_nothing_of_the_past_is_given_none(scheme):
    applicant = cast.an_sme()
    cast.an_approved_application(scheme, applicant)

    law = read(cast.policy_text(cast.M3))
    assert past_of(applicant.organisation, scheme.programme, law) == ()
