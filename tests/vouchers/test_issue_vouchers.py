"""All awards of a round become vouchers in one act, or none does."""

import re

import pytest
from django.urls import reverse

from ledger import actions as ledger
from ledger import queries as balances
from ledger.kinds import AccountKind, ActKind
from ledger.queries import accounts_out_of_step, extent
from notices.actions import write_letters
from notices.models import Message
from parties.queries import NotAllowed
from tests import cast
from tests.cast import NOON
from vouchers import actions, queries
from vouchers.models import Voucher
from vouchers.queries.issuing import issue_preview

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme():
    return cast.make_programme(cast.make_authority())


def award(scheme, fee="100000.00", applicant=None):
    return cast.an_approved_application(scheme, applicant or cast.an_sme(), fee_total=fee)


def issue(scheme, actor=None, key="k"):
    return actions.issue_vouchers(
        round=scheme.round,
        actor=actor or scheme.authority.second_officer,
        at=cast.NOON,
        key=key,
    )


def test_every_award_becomes_a_voucher_as_issuing_each_by_itself_would_make(scheme):
    decisions = [award(scheme), award(scheme, "50000.00"), award(scheme, "9000000.00")]
    alone = cast.an_issued_voucher(scheme, cast.an_sme())

    found = issue(scheme)

    assert (found.vouchers, found.amount) == (3, 60_000_00 + 30_000_00 + 5_000_000_00)
    assert (found.left_out, found.again) == ((), ())
    for decision in decisions:
        voucher = Voucher.objects.get(decision=decision)
        assert voucher.amount == decision.awarded
        assert voucher.organisation_id == decision.application.organisation_id
        assert queries.voucher_balance(voucher).free == decision.awarded
        for field in ("unit", "status", "valid_from_on", "valid_until_on", "issued_at"):
            assert getattr(voucher, field) == getattr(alone, field), field
    assert len({voucher.redemption_code for voucher in Voucher.objects.all()}) == 4
    assert accounts_out_of_step() == []


def test_asked_twice_it_issues_once_and_says_the_same(scheme):
    award(scheme)
    first = issue(scheme)
    before = extent()

    second = issue(scheme)

    assert (second.vouchers, second.amount) == (first.vouchers, first.amount) == (1, 60_000_00)
    assert extent() == before
    assert issue(scheme, key="another").vouchers == 0


def test_where_the_budget_does_not_reach_for_all_none_is_issued():
    scheme = cast.make_programme(cast.make_authority(), budget=100_000_00)
    award(scheme)
    award(scheme, "60000.00")
    award(scheme, "50000.00")
    assert queries.budget_available(scheme.programme) == 100_000_00
    before = extent()

    with pytest.raises(actions.BudgetSpent, match=r"¥100,000.00 left .* ¥126,000.00"):
        issue(scheme)

    assert Voucher.objects.count() == 0
    assert extent() == before


def test_what_two_people_must_decide_is_left_out_for_the_one_who_decided_it(scheme):
    small, large = award(scheme), award(scheme, "9000000.00")

    preview = issue_preview(scheme.round, scheme.authority.officer, NOON)
    found = issue(scheme, actor=scheme.authority.officer)

    assert found == preview
    assert found.vouchers == 1
    (left,) = found.left_out
    assert left.reference == large.application.reference
    assert "another person must do this step" in left.reason
    assert Voucher.objects.get().decision_id == small.pk
    assert issue(scheme, key="by the second").vouchers == 1


def test_who_has_a_voucher_already_is_named_and_not_barred(scheme):
    holder = cast.an_sme("Twice Ltd")
    cast.an_issued_voucher(scheme, holder)
    other_round = cast.a_round(
        scheme.authority, scheme.programme, budget=1_000_000_00, code="2025-B"
    )
    later = cast.Scheme(scheme.authority, scheme.programme, scheme.release, other_round)
    award(later, applicant=holder)
    award(later)

    found = issue_preview(other_round, scheme.authority.second_officer, NOON)

    assert (found.vouchers, found.again) == (2, ("Twice Ltd",))
    assert Voucher.objects.count() == 1


def test_an_undone_award_is_not_issued(scheme):
    decision = award(scheme)
    actions.undo_decision(
        decision=decision,
        note="Misread.",
        actor=scheme.authority.second_officer,
        at=cast.NOON,
        key="u",
    )

    assert issue(scheme).vouchers == 0
    assert Voucher.objects.count() == 0


def test_only_an_officer_of_the_programme_issues(scheme):
    award(scheme)
    stranger = cast.an_sme().person
    before = extent()

    for person in (scheme.authority.finance[0], stranger):
        with pytest.raises(NotAllowed):
            issue(scheme, actor=person)

    assert Voucher.objects.count() == 0
    assert extent() == before


def test_each_holder_is_told_of_the_own_voucher(scheme):
    applicants = [cast.an_sme(), cast.an_sme()]
    for applicant in applicants:
        award(scheme, applicant=applicant)
    issue(scheme)

    write_letters(at=cast.NOON)

    for applicant in applicants:
        voucher = Voucher.objects.get(organisation=applicant.organisation)
        (message,) = Message.objects.filter(
            user=applicant.person, subject__startswith="Your voucher"
        )
        assert voucher.code in message.subject


def test_accounts_are_opened_once_whoever_opens_them_and_of_one_kind(scheme):
    act = ledger.begin(
        kind=ActKind.ISSUE_VOUCHER, key="k", actor="user:1", about="x", at=cast.NOON, payload={}
    )
    addresses = [f"voucher:{scheme.programme.code}:V-{number}" for number in range(5)]

    first = ledger.open_accounts(act, [*addresses, addresses[0]], AccountKind.VOUCHER, "CNY")
    again = ledger.open_accounts(act, addresses, AccountKind.VOUCHER, "CNY")

    assert (first, again) == (5, 0)
    assert balances.balance(addresses[4]).free == 0
    with pytest.raises(ledger.NoSuchRoad):
        ledger.open_accounts(act, addresses[:1], AccountKind.VOUCHER, "EUR")


def test_the_officer_sees_what_is_issued_before_it_is_and_then_issues_it(scheme, client):
    award(scheme)
    award(scheme, "50000.00")
    client.force_login(scheme.authority.second_officer)
    address = reverse("vouchers_issue", args=[scheme.programme.code, scheme.round.code])

    assert address in client.get(reverse("queue")).content.decode()
    page = client.get(address).content.decode()
    assert "¥90,000.00" in page
    key = re.search(r'name="key" value="([^"]+)"', page)[1]
    answer = client.post(address, {"key": key}, follow=True).content.decode()

    assert "2 vouchers are issued, ¥90,000.00 in all." in answer
    assert Voucher.objects.count() == 2
    assert "No award of this round waits" in client.get(address).content.decode()


def test_the_page_warns_where_the_budget_does_not_reach_and_has_no_button(client):
    scheme = cast.make_programme(cast.make_authority(), budget=100_000_00)
    award(scheme)
    award(scheme, "90000.00")
    client.force_login(scheme.authority.second_officer)

    page = client.get(
        reverse("vouchers_issue", args=[scheme.programme.code, scheme.round.code])
    ).content.decode()

    assert "The budget does not reach for all of them" in page
    assert "Issue them all" not in page


def test_a_stranger_finds_no_such_page(scheme, client):
    client.force_login(cast.an_sme().person)
    address = reverse("vouchers_issue", args=[scheme.programme.code, scheme.round.code])

    assert client.get(address).status_code == 404


def test_the_application_s_own_page_says_that_its_voucher_was_issued(scheme, client):
    applicant = cast.an_sme()
    decision = award(scheme, applicant=applicant)
    issue(scheme)
    client.force_login(applicant.person)

    page = client.get(reverse("application", args=[decision.application.reference]))

    assert page.content.decode().count("Vouchers issued") == 1
