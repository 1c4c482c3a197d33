"""Whoever asks at once, outcomes are exact: no value twice, no deadlock."""

from collections import Counter
from decimal import Decimal

import pytest

from common.errors import Refused
from ledger.queries import accounts_out_of_step, balance
from tests import cast
from tests.ledger.book import at_once
from vouchers import actions, queries
from vouchers.models import Application, Order, Voucher

pytestmark = pytest.mark.slow

CROWD = 50


def outcomes(answers):
    """Count answers by the name of the refusal, or by what was made; a bug fails the test."""
    bugs = [a for a in answers if isinstance(a, Exception) and not isinstance(a, Refused)]
    assert bugs == []
    return Counter(type(answer).__name__ for answer in answers)


def place(scene, number, key):
    return actions.place_hold(
        voucher=Voucher.objects.select_related("organisation").get(pk=scene.voucher.pk),
        offer=scene.seller.offer,
        hours=Decimal(100),
        provider_reference=f"proj-{number}",
        actor=scene.applicant.person,
        at=cast.NOON,
        key=key,
    )


def test_fifty_holds_race_for_one_voucher(committed_db):
    # 31,000.00 is twenty holds of 1,500.00 and one of what is left.
    scene = cast.make_scene(awarded=31_000_00)

    answers = at_once(CROWD, lambda number: place(scene, number, f"h{number}"))

    assert outcomes(answers) == {"Order": 21, "NothingToHold": 29}
    amounts = Counter(Order.objects.values_list("hold_amount", flat=True))
    assert amounts == {1_500_00: 20, 1_000_00: 1}
    found = queries.voucher_balance(scene.voucher)
    assert (found.net, found.pending, found.free) == (31_000_00, 31_000_00, 0)
    assert accounts_out_of_step() == []


def test_one_key_asked_fifty_times_places_one_hold(committed_db):
    scene = cast.make_scene()

    answers = at_once(CROWD, lambda _number: place(scene, 1, "the one key"))

    assert outcomes(answers) == {"Order": CROWD}
    assert len({order.pk for order in answers}) == 1
    assert queries.voucher_balance(scene.voucher).pending == 1_500_00


def test_fifty_redemptions_of_one_code_make_one_order(committed_db):
    scene = cast.make_scene()

    answers = at_once(
        CROWD,
        lambda number: actions.redeem_code(
            redemption_code=scene.voucher.redemption_code,
            provider=scene.seller.provider,
            offer=scene.seller.offer,
            hours=Decimal(100),
            provider_reference="proj-7",
            actor=scene.seller.provider.address,
            at=cast.NOON,
            key=f"r{number}",
        ),
    )

    assert outcomes(answers) == {"Order": 1, "OrderAlreadyOpen": CROWD - 1}
    assert queries.voucher_balance(scene.voucher).pending == 1_500_00


def test_fifty_vouchers_race_for_one_budget(committed_db):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, budget=500_000_00)
    decisions = [
        cast.an_approved_application(scheme, cast.an_sme(f"Firm {number}"))
        for number in range(CROWD)
    ]

    answers = at_once(
        CROWD,
        lambda number: actions.issue_voucher(
            decision=decisions[number], actor=authority.officer, at=cast.NOON, key=f"i{number}"
        ),
    )

    # Eight awards of 60,000.00 fit into 500,000.00.
    assert outcomes(answers) == {"Voucher": 8, "BudgetSpent": 42}
    assert Voucher.objects.count() == 8
    assert balance("available:cn-chengdu-2025").free == 20_000_00
    assert accounts_out_of_step() == []


def test_one_award_issued_fifty_times_is_one_voucher(committed_db):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority)
    decision = cast.an_approved_application(scheme, cast.an_sme())

    answers = at_once(
        CROWD,
        lambda number: actions.issue_voucher(
            decision=decision, actor=authority.officer, at=cast.NOON, key=f"i{number}"
        ),
    )

    assert outcomes(answers) == {"Voucher": 1, "VoucherIssued": CROWD - 1}
    assert balance("available:cn-chengdu-2025").free == 9_940_000_00


def test_issuing_and_undoing_at_once_leaves_one_of_them(committed_db):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority)
    decision = cast.an_approved_application(scheme, cast.an_sme())

    def ask(number):
        if number % 2:
            return actions.issue_voucher(
                decision=decision, actor=authority.officer, at=cast.NOON, key=f"i{number}"
            )
        return actions.undo_decision(
            decision=decision, note="n", actor=authority.officer, at=cast.NOON, key=f"u{number}"
        )

    counted = outcomes(at_once(20, ask))

    assert counted["Voucher"] + counted["Decision"] == 1
    is_issued = Voucher.objects.exists()
    application = Application.objects.get()
    assert application.status == ("APPROVED" if is_issued else "REFERRED")
    assert balance("available:cn-chengdu-2025").free == (
        9_940_000_00 if is_issued else 10_000_000_00
    )


def test_two_vouchers_of_one_organisation_share_the_cap_of_the_year(committed_db):
    # The law of the second voucher's day allows 5,000.00 a year.
    authority = cast.make_authority()
    text = cast.policy_text(cast.M3).replace('amount = "5000000"', 'amount = "5000"')
    scheme = cast.make_programme(authority, text=text)
    seller = cast.make_provider(authority)
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    assert voucher.amount == 5_000_00
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)

    answers = at_once(20, lambda number: place(scene, number, f"h{number}"))

    assert outcomes(answers) == {"Order": 4, "NothingToHold": 16}
    assert (
        queries.used_this_year(applicant.organisation, scheme.programme, cast.TODAY) == 5_000_00
    )


def test_twenty_people_of_one_organisation_begin_one_draft(committed_db):
    scheme = cast.make_programme(cast.make_authority())
    applicant = cast.an_sme()

    answers = at_once(20, lambda number: cast.a_draft(scheme, applicant, hours=str(number)))

    assert outcomes(answers) == {"Application": 20}
    assert Application.objects.count() == 1


def test_return_release_and_hold_at_once_keep_every_unit(committed_db):
    scene = cast.make_scene()
    orders = [place(scene, number, f"h{number}") for number in range(10)]

    def ask(number):
        which, key = divmod(number, 3)[0] % 10, f"race{number}"
        if number % 3 == 0:
            return place(scene, 100 + number, key)
        if number % 3 == 1:
            return actions.release_hold(
                order=orders[which], actor=scene.applicant.person, at=cast.NOON, key=key
            )
        return actions.return_voucher(
            voucher=scene.voucher,
            amount=1_000_00,
            actor=scene.applicant.person,
            at=cast.NOON,
            key=key,
        )

    answers = at_once(30, ask)

    assert outcomes(answers) == {"Order": 20, "Voucher": 10}
    found = queries.voucher_balance(scene.voucher)
    assert (found.net, found.pending, found.free) == (50_000_00, 15_000_00, 35_000_00)
    assert balance("available:cn-chengdu-2025").free == 9_950_000_00
    assert accounts_out_of_step() == []


def test_eight_who_issue_a_round_at_once_issue_each_award_once(committed_db):
    scheme = cast.make_programme(cast.make_authority())
    for _number in range(6):
        cast.an_approved_application(scheme, cast.an_sme())

    answers = at_once(
        8,
        lambda number: actions.issue_vouchers(
            round=scheme.round,
            actor=scheme.authority.second_officer,
            at=cast.NOON,
            key=f"k{number}",
        ),
    )

    assert outcomes(answers) == {"BulkIssue": 8}
    assert sorted(answer.vouchers for answer in answers) == [0] * 7 + [6]
    assert Voucher.objects.count() == 6
    assert accounts_out_of_step() == []
