"""What several payers paid is taken back for each of them, by its part, to the last fen."""

import pytest
from django.db import IntegrityError, connection, transaction

from billing import actions
from billing.models import CollectionProposal, Payment, RecoveryPart
from billing.queries.recoveries import due_against, set_off_before
from tests.billing import stage
from tests.billing.recovering import (
    decided,
    offset,
    opened,
    proposed,
    recorded,
    settled,
    upheld,
)
from tests.billing.sharing import a_scene, changes, figures, nets, paid, parts
from tests.billing.test_several_funders import a_sent_batch

pytestmark = pytest.mark.django_db

REPAYMENT, WRITE_OFF = CollectionProposal.Kind.REPAYMENT, CollectionProposal.Kind.WRITE_OFF


@pytest.fixture
def both():
    """600.00 of one line are paid to its provider: 400.00 by the city, 200.00 by the province."""
    return a_scene()


def codes(both):
    scene, province = both
    return scene.authority.organisation.code, province.organisation.code


def test_a_case_of_a_line_has_a_part_for_each_payer_of_it(both):
    city, province = codes(both)
    _order, line = paid(*both)

    case = opened(both[0], line, amount=100_01)
    # The law names the province first; the last unit goes to the city.
    assert parts(case) == {city: (66_68, 0, 0, 0), province: (33_33, 0, 0, 0)}
    case = decided(both[0], case, amount=50_00)

    assert parts(case) == {city: (66_68, 33_34, 0, 0), province: (33_33, 16_66, 0, 0)}


def test_what_is_set_off_falls_on_each_payer_by_what_it_owes_and_what_is_its_part(both):
    city, province = codes(both)
    order, line = paid(*both)
    case = upheld(both[0], line, amount=300_00)
    settled(both[0], order, hours=10, key="job-2")
    before = nets(*both)
    assert due_against(case) == 150_00

    first = offset(both[0], case, key="offset")

    assert (first.amount, offset(both[0], case, key="offset")) == (150_00, first)
    assert changes(*both, before) == {
        "city owes": -100_00,
        "province owes": -50_00,
        "owed": 150_00,
        "recovered": -150_00,
        "voucher": 150_00,
    }
    assert parts(case) == {
        city: (200_00, 200_00, 100_00, 0),
        province: (100_00, 100_00, 50_00, 0),
    }
    # 600.00 and 150.00 are borne; what was set off is neither due nor paid.
    assert figures(both[0]) == {
        city: (500_00, 0, 400_00, 100_00),
        province: (250_00, 0, 200_00, 50_00),
    }
    stage.assert_in_step()


def test_nothing_is_set_off_against_what_another_payer_owes(both):
    scene, province = both
    _order, line = paid(*both)
    of_province = Payment.objects.get(batch__payer=province.organisation)
    case = upheld(scene, of_province, amount=200_00)
    assert parts(case) == {province.organisation.code: (200_00, 200_00, 0, 0)}
    order = line.order
    settled(scene, order, hours=10, key="job-2")
    before = nets(*both)

    offset(scene, case)

    assert changes(*both, before)["province owes"] == -50_00
    assert "city owes" not in changes(*both, before)
    with pytest.raises(actions.NothingToSetOff):
        offset(scene, case)


def test_what_is_paid_back_and_what_is_too_much_is_each_payers_in_proportion(both):
    city, province = codes(both)
    _order, line = paid(*both)
    case = upheld(both[0], line, amount=150_00)
    proposal = proposed(both[0], case, REPAYMENT, 180_00)
    before = nets(*both)

    first = recorded(both[0], proposal, key="record")

    assert recorded(both[0], proposal, key="record") == first
    assert (first.amount, first.refund_amount) == (150_00, 30_00)
    assert changes(*both, before) == {
        "city paid": -120_00,
        "province paid": -60_00,
        "city owes": 20_00,
        "province owes": 10_00,
        "owed": 150_00,
        "recovered": -150_00,
        "voucher": 150_00,
    }
    assert figures(both[0]) == {
        city: (400_00, 20_00, 280_00, 100_00),
        province: (200_00, 10_00, 140_00, 50_00),
    }
    stage.assert_in_step()


def test_what_is_given_up_is_given_up_by_each(both):
    _order, line = paid(*both)
    case = upheld(both[0], line, amount=1)

    recorded(both[0], proposed(both[0], case, WRITE_OFF, 1))

    assert sum(one[3] for one in parts(case).values()) == 1
    assert RecoveryPart.objects.get(recovery=case).left == 0
    stage.assert_in_step()


def test_of_each_payer_all_cases_take_back_no_more_than_it_bears(both):
    scene, province = both
    _order, line = paid(*both)
    upheld(scene, Payment.objects.get(batch__payer=province.organisation), amount=200_00)

    with pytest.raises(actions.RecoveryTooMuch, match=r"400\.00"):
        opened(scene, line, amount=400_01)
    case = opened(scene, line, amount=400_00)

    assert parts(case) == {scene.authority.organisation.code: (400_00, 0, 0, 0)}


def test_the_next_batch_of_each_payer_pays_less_where_the_law_sets_off_by_itself():
    scene, province = both = a_scene(offset="true", home="BUDGET")
    order, line = paid(*both)
    upheld(scene, line, amount=90_00)
    settled(scene, order, hours=10, key="job-2")

    batches = [a_sent_batch(scene, one)[0] for one in (province, scene.authority)]

    assert [one.total for one in batches] == [50_00 - 30_00, 100_00 - 60_00]
    # Both were set off before the first, each against what its own payer owed.
    assert [amount for _one, amount in set_off_before(batches[0])] == [30_00]
    stage.assert_in_step()


def test_parts_that_do_not_add_up_are_refused_by_the_database(both):
    _order, line = paid(*both)
    case = opened(both[0], line, amount=3_00)
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")

    with pytest.raises(IntegrityError, match="do not add up"), transaction.atomic():
        case.parts.update(amount=1)
