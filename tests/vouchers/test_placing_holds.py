"""A hold sets aside the policy's share of an order, and never more than is free."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed
from providers import actions as providers
from providers.actions import OfferWithdrawn, ProviderSuspended
from tests import cast
from vouchers import actions, queries
from vouchers.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene()


def place(scene, hours="100", key="h", at=cast.NOON, reference="", actor=None, offer=None):
    return actions.place_hold(
        voucher=scene.voucher,
        offer=offer or scene.seller.offer,
        hours=Decimal(hours),
        provider_reference=reference,
        actor=actor or scene.applicant.person,
        at=at,
        key=key,
    )


def free(scene):
    return queries.voucher_balance(scene.voucher).free


def refuses(scene, refusal, match=None, **asked):
    """Whatever is asked is refused, and nothing has moved."""
    before, left = extent(), free(scene)
    with pytest.raises(refusal, match=match):
        place(scene, **asked)
    assert (extent(), free(scene)) == (before, left)


def test_the_share_of_the_price_is_set_aside(scene):
    order = place(scene)

    # 100 hours at 25.00 are 2,500.00, of which 60 %.
    assert (order.price_total, order.hold_amount) == (2_500_00, 1_500_00)
    assert order.quantity_ms == 100 * cast.HOUR
    assert order.price == scene.seller.price
    assert order.placed_by == "HOLDER"
    assert [line["name"] for line in order.working] == [
        "price",
        "share",
        "free",
        "cap_organisation",
    ]
    balance = queries.voucher_balance(scene.voucher)
    assert (balance.net, balance.pending, balance.free) == (60_000_00, 1_500_00, 58_500_00)
    # 30 days after 2 June, until the end of that day in Shanghai.
    assert order.lapses_at == datetime(2025, 7, 2, 16, tzinfo=UTC)


def test_hours_in_kind_are_set_aside_up_to_the_whole_hour():
    scene = cast.make_scene(cast.M5)

    order = place(scene, hours="99.5")

    assert order.quantity_ms == 358_200_000
    assert (order.price, order.price_total) == (None, 358_200_000)
    assert order.hold_amount == 100 * cast.HOUR
    assert free(scene) == 4_900 * cast.HOUR


def test_a_hold_takes_what_is_left_and_the_next_is_refused(scene):
    order = place(scene, hours="5000")

    assert (order.price_total, order.hold_amount) == (125_000_00, 60_000_00)
    assert free(scene) == 0
    refuses(scene, actions.NothingToHold, "has ¥0.00 free", key="h2", reference="two")


def test_the_same_key_places_one_hold(scene):
    """A retry made a new hold, and another request of it, elsewhere (Formance wallets PR #109)."""
    first = place(scene)

    assert place(scene) == first
    assert place(scene, hours="100.0") == first
    refuses(scene, KeyReused, hours="101")
    assert free(scene) == 58_500_00


def test_a_replay_is_answered_after_the_voucher_has_expired(scene):
    first = place(scene)

    assert place(scene, at=cast.NOON + timedelta(days=400)) == first


def test_only_the_holder_s_people_place_holds(scene):
    stranger = cast.an_sme("Other Ltd")

    for person in (stranger.person, scene.seller.person, scene.authority.officer):
        refuses(scene, NotAllowed, "Applicant in Small Model Ltd", actor=person)


def test_an_expired_voucher_takes_no_hold(scene):
    last = datetime(2026, 6, 2, 15, 59, 59, tzinfo=UTC)

    refuses(
        scene,
        actions.VoucherExpired,
        "was valid until 2026-06-02",
        at=last + timedelta(seconds=1),
    )
    assert place(scene, at=last).status == "OPEN"


def test_a_suspended_voucher_takes_no_hold(scene):
    officer = scene.authority.officer
    actions.suspend_voucher(
        voucher=scene.voucher, note="Under review.", actor=officer, at=cast.NOON, key="s"
    )

    refuses(scene, actions.VoucherSuspended)

    actions.resume_voucher(
        voucher=scene.voucher, note="All is well.", actor=officer, at=cast.NOON, key="r"
    )
    assert place(scene).hold_amount == 1_500_00


@pytest.mark.parametrize("hours", ["0", "-1", "0.00001", "NaN", "Infinity", "10000001"])
def test_hours_that_can_not_be_ordered_are_refused(scene, hours):
    refuses(scene, actions.HoursInvalid, hours=hours)


def test_a_reference_that_is_too_long_is_refused(scene):
    refuses(scene, actions.ReferenceInvalid, reference="x" * 81)


def test_a_withdrawn_offer_takes_no_order(scene):
    seller = scene.seller
    providers.withdraw_offer(offer=seller.offer, actor=seller.person, at=cast.NOON, key="w")

    refuses(scene, OfferWithdrawn)


def test_a_suspended_provider_takes_no_order(scene):
    providers.suspend_provider(
        provider=scene.seller.provider,
        note="An audit.",
        actor=scene.authority.officer,
        at=cast.NOON,
        key="s",
    )

    refuses(scene, ProviderSuspended)


def test_an_offer_without_a_price_in_the_currency_is_refused(scene):
    offer = cast.an_offer(scene.seller.provider, scene.seller.person, currency="GBP")

    refuses(scene, actions.NoPriceInForce, "no price in CNY", offer=offer)


def test_hours_of_one_class_do_not_buy_another():
    scene = cast.make_scene(cast.M5)
    offer = cast.an_offer(scene.seller.provider, scene.seller.person, resource_class="A100")

    refuses(scene, actions.ClassNotCovered, "is for GPU:H100", offer=offer)


def test_a_programme_that_pays_after_use_holds_nothing():
    refuses(cast.make_scene(cast.M1), actions.NoHoldsHere, "pays after use")


def test_the_same_offer_and_reference_are_open_once(scene):
    order = place(scene, reference="proj-7")

    refuses(scene, actions.OrderAlreadyOpen, order.code, key="h2", reference=" proj-7 ")
    assert place(scene, key="h3", reference="proj-8").code != order.code


def test_a_released_hold_is_free_again(scene):
    order = place(scene)

    released = actions.release_hold(
        order=order, actor=scene.applicant.person, at=cast.NOON, key="r"
    )

    assert released.status == "RELEASED"
    assert free(scene) == 60_000_00
    assert (
        actions.release_hold(order=order, actor=scene.applicant.person, at=cast.NOON, key="r")
        == released
    )
    with pytest.raises(actions.OrderNotOpen):
        actions.release_hold(order=order, actor=scene.seller.person, at=cast.NOON, key="r2")


def test_who_may_release_a_hold(scene):
    by_holder = place(scene)
    by_provider = actions.redeem_code(
        redemption_code=scene.voucher.redemption_code,
        provider=scene.seller.provider,
        offer=scene.seller.offer,
        hours=Decimal(10),
        provider_reference="ours",
        actor=scene.seller.provider.address,
        at=cast.NOON,
        key="p",
    )
    stranger = cast.an_sme("Other Ltd")

    refused = [
        (by_holder, stranger.person),
        (by_holder, scene.authority.finance[0]),
        (by_holder, "provider:O-OTHER"),
        (by_provider, scene.applicant.person),
    ]
    for order, actor in refused:
        with pytest.raises(NotAllowed):
            actions.release_hold(order=order, actor=actor, at=cast.NOON, key="x")
    assert Order.objects.filter(status="OPEN").count() == 2

    actions.release_hold(order=by_holder, actor=scene.authority.officer, at=cast.NOON, key="o")
    actions.release_hold(
        order=by_provider, actor=scene.seller.provider.address, at=cast.NOON, key="p"
    )
    assert free(scene) == 60_000_00
