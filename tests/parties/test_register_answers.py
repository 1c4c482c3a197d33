"""What a register answered is kept once, with its source and time, and never changed."""

from datetime import timedelta

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from ledger.actions import SYSTEM
from ledger.models import Act
from ledger.queries import acts_about, extent
from parties import actions
from parties.kinds import Register
from parties.models import OwnershipLink, RegisterAnswer
from parties.queries import NotAllowed, newest_answers
from tests import cast
from tests.ledger.book import at_once

CLEAN = {"findings": []}
BARRED = {"findings": [{"kind": "MAJOR_PENALTY", "day": "2024-03-01"}]}


def keep(organisation, *answers, actor=SYSTEM, at=cast.NOON, key="k"):
    return actions.keep_register_answers(
        organisation=organisation, answers=answers, actor=actor, at=at, key=key
    )


def conduct(facts):
    return cast.an_answer(Register.CONDUCT, facts, "Credit platform")


@pytest.fixture
def sme(db):
    return cast.an_organisation("SME", "Small Model Ltd")


def test_an_answer_is_kept_with_its_source_and_time(sme):
    (row,) = keep(sme, conduct(BARRED))

    assert (row.register, row.source, row.asked_at) == (
        "CONDUCT",
        "Credit platform",
        cast.NOON,
    )
    assert row.content == BARRED
    (act,) = [one for one in acts_about(sme.address) if one.kind == "ask_registers"]
    assert act.details == {"registers": ["CONDUCT"]}


def test_an_empty_answer_is_an_answer(sme):
    keep(sme, conduct(CLEAN))

    (row,) = newest_answers([sme.pk], at=cast.NOON).values()
    assert row.content == CLEAN


def test_links_are_kept_beside_the_answer_they_came_with(sme):
    link = cast.a_link("OTHER:HOLDING", sme, "0.51")

    (row,) = keep(sme, cast.an_answer(Register.OWNERSHIP, cast.links(link)))

    (kept,) = OwnershipLink.objects.filter(answer=row)
    assert (kept.owner_scheme, kept.owner_identifier) == ("OTHER", "HOLDING")
    assert kept.owned_identifier == sme.identifier
    assert str(kept.share) == "0.51000000"


def test_the_same_key_answers_what_was_kept_first_whatever_registers_say_by_now(sme):
    first = keep(sme, conduct(CLEAN))
    before = extent()

    again = keep(sme, conduct(BARRED), cast.an_answer(Register.BUSINESS, {"employees": 1}))

    assert again == first
    assert extent() == before
    assert RegisterAnswer.objects.count() == 1


def test_the_newest_answer_of_each_register_counts_as_of_its_instant(sme):
    later = cast.NOON + timedelta(days=1)
    keep(sme, conduct(CLEAN))
    keep(sme, cast.an_answer(Register.BUSINESS, {"employees": 7}), key="b")
    keep(sme, conduct(BARRED), at=later, key="later")

    then = newest_answers([sme.pk], at=cast.NOON)
    now = newest_answers([sme.pk], at=later)

    assert then[sme.pk, Register.CONDUCT].content == CLEAN
    assert now[sme.pk, Register.CONDUCT].content == BARRED
    assert now[sme.pk, Register.BUSINESS] == then[sme.pk, Register.BUSINESS]
    assert newest_answers([sme.pk], at=cast.NOON - timedelta(seconds=1)) == {}


def test_nobody_but_staff_may_keep_answers_and_then_nothing_has_moved(db):
    applicant = cast.an_sme(is_clean=False)
    before = extent()

    with pytest.raises(NotAllowed):
        keep(applicant.organisation, conduct(CLEAN), actor=applicant.person.address)

    assert extent() == before
    assert RegisterAnswer.objects.count() == 0


def test_a_link_that_can_not_be_leaves_nothing_half_kept(sme):
    answer = cast.an_answer(Register.OWNERSHIP, cast.links(cast.a_link("OTHER:A", sme, "1")))
    object.__setattr__(answer.facts.links[0], "share", 2)
    before = extent()

    with pytest.raises(IntegrityError), transaction.atomic():
        keep(sme, conduct(CLEAN), answer)

    assert extent() == before
    assert RegisterAnswer.objects.count() == 0


@pytest.mark.parametrize("table", ["parties_registeranswer", "parties_ownershiplink"])
def test_what_was_answered_stays_as_it_was_written(sme, table):
    keep(sme, cast.an_answer(Register.OWNERSHIP, cast.links(cast.a_link("OTHER:A", sme))))

    for statement in (f"update {table} set id = id", f"delete from {table}"):
        with (
            pytest.raises(Exception, match=r"append-only|permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.slow
def test_twenty_at_once_with_one_key_keep_one_answer(committed_db):
    sme = cast.an_organisation("SME", "Small Model Ltd")

    answers = at_once(20, lambda _number: keep(sme, conduct(CLEAN), key="one key"))

    assert {row.pk for one in answers for row in one} == {answers[0][0].pk}
    assert RegisterAnswer.objects.count() == 1
    assert Act.objects.filter(kind="ask_registers").count() == 1


@pytest.mark.slow
def test_answers_that_race_are_all_kept_and_one_is_the_newest(committed_db):
    sme = cast.an_organisation("SME", "Small Model Ltd")

    answers = at_once(
        20,
        lambda number: keep(
            sme,
            conduct(CLEAN),
            at=cast.NOON + timedelta(seconds=number),
            key=f"key {number}",
        ),
    )

    assert not [one for one in answers if isinstance(one, Exception | psycopg.Error)]
    assert RegisterAnswer.objects.count() == 20
    (newest,) = newest_answers([sme.pk], at=cast.NOON + timedelta(hours=1)).values()
    assert newest.asked_at == cast.NOON + timedelta(seconds=19)
