"""Money that came back is a repayment of a named case once two people say so; never twice."""

import pytest
from django.db import DatabaseError, transaction

from billing import actions
from billing.models import BankResolution, Collection, CollectionProposal
from billing.queries.recoveries import named_case
from parties.queries import SamePerson
from tests import cast
from tests.billing import stage
from tests.billing.bank_files import a_csv
from tests.billing.bank_scene import OWN
from tests.billing.recovering import LATER, a_scene, opened, paid, upheld

pytestmark = pytest.mark.django_db

Kind, Step = BankResolution.Kind, BankResolution.Step


@pytest.fixture
def scene():
    return a_scene()


@pytest.fixture
def case(scene):
    return upheld(scene, paid(scene)[1])


def entry(scene, amount="200.00", reference="R1", text="", name="back.csv"):
    """Read a table with one entry, and return it."""
    data = a_csv(OWN, [("", amount, reference, text)])
    return stage.read(scene, data, name=name).lines.get()


def resolve(scene, line, case, *, person=0, key=None):
    return actions.resolve_entry(
        line=line,
        kind=Kind.REPAYMENT,
        note="The reference names the case",
        payment=None,
        recovery=case,
        actor=scene.authority.finance[person],
        at=LATER,
        key=key or cast.a_key("resolve"),
    )


def agree(scene, line, *, person=1, key=None):
    return actions.second_resolution(
        line=line,
        note="I looked as well",
        actor=scene.authority.finance[person],
        at=LATER,
        key=key or cast.a_key("agree"),
    )


def owed(scene):
    address = f"receivable:{scene.seller.organisation.code}"
    return -stage.nets(scene.scheme.programme).get(address, 0)


def test_what_came_in_is_taken_off_the_case_to_the_cent_once_two_people_agree(scene, case):
    line = entry(scene, "150.00")
    assert line.oddity == "UNMATCHED"

    said = resolve(scene, line, case)
    assert (said.step, said.recovery, said.payment) == (Step.PROPOSED, case, None)
    assert owed(scene) == 200_00
    agree(scene, line)

    collection = Collection.objects.get()
    assert (collection.kind, collection.amount) == ("REPAYMENT", 150_00)
    assert collection.bank_line == line
    assert (collection.proposed_by, collection.recorded_by) == scene.authority.finance[:2]
    assert owed(scene) == 50_00
    stage.assert_in_step()


def test_what_came_in_beyond_what_is_owed_is_due_again(scene, case):
    line = entry(scene, "230.00")
    resolve(scene, line, case)
    agree(scene, line)

    collection = Collection.objects.get()
    assert (collection.amount, collection.refund_amount) == (200_00, 30_00)
    case.refresh_from_db()
    assert (case.status, stage.payable(scene)) == ("CLOSED", 30_00)


def test_who_proposed_it_does_not_agree(scene, case):
    line = entry(scene)
    resolve(scene, line, case)

    with pytest.raises(SamePerson):
        agree(scene, line, person=0)

    assert (owed(scene), Collection.objects.count()) == (200_00, 0)
    assert CollectionProposal.objects.count() == 0


def test_what_can_not_be_a_repayment_is_refused_and_moves_nothing(scene, case):
    went_out = entry(scene, "-200.00")
    came_in = entry(scene, reference="R2", name="two.csv")
    waiting = opened(scene, case.line, amount=100_00)

    for line, one in ((went_out, case), (came_in, waiting), (came_in, None)):
        with pytest.raises(actions.RepaymentUnfit), transaction.atomic():
            resolve(scene, line, one)

    assert BankResolution.objects.count() == 0
    assert owed(scene) == 200_00


def test_an_entry_is_used_once_also_when_another_file_tells_of_it(scene, case):
    line = entry(scene, "50.00")
    resolve(scene, line, case)
    agree(scene, line)
    same = stage.read(
        scene, a_csv(OWN, [("", "50.00", "R1", "again")]), name="b.csv"
    ).lines.get()

    with pytest.raises(actions.EntryResolved):
        resolve(scene, line, case)
    if same.oddity:
        with pytest.raises(actions.RepaymentUnfit), transaction.atomic():
            resolve(scene, same, case)

    assert owed(scene) == 150_00
    row = Collection.objects.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        Collection.objects.create(
            recovery=case,
            kind="REPAYMENT",
            amount=1,
            bank_line=line,
            proposal=row.proposal,
            proposed_by=row.proposed_by,
            recorded_by=row.recorded_by,
            at=LATER,
            act_id=row.act_id,
        )


def test_a_proposal_is_turned_down_and_what_was_repaid_stands(scene, case):
    line = entry(scene)
    resolve(scene, line, case)

    undo(scene, line)
    assert owed(scene) == 200_00
    resolve(scene, line, case)
    agree(scene, line)
    with pytest.raises(actions.RepaymentStands):
        undo(scene, line)

    assert owed(scene) == 0


def undo(scene, line):
    return actions.undo_resolution(
        line=line,
        note="It was another one",
        actor=scene.authority.finance[1],
        at=LATER,
        key=cast.a_key("undo"),
    )


def test_asked_twice_it_is_repaid_once(scene, case):
    line = entry(scene)

    assert resolve(scene, line, case, key="r") == resolve(scene, line, case, key="r")
    assert agree(scene, line, key="a") == agree(scene, line, key="a")

    assert Collection.objects.count() == 1


def test_an_entry_that_names_a_case_is_shown_with_it(scene, case):
    named = entry(scene, text=f"repayment {case.code}")
    other = entry(scene, reference="R2", name="b.csv")

    finance = scene.authority.finance[0]
    assert named_case(named, finance) == case.code
    assert named_case(other, finance) == ""
