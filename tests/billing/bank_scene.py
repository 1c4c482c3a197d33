"""A payment of 600.00 that was sent, and entries of the bank that it is not matched to."""

from billing import actions
from tests import cast
from tests.billing import stage
from tests.billing.bank_files import a_csv

OWN = "6222000099999999"


def make():
    """Return a scene in which 600.00 was sent to the bank, and its batch."""
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene))
    batch, _file = stage.sent(scene)
    return scene, batch


def odd_line(scene, amount="-600.00", end_to_end_id="", reference="R1"):
    """Read a table with one entry, and return it."""
    statement = stage.read(scene, a_csv(OWN, [(end_to_end_id, amount, reference)]))
    return statement.lines.get()


def resolve(
    scene,
    line,
    kind,
    payment=None,
    *,
    person=0,
    key=None,
    note="The bank told us.",
    at=stage.LATER,
):
    return actions.resolve_entry(
        line=line,
        kind=kind,
        note=note,
        payment=payment,
        actor=scene.authority.finance[person],
        at=at,
        key=key or cast.a_key("resolve"),
    )


def agree(scene, line, *, person=1, key=None, at=stage.LATER):
    return actions.second_resolution(
        line=line,
        note="I looked as well.",
        actor=scene.authority.finance[person],
        at=at,
        key=key or cast.a_key("agree"),
    )


def undo(scene, line, *, person=0, key=None, at=stage.LATER):
    return actions.undo_resolution(
        line=line,
        note="It was another one.",
        actor=scene.authority.finance[person],
        at=at,
        key=key or cast.a_key("undo"),
    )
