"""Where an organisation is paid is proposed by one person and approved by another."""

import pytest

from ledger.queries import extent
from parties import actions
from parties.models import BankDetail
from parties.queries import NotAllowed, SamePerson, bank_detail_in_force
from parties.roles import Role
from tests import cast

pytestmark = pytest.mark.django_db


def propose(applicant, key="b", **more):
    facts = {
        "scheme": "IBAN",
        "number": "GB82 WEST 1234 5698 7654 32",
        "agent": "WESTGB2L",
        "holder": "Small Model Ltd",
    }
    return actions.propose_bank_detail(
        organisation=applicant.organisation,
        **{**facts, **more},
        actor=applicant.person,
        at=cast.NOON,
        key=key,
    )


def approve(bank_detail, actor, key="a"):
    return actions.approve_bank_detail(
        bank_detail=bank_detail, actor=actor, at=cast.NOON, key=key
    )


def test_a_proposed_bank_detail_counts_once_it_is_approved():
    authority, applicant = cast.make_authority(), cast.an_sme()

    proposed = propose(applicant)
    assert bank_detail_in_force(applicant.organisation) is None

    approve(proposed, authority.finance[0])
    assert bank_detail_in_force(applicant.organisation) == proposed
    assert proposed.number == "GB82WEST12345698765432"


def test_a_new_bank_detail_replaces_the_former():
    authority, applicant = cast.make_authority(), cast.an_sme()
    first = approve(propose(applicant), authority.finance[0])

    second = propose(applicant, key="b2", number="DE89370400440532013000", agent="COBADEFF")
    assert bank_detail_in_force(applicant.organisation) == first
    approve(second, authority.finance[1], key="a2")

    assert bank_detail_in_force(applicant.organisation) == second
    first.refresh_from_db()
    assert first.status == BankDetail.Status.REPLACED
    with pytest.raises(actions.BankDetailNotWaiting):
        approve(first, authority.finance[1], key="a3")


def test_who_proposed_can_not_approve():
    authority, applicant = cast.make_authority(), cast.an_sme()
    cast.with_role(applicant.person, authority.organisation, Role.FINANCE)
    proposed = propose(applicant)
    before = extent()

    with pytest.raises(SamePerson, match="proposed the bank detail"):
        approve(proposed, applicant.person)

    assert bank_detail_in_force(applicant.organisation) is None
    assert extent() == before


def test_only_finance_approves():
    authority, applicant = cast.make_authority(), cast.an_sme()
    proposed = propose(applicant)

    with pytest.raises(NotAllowed, match="Finance officer"):
        approve(proposed, authority.officer)
    assert bank_detail_in_force(applicant.organisation) is None


def test_only_the_organisation_s_own_people_propose():
    applicant, stranger = cast.an_sme(), cast.an_sme("Other Ltd")

    with pytest.raises(NotAllowed, match="Small Model Ltd"):
        propose(cast.Applicant(applicant.organisation, stranger.person))
    assert BankDetail.objects.count() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "GB82 WEST 1234 5698 7654 33"},
        {"scheme": "OTHER", "number": "62-22"},
        {"agent": "WEST"},
        {"holder": " "},
    ],
)
def test_a_bank_detail_that_can_not_be_right_is_refused(wrong):
    applicant = cast.an_sme()

    with pytest.raises(actions.BankDetailInvalid):
        propose(applicant, **wrong)
    assert BankDetail.objects.count() == 0


def test_the_same_key_proposes_once():
    applicant = cast.an_sme()

    assert propose(applicant) == propose(applicant)
    assert BankDetail.objects.count() == 1
