"""A deputy takes a finance officer's step for some days, and both of them count as one part."""

from datetime import date, timedelta

import pytest

from billing import actions
from billing.models import Batch, BatchStep, RefusedAttempt
from billing.queries import may_take_steps, stood_in_for
from parties.queries import NotAllowed, SamePerson
from parties.roles import Role
from tests import cast
from tests.billing import stage
from tests.parties.money_scenes import with_payable
from vouchers import actions as vouchers
from vouchers.models import Deputy
from vouchers.queries import deputies_of, stands_in_for

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2025, 7, 1), date(2025, 7, 14)


@pytest.fixture
def scene():
    return with_payable()


def name(officer, deputy, key="name", role=Role.FINANCE, since=FIRST, until=LAST):
    return vouchers.name_deputy(
        deputy=deputy,
        from_on=since,
        until_on=until,
        actor=officer,
        at=cast.NOON,
        key=key,
        role=role,
    )


def approve(batch, actor, at=stage.LATER, key="a"):
    return actions.approve_batch(batch=batch, actor=actor, at=at, key=key)


def test_a_deputy_takes_the_officer_s_step_under_their_own_name(scene):
    _first, second, third = scene.authority.finance
    deputy = scene.authority.officer
    assert name(second, deputy) == name(second, deputy)
    batch = stage.prepare(scene)

    approved = approve(batch, deputy)

    assert approve(batch, deputy) == approved
    assert approved.approved_by == deputy
    step = BatchStep.objects.get(kind="APPROVED")
    assert (step.doer, step.stands_for) == (deputy, second)
    asked = {"batch": batch, "at": stage.LATER}
    fellow = cast.another_account(second)
    for person in (fellow, deputy):
        cast.with_role(person, scene.authority.organisation, Role.FINANCE)
    for person in (second, fellow, deputy):
        with pytest.raises(SamePerson):
            actions.release_batch(**asked, actor=person, key="r")
    actions.release_batch(**asked, actor=third, key="r")
    assert Batch.objects.get().status == "RELEASED"


def test_who_stands_in_for_the_preparer_does_not_approve(scene):
    first, second, _third = scene.authority.finance
    deputy = scene.authority.officer
    name(first, deputy)
    batch = stage.prepare(scene)

    with pytest.raises(actions.StandsForSamePerson) as refused:
        approve(batch, deputy)

    assert refused.value.values["name"] == first.name
    attempt = RefusedAttempt.objects.get()
    assert (attempt.asked_by, attempt.code) == (deputy, "stands_for_same_person")
    # In the place of another officer, who had no part yet, it is right.
    name(second, deputy, key="name 2")
    approve(batch, deputy)
    assert BatchStep.objects.get(kind="APPROVED").stands_for == second


@pytest.mark.parametrize(
    ("on", "is_allowed"),
    [
        (FIRST - timedelta(days=1), False),
        (FIRST, True),
        (LAST, True),
        (LAST + timedelta(days=1), False),
    ],
)
def test_a_deputy_stands_in_from_the_first_day_until_the_last(scene, on, is_allowed):
    second, deputy = scene.authority.finance[1], scene.authority.officer
    name(second, deputy)
    at = stage.start_of(on, stage.ZONE) + timedelta(hours=23)

    programme = scene.scheme.programme
    assert may_take_steps(deputy, programme, at) == is_allowed
    assert stood_in_for(deputy, programme, at) == ([second] if is_allowed else [])


def test_after_the_last_day_a_deputy_is_nobody(scene):
    deputy = scene.authority.officer
    name(scene.authority.finance[1], deputy, until=date(2025, 7, 1))
    batch = stage.prepare(scene)

    with pytest.raises(NotAllowed):
        approve(batch, deputy)

    assert Batch.objects.get().status == "LOCKED"


def test_nobody_is_stood_in_for_who_is_no_finance_officer_any_more(scene):
    second, deputy = scene.authority.finance[1], scene.authority.officer
    name(second, deputy)
    second.memberships.update(valid_until_on=date(2025, 6, 30))
    batch = stage.prepare(scene)

    with pytest.raises(NotAllowed):
        approve(batch, deputy)


def test_an_own_right_comes_before_a_deputy_s(scene):
    _first, second, third = scene.authority.finance
    name(second, third)

    approve(stage.prepare(scene), third)

    assert BatchStep.objects.get(kind="APPROVED").stands_for is None


def test_who_fits_as_a_deputy(scene):
    second = scene.authority.finance[1]
    elsewhere = cast.make_authority("Another Bureau")
    unfit = (
        second,
        cast.another_account(second),
        scene.authority.investigator,
        scene.seller.person,
        elsewhere.finance[0],
        elsewhere.officer,
    )
    for number, person in enumerate(unfit):
        with pytest.raises(vouchers.DeputyInvalid):
            name(second, person, key=f"name {number}")
    with pytest.raises(vouchers.DeputyInvalid):
        name(second, scene.authority.officer, since=LAST, until=FIRST)
    with pytest.raises(NotAllowed):
        name(scene.authority.officer, scene.authority.finance[0])

    assert not Deputy.objects.exists()
    assert name(second, scene.authority.admin)


def test_a_deputy_for_payments_is_none_for_applications(scene):
    second, deputy = scene.authority.finance[1], scene.authority.officer
    name(second, deputy)

    assert stands_in_for(deputy, FIRST) == set()
    assert not deputies_of(second, FIRST).exists()
    assert stands_in_for(deputy, FIRST, Deputy.For.FINANCE) == {second.pk}
    name(scene.authority.second_officer, deputy, key="officer", role=Role.OFFICER)
    assert stands_in_for(deputy, FIRST) == {scene.authority.second_officer.pk}


def test_a_release_that_a_deputy_asked_for_is_done_while_they_are_one(scene):
    third, deputy = scene.authority.finance[2], scene.authority.officer
    name(third, deputy, until=date(2025, 7, 2))
    batch = stage.approve(scene, stage.prepare(scene))
    job = actions.ask_to_release(batch=batch, actor=deputy, at=stage.LATER, key="ask")

    late = actions.do_batch_job(job=job, at=stage.LATER + timedelta(days=1))

    assert late.status == "FAILED"
    assert Batch.objects.get().status == "APPROVED"
    job = actions.ask_to_release(batch=batch, actor=deputy, at=stage.LATER, key="again")
    assert actions.do_batch_job(job=job, at=stage.LATER).status == "DONE"
    assert BatchStep.objects.get(kind="RELEASED").stands_for == third
