"""A settled transfer is undone by its opposite, once, with a word why."""

import pytest

from billing import actions
from ledger.actions import NotEnough, NotReversible
from ledger.queries import statement
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage
from vouchers.queries import voucher_balance

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene))
    return scene


def transfer_of(scene, kind="provider_payable"):
    address = scene.scheme.programme.account(kind, scene.seller.organisation.code)
    return statement(address)[0].transfer_id


def correct(scene, transfer, *, key="correct", actor=None, reason="Billed to the wrong order"):
    return actions.correct_transfer(
        transfer_id=transfer,
        reason=reason,
        actor=actor or scene.authority.finance[0],
        at=stage.LATER,
        key=key,
    )


def test_the_value_goes_back_to_the_voucher_and_is_free(scene):
    before = voucher_balance(scene.voucher).free

    made = correct(scene, transfer_of(scene))

    assert stage.payable(scene) == 0
    assert voucher_balance(scene.voucher).free == before + 600_00
    assert correct(scene, transfer_of(scene)) == made
    with pytest.raises(NotReversible):
        correct(scene, transfer_of(scene), key="again")
    stage.assert_in_step()


def test_what_was_sent_to_the_bank_stays(scene):
    transfer = transfer_of(scene)
    stage.sent(scene)

    with pytest.raises(NotEnough):
        correct(scene, transfer)

    stage.assert_in_step()


def test_only_what_a_settlement_moved_is_corrected_here(scene):
    issued = statement(scene.scheme.programme.account("voucher", scene.voucher.code))[0]

    with pytest.raises((actions.TransferNotCorrectable, NotEnough)):
        correct(scene, issued.transfer_id)

    assert voucher_balance(scene.voucher).net == 60_000_00 - 600_00


def test_it_takes_a_finance_officer_of_the_programme_and_words(scene):
    stranger = cast.make_authority("Other Bureau").finance[0]

    for person in (scene.authority.officer, stranger):
        with pytest.raises(NotAllowed):
            correct(scene, transfer_of(scene), actor=person)
    with pytest.raises(actions.NoteMissing):
        correct(scene, transfer_of(scene), reason=" ")

    assert stage.payable(scene) == 600_00
