"""An organisation is called what it calls itself in the language of the page and of the letter."""

import pytest
from django.conf import settings
from django.core import mail
from django.urls import reverse

from notices import actions as notices
from parties.models import Organisation
from tests.cast import NOON, a_hold, an_issued_voucher, an_sme, make_scene
from tests.cast import Scene as Town
from tests.doors.pages import words

pytestmark = pytest.mark.django_db

FIRM = {"en": "Small Maps Ltd", "zh-hans": "小地图有限公司"}
SELLER = {"en": "Acme Compute", "zh-hans": "极点算力"}


@pytest.fixture
def scene(db, now):
    """A holder and a provider with names in both languages, and an authority with one."""
    town = make_scene()
    Organisation.objects.filter(pk=town.seller.organisation.pk).update(
        name_zh=SELLER["zh-hans"]
    )
    firm = an_sme(FIRM["en"], name_zh=FIRM["zh-hans"])
    voucher = an_issued_voucher(town.scheme, firm)
    return Town(town.authority, town.seller, town.scheme, firm, voucher)


@pytest.mark.parametrize(("language", "other"), [("en", "zh-hans"), ("zh-hans", "en")])
def test_a_page_names_organisations_in_its_language(browser, scene, language, other):
    order = a_hold(scene.voucher, scene.applicant, scene.seller)
    people = {
        "order": (scene.applicant.person, [order.code]),
        "offer": (scene.applicant.person, [scene.seller.offer.code]),
        "order_change": (scene.seller.person, [order.code]),
        "voucher": (scene.authority.officer, [scene.voucher.code]),
        "provider_home": (scene.seller.person, []),
        "catalogue": (scene.applicant.person, []),
    }
    for name, (person, args) in people.items():
        client = browser(person)
        client.cookies.load({settings.LANGUAGE_COOKIE_NAME: language})

        page = words(client.get(reverse(name, args=args)))

        assert FIRM[language] in page or SELLER[language] in page, name
        assert FIRM[other] not in page, name
        assert SELLER[other] not in page, name


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_who_has_one_name_is_called_it_in_both_languages(browser, scene, language):
    client = browser(scene.authority.officer)
    client.cookies.load({settings.LANGUAGE_COOKIE_NAME: language})

    page = words(client.get(reverse("programmes")))

    assert scene.authority.organisation.name in page


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_table_to_keep_names_them_alike_in_both_languages(browser, scene, language):
    client = browser(scene.applicant.person)
    client.cookies.load({settings.LANGUAGE_COOKIE_NAME: language})

    table = client.get(reverse("catalogue_csv")).content.decode()

    assert SELLER["en"] in table
    assert SELLER["zh-hans"] not in table


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_letter_names_them_in_the_language_of_who_reads_it(scene, language):
    person = scene.applicant.person
    person.language = language
    person.save(update_fields=["language"])
    a_hold(scene.voucher, scene.applicant, scene.seller)
    notices.write_letters(at=NOON)
    while notices.send_messages(at=NOON):
        pass

    letters = [one.body for one in mail.outbox if one.to == [person.email]]

    assert any(SELLER[language] in str(body) for body in letters)
