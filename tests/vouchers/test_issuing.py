"""A voucher commits an award out of what is available, and a large one takes two officers."""

from datetime import date

import pytest

from ledger.actions import SYSTEM
from ledger.queries import balance, extent
from parties.queries import NotAllowed, SamePerson
from tests import cast
from vouchers import actions, queries
from vouchers.models import Voucher

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme():
    return cast.make_programme(cast.make_authority())


@pytest.fixture
def applicant():
    return cast.an_sme()


def issue(decision, actor, key="i"):
    return actions.issue_voucher(decision=decision, actor=actor, at=cast.NOON, key=key)


def test_a_voucher_takes_its_award_out_of_what_is_available(scheme, applicant):
    decision = cast.an_approved_application(scheme, applicant)

    voucher = issue(decision, scheme.authority.officer)

    assert (voucher.amount, voucher.unit, voucher.status) == (60_000_00, "CNY", "ACTIVE")
    assert (voucher.valid_from_on, voucher.valid_until_on) == (
        date(2025, 6, 2),
        date(2026, 6, 2),
    )
    assert queries.voucher_balance(voucher).free == 60_000_00
    assert balance("available:cn-chengdu-2025").free == 9_940_000_00
    assert len(voucher.redemption_code) == 19
    assert queries.voucher_by_redemption_code(voucher.redemption_code) == voucher
    assert queries.voucher_by_redemption_code(f" {voucher.redemption_code.lower()} ") == voucher


def test_the_same_key_issues_one_voucher(scheme, applicant):
    decision = cast.an_approved_application(scheme, applicant)

    first = issue(decision, scheme.authority.officer)
    assert issue(decision, scheme.authority.officer) == first
    with pytest.raises(actions.VoucherIssued, match=first.code):
        issue(decision, scheme.authority.officer, key="another")
    assert Voucher.objects.count() == 1
    assert balance("available:cn-chengdu-2025").free == 9_940_000_00


def test_only_officers_issue(scheme, applicant):
    decision = cast.an_approved_application(scheme, applicant)
    before = extent()

    for actor in (
        applicant.person,
        scheme.authority.finance[0],
        scheme.authority.admin,
        SYSTEM,
    ):
        with pytest.raises(NotAllowed, match="Programme officer"):
            issue(decision, actor)
    assert extent() == before


def test_a_large_award_is_decided_by_one_officer_and_issued_by_another(scheme, applicant):
    # 60 % of 2,000,000: above the 1,000,000 that one officer may give.
    decision = cast.an_approved_application(scheme, applicant, fee_total="2000000.00")
    before = extent()

    with pytest.raises(SamePerson, match="decided the application"):
        issue(decision, scheme.authority.officer)
    assert extent() == before
    assert Voucher.objects.count() == 0

    assert issue(decision, scheme.authority.second_officer).amount == 1_200_000_00


def test_an_award_without_a_person_is_issued_without_one(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant, fee_total="50000.00")
    decision = actions.decide_automatically(application=sent, at=cast.NOON, key="auto")

    assert issue(decision, SYSTEM).amount == 30_000_00


def test_a_refusal_issues_nothing(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    decision = actions.decide_application(
        application=sent,
        outcome="FAIL",
        awarded=None,
        note="Incomplete.",
        actor=scheme.authority.officer,
        at=cast.NOON,
        key="d",
    )

    with pytest.raises(actions.NothingToAward, match="Incomplete"):
        issue(decision, scheme.authority.officer)
    assert Voucher.objects.count() == 0


def test_an_award_beyond_the_budget_is_refused_in_words(applicant):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, budget=100_000_00)
    first = cast.an_approved_application(scheme, applicant)
    second = cast.an_approved_application(scheme, cast.an_sme("Second Ltd"))
    issue(first, authority.officer)
    before = extent()

    with pytest.raises(actions.BudgetSpent, match=r"has ¥40,000.00 left .* needs ¥60,000.00"):
        issue(second, authority.officer, key="second")

    assert extent() == before
    assert balance("available:cn-chengdu-2025").free == 40_000_00


def test_an_award_is_worked_out_within_what_is_left(applicant):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, budget=100_000_00)
    issue(cast.an_approved_application(scheme, applicant), authority.officer)

    decision = cast.an_approved_application(scheme, cast.an_sme("Second Ltd"))

    assert decision.awarded == 40_000_00
    assert decision.reasons[-1]["code"] == "POOL_REACHED"
