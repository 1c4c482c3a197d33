"""The page of a programme's funders, who may name a payer there, and the batch of each payer."""

import csv
import io
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from billing.models import Batch, Funder, FunderShare
from parties.roles import Role
from tests.billing import stage
from tests.billing.test_several_funders import a_law, name_province, settled
from tests.cast import (
    Scene,
    an_issued_voucher,
    an_sme,
    make_authority,
    make_programme,
    make_provider,
    with_role,
)
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(db):
    authority = make_authority()
    seller = make_provider(authority)
    scheme = make_programme(authority, text=a_law())
    applicant = an_sme()
    voucher = an_issued_voucher(scheme, applicant)
    return Scene(authority, seller, scheme, applicant, voucher)


@pytest.fixture
def province(scene):
    """A payer; one finance officer of the city is one of the province too."""
    payer = make_authority("Province of Guangdong")
    with_role(scene.authority.finance[0], payer.organisation, Role.FINANCE)
    return payer


@pytest.fixture
def address(scene):
    return reverse("programme_funders", args=[scene.scheme.programme.code])


def test_finance_names_a_payer_and_the_page_says_what_it_bears(
    browser, scene, province, address
):
    finance = browser(scene.authority.finance[0])

    answer = send(finance, address, funder="Province", payer=province.organisation.code)

    assert answer.status_code == 302
    assert Funder.objects.get().payer == province.organisation
    settled(scene)
    page = words(finance.get(address))
    for said in ("Province 1/3 Province of Guangdong", "¥5.00", "¥10.00", "Payers named"):
        assert said in page


def test_a_funder_of_no_policy_is_refused_on_the_page(browser, scene, province, address):
    finance = browser(scene.authority.finance[0])

    page = send(finance, address, funder="Park", payer=province.organisation.code)

    assert page.status_code == 200
    assert "Select a valid choice" in words(page)
    assert not Funder.objects.exists()


def test_an_officer_reads_and_names_nobody(browser, scene, province, address):
    page = words(browser(scene.authority.officer).get(address))

    assert "Who bears which part" in page
    assert "Nothing was settled yet." in page
    assert "Name who pays" not in page


def test_a_payers_people_see_the_page_and_others_do_not(browser, scene, province, address):
    assert browser(province.finance[0]).get(address).status_code == 404

    name_province(scene, province)

    assert browser(province.finance[0]).get(address).status_code == 200
    assert browser(make_authority("Elsewhere").finance[0]).get(address).status_code == 404


def test_the_download_gives_every_share(browser, scene, province):
    name_province(scene, province)
    settled(scene)
    finance = browser(scene.authority.finance[0])
    csv_address = reverse("programme_funders_csv", args=[scene.scheme.programme.code])

    content = finance.get(csv_address).content.decode("utf-8-sig")

    rows = list(csv.DictReader(io.StringIO(content)))
    assert [(row["funder"], row["payer"], row["amount"]) for row in rows] == [
        ("Province", province.organisation.code, "5.00"),
        ("City", scene.authority.organisation.code, "10.00"),
    ]
    assert len(rows) == FunderShare.objects.count()


def test_a_batch_is_prepared_for_one_payer(browser, scene, province):
    name_province(scene, province)
    settled(scene)
    finance = browser(scene.authority.finance[0])
    code = scene.scheme.programme.code

    due = words(finance.get(reverse("batches")))
    assert "Province of Guangdong 1 ¥5.00" in due
    asked = f"{reverse('batch_new')}?programme={code}&payer={province.organisation.code}"
    page = words(finance.get(asked))

    assert "Paid from the account of Province of Guangdong." in page
    assert "Prepare a batch of ¥5.00" in page
    answer = send(finance, asked, programme=code, payer=province.organisation.code)
    assert "Payer Province of Guangdong" in words(finance.get(answer.url))
    assert stage.payable(scene) == 10_00


def test_who_asks_twice_for_a_payers_batch_is_led_to_the_first(browser, scene, province):
    name_province(scene, province)
    settled(scene)
    finance = browser(scene.authority.finance[0])
    given = {"programme": scene.scheme.programme.code, "payer": province.organisation.code}
    asked = f"{reverse('batch_new')}?{urlencode(given)}"
    given["key"] = key_on(finance.get(asked))

    first, second = (finance.post(asked, given) for _turn in range(2))

    assert (first.status_code, first.url) == (second.status_code, second.url)
    assert first.status_code == 302
    assert Batch.objects.count() == 1


def test_a_payer_who_owes_nothing_is_not_found(browser, scene, province):
    finance = browser(scene.authority.finance[0])
    code = scene.scheme.programme.code
    asked = f"{reverse('batch_new')}?programme={code}&payer={province.organisation.code}"

    assert finance.get(asked).status_code == 404
