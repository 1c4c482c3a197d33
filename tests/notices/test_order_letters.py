"""Each side of an order is told what the other did with it, in its language, and why."""

from datetime import timedelta

import pytest

from notices import actions
from notices.models import Message
from parties.models import User
from tests import cast
from tests.billing import stage
from tests.cast import NOON
from vouchers import actions as vouchers

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=60)


@pytest.fixture
def scene():
    found = cast.make_scene()
    actions.write_letters(at=NOON)
    return found


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def told(user: User, path: str) -> list[str]:
    """Return the subjects of the letters about a page, but for the one of its placing."""
    actions.write_letters(at=LATER)
    found = Message.objects.filter(user=user, path=path).order_by("pk")
    return [one.subject for one in found][1:]


def body(user: User) -> str:
    newest = Message.objects.filter(user=user).order_by("pk").last()
    assert newest is not None
    return newest.body


def test_a_holder_hears_yes_and_no_and_the_reason(scene):
    cast.accepts_each(scene.seller)
    first = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    second = cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, provider_reference="second"
    )
    cast.accepted(first, scene.seller.person)
    cast.declined(second, scene.seller.person, reason="The cluster is full.")

    holder = scene.applicant.person
    assert told(holder, f"/orders/{first.code}/") == [
        f"Order {first.code}: Acme Compute has accepted it"
    ]
    assert told(holder, f"/orders/{second.code}/") == [
        f"Order {second.code}: Acme Compute has declined it"
    ]
    assert "The reason: The cluster is full." in body(holder)
    assert told(scene.seller.person, f"/orders/{first.code}/") == []


def test_the_letter_of_an_order_that_waits_says_until_when(scene):
    cast.accepts_each(scene.seller)
    cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    actions.write_letters(at=LATER)

    assert "it can be accepted until 7 June 2025, that day included" in body(
        scene.seller.person
    )


def test_a_provider_is_reminded_once_on_the_last_day_of_what_it_has_not_answered(scene):
    cast.accepts_each(scene.seller)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    answered = cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, provider_reference="answered"
    )
    cast.accepted(answered, scene.seller.person)

    def reminded(hours_left):
        actions.write_reminders(at=order.accept_by - timedelta(hours=hours_left))
        found = Message.objects.filter(kind="unanswered").order_by("pk")
        return [(one.user, one.subject) for one in found]

    assert reminded(25) == []
    subject = f"Action needed: order {order.code} waits for your answer"
    assert reminded(24) == reminded(3) == [(scene.seller.person, subject)]
    assert "Small Model Ltd ordered 100 GPU-hours of" in body(scene.seller.person)
    assert "until 7 June 2025, that day included" in body(scene.seller.person)


def test_nobody_is_reminded_of_what_was_placed_within_the_day_or_is_over(db):
    authority = cast.make_authority()
    text = cast.policy_text(cast.M3).replace("[hold]\n", "[hold]\naccept_days = 1\n")
    scheme = cast.make_programme(authority, text=text)
    seller, applicant = cast.make_provider(authority), cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    cast.accepts_each(seller)
    order = cast.a_hold(voucher, applicant, seller)
    day_old = order.placed_at + timedelta(days=1)
    assert order.accept_by - day_old < timedelta(hours=5)

    for at in (day_old - timedelta(seconds=1), order.accept_by):
        assert actions.write_reminders(at=at) == 0
    cast.declined(order, seller.person)
    assert actions.write_reminders(at=day_old) == 0


def test_both_hear_that_nobody_answered(scene):
    cast.accepts_each(scene.seller)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    vouchers.lapse_hold(order=order, at=order.accept_by, key="l")

    for person in (scene.applicant.person, scene.seller.person):
        assert told(person, f"/orders/{order.code}/") == [
            f"Order {order.code} was not accepted in time"
        ]


@pytest.mark.parametrize("by_holder", [True, False])
def test_the_other_side_hears_of_a_change_and_why(scene, order, by_holder):
    holder, provider = scene.applicant.person, scene.seller.person
    doer, other = (holder, provider) if by_holder else (provider, holder)
    cast.changed(order, doer, "40", reason="Fewer runs.")

    assert told(other, f"/orders/{order.code}/") == [
        f"Order {order.code}: 40 GPU-hours instead of 100 GPU-hours"
    ]
    assert "The reason: Fewer runs." in body(other)
    assert "¥600.00 of voucher" in body(other)
    assert told(doer, f"/orders/{order.code}/") == []


@pytest.mark.parametrize("by", ["holder", "provider", "program"])
def test_the_other_side_hears_of_a_cancellation_and_why(scene, order, by):
    holder, provider = scene.applicant.person, scene.seller.person
    doer = {"holder": holder, "provider": provider, "program": scene.seller.provider.address}[
        by
    ]
    other, same = (provider, holder) if by == "holder" else (holder, provider)
    cast.cancelled(order, doer, reason="A mistake.")

    assert told(other, f"/orders/{order.code}/") == [f"Order {order.code} was cancelled"]
    assert "The reason: A mistake." in body(other)
    assert told(same, f"/orders/{order.code}/") == []


def test_a_provider_hears_whom_to_let_in_and_whom_no_longer(scene, order):
    user = vouchers.name_order_user(
        order=order,
        name="Ada Lin",
        email="ada@example.org",
        login="ada01",
        actor=scene.applicant.person,
        at=NOON,
        key="n",
    )
    vouchers.end_order_user(user=user, actor=scene.applicant.person, at=NOON, key="e")

    assert told(scene.seller.person, f"/orders/{order.code}/") == [
        f"Order {order.code}: Ada Lin may use it",
        f"Order {order.code}: Ada Lin may not use it any more",
    ]
    assert "(ada@example.org, ada01)" in body(scene.seller.person)
    assert told(scene.applicant.person, f"/orders/{order.code}/") == []


def test_a_letter_is_in_the_language_of_who_reads_it(scene, order):
    User.objects.filter(pk=scene.seller.person.pk).update(language="zh-hans")
    cast.cancelled(order, scene.applicant.person, reason="计划推迟")

    assert told(scene.seller.person, f"/orders/{order.code}/") == [f"订单 {order.code} 已取消"]
    assert "原因：计划推迟" in body(scene.seller.person)


def test_a_question_goes_to_the_provider_and_its_answer_to_the_holder(scene, order):
    stage.use(scene.seller, order, hours=1)
    question = vouchers.ask_about_use(
        order=order,
        source="slurm",
        name="job-1",
        text="Who ran this?",
        actor=scene.applicant.person,
        at=NOON,
        key="q",
    )
    path = f"/orders/{order.code}/"
    asked = f"Order {order.code}: a question about slurm/job-1"
    assert told(scene.seller.person, path) == [asked]
    assert "Who ran this?" in body(scene.seller.person)

    vouchers.answer_about_use(
        question=question, text="Your run.", actor=scene.seller.person, at=NOON, key="a"
    )

    answered = f"Order {order.code}: an answer about slurm/job-1"
    assert told(scene.applicant.person, path) == [answered]
    assert "Your run." in body(scene.applicant.person)
    assert told(scene.seller.person, path) == [asked]
