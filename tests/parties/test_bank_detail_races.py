"""Whoever approves and stops bank details at one moment: an organisation is paid at one place."""

from datetime import timedelta

import pytest

from common.errors import Refused
from parties import actions
from parties.models import BankDetail
from parties.queries import bank_details_paid
from tests import cast
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow

DAYS = timedelta(days=7)


def a_proposal(applicant, number):
    return actions.propose_bank_detail(
        organisation=applicant.organisation,
        scheme="OTHER",
        number=f"622200000000{number:04}",
        agent="BKCHCNBJ",
        holder=applicant.organisation.name,
        actor=applicant.person,
        at=cast.NOON,
        key=f"propose {number}",
    )


def paid_on(applicant, days):
    return list(bank_details_paid(cast.NOON + days).filter(organisation=applicant.organisation))


def test_approvals_at_once_leave_one_that_follows_and_the_former_is_paid_until_then(
    committed_db,
):
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    first = cast.a_bank_detail(applicant.organisation, applicant.person, authority)
    proposals = [a_proposal(applicant, number) for number in range(6)]

    answers = at_once(
        6,
        lambda n: actions.approve_bank_detail(
            bank_detail=proposals[n],
            actor=authority.finance[n % 3],
            at=cast.NOON,
            key=f"approve {n}",
        ),
    )

    assert [one for one in answers if isinstance(one, Exception)] == []
    newest = BankDetail.objects.get(status="APPROVED")
    assert paid_on(applicant, DAYS - timedelta(seconds=1)) == [first]
    assert paid_on(applicant, DAYS) == [newest]


def test_one_change_approved_and_stopped_at_once_is_one_or_the_other(committed_db):
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    first = cast.a_bank_detail(applicant.organisation, applicant.person, authority)
    change = a_proposal(applicant, 1)

    def ask(number):
        if number % 2:
            return actions.stop_bank_detail(
                bank_detail=change,
                note="Not ours.",
                actor=applicant.person,
                at=cast.NOON,
                key=f"stop {number}",
            )
        return actions.approve_bank_detail(
            bank_detail=change,
            actor=authority.finance[number // 2],
            at=cast.NOON,
            key=f"approve {number}",
        )

    answers = at_once(6, ask)

    assert all(isinstance(one, BankDetail | Refused) for one in answers)
    assert sum(isinstance(one, BankDetail) for one in answers[1::2]) == 1
    change.refresh_from_db()
    assert change.status == "STOPPED"
    assert paid_on(applicant, timedelta()) == paid_on(applicant, 2 * DAYS) == [first]
