"""A draft is the organisation's own until it is sent; then it stays as it was sent."""

from datetime import timedelta

import pytest

from common.errors import NotFound
from ledger.queries import extent
from parties.queries import NotAllowed
from tests import cast
from vouchers import actions, queries
from vouchers.forms.applications import Catalogue, TimeForm
from vouchers.models import Application

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme():
    return cast.make_programme(cast.make_authority())


@pytest.fixture
def applicant():
    return cast.an_sme()


def save(scheme, applicant, at=cast.NOON, actor=None, **answers):
    return actions.save_draft(
        round=scheme.round,
        organisation=applicant.organisation,
        answers=answers,
        actor=actor or applicant.person,
        at=at,
    )


def submit(application, actor, key="s", at=cast.NOON):
    return actions.submit_application(application=application, actor=actor, at=at, key=key)


def test_answers_gather_in_one_draft(scheme, applicant):
    first = save(scheme, applicant, project_title="Maps", hours="10")
    second = save(scheme, applicant, hours="20", declaration=True)

    assert first.pk == second.pk
    assert second.answers == {"project_title": "Maps", "hours": "20", "declaration": True}
    assert second.status == "DRAFT"


def test_a_draft_is_nobody_else_s_to_see_or_change(scheme, applicant):
    draft = save(scheme, applicant, project_title="Maps")
    stranger = cast.an_sme("Other Ltd")

    for person in (stranger.person, scheme.authority.officer, scheme.authority.regulator):
        with pytest.raises(NotFound):
            queries.application_of(person, draft.reference)
        with pytest.raises(NotAllowed):
            save(scheme, applicant, actor=person, project_title="Mine")
        with pytest.raises(NotAllowed):
            submit(draft, person)
    draft.refresh_from_db()
    assert draft.answers == {"project_title": "Maps"}


@pytest.mark.parametrize("answers", [{"award": "1"}, {"hours": 10}, {"milestone": "x" * 4001}])
def test_an_answer_to_no_question_is_refused(scheme, applicant, answers):
    with pytest.raises(actions.AnswerUnknown):
        save(scheme, applicant, **answers)
    assert Application.objects.count() == 0


def test_a_closed_round_takes_nothing(scheme, applicant):
    draft = cast.a_draft(scheme, applicant)
    # 16:00 UTC on 31 December is the first instant of January in Shanghai.
    late = cast.NOON.replace(month=12, day=31, hour=16)

    with pytest.raises(
        actions.RoundClosed, match="2025-05-01 to 2025-12-31; today is 2026-01-01"
    ):
        save(scheme, applicant, at=late, project_title="Late")
    with pytest.raises(actions.RoundClosed):
        submit(draft, applicant.person, at=late)
    assert submit(draft, applicant.person, at=late - timedelta(seconds=1)).status == "SENT"


def test_a_complete_draft_is_sent_once(scheme, applicant):
    draft = cast.a_draft(scheme, applicant)

    sent = submit(draft, applicant.person)
    again = submit(draft, applicant.person)

    assert (sent.status, sent.sent_at) == ("SENT", cast.NOON)
    assert again == sent
    with pytest.raises(actions.ApplicationSent):
        submit(draft, applicant.person, key="another")
    with pytest.raises(actions.ApplicationSent):
        save(scheme, applicant, project_title="Something else")
    assert list(queries.applications_awaiting(scheme.authority.officer)) == [sent]
    assert list(queries.applications_awaiting(scheme.authority.finance[0])) == []


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"project_title": " "}, "project_title"),
        ({"fee_total": ""}, "fee_total"),
        ({"fee_total": "a lot"}, "fee_total"),
        ({"fee_total": "NaN"}, "fee_total"),
        ({"fee_total": "-5"}, "fee_total"),
        ({"fee_total": "9e999999"}, "fee_total"),
        ({"fee_total": "1000000000000"}, "fee_total"),
        ({"fee_total": "1.0000001"}, "fee_total"),
        ({"fee_storage": "9e999999"}, "fee_storage"),
        ({"hours": "1e-999999"}, "hours"),
        ({"start_on": "31 June"}, "start_on"),
        ({"start_on": "1999-12-31"}, "start_on"),
        ({"end_on": "9999-12-31"}, "end_on"),
        ({"fee_storage": "100000.01"}, "fee_storage"),
        ({"declaration": False}, "declaration"),
    ],
)
def test_an_incomplete_draft_is_not_sent(scheme, applicant, wrong, names):
    draft = cast.a_draft(scheme, applicant, **wrong)
    before = extent()

    with pytest.raises(actions.AnswersMissing) as refusal:
        submit(draft, applicant.person)

    assert refusal.value.values["names"] == names
    assert extent() == before
    draft.refresh_from_db()
    assert draft.status == "DRAFT"


def test_a_withdrawn_application_makes_room_for_another(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)

    actions.withdraw_application(
        application=sent, actor=applicant.person, at=cast.NOON, key="w"
    )

    with pytest.raises(actions.ApplicationClosed):
        actions.withdraw_application(
            application=sent, actor=applicant.person, at=cast.NOON, key="w2"
        )
    another = cast.a_draft(scheme, applicant)
    assert another.pk != sent.pk
    assert list(queries.applications_awaiting(scheme.authority.officer)) == []


def test_a_decided_application_can_not_be_withdrawn(scheme, applicant):
    decision = cast.an_approved_application(scheme, applicant)

    with pytest.raises(actions.ApplicationClosed):
        actions.withdraw_application(
            application=decision.application, actor=applicant.person, at=cast.NOON, key="w"
        )


@pytest.mark.parametrize(
    ("year", "errors"),
    [
        ("1999", ["Enter a day from 2000 to 2100, for example 31 3 2026"]),
        ("2000", []),
        ("2100", []),
        ("9999", ["Enter a day from 2000 to 2100, for example 31 3 2026"]),
    ],
)
def test_a_plan_names_days_from_2000_to_2100(year, errors):
    law = queries.read_policy(cast.policy_text(cast.M3))
    day = {"end_on_day": "31", "end_on_month": "12", "end_on_year": year}

    form = TimeForm(day, law=law, catalogue=Catalogue((), ()))

    assert form.errors.get("end_on", []) == errors
