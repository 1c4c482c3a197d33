"""What went wrong elsewhere with orders, use and payments is promised here.

`tests/ledger/test_promises.py` has the list; each docstring names project and thread.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from billing import actions
from billing.models import BankLine, Batch, Bill, Payment, PaymentFile
from billing.queries import payables_due
from common.days import start_of
from common.errors import Refused
from ledger.actions import NotEnough
from ledger.queries import balances, statement
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once
from vouchers import actions as vouchers
from vouchers.models import Order, Voucher
from vouchers.queries import voucher_balance

CROWD = 12


def make_scene():
    """600.00 is due to the provider, for 40 of the 100 hours of an order."""
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene))
    return scene


def net(scene, *parts):
    address = scene.scheme.programme.account(*parts)
    found = balances([address])
    return found[address].net if found else 0


def due(scene):
    return [one.amount for one in payables_due(scene.scheme.programme)]


def rows_written():
    """Return every row of the ledger that says what happened, as text by its table and number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select 'act', id, a::text from ledger_act a union all"
            " select 'transfer', id, t::text from ledger_transfer t"
        )
        return {row[:2]: row[2] for row in cursor.fetchall()}


@pytest.mark.django_db
def test_what_the_bank_has_not_answered_is_not_paid_again():
    """A second capture succeeded while the answer to the first was unknown (Kill Bill #639)."""
    scene = make_scene()
    transfer = statement(
        scene.scheme.programme.account("provider_payable", scene.seller.organisation.code)
    )[0].transfer_id
    batch, file = stage.sent(scene)
    pending = stage.answer(file).replace(b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>")
    finance = scene.authority.finance[0]

    # Nobody knows yet whether it was paid: no way leads to the same 600.00 a second time.
    with pytest.raises(actions.NothingDue):
        stage.prepare(scene)
    with pytest.raises(actions.BatchNotReady):
        stage.release(scene, batch)
    with pytest.raises(actions.BatchNotReady):
        actions.cancel_batch(
            batch=batch, note="No answer", actor=finance, at=stage.LATER, key="c"
        )
    with pytest.raises(NotEnough):
        actions.correct_transfer(
            transfer_id=transfer, reason="No answer", actor=finance, at=stage.LATER, key="u"
        )
    announced = stage.read(scene, pending)
    silent = stage.read(scene, stage.answer(file, "ST-0", left_out=[f"{batch.code}-00001"]))

    assert stage.lines_of(announced) == [("UNMATCHED", 600_00, "bank_not_booked")]
    assert stage.lines_of(silent) == []
    assert Payment.objects.get().status == Payment.Status.SENT
    assert (net(scene, "clearing", batch.code), stage.payable(scene), due(scene)) == (
        600_00,
        0,
        [],
    )
    # What becomes due meanwhile is paid without it.
    order = Order.objects.get()
    stage.use(
        scene.seller, order, hours=4, key="job-2", started=stage.START + timedelta(days=3)
    )
    stage.settle(stage.bill(scene, invoice="INV-2"))
    assert stage.prepare(scene).total == 60_00

    # The bank alone resolves it.
    stage.read(scene, stage.answer(file, "ST-2", returned={f"{batch.code}-00001": "AC04"}))
    assert due(scene) == [600_00]
    assert stage.prepare(scene).total == 600_00
    stage.assert_in_step()


@pytest.mark.slow
def test_a_payment_that_comes_back_in_twelve_statements_is_due_once(committed_db):
    """A refund that was told twice was paid twice (Blnk #315)."""
    scene = make_scene()
    batch, file = stage.sent(scene)
    returned = {f"{batch.code}-00001": "AC04"}
    statements = [stage.answer(file, f"ST-{one}", returned=returned) for one in range(CROWD)]

    answers = at_once(
        CROWD, lambda number: stage.read(scene, statements[number], key=f"s{number}")
    )

    assert [one for one in answers if isinstance(one, Exception)] == []
    matches = list(BankLine.objects.order_by("match").values_list("match", flat=True))
    assert matches == ["ANSWERED"] * (2 * CROWD - 2) + ["PAID", "RETURNED"]
    assert due(scene) == [600_00]
    assert net(scene, "clearing", batch.code) == 0
    assert net(scene, "paid", scene.seller.organisation.code) == 0
    stage.assert_in_step()


@pytest.mark.slow
def test_an_order_has_one_hold_whichever_side_places_it(committed_db):
    """A payment had two authorisations, and nobody could tell which one a capture was of
    (Kill Bill #383)."""
    scene = cast.make_scene(cast.M3)
    order = {
        "offer": scene.seller.offer,
        "hours": Decimal(100),
        "provider_reference": "lab-a",
        "at": cast.NOON,
    }

    def place(number):
        if number % 2:
            voucher = Voucher.objects.select_related("organisation").get(pk=scene.voucher.pk)
            person = scene.applicant.person
            return vouchers.place_hold(voucher=voucher, actor=person, key=f"h{number}", **order)
        return vouchers.redeem_code(
            redemption_code=scene.voucher.redemption_code,
            provider=scene.seller.provider,
            actor=scene.seller.provider.address,
            key=f"h{number}",
            **order,
        )

    answers = at_once(CROWD, place)

    (placed,) = [one for one in answers if isinstance(one, Order)]
    refused = [one.code for one in answers if isinstance(one, Refused)]
    assert refused == ["order_already_open"] * (CROWD - 1)
    assert voucher_balance(scene.voucher).pending == 1_500_00
    stage.record(scene.seller, stage.a_record("lab-a", hours=40))
    (settlement,) = stage.settle(stage.bill(scene))
    assert (settlement.order, settlement.covered) == (placed, 600_00)
    assert stage.held(placed) == 900_00
    # The database itself knows one such order that is open.
    vouchers.release_hold(
        order=placed, actor=scene.seller.provider.address, at=cast.NOON, key="release"
    )
    # Under a key that none of the crowd had, or it would be the winner's answer again.
    place(CROWD)
    with pytest.raises(IntegrityError, match="vouchers_order_open_once"), transaction.atomic():
        Order.objects.filter(pk=placed.pk).update(status=Order.Status.OPEN)
    assert voucher_balance(scene.voucher).pending == 1_500_00
    stage.assert_in_step()


@pytest.mark.django_db
def test_a_payment_that_comes_back_leaves_every_settled_row_as_it_was():
    """A settled transaction was flipped to failed, and its value credited twice
    (Lago PR #3703)."""
    scene = make_scene()
    batch, file = stage.sent(scene)
    stage.read(scene, stage.answer(file))
    settled = rows_written()
    returned = {f"{batch.code}-00001": "AC04"}

    stage.read(scene, stage.answer(file, "ST-2", returned=returned))
    once = rows_written()
    stage.read(scene, stage.answer(file, "ST-3", returned=returned))
    stage.read(scene, stage.answer(file, "ST-4"))

    assert settled.items() <= once.items()
    # The payment is reversed and its value goes back; what was told again adds no transfer.
    transfers = [key for key in once.keys() - settled.keys() if key[0] == "transfer"]
    assert len(transfers) == 2
    later = rows_written()
    assert once.items() <= later.items()
    assert [key for key in later.keys() - once.keys() if key[0] == "transfer"] == []
    assert due(scene) == [600_00]
    assert net(scene, "paid", scene.seller.organisation.code) == 0
    assert Bill.objects.get().status == Bill.Status.SETTLED
    assert Batch.objects.get().status == Batch.Status.CLOSED
    assert PaymentFile.objects.count() == 1
    stage.assert_in_step()


@pytest.mark.django_db
def test_a_voucher_covers_no_use_outside_its_days():
    """Use of a period that had ended was taken from a grant issued after it
    (OpenMeter PR #4649)."""
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    days = scene.voucher.valid_from_on, scene.voucher.valid_until_on
    begins = start_of(days[0], stage.ZONE)
    ends = start_of(days[1] + timedelta(days=1), stage.ZONE)
    hour = timedelta(hours=1)
    # The order was placed 20 hours after the first day began.
    jobs = {
        "before": (begins - 4 * hour, 2),
        "just before": (begins - 2 * hour, 2),
        "before the order": (begins - hour, 21),
        "into": (begins - hour, 22),
        "out of": (ends - hour, 2),
        "until": (ends - 2 * hour, 2),
        "just after": (ends, 2),
    }
    refused = {}
    for key, (started, hours) in jobs.items():
        job = stage.a_record(order.code, key, hours=hours, started=started)
        for error in stage.record(scene.seller, job).errors:
            refused[key] = error.code
    assert refused == {
        "before": "outside_voucher",
        "just before": "outside_voucher",
        "before the order": "before_order",
        "just after": "outside_voucher",
    }
    at = datetime(2026, 7, 2, 9, tzinfo=UTC)

    bill = stage.bill(scene, period=(begins - 5 * hour, ends + 5 * hour), at=at)
    (settlement,) = stage.settle(bill, at=at)

    # An hour costs 25.00, of which the voucher covers 60 %.
    found = dict(
        zip(
            bill.lines.order_by("row").values_list("key", flat=True),
            stage.verdicts(bill),
            strict=True,
        )
    )
    assert found == {
        "into": ("REDUCED", 525_00, 25_00, 315_00, "outside_validity"),
        "until": ("ACCEPTED", 50_00, 0, 30_00, ""),
        "out of": ("REDUCED", 25_00, 25_00, 15_00, "outside_validity"),
    }
    assert (settlement.covered, stage.payable(scene)) == (360_00, 360_00)
    assert stage.held(order) == 1_500_00 - 360_00
    stage.assert_in_step()
