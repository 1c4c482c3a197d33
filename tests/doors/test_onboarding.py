"""A provider's home says what is done on the way to the first bill, and what is next."""

import pytest
from django.urls import reverse

from parties.models import BankDetail
from providers import actions
from providers.queries import onboarding_of
from tests import cast
from tests.billing import stage
from tests.cast import NOON
from tests.doors.pages import words

pytestmark = pytest.mark.django_db


def state(organisation, at=NOON):
    return {
        one.name: "done"
        if one.is_done
        else "asked"
        if one.waits
        else "can"
        if one.can_begin
        else "waits"
        for one in onboarding_of(organisation, at)
    }


def test_a_newcomer_begins_with_its_accreditation_and_its_bank_detail(browser):
    authority = cast.make_authority()
    organisation, person = cast.a_newcomer()

    assert state(organisation) == {
        "accreditation": "can",
        "agreement": "waits",
        "bank_detail": "can",
        "capacity": "waits",
        "offer": "waits",
        "api_key": "waits",
        "bill": "waits",
    }
    page = words(browser(person).get(reverse("provider_home")))
    assert "Not accredited yet" in page
    assert "0 of 7 steps are completed." in page
    assert "An authority accredits you by batch and service item Next" in page
    assert "Buyers see it at once Cannot start yet" in page
    assert browser(cast.an_sme().person).get(reverse("provider_home")).status_code == 404

    provider = browser(person)
    cast.an_accreditation_application(authority, organisation, person)
    assert state(organisation)["accreditation"] == "asked"
    page = words(provider.get(reverse("provider_home")))
    assert "An authority accredits you by batch and service item With the authority" in page
    assert "A finance officer approves it Next" in page
    page = words(provider.get(reverse("accreditation")))
    assert "Your application waits for an officer of the authority" in page
    waiting = "Applications of providers for accreditation: 1"
    assert waiting in words(browser(authority.officer).get(reverse("queue")))
    assert state(organisation)["agreement"] == "done"
    cast.an_agreement(cast.make_authority("Another Bureau"))
    assert state(organisation)["agreement"] == "done"
    cast.an_agreement(authority)
    assert state(organisation)["agreement"] == "can"


def test_each_step_is_done_by_what_was_really_done(browser):
    scene = cast.make_scene()
    seller = scene.seller
    assert state(seller.organisation) == {
        "accreditation": "done",
        "agreement": "done",
        "bank_detail": "done",
        "capacity": "can",
        "offer": "done",
        "api_key": "can",
        "bill": "can",
    }

    agreement = cast.an_agreement(scene.authority)
    assert state(seller.organisation)["agreement"] == "can"
    cast.an_accepted_agreement(agreement, seller)
    actions.record_node(
        provider=seller.provider,
        entry=actions.NodeEntry("n1", "H100", 8, "CN-5101", None, None),
        actor=seller.person,
        at=NOON,
        key="n",
    )
    actions.create_api_key(
        provider=seller.provider, name="meter", actor=seller.person, at=NOON, key="k"
    )
    page = words(browser(seller.person).get(reverse("provider_home")))
    assert "6 of 7 steps are completed." in page
    assert "Try the file first: a check records nothing Next" in page

    order = cast.a_hold(scene.voucher, scene.applicant, seller)
    stage.use(seller, order, hours=40)
    stage.bill(scene)
    assert set(state(seller.organisation).values()) == {"done"}
    page = words(browser(seller.person).get(reverse("provider_home")))
    assert "steps are completed" not in page
    assert "8 GPUs registered today" in page


def test_who_has_billed_is_told_only_what_came_up_since(browser):
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.bill(scene)
    cast.an_agreement(scene.authority)

    page = words(browser(scene.seller.person).get(reverse("provider_home")))

    assert "Still to do Accept the agreement" in page
    assert "steps are completed" not in page
    assert "Be accredited" not in page
    assert "Make a key to the API" not in page


def test_a_bank_detail_that_only_waits_is_not_done_yet():
    seller = cast.make_provider(cast.make_authority())
    BankDetail.objects.filter(organisation=seller.organisation).update(status="PROPOSED")

    assert state(seller.organisation)["bank_detail"] == "asked"


@pytest.mark.parametrize("page", ["offers", "usage_upload", "redeem", "capacity", "api_keys"])
def test_a_page_for_providers_tells_a_newcomer_what_to_do_first(browser, page):
    _organisation, person = cast.a_newcomer()

    answer = browser(person).get(reverse(page))

    assert answer.status_code == 409
    assert "New Compute is not accredited yet" in words(answer)
    assert "Apply for accreditation from your start page" in words(answer)
