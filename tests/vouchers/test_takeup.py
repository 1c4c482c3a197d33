"""How far applications get is counted exactly, and so is what was asked for and not had."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from billing import actions as billing
from ledger.actions import SYSTEM
from tests import cast
from tests.billing import stage
from vouchers import actions
from vouchers.models import Voucher
from vouchers.queries.takeup import AMOUNTS, STEPS, UNMET, take_up

pytestmark = pytest.mark.django_db

LATER = stage.LATER


def after(days, hours=0):
    return cast.NOON + timedelta(days=days, hours=hours)


@pytest.fixture
def scheme():
    return cast.make_programme(cast.make_authority())


def look(scheme, at=LATER, *, round=None, shows_few=True):
    return take_up(scheme.programme, at, round=round, shows_few=shows_few)


def counts(found):
    return {cell.code: cell.count for cell in found.steps}


def upto(step, number=1):
    """Return the counts of so many applications that reached a step and no later one."""
    place = STEPS.index(step)
    return {code: number if index <= place else 0 for index, code in enumerate(STEPS)}


def amounts(found):
    return {cell.code: cell.amount for cell in found.amounts if cell.amount}


def unmet(found):
    return {cell.code: (cell.count, cell.amount) for cell in found.unmet if cell.count}


def decide(scheme, sent, outcome="PASS", *, at=cast.NOON, **more):
    return actions.decide_application(
        application=sent,
        outcome=outcome,
        awarded=more.get("awarded"),
        note="" if outcome == "PASS" else "Not this time",
        actor=scheme.authority.officer,
        at=at,
        key=cast.a_key("decide"),
    )


def spend(scheme, voucher, applicant, seller, hours):
    """Order so many hours at 25.00, use them all, and settle the bill."""
    order = cast.a_hold(voucher, applicant, seller, hours=hours)
    scene = cast.Scene(scheme.authority, seller, scheme, applicant, voucher)
    stage.use(seller, order, hours=int(hours), key=f"job-{order.code}")
    stage.settle(stage.bill(scene, invoice=f"INV-{order.code}"))
    return order


# --- the steps -------------------------------------------------------------------------------


def test_of_nothing_there_are_no_figures(scheme):
    found = look(scheme)

    assert found.is_empty
    assert counts(found) == dict.fromkeys(STEPS, 0)
    assert [cell.code for cell in found.amounts] == list(AMOUNTS)
    assert [cell.code for cell in found.unmet] == list(UNMET)
    assert all(cell.amount == 0 for cell in (*found.amounts, *found.unmet))
    assert all(cell.days is None for cell in found.steps)


def test_a_draft_is_started(scheme):
    cast.a_draft(scheme, cast.an_sme())

    found = look(scheme)

    assert counts(found) == upto("started")
    assert (amounts(found), unmet(found), found.is_empty) == ({}, {}, False)


def test_a_sent_application_is_sent(scheme):
    cast.a_sent_application(scheme, cast.an_sme(), fee_total="123456.78")

    found = look(scheme)

    assert counts(found) == upto("sent")
    assert amounts(found) == {"asked": 123_456_78}


def test_a_withdrawn_application_stays_sent(scheme):
    applicant = cast.an_sme()
    sent = cast.a_sent_application(scheme, applicant)
    actions.withdraw_application(
        application=sent, actor=applicant.person, at=cast.NOON, key="withdraw"
    )

    assert counts(look(scheme)) == upto("sent")


def test_who_meets_the_conditions_is_eligible_though_turned_down(scheme):
    decide(scheme, cast.a_sent_application(scheme, cast.an_sme()), "FAIL")

    found = look(scheme)

    assert counts(found) == upto("eligible")
    assert amounts(found) == {"asked": 100_000_00, "recommended": 60_000_00}


def test_who_is_referred_is_eligible_once_approved():
    scheme = cast.make_programme(cast.make_authority(), cast.M1)
    sent = cast.a_sent_application(scheme, cast.an_sme())
    referred = actions.decide_automatically(application=sent, at=after(1), key="auto")
    assert referred.outcome == "REFER"
    assert counts(look(scheme)) == upto("sent")

    decide(scheme, sent, at=after(5))

    found = look(scheme)
    assert counts(found) == upto("approved")
    assert {cell.code: cell.days for cell in found.steps}["eligible"] == 5


def test_an_undone_approval_is_no_longer_approved(scheme):
    decision = cast.an_approved_application(scheme, cast.an_sme())
    assert counts(look(scheme)) == upto("approved")

    actions.undo_decision(
        decision=decision,
        note="A mistake",
        actor=scheme.authority.officer,
        at=cast.NOON,
        key="undo",
    )

    # The law's own answer, that all conditions are met, is not undone by a person.
    assert counts(look(scheme)) == upto("eligible")


def test_an_award_and_a_voucher(scheme):
    cast.an_approved_application(scheme, cast.an_sme(), awarded=50_000_00)
    found = look(scheme)
    assert counts(found) == upto("approved")
    assert amounts(found) == {
        "asked": 100_000_00, "recommended": 60_000_00, "awarded": 50_000_00,
    }  # fmt: skip

    actions.issue_vouchers(
        round=scheme.round, actor=scheme.authority.second_officer, at=cast.NOON, key="issue"
    )
    found = look(scheme)
    assert counts(found) == upto("issued")
    assert amounts(found)["value_issued"] == amounts(found)["free"] == 50_000_00


def test_an_order_a_spent_part_and_all_of_it(scheme):
    seller, applicant = cast.make_provider(scheme.authority), cast.an_sme()
    # 60 % of 1,000.00 is 600.00: forty hours at 25.00, of which the voucher bears 15.00.
    voucher = cast.an_issued_voucher(scheme, applicant, fee_total="1000.00")

    order = cast.a_hold(voucher, applicant, seller, hours="10")
    found = look(scheme)
    assert counts(found) == upto("in_use")
    assert (amounts(found)["held"], amounts(found)["free"]) == (150_00, 450_00)

    stage.use(seller, order, hours=10)
    scene = cast.Scene(scheme.authority, seller, scheme, applicant, voucher)
    stage.settle(stage.bill(scene))
    found = look(scheme)
    assert counts(found) == upto("spent_from")
    assert amounts(found) == {
        "asked": 1_000_00, "recommended": 600_00, "awarded": 600_00, "value_issued": 600_00,
        "free": 450_00, "spent": 150_00,
    }  # fmt: skip

    spend(scheme, voucher, applicant, seller, "30")
    found = look(scheme)
    assert counts(found) == upto("wholly_spent")
    assert amounts(found)["spent"] == 600_00
    assert "free" not in amounts(found)


def test_a_claim_is_use_where_use_is_paid_for_first():
    scene = cast.make_scene(cast.M1)
    assert counts(look(scene.scheme)) == upto("issued")

    billing.submit_claim(
        voucher=scene.voucher,
        provider=scene.seller.provider,
        invoice_number="INV-1",
        amount_paid=100_000_00,
        fee_excluded=0,
        period_from=stage.JUNE,
        period_until=stage.JULY,
        contract_from_on=date(2025, 3, 1),
        contract_until_on=date(2025, 12, 31),
        actor=scene.applicant.person,
        at=LATER,
        key="claim",
    )

    assert counts(look(scene.scheme)) == upto("in_use")


def test_what_is_given_back_and_what_expires_is_told_apart(scheme):
    first, second = cast.an_sme(), cast.an_sme()
    given = cast.an_issued_voucher(scheme, first)
    cast.an_issued_voucher(scheme, second, fee_total="1000.00")
    actions.return_voucher(
        voucher=given, amount=10_000_00, actor=first.person, at=cast.NOON, key="return"
    )
    far = cast.NOON + timedelta(days=3000)
    for voucher in Voucher.objects.order_by("pk"):
        actions.expire_voucher(voucher=voucher, at=far, key=f"expire {voucher.pk}")

    found = look(scheme, far)

    assert amounts(found) == {
        "asked": 101_000_00, "recommended": 60_600_00, "awarded": 60_600_00,
        "value_issued": 60_600_00, "expired": 50_600_00, "returned": 10_000_00,
    }  # fmt: skip
    cells = {cell.code: cell for cell in found.amounts}
    assert (cells["returned"].count, cells["expired"].count) == (1, 2)


def test_hours_are_the_unit_where_hours_are_given():
    scene = cast.make_scene(cast.M5)

    found = look(scene.scheme)

    assert amounts(found)["asked"] == 5_000 * cast.HOUR
    assert amounts(found)["value_issued"] == amounts(found)["free"] == 5_000 * cast.HOUR


# --- days ------------------------------------------------------------------------------------


def test_days_are_medians_of_whole_days(scheme):
    for days, hours in ((1, 0), (2, 23), (8, 0), (9, 0)):
        applicant = cast.an_sme()
        draft = cast.a_draft(scheme, applicant)
        sent = actions.submit_application(
            application=draft,
            actor=applicant.person,
            at=after(days, hours),
            key=cast.a_key("send"),
        )
        if days < 8:
            decide(scheme, sent, at=after(days + 10, hours))

    found = {cell.code: (cell.count, cell.days) for cell in look(scheme).steps}

    # 1, 2 (and 23 hours), 8 and 9 days: the middle of 2 and 8.
    assert found["sent"] == (4, 5)
    assert found["eligible"] == (2, 10)
    assert found["approved"] == (2, 0)
    assert (found["started"], found["issued"]) == ((4, None), (0, None))


def test_half_a_day_of_the_median_counts_upwards(scheme):
    for days in (1, 2):
        applicant = cast.an_sme()
        actions.submit_application(
            application=cast.a_draft(scheme, applicant),
            actor=applicant.person,
            at=after(days),
            key=cast.a_key("send"),
        )

    assert {cell.code: cell.days for cell in look(scheme).steps}["sent"] == 2


# --- unmet demand ----------------------------------------------------------------------------


def test_an_award_that_the_budget_does_not_reach_is_unmet():
    scheme = cast.make_programme(cast.make_authority(), budget=100_000_00)
    cast.an_approved_application(scheme, cast.an_sme())
    cast.an_approved_application(scheme, cast.an_sme())
    # Of the 40,000.00 that the first leaves, the third still has enough.
    cast.an_approved_application(scheme, cast.an_sme(), fee_total="50000.00")

    assert unmet(look(scheme)) == {"no_voucher": (1, 60_000_00)}


def test_what_the_budget_cut_off_at_the_decision_is_unmet():
    scheme = cast.make_programme(cast.make_authority(), budget=50_000_00)
    decision = cast.an_approved_application(scheme, cast.an_sme())
    assert decision.awarded == 50_000_00

    assert unmet(look(scheme)) == {"cut_by_budget": (1, 10_000_00)}


def test_what_is_asked_above_the_ceilings_is_unmet(scheme):
    # 60 % of 20,000,000.00 is 12,000,000.00, and 5,000,000.00 a year is the most.
    cast.an_approved_application(scheme, cast.an_sme(), fee_total="20000000.00")

    assert unmet(look(scheme)) == {"above_law": (1, 7_000_000_00)}


def test_a_draft_is_not_sent_in_time_once_its_round_is_over(scheme):
    round = cast.a_round(
        scheme.authority, scheme.programme, budget=1_00, code="2025-B", closes_on=cast.TODAY
    )
    short = replace(scheme, round=round)
    cast.a_draft(short, cast.an_sme(), fee_total="1234.56")
    cast.a_draft(short, cast.an_sme(), fee_total="much")
    cast.a_draft(scheme, cast.an_sme())
    cast.a_sent_application(short, cast.an_sme())

    assert unmet(look(scheme, cast.NOON)) == {}
    found = look(scheme, after(1))
    assert unmet(found) == {"not_sent": (2, 1_234_56)}
    assert (counts(found)["started"], counts(found)["sent"]) == (4, 1)


# --- rounds, and figures of few --------------------------------------------------------------


def two_rounds(scheme, here, there):
    """Let so many organisations apply in each of two rounds; return the second round."""
    round = cast.a_round(scheme.authority, scheme.programme, budget=1_000_00, code="2025-B")
    for number in range(here):
        cast.a_sent_application(scheme, cast.an_sme(f"Here {number}"))
    for number in range(there):
        cast.a_sent_application(replace(scheme, round=round), cast.an_sme(f"There {number}"))
    return round


def test_each_round_has_its_own_figures(scheme):
    second = two_rounds(scheme, 2, 1)

    assert counts(look(scheme)) == upto("sent", 3)
    assert counts(look(scheme, round=scheme.round)) == upto("sent", 2)
    assert counts(look(scheme, round=second)) == upto("sent", 1)
    assert amounts(look(scheme, round=second)) == {"asked": 100_000_00}


def test_figures_of_few_organisations_are_withheld(scheme):
    for _number in range(4):
        cast.a_sent_application(scheme, cast.an_sme())
    few = look(scheme, shows_few=False)
    started = few.steps[0]

    assert (started.is_withheld, started.count, started.organisations) == (True, None, None)
    assert (few.steps[1].is_withheld, few.steps[1].days) == (True, None)
    assert [cell.is_withheld for cell in few.steps[2:]] == [False] * 6
    assert [cell.code for cell in few.amounts if cell.is_withheld] == ["asked"]
    assert not few.is_empty

    cast.a_sent_application(scheme, cast.an_sme())
    assert counts(look(scheme, shows_few=False)) == upto("sent", 5)


def test_a_round_of_few_can_not_be_found_by_subtraction(scheme):
    two_rounds(scheme, 6, 2)

    whole = look(scheme, shows_few=False)
    here = look(scheme, round=scheme.round, shows_few=False)

    assert counts(whole) == upto("sent", 8)
    assert here.steps[1].is_withheld
    assert here.steps[1].count is None
    assert counts(look(scheme, round=scheme.round)) == upto("sent", 6)


def test_another_programme_s_applications_do_not_count(scheme):
    cast.an_issued_voucher(cast.make_programme(scheme.authority, cast.M1), cast.an_sme())

    assert look(scheme).is_empty


def test_it_takes_as_many_statements_however_much_there_is(
    scheme, django_assert_num_queries, django_assert_max_num_queries
):
    seller = cast.make_provider(scheme.authority)
    with django_assert_max_num_queries(6) as few:
        look(scheme)
    second = two_rounds(scheme, 3, 3)
    for _number in range(3):
        applicant = cast.an_sme()
        voucher = cast.an_issued_voucher(scheme, applicant, fee_total="1000.00")
        spend(scheme, voucher, applicant, seller, "10")

    for round in (None, scheme.round, second):
        with django_assert_num_queries(len(few)):
            look(scheme, round=round)


def test_an_award_decided_by_nobody_counts_like_any_other(scheme):
    sent = cast.a_sent_application(scheme, cast.an_sme(), fee_total="50000.00")
    decision = actions.decide_automatically(application=sent, at=cast.NOON, key="auto")
    actions.issue_voucher(decision=decision, actor=SYSTEM, at=cast.NOON, key="issue")

    assert counts(look(scheme)) == upto("issued")
