"""A provider's programs answer, change and end orders by the rules of the pages, once a key."""

import pytest

from ledger import queries as ledger
from ledger.queries import extent
from tests import cast
from tests.billing import stage
from tests.cast import M3, a_hold, accepts_each, make_provider, make_scene
from tests.doors.programs import Program
from vouchers import actions, queries
from vouchers.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(db, now):
    return make_scene(M3)


@pytest.fixture
def program(scene):
    return Program(scene.seller)


@pytest.fixture
def order(scene):
    return a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference="acct-1")


@pytest.fixture
def waiting(scene):
    accepts_each(scene.seller)
    return a_hold(scene.voucher, scene.applicant, scene.seller)


def free(scene):
    return queries.voucher_balance(scene.voucher).free


def refused(program, path, content, code, status=409):
    """The program is refused with a code, and nothing has moved."""
    before = extent(), list(Order.objects.values_list("code", "status", "hold"))
    answer = program.post(path, content, key=cast.a_key("refused"))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (extent(), list(Order.objects.values_list("code", "status", "hold"))) == before
    return answer.json()


# --- checking --------------------------------------------------------------------------------


def test_a_check_with_an_offer_and_hours_says_what_would_be_held(scene, program):
    asked = {
        "redemption_code": scene.voucher.redemption_code,
        "offer": scene.seller.offer.code,
        "hours": "100",
    }

    quote = program.post("vouchers/check", asked).json()["quote"]

    assert quote == {
        "price_total": 2_500_00,
        "held": 1_500_00,
        "own_share": 1_000_00,
        "lapses_at": "2025-07-02T16:00:00Z",
    }
    assert not Order.objects.exists()
    assert free(scene) == 60_000_00


def test_a_check_at_the_offer_of_others_or_above_a_cap_is_refused(scene, program):
    rival = make_provider(scene.authority, "Rival Compute")
    code = {"redemption_code": scene.voucher.redemption_code, "hours": "100"}

    refused(program, "vouchers/check", {**code, "offer": rival.offer.code}, "offer_not_yours")
    refused(program, "vouchers/check", {**code, "offer": "F-222222"}, "not_found", status=404)
    cast.a_cap(scene.authority, "20.00")
    refused(
        program,
        "vouchers/check",
        {**code, "offer": scene.seller.offer.code},
        "offer_above_cap",
    )


# --- reading ---------------------------------------------------------------------------------


def test_an_order_tells_what_was_used_billed_and_left_and_who_may_use_it(scene, program, order):
    actions.name_order_user(
        order=order,
        name="Ada Lin",
        login="ada01",
        actor=scene.applicant.person,
        at=cast.NOON,
        key="n",
    )
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene, stage.a_line(hours="30")))

    answer = program.get(f"orders/{order.code}").json()

    assert answer == {
        "code": order.code,
        "order_status": "OPEN",
        "offer": scene.seller.offer.code,
        "reference": "acct-1",
        "programme": M3,
        "unit": "CNY",
        "hours": "100",
        "hours_used": "40",
        "hours_billed": "30",
        "hours_left": "60",
        "price_total": 2_500_00,
        "held": 1_500_00,
        "held_now": 1_050_00,
        "covered": 450_00,
        "placed_at": "2025-06-02T12:00:00Z",
        "accept_by": None,
        "lapses_at": "2025-07-02T16:00:00Z",
        "end_note": "",
        "users": [{"name": "Ada Lin", "email": "", "login": "ada01"}],
    }


def test_orders_are_listed_by_state_and_reference(scene, program, order, waiting):
    def codes(**asked):
        return [one["code"] for one in program.get("orders", **asked).json()["results"]]

    assert codes(status="PLACED") == [waiting.code]
    assert codes(reference="ACCT-1") == [order.code]
    assert codes(status="OPEN", reference="nobody") == []
    assert set(codes()) == {order.code, waiting.code}
    assert program.get("orders", status="WHATEVER").status_code == 400


# --- answering, changing, ending -------------------------------------------------------------


def test_an_order_is_accepted_once_a_key(scene, program, waiting):
    path = f"orders/{waiting.code}/accept"

    answers = [program.post(path, {"hours": "100"}, key="a") for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 200]
    assert [one.json()["order_status"] for one in answers] == ["OPEN", "OPEN"]
    assert [one.headers.get("Idempotent-Replayed") for one in answers] == [None, "true"]
    refused(program, path, {"hours": "100"}, "order_not_waiting")
    assert program.post(path, {"hours": "99"}, key="a").json()["code"] == "key_reused"


def test_hours_that_were_not_read_are_not_accepted(scene, program, waiting):
    cast.changed(waiting, scene.applicant.person, "200")

    body = refused(
        program, f"orders/{waiting.code}/accept", {"hours": "100"}, "order_changed_meanwhile"
    )

    assert body["values"]["hours"] == "200"


def test_an_order_is_declined_and_its_value_is_free(scene, program, waiting):
    path = f"orders/{waiting.code}/decline"
    refused(program, path, {"reason": ""}, "input_invalid", status=400)

    answer = program.post(path, {"reason": "No capacity."}, key="d").json()

    assert (answer["order_status"], answer["end_note"]) == ("DECLINED", "No capacity.")
    assert answer["held_now"] == 0
    assert free(scene) == 60_000_00


def test_an_order_gets_fewer_hours_and_never_more(scene, program, order):
    path = f"orders/{order.code}/change"

    answer = program.post(path, {"hours": "40", "reason": "Enough."}, key="c").json()

    assert (answer["hours"], answer["held"], answer["held_now"]) == ("40", 600_00, 600_00)
    refused(program, path, {"hours": "50", "reason": "More."}, "more_is_the_holders")
    stage.use(scene.seller, order, hours=30)
    body = refused(program, path, {"hours": "20", "reason": "Less."}, "fewer_than_used")
    assert body["values"]["hours"] == "30"


def test_an_order_is_cancelled_before_use_and_released_after(scene, program, order):
    other = a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference="b")
    stage.use(scene.seller, other, hours=1)

    answer = program.post(f"orders/{order.code}/cancel", {"reason": "Down."}, key="x").json()
    assert answer["order_status"] == "CANCELLED"
    refused(program, f"orders/{other.code}/cancel", {"reason": "Down."}, "order_used_before")
    answer = program.post(f"orders/{other.code}/release", {}, key="r").json()
    assert answer["order_status"] == "RELEASED"
    assert free(scene) == 60_000_00
    assert ledger.hold_remaining(other.hold) == 0


@pytest.mark.parametrize("way", ["accept", "decline", "change", "cancel", "release"])
def test_another_provider_s_order_is_not_found_and_a_key_is_needed(
    scene, program, waiting, way
):
    rival = Program(make_provider(scene.authority, "Rival Compute"))
    content = {"hours": "50", "reason": "Why not."}

    refused(rival, f"orders/{waiting.code}/{way}", content, "not_found", status=404)
    answer = program.post(f"orders/{waiting.code}/{way}", content)
    assert answer.json()["code"] == "idempotency_key_missing"
    waiting.refresh_from_db()
    assert waiting.status == "PLACED"
