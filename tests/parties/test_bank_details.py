"""Where an organisation is paid is proposed by one person and approved by another."""

import contextlib
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.queries import extent
from parties import actions
from parties.models import BankDetail
from parties.queries import (
    NotAllowed,
    SamePerson,
    bank_detail_in_force,
    bank_detail_state,
    bank_details_paid,
)
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
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)

    proposed = propose(applicant)
    assert bank_detail_in_force(applicant.organisation, cast.NOON) is None

    approve(proposed, authority.finance[0])
    assert bank_detail_in_force(applicant.organisation, cast.NOON) == proposed
    assert proposed.number == "GB82WEST12345698765432"


GERMAN = {"number": "DE89370400440532013000", "agent": "COBADEFF"}
DAYS = timedelta(days=7)
MOMENT = timedelta(seconds=1)


def paid(applicant, at):
    return bank_detail_in_force(applicant.organisation, at)


def test_a_change_is_paid_after_its_cooling_off_and_the_former_one_until_then():
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    first = approve(propose(applicant), authority.finance[0])

    second = propose(applicant, key="b2", **GERMAN)
    assert paid(applicant, cast.NOON) == first
    approve(second, authority.finance[1], key="a2")

    assert paid(applicant, cast.NOON) == paid(applicant, cast.NOON + DAYS - MOMENT) == first
    assert paid(applicant, cast.NOON + DAYS) == second
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.status == BankDetail.Status.REPLACED
    states = [
        [bank_detail_state(one, at) for one in (first, second)]
        for at in (cast.NOON, cast.NOON + DAYS)
    ]
    assert states == [["LEAVING", "COOLING_OFF"], ["REPLACED", "APPROVED"]]
    with pytest.raises(actions.BankDetailNotWaiting):
        approve(first, authority.finance[1], key="a3")


def test_the_settings_say_how_long_the_cooling_off_is(settings):
    settings.BANK_DETAIL_COOLING_OFF_DAYS = 0
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    approve(propose(applicant), authority.finance[0])

    second = approve(propose(applicant, key="b2", **GERMAN), authority.finance[1], key="a2")

    assert paid(applicant, cast.NOON) == second


def test_an_authority_pays_from_a_new_account_at_once():
    authority = cast.make_authority()
    finance = cast.Applicant(authority.organisation, authority.finance[0])
    approve(propose(finance), authority.finance[1])

    second = approve(propose(finance, key="b2", **GERMAN), authority.finance[2], key="a2")

    assert paid(finance, cast.NOON) == second


def stop(bank_detail, actor, at=cast.NOON, key="s"):
    return actions.stop_bank_detail(
        bank_detail=bank_detail, note="Not ours.", actor=actor, at=at, key=key
    )


def test_a_change_is_stopped_within_its_cooling_off_by_one_person_of_the_organisation():
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    first = approve(propose(applicant), authority.finance[0])
    second = approve(propose(applicant, key="b2", **GERMAN), authority.finance[1], key="a2")

    stopped = stop(second, applicant.person, cast.NOON + DAYS - MOMENT)

    assert stopped.status == BankDetail.Status.STOPPED
    assert paid(applicant, cast.NOON + 2 * DAYS) == first
    first.refresh_from_db()
    assert first.status == BankDetail.Status.APPROVED
    # Asked twice, it answers the first time's answer.
    assert stop(second, applicant.person, cast.NOON + DAYS - MOMENT) == stopped


def test_what_is_paid_already_or_over_is_not_stopped():
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    first = approve(propose(applicant), authority.finance[0])
    second = approve(propose(applicant, key="b2", **GERMAN), authority.finance[1], key="a2")
    third = stop(propose(applicant, key="b3"), authority.finance[0], key="s3")
    stranger = cast.an_sme("Other Ltd").person
    before = extent()

    for one, at in ((first, cast.NOON), (second, cast.NOON + DAYS), (third, cast.NOON)):
        with pytest.raises(actions.BankDetailNotStoppable):
            stop(one, applicant.person, at, key="no")
    with pytest.raises(NotAllowed):
        stop(second, stranger, key="no")

    assert extent() == before
    assert paid(applicant, cast.NOON + DAYS) == second


def test_a_change_that_is_followed_within_its_cooling_off_is_never_paid():
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    first = approve(propose(applicant), authority.finance[0])
    second = approve(propose(applicant, key="b2", **GERMAN), authority.finance[1], key="a2")
    third = actions.approve_bank_detail(
        bank_detail=propose(applicant, key="b3"),
        actor=authority.finance[0],
        at=cast.NOON + DAYS / 2,
        key="a3",
    )

    assert paid(applicant, cast.NOON + DAYS) == first
    assert paid(applicant, cast.NOON + DAYS * 3 / 2 - MOMENT) == first
    assert paid(applicant, cast.NOON + DAYS * 3 / 2) == third
    second.refresh_from_db()
    assert second.pays_from_at == second.pays_until_at


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["approve", "stop"]), st.integers(0, 10)), max_size=7
    ),
    asked=st.integers(0, 80),
)
def test_an_organisation_is_paid_at_one_place_at_most_and_never_within_a_cooling_off(
    steps, asked
):
    with transaction.atomic():
        authority = cast.make_authority()
        applicant = cast.a_payee(authority)
        at, newest = cast.NOON, approve(propose(applicant), authority.finance[0])
        for number, (step, days) in enumerate(steps):
            at += timedelta(days=days)
            if step == "approve":
                newest = actions.approve_bank_detail(
                    bank_detail=propose(applicant, key=f"b{number}"),
                    actor=authority.finance[0],
                    at=at,
                    key=f"a{number}",
                )
            else:
                with contextlib.suppress(actions.BankDetailNotStoppable):
                    stop(newest, applicant.person, at, key=f"s{number}")
        on = cast.NOON + timedelta(days=asked)
        found = bank_details_paid(on).filter(organisation=applicant.organisation)
        (one,) = found
        assert one.pk == _first(applicant).pk or on >= one.approved_at + DAYS
        transaction.set_rollback(True)


def _first(applicant):
    return BankDetail.objects.filter(organisation=applicant.organisation).earliest("pk")


def test_who_proposed_can_not_approve():
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    cast.with_role(applicant.person, authority.organisation, Role.FINANCE)
    proposed = propose(applicant)
    before = extent()

    with pytest.raises(SamePerson, match="proposed the bank detail"):
        approve(proposed, applicant.person)

    assert bank_detail_in_force(applicant.organisation, cast.NOON) is None
    assert extent() == before


def test_only_finance_approves():
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    proposed = propose(applicant)

    with pytest.raises(NotAllowed, match="Finance officer"):
        approve(proposed, authority.officer)
    assert bank_detail_in_force(applicant.organisation, cast.NOON) is None


def test_only_an_authority_that_deals_with_the_organisation_approves_and_stops():
    """By accrediting it, or by a request that it sent; an own account is the authority's own."""
    authority, other = cast.make_authority(), cast.make_authority("Elsewhere Bureau")
    scheme = cast.make_programme(authority, cast.M3)
    firm = cast.an_sme()
    details = [
        propose(cast.a_payee(authority), key="b1"),
        propose(firm, key="b2"),
        propose(cast.Applicant(authority.organisation, authority.finance[0]), key="b3"),
    ]
    with pytest.raises(NotAllowed, match="an authority that Small Model Ltd deals with"):
        approve(details[1], authority.finance[1], key="too early")
    cast.a_sent_application(scheme, firm)
    before = extent()

    for one in details:
        with pytest.raises(NotAllowed, match="deals with"):
            approve(one, other.finance[0], key="no")
        with pytest.raises(NotAllowed, match="deals with"):
            stop(one, other.finance[0], key="no")

    assert extent() == before
    for number, one in enumerate(details):
        assert approve(one, authority.finance[1], key=f"a{number}").approved_at == cast.NOON


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
