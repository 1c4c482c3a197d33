"""Many people at one entry of the bank: value moves once."""

import pytest

from billing.models import BankResolution, Payment
from tests.billing import bank_scene as bank
from tests.billing import stage
from tests.billing.bank_files import a_csv
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow

CROWD = 6
Kind = BankResolution.Kind


def outcomes(answers):
    refused = [one for one in answers if isinstance(one, Exception)]
    return len(answers) - len(refused), {one.code for one in refused}


def test_one_entry_proposed_and_agreed_by_many_at_once(committed_db):
    scene, _batch = bank.make()
    line, payment = bank.odd_line(scene), Payment.objects.get()

    proposed = at_once(
        CROWD, lambda number: bank.resolve(scene, line, Kind.THIS_PAYMENT, payment)
    )
    agreed = at_once(CROWD, lambda number: bank.agree(scene, line, person=1 + number % 2))

    assert outcomes(proposed) == (1, {"entry_resolved"})
    assert outcomes(agreed) == (1, {"nothing_proposed"})
    assert BankResolution.objects.count() == 2
    nets = stage.nets(scene.scheme.programme)
    assert nets[f"paid:{scene.seller.organisation.code}"] == 600_00
    stage.assert_in_step()


def test_a_person_and_the_bank_at_once_confirm_once(committed_db):
    scene, batch = bank.make()
    line, payment = bank.odd_line(scene), Payment.objects.get()
    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment)
    told = a_csv(bank.OWN, [(payment.end_to_end_id, "-600.00", "R9")])

    answers = at_once(
        CROWD,
        lambda number: bank.agree(scene, line) if number % 2 else stage.read(scene, told),
    )

    assert outcomes(answers)[1] <= {"nothing_proposed", "payment_unfit"}
    nets = stage.nets(scene.scheme.programme)
    assert nets[f"paid:{scene.seller.organisation.code}"] == 600_00
    assert f"clearing:{batch.code}" not in nets
    stage.assert_in_step()


def test_one_resolution_undone_by_many_at_once(committed_db):
    scene, batch = bank.make()
    line, payment = bank.odd_line(scene), Payment.objects.get()
    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment)
    bank.agree(scene, line)

    answers = at_once(CROWD, lambda number: bank.undo(scene, line))

    assert outcomes(answers) == (1, {"nothing_proposed"})
    assert stage.nets(scene.scheme.programme)[f"clearing:{batch.code}"] == 600_00
    stage.assert_in_step()
