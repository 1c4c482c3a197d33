"""Everybody compares offers, in the address and in a file; staff keep caps and equivalents."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from providers import actions as providers
from providers.models import Equivalent, Offer, PriceCap, PriceWithdrawal
from tests.cast import (
    M1,
    M3,
    M5,
    NOON,
    a_cap,
    accepts_each,
    an_equivalent,
    an_offer,
    an_sme,
    make_authority,
    make_provider,
    make_scene,
)
from tests.doors.pages import key_on, send, words
from vouchers.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(db, now):
    found = make_scene(M3)
    seller = found.seller
    an_offer(
        seller.provider,
        seller.person,
        resource_class="A100",
        rate="9.00",
        region="Beijing",
        is_domestic=False,
        queue_hours=3,
        title="A100 in a queue",
        service_level="QUEUED",
    )
    an_equivalent(found.authority, "H100")
    an_equivalent(found.authority, "A100", "0.3", "312")
    return found


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


# --- comparing -------------------------------------------------------------------------------


def test_a_stranger_compares_offers_by_hour_and_by_equivalent_hour(browser, scene):
    page = words(browser().get(reverse("catalogue")))

    assert "2 offers" in page
    assert page.index("A100 in a queue") < page.index("H100 by the hour")
    assert "Beijing Queued 3 hours CNY 9.00 CNY 30.00" in page
    assert "Sichuan On demand Not stated CNY 25.00 CNY 25.00" in page


def test_filter_and_order_stand_in_the_address(browser, scene):
    client = browser()

    by_equivalent = words(client.get(reverse("catalogue"), {"sort": "equivalent"}))
    beijing = words(client.get(reverse("catalogue"), {"region": "Beijing"}))
    nothing = words(client.get(reverse("catalogue"), {"words": "nobody"}))
    nonsense = client.get(reverse("catalogue"), {"sort": "x", "page": "y", "region": "z"})

    assert by_equivalent.index("H100 by the hour") < by_equivalent.index("A100 in a queue")
    assert "1 offer" in beijing
    assert "No offers match." in nothing
    assert nonsense.status_code == 200


def test_an_empty_catalogue_says_what_will_be_there(browser, now):
    assert "No offers yet." in words(browser().get(reverse("catalogue")))


def test_the_file_has_exactly_what_is_filtered(browser, scene):
    client = browser()

    everything = rows_of(client.get(reverse("catalogue_csv"), {"sort": "equivalent"}))
    filtered = rows_of(client.get(reverse("catalogue_csv"), {"region": "Beijing"}))

    assert [row["class"] for row in everything] == ["H100", "A100"]
    assert [row["class"] for row in filtered] == ["A100"]
    assert filtered[0] == {
        "offer": Offer.objects.get(resource_class="A100").code,
        "title": "A100 in a queue",
        "provider": "Acme Compute",
        "resource": "GPU",
        "class": "A100",
        "region": "Beijing",
        "domestic": "no",
        "service_level": "QUEUED",
        "typical_wait_hours": "3",
        "currency": "CNY",
        "price_of_one_hour": "9.0000",
        "since": NOON.isoformat(),
        "precision": "BF16",
        "h100_equivalents": "0.300000",
        "price_of_one_h100_equivalent_hour": "30.0000",
        "source": "NVIDIA H100 Tensor Core GPU datasheet, table 1",
    }


def test_with_a_voucher_at_hand_each_offer_says_what_it_buys(browser, scene):
    client = browser(scene.applicant.person)
    code = scene.voucher.code

    page = words(client.get(reverse("catalogue"), {"voucher": code}))
    rows = rows_of(client.get(reverse("catalogue_csv"), {"voucher": code}))

    assert f"¥60,000.00 are free on voucher {code}." in page
    # The best first: 11,111 hours at 9.00, 4,000 at 25.00.
    assert "11,111 GPU-hours ¥39,999.60 Order here" in page
    assert "4,000 GPU-hours ¥40,000.00 Order here" in page
    assert [(row["hours_bought"], row["own_share_minor_units"]) for row in rows] == [
        ("11111", "3999960"),
        ("4000", "4000000"),
    ]


def test_an_offer_that_can_t_be_ordered_stands_last_however_cheap(browser, scene):
    a_cap(scene.authority, "8.00", resource_class="A100")
    client, asked = browser(scene.applicant.person), {"voucher": scene.voucher.code}

    def classes(**more):
        rows = rows_of(client.get(reverse("catalogue_csv"), {**asked, **more}))
        return [row["class"] for row in rows]

    assert classes() == ["H100", "A100"]
    assert classes(sort="price") == ["A100", "H100"]
    page = words(client.get(reverse("catalogue"), asked))
    assert page.index("H100 by the hour") < page.index("A100 in a queue")


def test_the_voucher_of_others_is_not_at_hand(browser, scene):
    code = scene.voucher.code
    for person in (None, an_sme("Other Ltd").person, scene.seller.person):
        client = browser(person)
        page = words(client.get(reverse("catalogue"), {"voucher": code}))
        assert code not in page
        assert "Your voucher buys" not in page
        rows = rows_of(client.get(reverse("catalogue_csv"), {"voucher": code}))
        assert "hours_bought" not in rows[0]


def test_a_voucher_in_kind_is_compared_with_its_own_class(browser, now):
    scene = make_scene(M5)
    an_offer(scene.seller.provider, scene.seller.person, resource_class="A100")

    page = words(
        browser(scene.applicant.person).get(
            reverse("catalogue"), {"voucher": scene.voucher.code}
        )
    )

    assert "1 offer" in page
    assert "5,000 GPU-hours" in page


def test_a_voucher_that_is_paid_after_use_is_not_offered(browser, now):
    scene = make_scene(M1)

    page = browser(scene.applicant.person).get(reverse("catalogue"))

    assert 'name="voucher"' not in page.content.decode()


def test_an_offer_above_a_cap_is_marked_and_buys_nothing(browser, scene):
    a_cap(scene.authority, "20.00")
    client = browser(scene.applicant.person)

    page = words(client.get(reverse("catalogue"), {"voucher": scene.voucher.code}))

    assert "CNY 25.00 Above the cap" in page
    assert "Choose an offer up to the cap." in page


# --- one offer -------------------------------------------------------------------------------


def test_an_offer_shows_its_figures_their_source_and_every_price(browser, scene, now):
    a_cap(scene.authority, "40.00")
    offer, person = scene.seller.offer, scene.seller.person
    for rate, days in (("26.00", 0), ("30.00", 5)):
        planned = providers.publish_price(
            offer=offer,
            rate=Decimal(rate),
            currency="CNY",
            from_at=NOON + timedelta(minutes=1, days=days),
            actor=person,
            at=NOON,
            key=rate,
        )
    providers.withdraw_price(price=planned, actor=person, at=NOON, key="w")

    response = browser().get(reverse("offer", args=[offer.code]))
    page = words(response)

    assert "BF16 989.4 1 NVIDIA H100 Tensor Core GPU datasheet, table 1" in page
    assert "City Data Bureau lets an hour of H100 cost at most CNY 40.00." in page
    assert "CNY 30.00 Withdrawn before it began" in page
    assert "CNY 26.00 Has begun" in page
    assert "Price of one hour, at each change" in response.content.decode()
    assert "<svg" in response.content.decode()
    assert "Download the figures (CSV)" in page
    rows = rows_of(browser().get(reverse("offer_prices_csv", args=[offer.code])))
    assert [row["price_of_one_hour"] for row in rows] == ["30.0000", "26.0000", "25.0000"]
    assert [bool(row["withdrawn_at"]) for row in rows] == [True, False, False]


def test_an_offer_that_is_not_there(browser, now):
    for name in ("offer", "offer_prices_csv"):
        assert browser().get(reverse(name, args=["F-222222"])).status_code == 404


def test_ordering_from_the_catalogue_asks_for_the_hours_alone(browser, scene):
    client = browser(scene.applicant.person)
    url = reverse("hold_new", args=[scene.voucher.code])
    accepts_each(scene.seller)

    asked = client.get(url, {"offer": scene.seller.offer.code})
    seen = client.get(url, {"offer": scene.seller.offer.code, "hours": "100"})

    assert "There is a problem" not in words(asked)
    assert f'value="{scene.seller.offer.code}" selected' in asked.content.decode()
    assert "Price of one hour CNY 25.00" in words(seen)
    assert "The provider accepts it itself, by" in words(seen)
    assert not Order.objects.exists()


# --- caps and equivalents --------------------------------------------------------------------

CAP = {
    "resource": "GPU",
    "resource_class": "h100",
    "rate": "20",
    "currency": "CNY",
    "reason": "Notice 7 of 2025",
}
FIGURE = {
    "resource_class": "h20",
    "precision": "BF16",
    "teraflops": "148",
    "factor": "0.1496",
    "source": "Datasheet of the maker",
    "sourced_on_day": "1",
    "sourced_on_month": "3",
    "sourced_on_year": "2025",
    "from_on_day": "1",
    "from_on_month": "6",
    "from_on_year": "2025",
}


def test_everybody_reads_caps_and_figures_and_nobody_else_sets_them(browser, scene):
    a_cap(scene.authority, None)
    for name in ("price_caps", "equivalents"):
        assert browser().get(reverse(name)).status_code == 200
    for name in ("price_cap_new", "equivalent_new"):
        assert browser().get(reverse(name)).status_code == 302
        for person in (scene.seller.person, scene.applicant.person):
            assert browser(person).get(reverse(name)).status_code == 404
    assert "No cap" in words(browser().get(reverse("price_caps")))


def test_empty_lists_say_what_will_be_there(browser, now):
    assert "No caps." in words(browser().get(reverse("price_caps")))
    assert "No figures yet." in words(browser().get(reverse("equivalents")))


def test_an_officer_sets_a_cap_once(browser, scene):
    client = browser(scene.authority.officer)
    scope = scene.authority.organisation.code
    typed = {**CAP, "scope": scope, "key": key_on(client.get(reverse("price_cap_new")))}

    for _ in range(2):
        assert client.post(reverse("price_cap_new"), typed).url == reverse("price_caps")

    cap = PriceCap.objects.get()
    assert (cap.resource_class, cap.rate, cap.programme_code) == ("H100", Decimal(20), "")
    page = words(browser().get(reverse("price_caps")))
    assert "City Data Bureau GPU H100 CNY 20.00 Notice 7 of 2025" in page
    rows = rows_of(browser().get(reverse("price_caps_csv")))
    assert [(row["class"], row["rate"], row["programme"]) for row in rows] == [
        ("H100", "20.0000", "")
    ]


def test_a_programme_s_cap_is_set_for_it_alone(browser, scene):
    client = browser(scene.authority.officer)
    scope = f"{scene.authority.organisation.code}/{M3}"

    send(client, reverse("price_cap_new"), **{**CAP, "scope": scope, "rate": ""})

    cap = PriceCap.objects.get()
    assert (cap.programme_code, cap.rate) == (M3, None)
    other = f"{make_authority('Other Bureau').organisation.code}"
    page = send(client, reverse("price_cap_new"), **{**CAP, "scope": other})
    assert "There is a problem" in words(page)
    assert PriceCap.objects.count() == 1


def test_an_officer_records_a_figure_with_its_source(browser, scene):
    client = browser(scene.authority.officer)

    send(client, reverse("equivalent_new"), **FIGURE)
    refused = send(client, reverse("equivalent_new"), **{**FIGURE, "factor": "0"})

    assert "can't be figures of H20" in words(refused)
    assert Equivalent.objects.filter(resource_class="H20").count() == 1
    page = words(browser().get(reverse("equivalents")))
    assert "H20 BF16 148 0.1496 1 June 2025 Datasheet of the maker (1 March 2025)" in page
    rows = rows_of(browser().get(reverse("equivalents_csv")))
    assert [row["class"] for row in rows] == ["A100", "H100", "H20"]


# --- the provider's side ---------------------------------------------------------------------

OFFER = {
    "resource_class": "h200",
    "resource": "GPU",
    "is_domestic": "no",
    "region": "CN-5101",
    "service_level": "ON_DEMAND",
    "queue_hours": "0",
    "rate": "32",
    "currency": "CNY",
    "title": "",
}


def test_an_offer_is_read_once_more_before_it_is_published(browser, scene):
    client = browser(scene.seller.person)
    an_offer(scene.seller.provider, scene.seller.person, resource_class="H200", rate="31")

    review = send(client, reverse("offer_new"), **OFFER, step="check")

    assert "Name of the offer H200, on demand" in words(review)
    assert "The lowest price of this class in the catalogue is CNY 31.00." in words(review)
    assert Offer.objects.filter(resource_class="H200").count() == 1
    back = client.post(reverse("offer_new"), {**OFFER, "key": key_on(review), "step": "change"})
    assert 'value="32"' in back.content.decode()
    done = client.post(
        reverse("offer_new"), {**OFFER, "key": key_on(review), "step": "publish"}
    )
    offer = Offer.objects.get(title="H200, on demand")
    assert done.url == reverse("offer_price", args=[offer.code])
    assert (offer.queue_hours, offer.is_domestic) == (0, False)


def test_an_offer_above_a_cap_is_stopped_before_it_is_published(browser, scene):
    a_cap(scene.authority, "30.00", resource_class="H200")
    client = browser(scene.seller.person)

    review = send(client, reverse("offer_new"), **OFFER, step="check")
    refused = client.post(
        reverse("offer_new"), {**OFFER, "key": key_on(review), "step": "publish"}
    )

    assert "lets an hour of H200 cost at most CNY 30.00" in words(review)
    assert 'value="publish"' not in review.content.decode()
    assert "is above the cap of City Data Bureau" in words(refused)
    assert not Offer.objects.filter(resource_class="H200").exists()


def test_a_planned_price_is_withdrawn_and_one_in_force_is_not(browser, scene):
    client, offer = browser(scene.seller.person), scene.seller.offer
    price = providers.publish_price(
        offer=offer,
        rate=Decimal("30.00"),
        currency="CNY",
        from_at=NOON + timedelta(days=5),
        actor=scene.seller.person,
        at=NOON,
        key="p",
    )
    url = reverse("price_withdraw", args=[offer.code, price.pk])
    assert url in client.get(reverse("offer_price", args=[offer.code])).content.decode()

    send(client, url)

    assert PriceWithdrawal.objects.get().price == price
    begun = reverse("price_withdraw", args=[offer.code, scene.seller.price.pk])
    assert "has begun and stays as it is" in words(send(client, begun))
    rival = make_provider(scene.authority, "Rival Compute")
    assert browser(rival.person).get(url).status_code == 404


def test_a_provider_says_how_long_one_waits(browser, scene):
    client, offer = browser(scene.seller.person), scene.seller.offer
    url = reverse("offer_queue", args=[offer.code])

    send(client, url, queue_hours="48")

    assert "Typical wait 48 hours" in words(browser().get(reverse("offer", args=[offer.code])))
    assert "Enter whole hours" in words(send(client, url, queue_hours="soon"))
