"""A provider looks a price list over before it counts, and publishes it by one click."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from providers.models import Offer, Price, PriceList
from tests import cast
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(db):
    return cast.make_provider(cast.make_authority())


def table(seller):
    code = seller.offer.code
    return [
        ["sku", "title", "class", "rate", "currency"],
        [code, "", "H100", "24.50", "CNY"],
        ["SKU-1", "Fast", "A100", "12", "CNY"],
        ["SKU-2", "Dear", "A100", "much", "CNY"],
        [code, "", "A100", "9", "USD"],
    ]


def as_csv(rows):
    return "\n".join(",".join(cells) for cells in rows).encode()


def as_workbook(rows):
    book, data = Workbook(), io.BytesIO()
    book.active.append(["Prices of June"])
    book.active.append([])
    for cells in rows:
        book.active.append(cells)
    book.save(data)
    return data.getvalue()


def looked(client, data, name="prices.csv"):
    return send(
        client, reverse("price_list"), file=SimpleUploadedFile(name, data), region="Sichuan"
    )


def confirmed(client, look):
    """Send what the page of the look carries along."""
    initial = look.context["form"].initial
    return client.post(reverse("price_list"), {**initial, "step": "enter", "key": key_on(look)})


def test_a_list_is_looked_over_and_published_once(browser, seller):
    client = browser(seller.person)
    assert "You have published no list yet." in words(client.get(reverse("price_list")))

    look = looked(client, as_csv(table(seller)))

    page = words(look)
    assert "This was a look: nothing is published yet." in page
    assert "New offers 1 New prices of offers 1 Unchanged 0 Rows to correct, left out 2" in page
    assert "4 rate much Write a price with at most four decimals, such as 25.50." in page
    assert "is of the class H100, and the row says A100" in page
    assert "3 SKU-1 Fast A100" in page
    assert (Offer.objects.count(), Price.objects.count()) == (1, 1)

    for _turn in range(2):
        assert confirmed(client, look).url == reverse("offers")
    assert (Offer.objects.count(), Price.objects.count()) == (2, 3)
    assert PriceList.objects.get().file_name == "prices.csv"
    assert "Fast" in words(client.get(reverse("offers")))
    again = words(looked(client, as_csv(table(seller))))
    assert "Unchanged 2" in again
    assert "Every other row is so already; there is nothing to publish." in again


def test_a_workbook_is_read_with_the_rows_that_its_sender_sees(browser, seller):
    look = looked(browser(seller.person), as_workbook(table(seller)), "prices.xlsx")

    page = words(look)
    assert "New offers 1 New prices of offers 1" in page
    assert "6 rate much Write a price" in page
    assert confirmed(browser(seller.person), look).url == reverse("offers")
    assert Offer.objects.filter(sku="SKU-1", resource_class="A100").count() == 1


def test_a_list_of_a_day_is_published_from_that_day(browser, seller):
    client = browser(seller.person)
    look = send(
        client,
        reverse("price_list"),
        file=SimpleUploadedFile("prices.csv", as_csv(table(seller)[:2])),
        region="Sichuan",
        from_on_day="1",
        from_on_month="1",
        from_on_year="2099",
    )

    assert "From 1 January 2099" in words(look)
    assert confirmed(client, look).url == reverse("offers")
    assert Price.objects.filter(from_at__year=2099, rate="24.5").count() == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a,b\n1,2\n", "Columns are missing: sku, class, rate, currency."),
        (b"PK\x03\x04 no archive", "We cannot open this workbook."),
        (b"\x00\x01", "It is no text."),
        (b"", "Columns are missing"),
    ],
)
def test_what_is_no_list_is_refused_in_words(browser, seller, data, said):
    assert said in words(looked(browser(seller.person), data))
    assert not PriceList.objects.exists()


def test_the_sample_is_a_list_that_is_taken(browser, seller):
    client = browser(seller.person)

    sample = browser().get(reverse("prices_sample")).content

    assert "New offers 2" in words(looked(client, sample))
    chinese = browser().get(reverse("prices_sample"), headers={"accept-language": "zh-hans"})
    assert "编号,名称,型号,单价,币种" in chinese.content.decode("utf-8-sig")
    assert "New offers 2" in words(looked(client, chinese.content))


def test_prices_are_their_provider_s_own_to_publish(browser, seller):
    assert browser(cast.an_sme().person).get(reverse("price_list")).status_code == 404
    assert browser().get(reverse("price_list")).status_code == 302
