"""A provider accepts exactly the text that is in force before it takes its first order."""

from datetime import date, timedelta

import pytest
from django.db import Error, transaction

from ledger.queries import extent
from parties.queries import NotAllowed
from providers import actions
from providers.actions.agreements import fingerprint
from providers.models import Agreement, AgreementAcceptance
from providers.queries import agreement_in_force, agreement_lacking, agreements_to_accept
from tests import cast
from vouchers.models import Order

pytestmark = pytest.mark.django_db

NOON, DAY = cast.NOON, timedelta(days=1)


@pytest.fixture
def scene():
    return cast.make_scene()


def published(scene, **more):
    return cast.an_agreement(scene.authority, **more)


def accept(scene, agreement, **more):
    return cast.an_accepted_agreement(agreement, scene.seller, **more)


def a_hold(scene, at=NOON):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller, at=at, hours="1")


def refuses(refusal, ask):
    before = extent()
    with pytest.raises(refusal), transaction.atomic():
        ask()
    assert extent() == before


def test_no_order_is_placed_before_the_agreement_in_force_is_accepted(scene):
    agreement = published(scene, from_on=cast.TODAY + DAY)
    seller = scene.seller.organisation

    assert agreement_lacking(scene.authority.organisation, seller, NOON) is None
    assert agreement_lacking(scene.authority.organisation, seller, NOON + DAY) == agreement
    refuses(actions.AgreementNotAccepted, lambda: a_hold(scene, NOON + DAY))
    assert Order.objects.count() == 0

    acceptance = accept(scene, agreement)

    assert acceptance.sha256 == agreement.sha256
    assert (acceptance.accepted_by, acceptance.accepted_at) == (scene.seller.person, NOON)
    assert a_hold(scene, NOON + DAY).status == Order.Status.OPEN


def test_an_agreement_of_another_authority_stops_no_order(scene):
    elsewhere = cast.make_authority("Another Bureau")
    cast.an_agreement(elsewhere)

    assert a_hold(scene).status == Order.Status.OPEN


def test_a_new_version_asks_again_from_its_day_on(scene):
    first = published(scene)
    accept(scene, first)
    second = published(scene, text="Another.", from_on=cast.TODAY + 10 * DAY)
    authority, seller = scene.authority.organisation, scene.seller.organisation

    assert (first.number, second.number) == (1, 2)
    assert agreement_in_force(authority, NOON + 9 * DAY) == first
    assert agreement_in_force(authority, NOON + 10 * DAY) == second
    assert list(agreements_to_accept(seller)) == [second]
    a_hold(scene, NOON + 9 * DAY)
    refuses(actions.AgreementNotAccepted, lambda: a_hold(scene, NOON + 10 * DAY))
    refuses(actions.AgreementFollowed, lambda: accept(scene, first, key="again"))
    accept(scene, second)
    assert list(agreements_to_accept(seller)) == []


def test_the_next_version_accepted_before_its_day_counts_for_this_one(scene):
    published(scene)
    second = published(scene, text="Another.", from_on=cast.TODAY + 10 * DAY)

    accept(scene, second)

    assert a_hold(scene).status == Order.Status.OPEN


def test_only_the_very_text_is_accepted_and_only_once(scene):
    agreement = published(scene)
    assert agreement.text == "One.\nTwo."
    assert agreement.sha256 == fingerprint(
        title="Framework", title_zh="", text="One.\nTwo.", text_zh=""
    )

    refuses(actions.AgreementChanged, lambda: accept(scene, agreement, sha256="0" * 64))
    refuses(NotAllowed, lambda: accept(scene, agreement, actor=scene.authority.officer))
    first = accept(scene, agreement, key="k")
    assert accept(scene, agreement, key="k") == first
    refuses(actions.AgreementAccepted, lambda: accept(scene, agreement))
    assert AgreementAcceptance.objects.count() == 1
    for rows in (Agreement.objects, AgreementAcceptance.objects):
        with pytest.raises(Error), transaction.atomic():
            rows.all().delete()


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"text": " "}, actions.AgreementTextMissing),
        ({"title": ""}, actions.AgreementTextMissing),
        ({"text": "x" * 100_001}, actions.AgreementTextMissing),
        ({"from_on": date(2025, 6, 1)}, actions.AgreementInThePast),
    ],
)
def test_an_agreement_that_binds_nobody_is_refused(scene, wrong, refusal):
    refuses(refusal, lambda: published(scene, **wrong))
    assert Agreement.objects.count() == 0


def test_only_its_own_authority_publishes_and_once_however_often_asked(scene):
    elsewhere = cast.make_authority("Another Bureau")

    refuses(NotAllowed, lambda: published(scene, actor=elsewhere.officer))
    assert published(scene, key="k") == published(scene, key="k")
    assert Agreement.objects.count() == 1
