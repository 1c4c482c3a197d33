"""All people by all stages: nobody does two incompatible acts, and every attempt is written down.

What each may do is told here once more, by parts and not by the code's own way of asking: an act
belongs to one part, and whoever had another part in the batch, under whichever account, is refused.
"""

from dataclasses import dataclass
from functools import partial

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.urls import URLPattern

from billing import actions
from billing.models import Batch, BatchStep, RefusedAttempt
from billing.queries import attempts_visible_to
from billing.urls import api_urlpatterns
from common.errors import Refused
from parties.models import User
from parties.queries import NotAllowed, SamePerson
from parties.roles import OrganisationKind, Role
from tests import cast
from tests.billing import stage
from tests.parties.money_scenes import with_payable

pytestmark = pytest.mark.django_db

# Each act: at which stages it is due, and whose part it is; None is nobody's part.
ACTS = {
    "lock_batch": ({"OPEN", "SENT_BACK"}, "maker"),
    "remove_payment": ({"OPEN", "SENT_BACK"}, "maker"),
    "approve_batch": ({"LOCKED"}, "checker"),
    "authorise_batch": ({"APPROVED"}, "authoriser"),
    "release_batch": ({"AUTHORISED"}, "releaser"),
    "hand_over_batch": ({"RELEASED"}, None),
    "send_back_batch": ({"LOCKED", "APPROVED", "AUTHORISED"}, None),
    "cancel_batch": ({"OPEN", "SENT_BACK", "LOCKED", "APPROVED", "AUTHORISED"}, None),
}
STAGES = ["OPEN", "LOCKED", "APPROVED", "AUTHORISED", "SENT_BACK", "RELEASED"]
WITH_NOTE = {"remove_payment", "send_back_batch", "cancel_batch"}


@dataclass
class Crew:
    """Everybody, by what they are, and the parts that persons have once it is released."""

    scene: object
    batch: Batch
    people: dict[str, User]
    parts: dict[str, str]
    finance: set[str]


def a_crew(until):
    """Take a batch to a stage; all who had no part yet are there too."""
    scene = with_payable(above="1")
    bureau = scene.authority.organisation
    first, second, third = scene.authority.finance
    fourth = cast.with_role(cast.a_person("Fay Fourth"), bureau, Role.FINANCE)
    elsewhere = cast.make_authority("Another Bureau")
    again = {
        f"{name}'s other account": cast.with_role(
            cast.another_account(user), bureau, Role.FINANCE
        )
        for name, user in (("maker", first), ("checker", second), ("authoriser", third))
    }
    # A second membership, elsewhere and here, makes nobody another person.
    another = cast.an_organisation(OrganisationKind.AUTHORITY, "Third Bureau")
    cast.with_role(first, another, Role.FINANCE)
    cast.with_role(second, bureau, Role.OFFICER)
    people = {
        "maker": first,
        "checker": second,
        "authoriser": third,
        "releaser": fourth,
        **again,
        "officer": scene.authority.officer,
        "administrator": scene.authority.admin,
        "investigator": scene.authority.investigator,
        "regulator": scene.authority.regulator,
        "reviewer": cast.with_role(cast.a_person("Rita Viewer"), bureau, Role.REVIEWER),
        "provider": scene.seller.person,
        "applicant": scene.applicant.person,
        "finance elsewhere": elsewhere.finance[0],
        "nobody": cast.a_person("No Body"),
    }
    batch, parts = stage.open_batch(scene), {"maker": "maker"}
    if until != "OPEN":
        batch = stage.lock(scene, batch)
    if until not in ("OPEN", "LOCKED"):
        batch, parts["checker"] = stage.approve(scene, batch), "checker"
    if until in ("AUTHORISED", "SENT_BACK", "RELEASED"):
        batch, parts["authoriser"] = stage.authorise(scene, batch), "authoriser"
    if until == "SENT_BACK":
        asked = {"batch": batch, "note": "Look again", "actor": fourth, "at": stage.LATER}
        batch = actions.send_back_batch(**asked, key="back")
    if until == "RELEASED":
        actions.release_batch(batch=batch, actor=fourth, at=stage.LATER, key="release")
        parts["releaser"] = "releaser"
    batch.refresh_from_db()
    finance = {"maker", "checker", "authoriser", "releaser", *again}
    return Crew(scene, batch, people, parts, finance)


def do(crew, act, user, key):
    given = {"actor": user, "at": stage.LATER, "key": key}
    given |= {"note": "A word"} if act in WITH_NOTE else {}
    thing = crew.batch.payments.get() if act == "remove_payment" else crew.batch
    given["payment" if act == "remove_payment" else "batch"] = thing
    return getattr(actions, act)(**given)


def expected(crew, until, act, name):
    """Return whether a person may do an act, told by parts alone; or which refusal."""
    stages, part = ACTS[act]
    had = crew.parts.get(name.removesuffix("'s other account"))
    if name not in crew.finance:
        return NotAllowed
    if until not in stages:
        return actions.BatchNotReady
    return SamePerson if part and had and had != part else None


class _TakenBack(Exception):
    pass


@pytest.mark.parametrize("until", STAGES)
def test_everybody_by_every_act_at_each_stage(until):
    crew = a_crew(until)
    steps = BatchStep.objects.count()
    kept = []

    for act in ACTS:
        for name, user in crew.people.items():
            wanted = expected(crew, until, act, name)
            before = RefusedAttempt.objects.count()
            found = None
            try:
                with transaction.atomic():
                    do(crew, act, user, f"{act} {name}")
                    raise _TakenBack
            except _TakenBack:
                pass
            except Refused as refused:
                # The attempt was written in the transaction that is taken back here with it.
                found = type(refused)
            assert found is wanted, (until, act, name)
            assert RefusedAttempt.objects.count() == before
            if wanted in (NotAllowed, SamePerson):
                with pytest.raises(wanted):
                    do(crew, act, user, f"{act} {name}")
                kept.append((act, user.pk, wanted.code))

    rows = RefusedAttempt.objects.order_by("pk").values_list("kind", "asked_by", "code")
    assert list(rows) == kept
    assert BatchStep.objects.count() == steps
    crew.batch.refresh_from_db()
    assert crew.batch.status == ("OPEN" if until == "SENT_BACK" else until)
    stage.assert_in_step()


def test_by_sql_one_person_has_one_part_too():
    crew = a_crew("RELEASED")
    batch, rows = crew.batch, Batch.objects.filter(pk=crew.batch.pk)
    columns = {
        "maker": "prepared_by",
        "checker": "approved_by",
        "authoriser": "authorised_by",
        "releaser": "released_by",
    }
    kinds = {
        "maker": "ADDED",
        "checker": "APPROVED",
        "authoriser": "AUTHORISED",
        "releaser": "RELEASED",
    }
    act = batch.steps.first().act_id
    for part, column in columns.items():
        for other in columns.keys() - {part}:
            for user in (crew.people[other], cast.another_account(crew.people[other])):
                _refused(partial(rows.update, **{column: user}))
                step = partial(
                    BatchStep.objects.create,
                    batch=batch,
                    kind=kinds[part],
                    doer=user,
                    at=stage.LATER,
                    payment=batch.payments.get(),
                    act_id=act + 10**6,
                )
                _refused(step)
                # A deputy's step is one of the person that they stand in for.
                _refused(partial(step, doer=cast.a_person(), stands_for=user))
    assert {getattr(Batch.objects.get(), one).pk for one in columns.values()} == {
        crew.people[part].pk for part in columns
    }


def _refused(write):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    assert refusal.value.__cause__.diag.constraint_name == "two_people"


def test_no_other_door_leads_to_a_batch():
    operations = [one.pattern._route for one in api_urlpatterns if isinstance(one, URLPattern)]

    assert operations
    assert not any("batch" in one or "payment" in one for one in operations)
    assert not apps.is_installed("django.contrib.admin")
    assert "django.contrib.admin" not in settings.INSTALLED_APPS


def test_no_function_of_the_database_does_a_step():
    """A function that did a step for its caller would ask nobody who it is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace"
            " and prorettype <> 'trigger'::regtype and prosrc ~ 'billing_(batch|payment)'"
        )
        assert cursor.fetchall() == []


def test_an_attempt_stays_written_and_its_auditors_see_it():
    crew = a_crew("LOCKED")
    with pytest.raises(SamePerson) as refused:
        do(crew, "approve_batch", crew.people["maker"], "a")

    attempt = RefusedAttempt.objects.get()

    assert (attempt.about, attempt.asked_by) == (crew.batch.address, crew.people["maker"])
    assert (attempt.kind, attempt.code, attempt.at) == (
        "approve_batch",
        "same_person",
        stage.LATER,
    )
    assert attempt.words["en"] == str(refused.value)
    assert attempt.words["zh-hans"] != attempt.words["en"]
    for name in ("administrator", "investigator", "regulator"):
        assert list(attempts_visible_to(crew.people[name])) == [attempt]
    for name in ("maker", "officer", "provider", "applicant", "finance elsewhere", "nobody"):
        assert not attempts_visible_to(crew.people[name]).exists()
    for change in (
        lambda: RefusedAttempt.objects.update(code="other"),
        lambda: RefusedAttempt.objects.all().delete(),
    ):
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            change()
