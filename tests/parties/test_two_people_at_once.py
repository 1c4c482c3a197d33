"""A second step while accounts are joined: one waits for the other, and neither is lost."""

import threading

import pytest
from django.db import connection, transaction

from parties import actions as parties
from parties.models import BankDetail, User
from parties.queries import SamePerson
from parties.roles import Role
from tests import cast
from tests.ledger.book import at_once
from tests.parties.money_scenes import bank_detail_approved, proposed_bank_detail


def _joining(scene, account, key="join"):
    return parties.join_accounts(
        user=scene.first,
        other=account,
        reason="One identity card",
        actor=scene.admin,
        at=cast.NOON,
        key=key,
    )


def _in_thread(ask):
    answers = []

    def run():
        try:
            answers.append(ask())
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answers


@pytest.mark.slow
def test_an_approval_waits_for_a_join_that_is_under_way(committed_db):
    scene = bank_detail_approved()
    account = cast.with_role(cast.a_person(), scene.where, scene.role)

    with transaction.atomic():
        _joining(scene, account)
        thread, answers = _in_thread(lambda: scene.second(account))
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(30)

    assert [type(one) for one in answers] == [SamePerson]
    assert BankDetail.objects.get().status == BankDetail.Status.PROPOSED


@pytest.mark.slow
def test_a_join_waits_for_an_approval_that_is_under_way(committed_db):
    scene = bank_detail_approved()
    account = cast.with_role(cast.a_person(), scene.where, scene.role)

    with transaction.atomic():
        scene.second(account)
        thread, answers = _in_thread(lambda: _joining(scene, account))
        thread.join(0.5)
        assert thread.is_alive()
        assert User.objects.values("person").distinct().count() == User.objects.count()
    thread.join(30)

    assert answers == [User.objects.get(pk=scene.first.pk).person]
    assert BankDetail.objects.get().status == BankDetail.Status.APPROVED


@pytest.mark.slow
def test_joining_races_approving(committed_db):
    """Both lock accounts: neither may wait for what the other waits with."""
    authority = cast.make_authority()
    applicants = [cast.a_payee(authority, f"Small {number}") for number in range(12)]
    accounts = [
        cast.with_role(cast.a_person(), authority.organisation, Role.FINANCE)
        for _one in applicants
    ]
    details = [proposed_bank_detail(one) for one in applicants]

    def ask(number):
        place, is_join = divmod(number, 2)
        if is_join:
            return parties.join_accounts(
                user=applicants[place].person,
                other=accounts[place],
                reason="One identity card",
                actor=authority.admin,
                at=cast.NOON,
                key=f"join {place}",
            )
        return parties.approve_bank_detail(
            bank_detail=details[place],
            actor=accounts[place],
            at=cast.NOON,
            key=f"approve {place}",
        )

    answers = at_once(24, ask)

    for place, detail in enumerate(details):
        approval, joining = answers[2 * place], answers[2 * place + 1]
        assert not isinstance(joining, Exception), joining
        detail.refresh_from_db()
        if isinstance(approval, Exception):
            assert isinstance(approval, SamePerson), approval
            assert detail.status == BankDetail.Status.PROPOSED
        else:
            assert detail.approved_by == accounts[place]


@pytest.mark.slow
def test_many_accounts_of_one_mailbox_made_at_once_are_one_person_s(committed_db):
    def sign_up(number):
        return parties.create_user(
            email=f"mina+{number}@example.org",
            name="Mina",
            language="en",
            password=None,
            at=cast.NOON,
        )

    answers = at_once(12, sign_up)

    assert {type(one) for one in answers} == {User}
    assert len({one.person_id for one in answers}) == 1
