"""A holder sees what is left, sees the price before ordering, and orders and returns once."""

import re

import pytest
from django.urls import reverse

from tests.billing import stage
from tests.cast import HOUR, M1, M3, M5, a_hold, an_sme, make_scene
from tests.doors.pages import key_on, send, words
from vouchers.models import Order
from vouchers.queries import voucher_balance

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(db):
    return make_scene(M3)


def page_of(name, thing):
    return reverse(name, args=[thing.code])


def test_a_voucher_shows_what_is_free_held_and_the_end_of_its_code_to_the_holder(
    browser, scene
):
    a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")

    page = words(browser(scene.applicant.person).get(page_of("voucher", scene.voucher)))

    assert scene.voucher.redemption_code not in page
    assert f"••••-{scene.voucher.redemption_code[-4:]}" in page
    assert "¥60,000.00" in page
    assert "¥1,500.00 Held for orders" in page
    assert "Voucher issued" in page


def test_an_officer_sees_the_voucher_without_its_code(browser, scene):
    page = words(browser(scene.authority.officer).get(page_of("voucher", scene.voucher)))

    assert scene.applicant.organisation.name in page
    assert scene.voucher.redemption_code not in page


def test_the_list_shows_each_voucher_with_its_last_day(browser, scene):
    page = words(browser(scene.applicant.person).get(reverse("vouchers")))

    assert scene.voucher.code in page
    assert "Active" in page


def test_an_empty_list_says_what_will_be_there(browser):
    page = words(browser(an_sme().person).get(reverse("vouchers")))

    assert "Vouchers appear here when an application is approved." in page


def test_the_voucher_of_others_is_not_there(browser, scene):
    client = browser(an_sme("Other Ltd").person)

    for name in ("voucher", "hold_new", "voucher_return", "voucher_suspend"):
        assert client.get(page_of(name, scene.voucher)).status_code == 404


def test_nobody_gets_in_without_signing_in(browser, scene):
    answer = browser().get(page_of("voucher", scene.voucher))

    assert answer.status_code == 302
    assert reverse("account_login") in answer.url


# --- ordering --------------------------------------------------------------------------------


def test_the_price_and_both_shares_are_shown_before_anything_is_held(browser, scene):
    client = browser(scene.applicant.person)
    chosen = {"offer": scene.seller.offer.code, "hours": "100"}

    page = words(client.get(page_of("hold_new", scene.voucher), chosen))

    assert "Price of the order ¥2,500.00" in page
    assert "The voucher pays at most ¥1,500.00" in page
    assert "The holder pays ¥1,000.00" in page
    assert not Order.objects.exists()
    assert voucher_balance(scene.voucher).pending == 0


def test_pressing_twice_places_one_order(browser, scene):
    client = browser(scene.applicant.person)
    chosen = {"offer": scene.seller.offer.code, "hours": "100"}
    url = page_of("hold_new", scene.voucher)
    key = key_on(client.get(url, chosen))

    answers = [client.post(url, {**chosen, "key": key}) for _ in range(2)]

    order = Order.objects.get()
    assert [answer.url for answer in answers] == [page_of("order", order)] * 2
    assert voucher_balance(scene.voucher).pending == 1_500_00


def test_the_same_page_with_other_answers_is_refused_in_words(browser, scene):
    client = browser(scene.applicant.person)
    chosen = {"offer": scene.seller.offer.code, "hours": "100"}
    url = page_of("hold_new", scene.voucher)
    key = key_on(client.get(url, chosen))
    client.post(url, {**chosen, "key": key})

    page = client.post(url, {**chosen, "hours": "200", "key": key})

    assert "This page was sent before with other answers" in words(page)
    assert voucher_balance(scene.voucher).pending == 1_500_00


def test_a_refusal_is_said_above_the_form_and_what_was_typed_stays(browser, scene):
    client = browser(scene.applicant.person)
    chosen = {"offer": scene.seller.offer.code, "hours": "100"}
    url = page_of("hold_new", scene.voucher)
    key = key_on(client.get(url, chosen))
    send(
        browser(scene.authority.officer), page_of("voucher_suspend", scene.voucher), note="Why"
    )

    page = client.post(url, {**chosen, "key": key})

    assert "There is a problem" in words(page)
    assert f"{scene.voucher.code} is suspended and takes no new orders" in words(page)
    assert 'value="100"' in page.content.decode()
    assert not Order.objects.exists()


def test_a_voucher_in_kind_is_ordered_in_hours(browser):
    scene = make_scene(M5)
    client = browser(scene.applicant.person)
    chosen = {"offer": scene.seller.offer.code, "hours": "10"}
    url = page_of("hold_new", scene.voucher)

    client.post(url, {**chosen, "key": key_on(client.get(url, chosen))})

    assert voucher_balance(scene.voucher).pending == 10 * HOUR


def test_a_programme_that_pays_after_use_offers_a_claim_and_no_order(browser):
    scene = make_scene(M1)
    client = browser(scene.applicant.person)

    page = words(client.get(page_of("voucher", scene.voucher)))

    assert "Place an order" not in page
    assert "pays you after use" in page


def test_releasing_an_order_gives_its_value_back(browser, scene):
    order = a_hold(scene.voucher, scene.applicant, scene.seller)
    client = browser(scene.applicant.person)

    assert "¥1,500.00 Still held" in words(client.get(page_of("order", order)))
    answered = send(client, page_of("order_release", order))

    order.refresh_from_db()
    assert answered.url == page_of("order", order)
    assert order.status == "RELEASED"
    assert voucher_balance(scene.voucher).free == 60_000_00
    assert "Released" in words(client.get(page_of("order", order)))


# --- giving back, stopping -------------------------------------------------------------------


def test_part_of_a_voucher_can_be_given_back(browser, scene):
    client = browser(scene.applicant.person)

    send(client, page_of("voucher_return", scene.voucher), amount="10,000")

    assert voucher_balance(scene.voucher).free == 50_000_00


def test_more_than_is_free_is_not_given_back(browser, scene):
    client = browser(scene.applicant.person)

    page = send(client, page_of("voucher_return", scene.voucher), amount="70000")

    assert page.status_code == 200
    assert "There is a problem" in words(page)
    assert 'value="70000"' in page.content.decode()
    assert voucher_balance(scene.voucher).free == 60_000_00


def test_an_officer_stops_a_voucher_and_lets_it_go_on(browser, scene):
    client = browser(scene.authority.officer)

    send(client, page_of("voucher_suspend", scene.voucher), note="A question is open.")
    stopped = words(client.get(page_of("voucher", scene.voucher)))
    send(client, page_of("voucher_resume", scene.voucher), note="It is answered.")
    active = words(client.get(page_of("voucher", scene.voucher)))

    assert "A question is open." in stopped
    assert "On hold" in stopped
    assert "Put on hold" in active


# --- a provider with the code ----------------------------------------------------------------


def redeem(client, **typed):
    page = client.get(reverse("redeem"))
    return client.post(reverse("redeem"), {**typed, "key": key_on(page)})


def test_a_provider_sees_what_a_code_offers_and_then_confirms_it_once(browser, scene):
    client = browser(scene.seller.person)
    typed = {
        "redemption_code": scene.voucher.redemption_code.lower(),
        "offer": scene.seller.offer.code,
        "hours": "100",
        "provider_reference": "project-7",
    }

    check = redeem(client, **typed, step="check")
    assert "The voucher pays at most ¥1,500.00" in words(check)
    assert not Order.objects.exists()
    hidden = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', check.content.decode())
    )
    answers = [client.post(reverse("redeem"), {**hidden, "step": "confirm"}) for _ in range(2)]

    order = Order.objects.get()
    assert [answer.url for answer in answers] == [page_of("order", order)] * 2
    assert order.provider_reference == "project-7"
    assert order.placed_by == "PROVIDER"
    assert "project-7" in words(client.get(page_of("order", order)))


def test_an_unknown_code_is_refused_in_words(browser, scene):
    client = browser(scene.seller.person)

    page = redeem(
        client,
        redemption_code="AAAA-BBBB-CCCC",
        offer=scene.seller.offer.code,
        hours="100",
        step="check",
    )

    assert "There is a problem" in words(page)
    assert 'value="AAAA-BBBB-CCCC"' in page.content.decode()
    assert not Order.objects.exists()


def test_only_a_provider_redeems(browser, scene):
    assert browser(scene.applicant.person).get(reverse("redeem")).status_code == 404


# --- the public catalogue --------------------------------------------------------------------


def test_the_catalogue_is_open_to_everybody(browser, scene):
    client = browser()

    page = words(client.get(reverse("catalogue")))
    offer = words(client.get(page_of("offer", scene.seller.offer)))

    assert "H100 by the hour" in page
    assert "CNY 25.00" in page
    assert "CNY 25.00" in offer


def test_the_catalogue_says_when_nothing_matches(browser, scene):
    page = words(browser().get(reverse("catalogue"), {"words": "zebra"}))

    assert "No offers match." in page


def test_the_holder_of_a_used_order_is_told_to_ask_for_the_bill(browser, scene):
    order = a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=1)

    page = send(browser(scene.applicant.person), reverse("order_release", args=[order.code]))

    assert f"The order {order.code} was used" in words(page)
    assert "Ask Acme Compute to bill it" in words(page)
    assert Order.objects.get().status == "OPEN"
    assert voucher_balance(scene.voucher).pending == 1_500_00
