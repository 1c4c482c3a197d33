"""A holder asks about a line of use, its provider answers once; neither moves value."""

import pytest
from django.db import DatabaseError, transaction

from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage
from vouchers import actions, queries
from vouchers.models import UseAnswer, UseQuestion

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene()


@pytest.fixture
def order(scene):
    found = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, found, hours=4)
    return found


def ask(scene, order, *, name="job-1", text="Who ran this?", key=None, actor=None):
    return actions.ask_about_use(
        order=order,
        source="slurm",
        name=name,
        text=text,
        actor=actor or scene.applicant.person,
        at=stage.LATER,
        key=key or cast.a_key("ask"),
    )


def answer(scene, question, *, text="Your team’s nightly run.", key=None, actor=None):
    return actions.answer_about_use(
        question=question,
        text=text,
        actor=actor or scene.seller.person,
        at=stage.LATER,
        key=key or cast.a_key("answer"),
    )


def refuses(refusal, do, match=None):
    before = extent(), UseQuestion.objects.count(), UseAnswer.objects.count()
    with pytest.raises(refusal, match=match):
        do()
    assert (extent(), UseQuestion.objects.count(), UseAnswer.objects.count()) == before


def test_a_question_is_asked_and_answered_once_a_key(scene, order):
    question = ask(scene, order, key="q")

    assert ask(scene, order, key="q") == question
    refuses(KeyReused, lambda: ask(scene, order, text="Another?", key="q"))
    reply = answer(scene, question, key="a")
    assert answer(scene, question, key="a") == reply
    refuses(KeyReused, lambda: answer(scene, question, text="Else.", key="a"))
    refuses(actions.QuestionAnswered, lambda: answer(scene, question))
    assert [one.answer for one in queries.questions_of(order)] == [reply]
    assert queries.voucher_balance(scene.voucher).pending == 1_500_00


def test_a_provider_s_program_answers_too(scene, order):
    reply = answer(scene, ask(scene, order), actor=scene.seller.provider.address)

    assert reply.answered_by == scene.seller.provider.address


def test_a_line_is_asked_about_again_once_it_was_answered(scene, order):
    first = ask(scene, order)
    refuses(actions.QuestionOpen, lambda: ask(scene, order), "Wait for the answer of Acme")
    answer(scene, first)

    assert ask(scene, order).pk != first.pk


def test_only_what_was_metered_under_the_order_is_asked_about(scene, order):
    other = cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, provider_reference="other"
    )

    refuses(actions.UseUnknown, lambda: ask(scene, order, name="job-2"))
    refuses(actions.UseUnknown, lambda: ask(scene, other))


@pytest.mark.parametrize("text", ["", " ", "x" * 501])
def test_nobody_asks_or_answers_without_words(scene, order, text):
    question = ask(scene, order)

    refuses(actions.WordsMissing, lambda: ask(scene, order, text=text))
    refuses(actions.WordsMissing, lambda: answer(scene, question, text=text))


def test_the_holder_asks_and_the_provider_answers_and_nobody_else(scene, order):
    question = ask(scene, order)
    rival = cast.make_provider(scene.authority, "Rival Compute")

    for actor in (scene.seller.person, rival.person, scene.authority.officer):
        refuses(NotAllowed, lambda a=actor: ask(scene, order, actor=a))
    for actor in (scene.applicant.person, rival.person, rival.provider.address):
        refuses(NotAllowed, lambda a=actor: answer(scene, question, actor=a))


def test_what_was_said_stays(scene, order):
    answer(scene, ask(scene, order))

    for model in (UseQuestion, UseAnswer):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.update(text="Something else")
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.all().delete()


def test_the_newest_lines_of_use_are_listed(scene, order):
    later = stage.START.replace(day=12)
    stage.use(scene.seller, order, hours=2, key="job-2", started=later)

    found = queries.lines_used(order, 10)

    assert [(one.key, one.quantity_ms) for one in found] == [
        ("job-2", 2 * cast.HOUR),
        ("job-1", 4 * cast.HOUR),
    ]
    assert queries.lines_used(order, 1) == found[:1]
