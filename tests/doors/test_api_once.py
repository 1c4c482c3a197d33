"""A request that is sent twice is done once, and its first answer is given again."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from providers import actions
from providers.models import ApiAnswer
from tests.cast import M3, NOON, make_provider, make_scene
from tests.doors.programs import PROBLEM, Program, redemption
from vouchers import actions as vouchers
from vouchers.models import Order


@pytest.fixture
def scene(db, now):
    return make_scene(M3)


@pytest.fixture
def program(scene):
    return Program(scene.seller)


def test_the_first_answer_is_given_again_byte_for_byte(scene, program):
    first, again = (program.post("redemptions", redemption(scene), key="r-1") for _ in "12")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first["Content-Type"] == again["Content-Type"] == "application/json"
    assert "Idempotent-Replayed" not in first.headers
    assert again["Idempotent-Replayed"] == "true"
    assert Order.objects.count() == 1


def test_the_first_answer_stays_when_the_world_has_moved_on(scene, program):
    first = program.post("redemptions", redemption(scene), key="r-1").json()
    order = Order.objects.get()
    vouchers.release_hold(
        order=order, actor=scene.seller.person, at=NOON + timedelta(hours=1), key="release"
    )

    again = program.post("redemptions", redemption(scene), key="r-1").json()

    assert again == first
    assert again["order_status"] == "OPEN"
    assert program.get(f"orders/{order.code}").json()["order_status"] != "OPEN"


def test_a_refusal_is_given_again_as_it_was(scene, program):
    content = redemption(scene, offer="F-NOBODY")

    first, again = (program.post("redemptions", content, key="r-1") for _ in "12")

    assert (first.status_code, again.status_code) == (404, 404)
    assert first.json() == again.json()
    assert again["Content-Type"] == "application/problem+json"
    assert again["Idempotent-Replayed"] == "true"


def test_what_could_not_be_read_is_put_right_under_the_same_key(scene, program):
    wrong = program.post("redemptions", redemption(scene, hours="many"), key="r-1")
    right = program.post("redemptions", redemption(scene), key="r-1")

    assert (wrong.status_code, right.status_code) == (400, 201)


def test_a_failure_of_ours_is_not_kept(scene, program, monkeypatch):
    program.client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(vouchers, "redeem_code", lambda **_given: 1 / 0)
        failed = program.post("redemptions", redemption(scene), key="r-1")

    again = program.post("redemptions", redemption(scene), key="r-1")

    assert (failed.status_code, again.status_code) == (500, 201)
    assert "Idempotent-Replayed" not in again.headers


@pytest.mark.parametrize("change", ["body", "path"])
def test_the_same_key_for_something_else_is_refused(scene, program, change):
    program.post("redemptions", redemption(scene), key="r-1")

    other = (
        ("redemptions", redemption(scene, hours="99")) if change == "body" else ("bills", {})
    )
    answer = program.post(*other, key="r-1")

    assert answer.status_code == 422
    assert answer.json().keys() == PROBLEM
    assert answer.json()["code"] == "key_reused"
    assert Order.objects.count() == 1


def test_each_provider_has_keys_of_its_own(scene, program):
    other = Program(make_provider(scene.authority, "Other Compute"))
    program.post("redemptions", redemption(scene), key="r-1")

    answer = other.post("bills", {"programme": "nowhere"}, key="r-1")

    assert answer.json()["code"] == "input_invalid"


def test_a_request_that_is_worked_on_is_told_to_come_again(scene, program, now):
    program.post("redemptions", redemption(scene), key="r-1")
    ApiAnswer.objects.update(status=None, begun_at=now)

    answer = program.post("redemptions", redemption(scene), key="r-1")

    assert answer.status_code == 409
    assert answer.json()["code"] == "in_flight"
    assert answer["Retry-After"] == "1"
    assert ApiAnswer.objects.get().status is None


def test_a_request_whose_process_died_is_done_once_more_and_moves_nothing_twice(
    scene, program, now
):
    first = program.post("redemptions", redemption(scene), key="r-1")
    ApiAnswer.objects.update(status=None, begun_at=now - timedelta(minutes=3))

    again = program.post("redemptions", redemption(scene), key="r-1")

    assert again.status_code == 201
    assert again.json() == first.json()
    assert Order.objects.count() == 1


def test_answers_are_kept_for_two_days(scene, program, now):
    program.post("redemptions", redemption(scene), key="r-1")

    assert actions.forget_old_answers(at=now + timedelta(hours=48)) == 0
    assert actions.forget_old_answers(at=now + timedelta(hours=49)) == 1
    # The action's own key still knows the request.
    assert program.post("redemptions", redemption(scene), key="r-1").status_code == 201
    assert Order.objects.count() == 1


def test_eight_at_once_make_one_order_and_tell_it_alike(committed_db, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOON + timedelta(hours=1))
    scene = make_scene(M3)
    program = Program(scene.seller)
    answers, begin = [], threading.Barrier(8)

    def ask():
        begin.wait()
        answers.append(program.post("redemptions", redemption(scene), key="r-1"))
        connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    done = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer.json()["code"] for answer in answers if answer.status_code != 201]
    assert len({answer.content for answer in done}) == 1
    assert set(waiting) <= {"in_flight"}
    assert Order.objects.count() == 1
    assert program.post("redemptions", redemption(scene), key="r-1").content == done[0].content
    connection.close()
