"""A provider's program reads a code, redeems on it once a key, and reads its orders."""

import pytest
from django.urls import reverse

from ledger import queries as ledger
from tests.cast import M3, a_hold, make_provider, make_scene
from tests.doors.pages import send, words
from tests.doors.programs import Program, redemption
from vouchers.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(db, now):
    return make_scene(M3)


@pytest.fixture
def program(scene):
    return Program(scene.seller)


def free(scene):
    return ledger.balance(scene.scheme.programme.account("voucher", scene.voucher.code)).free


def test_a_code_tells_what_it_may_pay(scene, program):
    code = scene.voucher.redemption_code.lower().replace("-", " ")

    answer = program.post("vouchers/check", {"redemption_code": code})

    assert answer.status_code == 200
    assert answer.json() == {
        "programme": M3,
        "mode": "M3",
        "unit": "CNY",
        "free": 60_000_00,
        "valid_until": scene.voucher.valid_until_on.isoformat(),
        "voucher_status": "ACTIVE",
        "quote": None,
    }


def test_an_unknown_code_is_not_found(scene, program):
    answer = program.post("vouchers/check", {"redemption_code": "XXXX-XXXX-XXXX-XXXX"})

    assert answer.status_code == 404
    assert answer.json()["code"] == "code_unknown"
    assert "Ask its holder to read it to you again" in answer.json()["detail"]


def test_a_redemption_sets_value_aside(scene, program):
    answer = program.post("redemptions", redemption(scene), key="r-1")

    order = Order.objects.get()
    assert answer.status_code == 201
    body = answer.json()
    assert (body["code"], body["order_status"], body["hours"]) == (order.code, "OPEN", "100")
    assert (body["price_total"], body["held"], body["held_now"]) == (
        2_500_00,
        1_500_00,
        1_500_00,
    )
    assert free(scene) == 58_500_00
    assert order.placed_by == "PROVIDER"


def test_the_same_key_gives_the_first_order(scene, program):
    answers = [program.post("redemptions", redemption(scene), key="r-1") for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert Order.objects.count() == 1
    assert free(scene) == 58_500_00


def test_the_same_key_with_other_content_is_refused(scene, program):
    program.post("redemptions", redemption(scene), key="r-1")

    answer = program.post("redemptions", redemption(scene, hours="200"), key="r-1")

    assert answer.status_code == 422
    assert answer.json()["code"] == "key_reused"
    assert free(scene) == 58_500_00


def test_a_second_redemption_of_the_same_order_is_refused(scene, program):
    program.post("redemptions", redemption(scene), key="r-1")

    answer = program.post("redemptions", redemption(scene), key="r-2")

    assert answer.status_code == 409
    assert answer.json()["code"] == "order_already_open"
    assert answer.json()["values"] == {"order": Order.objects.get().code}
    assert free(scene) == 58_500_00


def test_a_key_is_scoped_to_its_provider(scene, program):
    other = make_provider(scene.authority, "Other Compute")
    program.post("redemptions", redemption(scene), key="r-1")

    answer = Program(other).post(
        "redemptions", redemption(scene, offer=other.offer.code), key="r-1"
    )

    assert answer.status_code == 201
    assert Order.objects.count() == 2


def test_another_providers_offer_is_refused(scene, program):
    other = make_provider(scene.authority, "Other Compute")

    answer = program.post("redemptions", redemption(scene, offer=other.offer.code), key="r-1")

    assert answer.status_code == 409
    assert answer.json()["code"] == "offer_not_yours"


def test_an_unknown_offer_is_not_found(scene, program):
    answer = program.post("redemptions", redemption(scene, offer="F-NOBODY"), key="r-1")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_more_than_the_voucher_has_is_refused_or_cut_but_never_beyond(scene, program):
    program.post("redemptions", redemption(scene, hours="100000"), key="r-1")

    assert free(scene) >= 0


def test_the_page_and_the_program_redeem_alike(browser, scene, program):
    program.post("redemptions", redemption(scene), key="r-1")
    client = browser(scene.seller.person)

    page = send(
        client,
        reverse("redeem"),
        redemption_code=scene.voucher.redemption_code,
        offer=scene.seller.offer.code,
        hours="100",
        provider_reference="acct-1",
        confirm="1",
        confirmed="1",
        step="confirm",
    )

    assert Order.objects.count() == 1
    assert "is already open on this voucher" in words(page)


def test_orders_are_listed_and_read_by_their_provider_alone(scene, program):
    order = a_hold(scene.voucher, scene.applicant, scene.seller)
    other = Program(make_provider(scene.authority, "Other Compute"))

    listed = program.get("orders").json()
    assert (listed["count"], listed["pages"]) == (1, 1)
    assert listed["results"] == [program.get(f"orders/{order.code}").json()]
    assert other.get("orders").json()["results"] == []
    assert other.get(f"orders/{order.code}").status_code == 404


def test_offers_tell_their_price(scene, program):
    (offer,) = program.get("offers").json()["results"]

    assert offer["code"] == scene.seller.offer.code
    assert offer["prices"] == [{"currency": "CNY", "rate": "25.0000"}]
    assert (offer["service_level"], offer["is_domestic"]) == ("ON_DEMAND", False)
    assert offer["queue_hours"] is None
