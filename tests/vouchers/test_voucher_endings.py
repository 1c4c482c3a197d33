"""What is not used goes back: by lapse, by return and by expiry, each once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing import actions as billing
from ledger.queries import balance, extent
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage
from vouchers import actions, queries, tasks
from vouchers.models import Order, Voucher

pytestmark = pytest.mark.django_db

LAPSES_AT = datetime(2025, 7, 2, 16, tzinfo=UTC)
# The last day, 2 June 2026, ends in Shanghai at 16:00 UTC.
OVER_AT = datetime(2026, 6, 2, 16, tzinfo=UTC)
AVAILABLE = "available:cn-chengdu-2025"


@pytest.fixture
def scene():
    return cast.make_scene()


def figures(scene):
    found = queries.voucher_balance(scene.voucher)
    return found.net, found.pending, found.free


def status(scene):
    return Voucher.objects.get(pk=scene.voucher.pk).status


def lapse(order, at):
    return actions.lapse_hold(order=order, at=at, key=f"lapse:{order.code}")


def give_back(scene, amount=None, key="back", actor=None):
    return actions.return_voucher(
        voucher=scene.voucher,
        amount=amount,
        actor=actor or scene.applicant.person,
        at=cast.NOON,
        key=key,
    )


def expire(scene, at=OVER_AT, key="expire"):
    return actions.expire_voucher(voucher=scene.voucher, at=at, key=key)


# --- lapse -----------------------------------------------------------------------------------


def test_a_hold_stays_until_it_lapses_and_then_the_money_is_back(scene):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    with pytest.raises(actions.NotLapsedYet):
        lapse(order, LAPSES_AT - timedelta(seconds=1))
    assert list(queries.orders_lapsed_by(LAPSES_AT - timedelta(seconds=1))) == []
    assert list(queries.orders_lapsed_by(LAPSES_AT)) == [order]
    assert figures(scene) == (60_000_00, 1_500_00, 58_500_00)

    assert lapse(order, LAPSES_AT).status == "LAPSED"
    assert lapse(order, LAPSES_AT).status == "LAPSED"
    assert figures(scene) == (60_000_00, 0, 60_000_00)


def test_the_sweep_frees_what_has_lapsed_and_may_run_twice(scene):
    lapsed = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    assert figures(scene) == (60_000_00, 1_500_00, 58_500_00)

    tasks.release_lapsed_holds()
    after = extent()
    tasks.release_lapsed_holds()

    assert Order.objects.get(pk=lapsed.pk).status == "LAPSED"
    assert figures(scene) == (60_000_00, 0, 60_000_00)
    assert extent() == after


def test_a_released_hold_does_not_lapse(scene):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    actions.release_hold(order=order, actor=scene.applicant.person, at=cast.NOON, key="r")

    with pytest.raises(actions.OrderNotOpen):
        lapse(order, LAPSES_AT)
    assert figures(scene) == (60_000_00, 0, 60_000_00)


# --- a hold that a bill needs ----------------------------------------------------------------


@pytest.fixture
def used(scene):
    """An order of 100 hours of which 40 were used."""
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    return order


def another_hold(scene):
    return actions.place_hold(
        voucher=scene.voucher,
        offer=scene.seller.offer,
        hours=Decimal(100),
        provider_reference="another",
        actor=scene.applicant.person,
        at=cast.NOON,
        key="another",
    )


def release(scene, order, actor, key="release"):
    return actions.release_hold(order=order, actor=actor, at=stage.LATER, key=key)


def test_a_hold_does_not_lapse_while_its_bill_waits_to_be_settled(scene, used):
    bill = stage.bill(scene)
    before = extent()

    assert list(queries.orders_lapsed_by(LAPSES_AT)) == []
    with pytest.raises(actions.OrderBilled, match=used.code):
        lapse(used, LAPSES_AT)
    tasks.release_lapsed_holds()
    assert extent() == before

    (settlement,) = stage.settle(bill)
    assert settlement.covered == 600_00
    assert list(queries.orders_lapsed_by(LAPSES_AT)) == [used]
    assert lapse(used, LAPSES_AT).status == "LAPSED"
    assert figures(scene) == (59_400_00, 0, 59_400_00)


@pytest.mark.parametrize(("accept", "left"), [(True, 59_400_00), (False, 60_000_00)])
def test_a_hold_stays_until_each_withheld_line_is_decided(scene, used, accept, left):
    bill = stage.bill(scene)
    line = bill.lines.get()
    billing.object_to_line(
        line=line, note="Not ours.", actor=scene.applicant.person, at=stage.LATER, key="object"
    )
    stage.settle(bill)

    assert list(queries.orders_lapsed_by(LAPSES_AT)) == []
    for refused in (
        lambda: lapse(used, LAPSES_AT),
        lambda: release(scene, used, scene.applicant.person),
    ):
        with pytest.raises(actions.OrderBilled):
            refused()
    assert figures(scene) == (60_000_00, 1_500_00, 58_500_00)

    billing.decide_line(
        line=line,
        accept=accept,
        note="Looked at.",
        actor=scene.authority.finance[0],
        at=LAPSES_AT,
        key="decide",
    )
    assert list(queries.orders_lapsed_by(LAPSES_AT)) == [used]
    lapse(used, LAPSES_AT)
    assert figures(scene) == (left, 0, left)


def test_a_holder_does_not_release_what_was_used_and_not_billed(scene, used):
    before = extent()

    with pytest.raises(actions.OrderUsed, match="Ask Acme Compute to bill it"):
        release(scene, used, scene.applicant.person)
    assert extent() == before

    stage.settle(stage.bill(scene))
    assert release(scene, used, scene.applicant.person).status == "RELEASED"
    assert figures(scene) == (59_400_00, 0, 59_400_00)


@pytest.mark.parametrize("side", ["holder", "provider", "officer"])
def test_nobody_releases_a_hold_whose_bill_waits_to_be_settled(scene, used, side):
    people = {
        "holder": scene.applicant.person,
        "provider": scene.seller.person,
        "officer": scene.authority.officer,
    }
    stage.bill(scene)
    before = extent()

    with pytest.raises(actions.OrderBilled):
        release(scene, used, people[side])
    assert extent() == before


def test_the_provider_and_an_officer_release_what_was_used_and_not_billed(scene, used):
    other = another_hold(scene)
    stage.use(scene.seller, other, hours=1, key="job-2")

    release(scene, used, scene.seller.person)
    release(scene, other, scene.authority.officer, key="other")

    assert figures(scene) == (60_000_00, 0, 60_000_00)


# --- one broken row --------------------------------------------------------------------------


def test_an_order_that_is_broken_does_not_keep_the_next_from_lapsing(scene):
    broken = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    whole = another_hold(scene)
    Order.objects.filter(pk=broken.pk).update(hold=999_999_999)

    tasks.release_lapsed_holds()

    assert Order.objects.get(pk=broken.pk).status == "OPEN"
    assert Order.objects.get(pk=whole.pk).status == "LAPSED"


def test_a_voucher_that_is_broken_does_not_keep_the_next_from_expiring(caplog):
    scene = cast.make_scene(cast.M1)
    other = cast.an_sme("Other Ltd")
    whole = cast.an_issued_voucher(scene.scheme, other)
    # The ledger knows no account of this name.
    Voucher.objects.filter(pk=scene.voucher.pk).update(code="V-NOWHERE")

    tasks.expire_due_vouchers()

    assert status(scene) == "ACTIVE"
    assert Voucher.objects.get(pk=whole.pk).status == "EXPIRED"
    assert "V-NOWHERE did not expire" in caplog.text


# --- return ----------------------------------------------------------------------------------


def test_a_part_that_is_returned_is_available_again(scene):
    returned = give_back(scene, 20_000_00)

    assert returned.status == "ACTIVE"
    assert figures(scene) == (40_000_00, 0, 40_000_00)
    assert balance(AVAILABLE).free == 9_960_000_00
    assert balance("expired:cn-chengdu-2025").net == 0
    assert give_back(scene, 20_000_00) == returned
    assert figures(scene) == (40_000_00, 0, 40_000_00)


def test_a_voucher_returned_whole_is_over(scene):
    assert give_back(scene).status == "RETURNED"

    assert figures(scene) == (0, 0, 0)
    assert balance(AVAILABLE).free == 10_000_000_00
    with pytest.raises(actions.VoucherOver):
        give_back(scene, key="again")


def test_what_is_held_is_not_returned(scene):
    cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    before = extent()

    for amount in (58_500_01, 0, -1):
        with pytest.raises(actions.ReturnTooMuch, match=r"¥58,500\.00"):
            give_back(scene, amount)
    assert extent() == before

    assert give_back(scene).status == "ACTIVE"
    assert figures(scene) == (1_500_00, 1_500_00, 0)


def test_only_the_holder_returns(scene):
    for person in (scene.authority.officer, scene.seller.person):
        with pytest.raises(NotAllowed):
            give_back(scene, actor=person)
    assert figures(scene) == (60_000_00, 0, 60_000_00)


# --- expiry ----------------------------------------------------------------------------------


def test_a_voucher_expires_after_its_last_day(scene):
    with pytest.raises(actions.NotExpiredYet, match="until 2026-06-02, that day included"):
        expire(scene, OVER_AT - timedelta(seconds=1))
    assert queries.vouchers_expired_by(OVER_AT - timedelta(seconds=1)) == []
    assert queries.vouchers_expired_by(OVER_AT) == [scene.voucher]

    assert expire(scene).status == "EXPIRED"

    assert figures(scene) == (0, 0, 0)
    assert balance(AVAILABLE).free == 10_000_000_00
    assert queries.vouchers_expired_by(OVER_AT) == []
    assert expire(scene).status == "EXPIRED"
    with pytest.raises(actions.VoucherOver):
        expire(scene, key="another")


def test_an_open_hold_outlives_its_voucher_and_then_goes_back(scene):
    late = OVER_AT - timedelta(hours=1)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, at=late)

    expire(scene)
    assert figures(scene) == (1_500_00, 1_500_00, 0)
    assert queries.vouchers_expired_by(OVER_AT) == []

    lapsed_at = order.lapses_at
    lapse(order, lapsed_at)
    assert queries.vouchers_expired_by(lapsed_at) == [scene.voucher]
    expire(scene, lapsed_at, key="expire once more")

    assert figures(scene) == (0, 0, 0)
    assert balance(AVAILABLE).free == 10_000_000_00
    assert queries.vouchers_expired_by(lapsed_at) == []


def test_the_sweep_expires_what_is_due_and_may_run_twice():
    # Nanning's 180 days are over by the clock of this machine.
    scene = cast.make_scene(cast.M1)
    assert figures(scene) == (30_000_00, 0, 30_000_00)

    tasks.expire_due_vouchers()
    after = extent()
    tasks.expire_due_vouchers()

    assert status(scene) == "EXPIRED"
    assert figures(scene) == (0, 0, 0)
    assert extent() == after


# --- suspension ------------------------------------------------------------------------------


def test_only_officers_suspend_and_resume(scene):
    def asked(action, actor, key):
        return action(voucher=scene.voucher, note="n", actor=actor, at=cast.NOON, key=key)

    for person in (scene.applicant.person, scene.authority.finance[0]):
        with pytest.raises(NotAllowed):
            asked(actions.suspend_voucher, person, "x")
    with pytest.raises(actions.VoucherNotSuspended):
        asked(actions.resume_voucher, scene.authority.officer, "r")
    assert status(scene) == "ACTIVE"

    asked(actions.suspend_voucher, scene.authority.officer, "s")
    assert status(scene) == "SUSPENDED"
    with pytest.raises(actions.VoucherNotActive):
        asked(actions.suspend_voucher, scene.authority.officer, "s2")
    asked(actions.resume_voucher, scene.authority.officer, "r")
    assert status(scene) == "ACTIVE"
