"""A seed says everything: the same seed asks and kills the same, and its model knows the answers."""

from itertools import islice

from bench.chaos import hot
from bench.chaos.desk import BUDGET, Desk
from bench.chaos.model import Answer, Expected, Request, disagreement
from bench.chaos.plan import (
    CLIENTS,
    KINDS,
    ROUND,
    Operation,
    digest,
    kills_within,
    operations,
)


def an_operation(kind, number=1, share=100, place=0, is_final=False):
    return Operation(number, kind, place, share, is_final, "after", "", "")


def an_open_desk():
    desk = Desk(0)
    desk.take(desk.opening(), Answer("", act=1))
    return desk


def test_a_seed_asks_the_same_each_time_and_another_seed_something_else():
    first = [list(islice(operations(7, client), 200)) for client in range(CLIENTS)]

    assert first == [list(islice(operations(7, client), 200)) for client in range(CLIENTS)]
    assert first[0] != first[1]
    assert digest(7, 1) == digest(7, 1)
    assert len({digest(7, 1), digest(8, 1), digest(7, 2)}) == 3


def test_every_kind_is_asked_and_every_kind_is_killed_within_a_minute():
    asked = {operation.kind for operation in islice(operations(1, 0), 2_000)}
    killed = {kill.kind for kill in kills_within(1, 60)}

    assert asked == set(KINDS)
    assert killed == set(ROUND)


def test_a_longer_run_of_a_seed_begins_as_a_shorter_one():
    assert kills_within(3, 600)[: len(kills_within(3, 60))] == kills_within(3, 60)


def test_the_model_knows_what_is_too_much():
    desk = an_open_desk()
    issue = desk.draft(an_operation("issue"))
    assert desk.book.expect(issue) == Expected()
    desk.take(issue, Answer("", act=2))
    voucher = issue.moves[0][2]
    free = desk.book.accounts[voucher].free
    assert desk.book.accounts["available:C0"].free == BUDGET - free

    beyond = desk.draft(an_operation("hold", share=1_001))

    assert desk.book.expect(beyond).code == "not_enough"
    assert dict(desk.book.expect(beyond).facts)["short_by"] == beyond.hold[3] - free


def test_a_final_capture_frees_the_rest_and_closes_the_hold():
    desk = an_open_desk()
    desk.take(desk.draft(an_operation("issue")), Answer("", act=2))
    hold = desk.draft(an_operation("hold", share=1_000))
    desk.take(hold, Answer("", act=3, number=9))
    voucher, held = hold.hold[1], hold.hold[3]

    part = desk.draft(an_operation("capture", share=500, place=1, is_final=True))
    desk.take(part, Answer("", act=4))

    assert desk.book.remaining(9) == 0
    assert desk.book.accounts[voucher].free == held - part.captures[0][1]
    assert desk.book.expect(part) == Expected(
        "hold_closed", (("hold", 9), ("remaining", 0), ("amount", part.captures[0][1]))
    )


def test_a_request_is_the_same_after_a_journal():
    desk = an_open_desk()
    for request in (desk.opening(), desk.draft(an_operation("issue")), hot.HotDesk.opening()):
        assert Request.from_json(request.to_json()) == request


def test_two_answers_to_one_key_must_be_one_act_done_once():
    request = Request("issue_voucher", "k", 0)
    done, again = Answer("", act=5), Answer("", act=5, is_replay=True)
    lost = Answer("lost")

    assert disagreement(request, Expected(), [done, again], 0) == ""
    assert disagreement(request, Expected(), [lost, again], 0) == ""
    assert "2 times" in disagreement(request, Expected(), [done, done], 0)
    assert "twice" in disagreement(request, Expected(), [done, Answer("", act=6)], 0)
    assert "repetition" in disagreement(request, Expected(), [again, again], 0)
    assert "was answered" in disagreement(request, Expected("not_enough"), [done, again], 0)


def test_a_shared_request_may_be_refused_and_then_done_but_not_the_other_way_round():
    captures = ((9, 50, False),)
    request = Request("settle_bill", "k", 0, captures=captures, is_shared=True)
    refused = Answer("hold_closed", facts=(("remaining", 49), ("amount", 50)))
    done = Answer("", act=5)

    assert hot.disagreement(request, [refused, done], 0, is_together=False) == ""
    assert hot.disagreement(request, [done, refused], 0, is_together=True) == ""
    assert "then refused" in hot.disagreement(request, [done, refused], 0, is_together=False)
    enough = Answer("hold_closed", facts=(("remaining", 50), ("amount", 50)))
    assert "was answered" in hot.disagreement(request, [enough, enough], 0, is_together=True)
