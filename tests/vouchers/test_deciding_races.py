"""Whoever decides at once, there is one decision, one verdict and one voucher."""

import pytest

from parties.roles import Role
from tests import cast
from tests.cast import NOON, a_key
from tests.cast.committee import CLOSED, allocated, law
from tests.ledger.book import at_once
from vouchers import actions
from vouchers.models import AppealVerdict, Decision, RoundDecision

pytestmark = pytest.mark.slow


def test_two_judges_at_once_make_one_verdict(committed_db):
    authority, applicant = cast.make_authority(), cast.an_sme()
    third = cast.with_role(cast.a_person("Opal Third"), authority.organisation, Role.OFFICER)
    scheme = cast.make_programme(authority)
    decision = actions.decide_application(
        application=cast.a_sent_application(scheme, applicant),
        outcome="FAIL",
        awarded=None,
        note="No plan.",
        actor=authority.officer,
        at=NOON,
        key=a_key("decide"),
    )
    found = actions.appeal_decision(
        decision=decision, grounds="See.", actor=applicant.person, at=NOON, key=a_key()
    )
    judges = (authority.second_officer, third)

    def judge(number):
        return actions.decide_appeal(
            appeal=found,
            outcome="UPHELD",
            note="The plan is there.",
            actor=judges[number % 2],
            at=NOON,
            key=f"v{number}",
        )

    answers = at_once(10, judge)

    made = [one for one in answers if isinstance(one, AppealVerdict)]
    assert len(made) == 1
    assert AppealVerdict.objects.count() == 1
    assert Decision.objects.filter(undoes__isnull=False).count() == 1


def test_ten_officers_at_once_decide_a_round_once(committed_db):
    scheme = cast.make_programme(
        cast.make_authority(), text=law(allocated("FIRST_COME")), budget=125_000_00
    )
    for number in range(3):
        cast.a_sent_application(scheme, cast.an_sme(f"Firm {number}"))

    def decide(number):
        return actions.decide_round(
            round=scheme.round,
            actor=scheme.authority.officer,
            at=CLOSED,
            key=f"round {number}",
        )

    answers = at_once(10, decide)

    made = [one for one in answers if isinstance(one, RoundDecision)]
    assert len(made) == 1
    assert all(isinstance(one, RoundDecision | actions.RoundDecided) for one in answers)
    assert Decision.objects.count() == 3
