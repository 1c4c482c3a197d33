"""Short ways to recover what was paid, on a scene whose law says how."""

from datetime import UTC, datetime, timedelta

from billing import actions
from billing.models import BillLine
from tests import cast
from tests.billing import stage
from tests.cast.committee import law

SECTION = (
    '\n[recovery]\nclause = "Article 21"\nreply_days = 15\ndue_days = 30\n'
    'offset = {offset}\nreturns_to = "{home}"\n'
)
OPENED = datetime(2025, 8, 1, 9, tzinfo=UTC)
DECIDED = OPENED + timedelta(days=20)
LATER = DECIDED + timedelta(days=5)


def a_scene(*, offset="false", home="VOUCHER"):
    """Return a scene under a law with recoveries: 600.00 of one line are paid to its provider."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    text = law(SECTION.format(offset=offset, home=home))
    scheme = cast.make_programme(authority, text=text)
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    stage.an_own_account(authority)
    return scene


def paid(scene, *, hours=40, key="job-1", order=None):
    """Have one job used, billed, settled and paid; return its order and its line."""
    order = order or cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    settled(scene, order, hours=hours, key=key)
    _batch, file = stage.sent(scene)
    stage.read(scene, stage.answer(file, f"ST-{key}"), name=f"{key}.xml")
    return order, BillLine.objects.get(key=key)


def settled(scene, order, *, hours, key):
    stage.use(scene.seller, order, hours=hours, key=key)
    stage.settle(stage.bill(scene, invoice=key))


def opened(scene, thing, *, amount=200_00, at=OPENED, key=None, actor=None):
    return actions.open_recovery(
        thing=thing,
        amount=amount,
        legal_basis="Measures, Article 21",
        reason="The node stood still for half of the time",
        actor=actor or scene.authority.finance[0],
        at=at,
        key=key or cast.a_key("recovery"),
    )


def decided(scene, case, *, amount=200_00, at=DECIDED, key=None, actor=None):
    return actions.decide_recovery(
        recovery=case,
        amount=amount,
        note="The meter says so",
        actor=actor or scene.authority.finance[1],
        at=at,
        key=key or cast.a_key("decide"),
    )


def replied(scene, case, *, at=OPENED, key=None, actor=None):
    return actions.reply_to_recovery(
        recovery=case,
        text="It ran all the time",
        actor=actor or scene.seller.person,
        at=at,
        key=key or cast.a_key("reply"),
    )


def upheld(scene, thing, *, amount=200_00):
    return decided(scene, opened(scene, thing, amount=amount), amount=amount)


def offset(scene, case, *, key=None, at=LATER):
    return actions.offset_recovery(
        recovery=case,
        actor=scene.authority.finance[0],
        at=at,
        key=key or cast.a_key("offset"),
    )


def proposed(scene, case, kind, amount, *, key=None, actor=None):
    return actions.propose_collection(
        recovery=case,
        kind=kind,
        amount=amount,
        note="Entry 2025-08-26/7",
        actor=actor or scene.authority.finance[0],
        at=LATER,
        key=key or cast.a_key("propose"),
    )


def recorded(scene, proposal, *, key=None, actor=None, at=LATER):
    return actions.record_collection(
        proposal=proposal,
        actor=actor or scene.authority.finance[1],
        at=at,
        key=key or cast.a_key("record"),
    )
