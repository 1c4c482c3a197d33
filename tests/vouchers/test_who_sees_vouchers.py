"""People see what is theirs: the holder's, the programme's, and all for a regulator."""

import pytest

from common.errors import NotFound
from parties.roles import Role
from tests import cast
from vouchers import queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene()


def test_vouchers_and_applications_are_seen_by_the_right_people(scene):
    voucher, sent = scene.voucher, scene.voucher.decision.application
    elsewhere = cast.make_authority("Another Bureau")
    one_programme = cast.with_role(
        cast.a_person(), scene.authority.organisation, Role.OFFICER, cast.M3
    )
    another_programme = cast.with_role(
        cast.a_person(), scene.authority.organisation, Role.OFFICER, cast.M1
    )

    for person in (
        scene.applicant.person,
        scene.authority.officer,
        scene.authority.finance[2],
        scene.authority.investigator,
        scene.authority.regulator,
        elsewhere.regulator,
        one_programme,
    ):
        assert queries.voucher_of(person, voucher.code) == voucher
        assert queries.application_of(person, sent.reference) == sent
    for person in (
        cast.an_sme("Other Ltd").person,
        scene.seller.person,
        elsewhere.officer,
        another_programme,
    ):
        with pytest.raises(NotFound, match=voucher.code):
            queries.voucher_of(person, voucher.code)
        with pytest.raises(NotFound):
            queries.application_of(person, sent.reference)


def test_an_order_is_seen_by_both_its_sides(scene):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    rival = cast.make_provider(scene.authority, "Rival Compute")

    for person in (scene.applicant.person, scene.seller.person, scene.authority.officer):
        assert queries.order_of(person, order.code) == order
    with pytest.raises(NotFound):
        queries.order_of(rival.person, order.code)
    assert list(queries.orders_with(scene.seller.provider)) == [order]
    assert list(queries.orders_with(rival.provider)) == []


def test_lists_take_the_same_number_of_queries_however_long(scene, django_assert_num_queries):
    officer = scene.authority.officer
    for number in range(3):
        cast.an_issued_voucher(scene.scheme, cast.an_sme(f"Firm {number}"))
    cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    with django_assert_num_queries(4):
        vouchers = list(queries.vouchers_visible_to(officer))
        balances = queries.voucher_balances(vouchers)
        shown = [
            (v.organisation.name, v.programme.authority.name, v.decision.awarded)
            for v in vouchers
        ]
        orders = [o.offer.provider.organisation.name for o in queries.orders_of(scene.voucher)]

    assert len(shown) == len(balances) == 4
    assert orders == ["Acme Compute"]
