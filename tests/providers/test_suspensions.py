"""A suspension says what it stops, and that is what it stops: orders, holds, settlement."""

from datetime import timedelta

import pytest
from django.db import transaction

from billing import actions as billing
from ledger.actions import SYSTEM
from ledger.queries import extent, hold_remaining
from parties.queries import NotAllowed
from providers import actions
from providers.models import Suspension, SuspensionLift
from providers.queries import may_sell, provider_status, providers_before
from tests import cast
from tests.billing import stage
from vouchers import actions as vouchers
from vouchers.models import Order
from vouchers.queries import orders_of_suspended
from vouchers.tasks import release_suspended_holds

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
NOON = cast.NOON


@pytest.fixture
def scene():
    return cast.make_scene()


def suspend(scene, **more):
    return cast.a_suspension(scene.authority, scene.seller, **more)


def refuses(refusal, ask):
    before = extent()
    with pytest.raises(refusal), transaction.atomic():
        ask()
    assert extent() == before


def a_hold(scene, at, **more):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller, at=at, **more)


def test_no_order_is_placed_from_its_first_instant_until_its_last(scene):
    suspend(scene, from_at=NOON + HOUR, until_at=NOON + 3 * HOUR)

    a_hold(scene, NOON, hours="1", provider_reference="before")
    for at in (NOON + HOUR, NOON + 3 * HOUR - timedelta(seconds=1)):
        refuses(actions.ProviderSuspended, lambda at=at: a_hold(scene, at))
        assert provider_status(scene.seller.provider, at) == "SUSPENDED"
    a_hold(scene, NOON + 3 * HOUR, hours="1", provider_reference="after")
    assert Order.objects.count() == 2


def test_one_that_stops_bills_alone_lets_orders_be_placed(scene):
    suspend(scene, stops_orders=False, bills="WAIT")

    assert may_sell(scene.seller.provider, "GPU", NOON)
    assert a_hold(scene, NOON).status == Order.Status.OPEN


def test_only_who_accredited_a_provider_suspends_it_and_only_who_suspended_it_lifts_that(scene):
    other = cast.make_authority("Elsewhere Bureau")

    def lift(officer):
        return actions.lift_suspension(
            suspension=suspension, note="", actor=officer, at=NOON + HOUR, key=f"l{officer.pk}"
        )

    refuses(NotAllowed, lambda: cast.a_suspension(other, scene.seller))
    accredit(scene.seller, other)
    suspension = suspend(scene)
    refuses(NotAllowed, lambda: lift(other.officer))
    # Nor is it lifted by accrediting the provider anew.
    refuses(
        actions.ProviderAccredited,
        lambda: actions.accredit_provider(
            organisation=scene.seller.organisation,
            actor=other.officer,
            at=NOON + HOUR,
            key="anew",
        ),
    )

    assert provider_status(scene.seller.provider, NOON + HOUR) == "SUSPENDED"
    lift(scene.authority.second_officer)
    assert suspension.authority == scene.authority.organisation
    assert cast.a_suspension(other, scene.seller, at=NOON + HOUR).authority == (
        other.organisation
    )


def accredit(seller, authority):
    """Let a second authority accredit a provider too, by an application of its own."""
    asked = cast.an_accreditation_application(authority, seller.organisation, seller.person)
    return cast.a_decided_accreditation(asked, authority.officer)


def test_who_was_accredited_by_nobody_known_is_every_authoritys_to_stop(scene):
    other = cast.make_authority("Elsewhere Bureau")
    organisation, _person = cast.a_newcomer()
    provider = actions.accredit_provider(
        organisation=organisation, actor=SYSTEM, at=NOON, key="system"
    )

    for authority in (scene.authority, other):
        assert provider in providers_before(authority.officer)
    assert scene.seller.provider not in providers_before(other.officer)


def test_lifted_it_stops_nothing_any_more(scene):
    suspension = suspend(scene)
    lift = actions.lift_suspension(
        suspension=suspension, note="", actor=scene.authority.officer, at=NOON + HOUR, key="l"
    )

    refuses(
        actions.ProviderSuspended, lambda: a_hold(scene, NOON + HOUR - timedelta(seconds=1))
    )
    assert a_hold(scene, NOON + HOUR).status == Order.Status.OPEN
    assert (
        actions.lift_suspension(
            suspension=suspension,
            note="",
            actor=scene.authority.officer,
            at=NOON + HOUR,
            key="l",
        )
        == lift
    )
    refuses(
        actions.SuspensionOver,
        lambda: actions.lift_suspension(
            suspension=suspension,
            note="",
            actor=scene.authority.officer,
            at=NOON + HOUR,
            key="l2",
        ),
    )
    assert SuspensionLift.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"note": " "}, actions.SuspensionReasonMissing),
        ({"note": "x" * 2001}, actions.SuspensionReasonMissing),
        ({"stops_orders": False}, actions.SuspensionStopsNothing),
        ({"from_at": NOON - HOUR}, actions.SuspensionTimeInvalid),
        ({"until_at": NOON}, actions.SuspensionTimeInvalid),
    ],
)
def test_a_suspension_that_says_nothing_clear_is_refused(scene, wrong, refusal):
    refuses(refusal, lambda: suspend(scene, **wrong))
    assert Suspension.objects.count() == 0


def test_only_an_authority_suspends_and_only_once_at_a_time(scene):
    refuses(
        NotAllowed,
        lambda: actions.suspend_provider(
            provider=scene.seller.provider,
            note="Mine.",
            actor=scene.seller.person,
            at=NOON,
            key="own",
        ),
    )
    first = suspend(scene, key="k", from_at=NOON + HOUR)

    assert suspend(scene, key="k", from_at=NOON + HOUR) == first
    refuses(actions.SuspensionRuns, lambda: suspend(scene))


# --- holds -----------------------------------------------------------------------------------


def sweep(monkeypatch, at):
    monkeypatch.setattr("vouchers.tasks.timezone.now", lambda: at)
    release_suspended_holds()


def test_holds_stay_where_it_does_not_release_them(scene, monkeypatch):
    order = a_hold(scene, NOON)
    suspend(scene)
    before = extent()

    sweep(monkeypatch, NOON + HOUR)

    assert extent() == before
    order.refresh_from_db()
    assert order.status == Order.Status.OPEN
    assert hold_remaining(order.hold) == 1_500_00


def test_holds_without_use_go_back_and_those_with_use_stay(scene, monkeypatch):
    idle = a_hold(scene, NOON, provider_reference="idle")
    used = a_hold(scene, NOON, provider_reference="used")
    stage.use(scene.seller, used, hours=10)
    suspend(scene, holds="RELEASE")
    assert list(orders_of_suspended(NOON + HOUR)) == [idle, used]

    sweep(monkeypatch, NOON + HOUR)
    after = extent()
    sweep(monkeypatch, NOON + 2 * HOUR)

    assert extent() == after
    idle.refresh_from_db()
    used.refresh_from_db()
    assert (idle.status, used.status) == (Order.Status.RELEASED, Order.Status.OPEN)
    assert (hold_remaining(idle.hold), hold_remaining(used.hold)) == (0, 1_500_00)


def test_an_order_that_waits_for_the_provider_s_word_goes_back_too(scene, monkeypatch):
    cast.accepts_each(scene.seller)
    waiting = a_hold(scene, NOON)
    suspend(scene, holds="RELEASE")

    sweep(monkeypatch, NOON + HOUR)

    waiting.refresh_from_db()
    assert waiting.status == Order.Status.RELEASED
    assert hold_remaining(waiting.hold) == 0


def test_the_system_releases_nothing_at_a_provider_that_is_not_suspended_so(scene):
    order = a_hold(scene, NOON)
    suspend(scene, holds="RELEASE", until_at=NOON + HOUR)

    refuses(
        NotAllowed,
        lambda: vouchers.release_hold(order=order, actor="system", at=NOON + HOUR, key="late"),
    )
    released = vouchers.release_hold(order=order, actor="system", at=NOON, key="now")
    assert released.status == Order.Status.RELEASED


# --- bills -----------------------------------------------------------------------------------


def a_bill(scene):
    order = a_hold(scene, NOON)
    stage.use(scene.seller, order, hours=40)
    return stage.bill(scene)


def test_bills_are_taken_and_settled_where_it_says_so(scene):
    suspend(scene, from_at=NOON + HOUR)
    bill = a_bill(scene)

    (settlement,) = stage.settle(bill)

    assert settlement.covered == 600_00


def test_bills_are_taken_and_their_settlement_waits_where_it_says_so(scene):
    suspension = suspend(scene, stops_orders=False, bills="WAIT")
    bill = a_bill(scene)
    assert bill.total == 1_000_00

    refuses(billing.SettlementWaits, lambda: stage.settle(bill))
    assert stage.payable(scene) == 0

    actions.lift_suspension(
        suspension=suspension, note="", actor=scene.authority.officer, at=stage.LATER, key="l"
    )
    (settlement,) = stage.settle(bill)
    assert settlement.covered == 600_00
    assert stage.payable(scene) == 600_00
