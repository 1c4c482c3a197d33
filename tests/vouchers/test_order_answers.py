"""A provider that accepts each order itself says yes or no in time; else the order lapses."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed
from providers import actions as providers
from providers.actions import ProviderSuspended
from providers.models import AcceptanceChoice
from providers.queries import accepts_at_once
from tests import cast
from tests.billing import stage
from vouchers import actions, queries, tasks
from vouchers.models import Order

pytestmark = pytest.mark.django_db

# Five days after 2 June, until the end of that day in Shanghai.
UNTIL = datetime(2025, 6, 7, 16, tzinfo=UTC)


@pytest.fixture
def scene():
    found = cast.make_scene()
    cast.accepts_each(found.seller)
    return found


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def free(scene):
    return queries.voucher_balance(scene.voucher).free


def refuses(scene, refusal, ask, match=None):
    """Whatever is asked is refused, and nothing has moved."""
    before, states = extent(), list(Order.objects.values_list("code", "status", "hold"))
    with pytest.raises(refusal, match=match):
        ask()
    assert extent() == before
    assert list(Order.objects.values_list("code", "status", "hold")) == states


def test_by_default_an_order_counts_at_once():
    scene = cast.make_scene()

    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    assert accepts_at_once(scene.seller.provider)
    assert (order.status, order.accept_by) == ("OPEN", None)


def test_an_order_waits_with_its_value_held(scene, order):
    assert (order.status, order.accept_by) == ("PLACED", UNTIL)
    assert free(scene) == 58_500_00


def test_a_law_sets_how_long_a_provider_has():
    text = cast.policy_text(cast.M3).replace("[hold]\n", "[hold]\naccept_days = 2\n")
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, text=text)
    seller, firm = cast.make_provider(authority), cast.an_sme()
    cast.accepts_each(seller)

    order = cast.a_hold(cast.an_issued_voucher(scheme, firm), firm, seller)

    assert order.accept_by == UNTIL - timedelta(days=3)


def test_what_a_provider_redeems_itself_needs_no_word(scene):
    order = actions.redeem_code(
        redemption_code=scene.voucher.redemption_code,
        provider=scene.seller.provider,
        offer=scene.seller.offer,
        hours=Decimal(100),
        actor=scene.seller.provider.address,
        at=cast.NOON,
        key="r",
    )

    assert (order.status, order.accept_by) == ("OPEN", None)


@pytest.mark.parametrize("by_program", [False, True])
def test_an_accepted_order_is_open_with_its_hold(scene, order, by_program):
    actor = scene.seller.provider.address if by_program else scene.seller.person

    found = cast.accepted(order, actor)

    assert (found.status, found.hold) == ("OPEN", order.hold)
    assert free(scene) == 58_500_00


def test_accepting_twice_gives_the_first_answer(scene, order):
    first = cast.accepted(order, scene.seller.person, key="a")

    assert cast.accepted(order, scene.seller.person, key="a") == first
    refuses(
        scene, KeyReused, lambda: cast.accepted(order, scene.seller.person, hours="99", key="a")
    )
    refuses(scene, actions.OrderNotWaiting, lambda: cast.accepted(order, scene.seller.person))


def test_a_declined_order_gives_its_value_back_at_once_with_the_reason(scene, order):
    found = cast.declined(order, scene.seller.person, key="d")

    assert (found.status, found.end_note) == ("DECLINED", "No capacity this month.")
    assert free(scene) == 60_000_00
    assert cast.declined(order, scene.seller.person, key="d") == found
    refuses(scene, actions.OrderNotWaiting, lambda: cast.declined(order, scene.seller.person))


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_nobody_declines_without_a_reason(scene, order, reason):
    refuses(
        scene,
        actions.OrderReasonMissing,
        lambda: cast.declined(order, scene.seller.person, reason=reason),
    )


def test_only_the_order_s_provider_answers(scene, order):
    rival = cast.make_provider(scene.authority, "Rival Compute")

    for actor in (
        rival.person,
        rival.provider.address,
        scene.applicant.person,
        scene.authority.officer,
    ):
        refuses(scene, NotAllowed, lambda actor=actor: cast.accepted(order, actor))
        refuses(scene, NotAllowed, lambda actor=actor: cast.declined(order, actor))


def test_after_its_time_an_order_is_not_accepted(scene, order):
    refuses(
        scene,
        actions.AnswerTooLate,
        lambda: cast.accepted(order, scene.seller.person, at=UNTIL),
        "could be accepted until",
    )
    last = UNTIL - timedelta(seconds=1)
    assert cast.accepted(order, scene.seller.person, at=last).status == "OPEN"


def test_an_order_nobody_answered_lapses_and_gives_its_value_back(scene, order, monkeypatch):
    refuses(
        scene,
        actions.NotLapsedYet,
        lambda: actions.lapse_hold(order=order, at=UNTIL - timedelta(seconds=1), key="l"),
    )
    assert list(queries.orders_lapsed_by(UNTIL - timedelta(seconds=1))) == []

    monkeypatch.setattr(tasks.timezone, "now", lambda: UNTIL)
    tasks.release_lapsed_holds()

    order.refresh_from_db()
    assert order.status == "LAPSED"
    assert free(scene) == 60_000_00


def test_an_order_that_was_changed_meanwhile_is_not_accepted_unread(scene, order):
    cast.changed(order, scene.applicant.person, "200")

    refuses(
        scene,
        actions.OrderChangedMeanwhile,
        lambda: cast.accepted(order, scene.seller.person),
        "for 200 hours now",
    )
    assert cast.accepted(order, scene.seller.person, hours="200").status == "OPEN"


def test_a_suspended_provider_accepts_nothing(scene, order):
    providers.suspend_provider(
        provider=scene.seller.provider,
        note="An audit.",
        actor=scene.authority.officer,
        at=cast.NOON,
        key="s",
    )

    refuses(scene, ProviderSuspended, lambda: cast.accepted(order, scene.seller.person))
    assert cast.declined(order, scene.seller.person).status == "DECLINED"


def test_under_a_voucher_that_is_suspended_or_revoked_nothing_is_accepted(scene, order):
    officer = {"actor": scene.authority.officer, "at": cast.NOON}
    actions.suspend_voucher(voucher=scene.voucher, note="A look.", key="s", **officer)
    refuses(scene, actions.VoucherSuspended, lambda: cast.accepted(order, scene.seller.person))
    actions.resume_voucher(voucher=scene.voucher, note="Seen.", key="r", **officer)
    actions.revoke_voucher(
        voucher=scene.voucher, note="Sold on.", may_apply_again=False, key="v", **officer
    )

    refuses(scene, actions.VoucherOver, lambda: cast.accepted(order, scene.seller.person))
    assert cast.declined(order, scene.seller.person).status == "DECLINED"


def test_a_voucher_that_expired_meanwhile_goes_on_with_what_was_ordered(scene):
    late = cast.NOON + timedelta(days=364)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, at=late)

    found = cast.accepted(order, scene.seller.person, at=late + timedelta(days=3))

    assert (found.status, found.hold_amount) == ("OPEN", 1_500_00)


def test_the_same_offer_and_reference_wait_once(scene, order):
    refuses(
        scene,
        actions.OrderAlreadyOpen,
        lambda: cast.a_hold(scene.voucher, scene.applicant, scene.seller),
        order.code,
    )


def test_nothing_is_metered_under_an_order_that_is_not_accepted(scene, order):
    report = stage.record(scene.seller, stage.a_record(order.code))

    assert [problem.code for problem in report.errors] == ["account_unknown"]
    cast.accepted(order, scene.seller.person)
    again = stage.record(scene.seller, stage.a_record(order.code))
    assert (again.recorded, again.errors) == (1, ())


def test_the_newest_choice_counts_and_is_chosen_once_a_key(scene):
    def choose(is_at_once, key, actor=scene.seller.person):
        return providers.choose_acceptance(
            provider=scene.seller.provider,
            is_at_once=is_at_once,
            actor=actor,
            at=cast.NOON,
            key=key,
        )

    first = choose(True, "c")

    assert choose(True, "c") == first
    assert accepts_at_once(scene.seller.provider)
    with pytest.raises(KeyReused):
        choose(False, "c")
    with pytest.raises(NotAllowed):
        choose(False, "d", scene.applicant.person)
    assert AcceptanceChoice.objects.count() == 2
