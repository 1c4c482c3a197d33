"""A provider turns a voucher's code into one order, once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from ledger.actions import KeyReused
from ledger.queries import extent
from tests import cast
from vouchers import actions, queries
from vouchers.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene()


def redeem(scene, *, code=None, seller=None, offer=None, hours="100", key="r", at=cast.NOON):
    seller = seller or scene.seller
    return actions.redeem_code(
        redemption_code=code or scene.voucher.redemption_code,
        provider=seller.provider,
        offer=offer or seller.offer,
        hours=Decimal(hours),
        provider_reference="proj-7",
        actor=seller.provider.address,
        at=at,
        key=key,
    )


def refuses(scene, refusal, match=None, **asked):
    """Whatever is asked is refused, and nothing has moved."""
    before = extent()
    with pytest.raises(refusal, match=match):
        redeem(scene, **asked)
    assert extent() == before


def test_a_code_becomes_an_order_with_its_hold(scene):
    order = redeem(scene, code=scene.voucher.redemption_code.lower().replace("-", " "))

    assert (order.placed_by, order.placed_by_user) == ("PROVIDER", None)
    assert order.hold_amount == 1_500_00
    assert queries.voucher_balance(scene.voucher).free == 58_500_00
    assert queries.order_by_reference(scene.seller.provider, "PROJ-7") == order
    assert queries.order_by_reference(scene.seller.provider, order.code.lower()) == order
    assert queries.order_by_reference(scene.seller.provider, "") is None


def test_asked_twice_with_one_key_gives_the_first_order(scene):
    first = redeem(scene)

    assert redeem(scene) == first
    refuses(scene, KeyReused, hours="101")
    assert Order.objects.count() == 1


def test_a_second_redemption_is_refused(scene):
    order = redeem(scene)

    refuses(scene, actions.OrderAlreadyOpen, order.code, key="again")
    assert queries.voucher_balance(scene.voucher).free == 58_500_00


def test_an_unknown_code_is_refused(scene):
    refuses(
        scene, actions.CodeUnknown, "No voucher has the code 2222", code="2222-2222-2222-2222"
    )
    refuses(scene, actions.CodeUnknown, code="x")
    # A voucher's public code is not its redemption code.
    refuses(scene, actions.CodeUnknown, code=scene.voucher.code)


def test_another_provider_s_offer_is_refused(scene):
    rival = cast.make_provider(scene.authority, "Rival Compute")

    refuses(scene, actions.OfferNotYours, "Acme Compute", offer=rival.offer)
    assert queries.order_by_reference(rival.provider, "proj-7") is None


def test_an_expired_code_is_refused_and_nothing_has_moved(scene):
    refuses(scene, actions.VoucherExpired, at=cast.NOON + timedelta(days=366))
    assert queries.voucher_balance(scene.voucher).pending == 0


def test_a_suspended_code_is_refused(scene):
    actions.suspend_voucher(
        voucher=scene.voucher,
        note="Under review.",
        actor=scene.authority.officer,
        at=cast.NOON,
        key="s",
    )

    refuses(scene, actions.VoucherSuspended)


def test_a_returned_code_is_refused(scene):
    actions.return_voucher(
        voucher=scene.voucher,
        amount=None,
        actor=scene.applicant.person,
        at=cast.NOON,
        key="back",
    )

    refuses(scene, actions.VoucherOver)
