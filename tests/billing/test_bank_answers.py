"""Whatever the bank says, and in whatever format: each fact moves value once, or a person looks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import actions
from billing.bank.references import rf_reference
from billing.bank.xml import BankFileInvalid, ValueUnreadable
from billing.models import BankLine, BankStatement, Batch, Payment
from billing.queries import payables_due
from billing.reasons import sentence
from tests import cast
from tests.billing import stage
from tests.billing.bank_files import a_csv, a_report, an_mt940, as_notice

pytestmark = pytest.mark.django_db

OWN = "6222000099999999"


@pytest.fixture
def scene():
    """600.00 is due to the provider."""
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene))
    return scene


@pytest.fixture
def sent(scene):
    return stage.sent(scene)


def first_id(batch):
    return f"{batch.code}-00001"


def told(statement):
    return [
        (line.match, line.oddity, line.reason) for line in statement.lines.order_by("position")
    ]


def status():
    return Payment.objects.get().status


def at_bank(scene, batch):
    return stage.nets(scene.scheme.programme).get(f"clearing:{batch.code}", 0)


def assert_nothing_moved(scene, batch):
    assert status() == Payment.Status.SENT
    assert at_bank(scene, batch) == 600_00
    batch.refresh_from_db()
    assert batch.status == Batch.Status.RELEASED
    stage.assert_in_step()


# --- what peers' systems got wrong (openIMIS, DfE): unknown, repeated, other run's, amounts ---


def test_an_unknown_id_goes_to_a_person(scene, sent):
    batch, file = sent
    data = stage.answer(file).replace(first_id(batch).encode(), b"B-XXXXXX-00001")

    statement = stage.read(scene, data)

    assert told(statement) == [("UNMATCHED", "UNMATCHED", "bank_matches_nothing")]
    assert_nothing_moved(scene, batch)


def test_a_repeated_id_pays_once_and_the_second_goes_to_a_person(scene, sent):
    batch, _file = sent
    rows = [(first_id(batch), "-600.00", "R1"), (first_id(batch), "-600.00", "R2")]

    statement = stage.read(scene, a_csv(OWN, rows))

    assert told(statement) == [("PAID", "", ""), ("ANSWERED", "DUPLICATE", "bank_booked_twice")]
    assert statement.warnings[0]["code"] == "id_repeated"
    assert (
        stage.nets(scene.scheme.programme)[f"paid:{scene.seller.organisation.code}"] == 600_00
    )
    stage.assert_in_step()


def test_the_id_of_another_run_pays_nothing(scene, sent):
    """The id is of a batch that was called off, under another run's number."""
    batch, file = sent
    Payment.objects.update(status=Payment.Status.CANCELLED)

    statement = stage.read(scene, stage.answer(file))

    assert told(statement) == [("UNMATCHED", "FOREIGN", "bank_not_sent")]
    assert at_bank(scene, batch) == 600_00


def test_another_authoritys_payment_is_not_confirmed_from_this_account(scene, sent):
    batch, file = sent
    other = cast.make_scene(cast.M1)
    stage.an_own_account(other.authority)

    statement = stage.read(other, stage.answer(file))

    # Two authorities pay from accounts of one number; the payment is of the first alone.
    assert told(statement) == [("UNMATCHED", "FOREIGN", "bank_other_account")]
    assert_nothing_moved(scene, batch)


@pytest.mark.parametrize(
    ("amount", "oddity", "reason"),
    [
        ("-599.99", "PARTIAL", "bank_amount_differs"),
        ("-600.01", "UNMATCHED", "bank_amount_differs"),
        ("0", "UNMATCHED", "bank_amount_nothing"),
        ("-0.00", "UNMATCHED", "bank_amount_nothing"),
    ],
)
def test_a_wrong_amount_or_nothing_pays_nothing(scene, sent, amount, oddity, reason):
    batch, _file = sent

    statement = stage.read(scene, a_csv(OWN, [(first_id(batch), amount, "R1")]))

    assert told(statement) == [("UNMATCHED", oddity, reason)]
    line = statement.lines.get()
    assert sentence(line.reason, line.reason_values)
    assert_nothing_moved(scene, batch)


def test_a_negative_amount_is_refused_where_a_sign_means_nothing(scene, sent):
    batch, file = sent
    with pytest.raises(ValueUnreadable) as refused:
        stage.read(scene, stage.answer(file).replace(b">600.00<", b">-600.00<"))

    assert "Ntry[1]/Amt" in refused.value.values["place"]
    assert refused.value.values["value"] == "-600.00 CNY"
    assert not BankStatement.objects.exists()
    assert_nothing_moved(scene, batch)


def test_a_negative_amount_of_a_table_is_money_that_went_out(scene, sent):
    batch, _file = sent

    plus = stage.read(scene, a_csv(OWN, [(first_id(batch), "600.00", "R1")]))

    assert told(plus) == [("UNMATCHED", "UNMATCHED", "bank_credit_unexpected")]
    assert_nothing_moved(scene, batch)


def test_another_currency_is_foreign(scene, sent):
    batch, file = sent
    data = stage.answer(file).replace(b'Amt Ccy="CNY"', b'Amt Ccy="CHF"')

    statement = stage.read(scene, data)

    assert told(statement) == [("UNMATCHED", "FOREIGN", "bank_currency_differs")]
    assert_nothing_moved(scene, batch)


# --- the order of matching --------------------------------------------------------------------


def test_a_reference_that_the_bank_gave_before_names_the_payment(scene, sent):
    batch, _file = sent
    report = a_report(batch, [(first_id(batch), "ACCP", "", "600.00", "BANK-77")])
    stage.read(scene, report)

    statement = stage.read(scene, a_csv(OWN, [("", "-600.00", "BANK-77")]))

    (line,) = statement.lines.all()
    assert (line.match, line.found_by) == ("PAID", "BANK_REFERENCE")
    assert status() == Payment.Status.PAID
    stage.assert_in_step()


def test_a_structured_reference_names_the_payment(scene, sent):
    batch, _file = sent
    reference = rf_reference(first_id(batch))

    statement = stage.read(scene, a_csv(OWN, [("", "-600.00", "R1", f"grant {reference}")]))

    (line,) = statement.lines.all()
    assert (line.match, line.found_by) == ("PAID", "RF_REFERENCE")
    assert line.payment.end_to_end_id == first_id(batch)
    stage.assert_in_step()


def test_a_reference_whose_amount_differs_confirms_nothing(scene, sent):
    batch, _file = sent
    reference = rf_reference(first_id(batch))

    statement = stage.read(scene, a_csv(OWN, [("", "-600.01", "R1", reference)]))

    assert told(statement) == [("UNMATCHED", "UNMATCHED", "bank_amount_differs")]
    assert_nothing_moved(scene, batch)


def test_amount_party_and_day_alone_confirm_nothing(scene, sent):
    batch, _file = sent

    statement = stage.read(scene, a_csv(OWN, [("", "-600.00", "R1")]))

    assert told(statement) == [("UNMATCHED", "UNMATCHED", "bank_no_id")]
    assert_nothing_moved(scene, batch)


def test_an_unknown_id_beside_a_known_reference_confirms_nothing(scene, sent):
    batch, _file = sent
    row = ("OTHER-1", "-600.00", "R1", rf_reference(first_id(batch)))

    assert told(stage.read(scene, a_csv(OWN, [row]))) == [
        ("UNMATCHED", "UNMATCHED", "bank_matches_nothing")
    ]
    assert_nothing_moved(scene, batch)


# --- other formats, and the same fact told twice ----------------------------------------------


def test_a_notice_confirms_and_the_statement_after_it_changes_nothing(scene, sent):
    _batch, file = sent
    data = stage.answer(file)

    notice = stage.read(scene, as_notice(data))
    statement = stage.read(scene, data)

    assert (notice.format, notice.message) == ("NOTICE", "camt.054.001.08")
    assert told(notice) == [("PAID", "", "")]
    assert told(statement) == [("ANSWERED", "", "bank_answered_before")]
    assert (
        stage.nets(scene.scheme.programme)[f"paid:{scene.seller.organisation.code}"] == 600_00
    )


def test_a_notice_of_a_return_makes_it_due_once(scene, sent):
    batch, file = sent
    data = stage.answer(file, returned={first_id(batch): "AC04"})

    notice = stage.read(scene, as_notice(data))
    statement = stage.read(scene, data)

    assert [line[0] for line in told(notice)] == ["PAID", "RETURNED"]
    assert {line[0] for line in told(statement)} == {"ANSWERED"}
    assert {line[1] for line in told(statement)} == {""}
    assert [due.amount for due in payables_due(scene.scheme.programme)] == [600_00]
    stage.assert_in_step()


def test_a_return_listed_before_its_debit_is_one_all_the_same(scene, sent):
    batch, _file = sent
    rows = [
        (first_id(batch), "600.00", "R2", "", "AC04"),
        (first_id(batch), "-600.00", "R1"),
    ]

    statement = stage.read(scene, a_csv(OWN, rows))

    assert [line[0] for line in told(statement)] == ["RETURNED", "PAID"]
    assert at_bank(scene, batch) == 0
    stage.assert_in_step()


def test_mt940_confirms_by_the_owners_reference(scene, sent):
    batch, _file = sent

    statement = stage.read(scene, an_mt940(OWN, [(first_id(batch), "600,00")]))

    assert (statement.format, told(statement)) == ("MT940", [("PAID", "", "")])
    assert status() == Payment.Status.PAID
    stage.assert_in_step()


def test_the_same_booking_by_another_format_changes_nothing(scene, sent):
    batch, file = sent
    stage.read(scene, stage.answer(file))

    again = stage.read(scene, an_mt940(OWN, [(first_id(batch), "600,00")]))

    assert told(again) == [("ANSWERED", "", "bank_answered_before")]


def test_a_file_with_one_bad_line_is_refused_whole(scene, sent):
    batch, _file = sent
    rows = [(first_id(batch), "-600.00", "R1"), ("X", "-1,000.00", "R2")]

    with pytest.raises(ValueUnreadable) as refused:
        stage.read(scene, a_csv(OWN, rows))

    assert refused.value.values["place"] == "line 3, amount"
    assert refused.value.values["value"] == "-1,000.00"
    assert not BankStatement.objects.exists()
    assert_nothing_moved(scene, batch)


def test_each_statement_of_a_file_is_read(scene, sent):
    batch, _file = sent
    data = an_mt940(OWN, [(first_id(batch), "600,00")]) + an_mt940(OWN, [("OTHER", "1,00")])

    first = stage.read(scene, data)

    both = BankStatement.objects.filter(sha256=first.sha256).order_by("number")
    assert [told(one) for one in both] == [
        [("PAID", "", "")],
        [("UNMATCHED", "UNMATCHED", "bank_matches_nothing")],
    ]
    assert bytes(both[0].content) == data
    assert bytes(both[1].content) == b""
    assert stage.read(scene, data) == first


def test_a_file_with_a_statement_of_another_account_is_refused_whole(scene, sent):
    batch, _file = sent
    data = an_mt940(OWN, [(first_id(batch), "600,00")]) + an_mt940("99", [("OTHER", "1,00")])

    with pytest.raises(actions.StatementOfNobody, match="99"):
        stage.read(scene, data)

    assert_nothing_moved(scene, batch)


# --- status reports ---------------------------------------------------------------------------


def test_an_acceptance_is_noted_and_confirms_nothing(scene, sent):
    batch, _file = sent

    for status_ in ("ACCP", "ACSC", "ACCC"):
        statement = stage.read(
            scene, a_report(batch, [(first_id(batch), status_, "", "600.00", "")])
        )
        assert told(statement) == [("TAKEN", "", "bank_took_order")]

    assert_nothing_moved(scene, batch)


def test_a_rejection_makes_the_payment_due_again_and_keeps_its_code(scene, sent):
    batch, _file = sent

    statement = stage.read(
        scene, a_report(batch, [(first_id(batch), "RJCT", "AC04", "600.00", "")])
    )

    assert told(statement) == [("RETURNED", "RETURNED", "")]
    payment = Payment.objects.get()
    assert (payment.status, payment.answer_reason) == ("RETURNED", "AC04")
    assert at_bank(scene, batch) == 0
    assert [due.amount for due in payables_due(scene.scheme.programme)] == [600_00]
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED
    stage.assert_in_step()


def test_a_rejection_told_again_changes_nothing(scene, sent):
    batch, _file = sent
    item = (first_id(batch), "RJCT", "AC04", "600.00", "")
    stage.read(scene, a_report(batch, [item]))

    again = stage.read(scene, a_report(batch, [item], number="RPT-2"))

    assert told(again) == [("ANSWERED", "", "bank_answered_before")]
    assert [due.amount for due in payables_due(scene.scheme.programme)] == [600_00]


def test_a_rejection_after_the_booking_goes_to_a_person(scene, sent):
    batch, file = sent
    stage.read(scene, stage.answer(file))

    report = stage.read(
        scene, a_report(batch, [(first_id(batch), "RJCT", "AC04", "600.00", "")])
    )

    assert told(report) == [("ANSWERED", "UNMATCHED", "bank_rejected_after_booking")]
    assert status() == Payment.Status.PAID
    stage.assert_in_step()


def test_a_booking_after_the_rejection_goes_to_a_person(scene, sent):
    batch, file = sent
    stage.read(scene, a_report(batch, [(first_id(batch), "RJCT", "AC04", "600.00", "")]))

    statement = stage.read(scene, stage.answer(file))

    assert told(statement) == [("ANSWERED", "UNMATCHED", "bank_paid_after_return")]
    assert [due.amount for due in payables_due(scene.scheme.programme)] == [600_00]


@pytest.mark.parametrize("version", ["001.03", "001.10"])
def test_a_rejected_file_returns_all_that_is_in_it(scene, sent, version):
    batch, _file = sent

    statement = stage.read(
        scene, a_report(batch, [], group="RJCT", code="FF01", total="600.00", version=version)
    )

    assert told(statement) == [("RETURNED", "RETURNED", "")]
    assert Payment.objects.get().answer_reason == "FF01"
    stage.assert_in_step()


def test_a_rejected_file_of_another_sum_returns_nothing(scene, sent):
    batch, _file = sent

    statement = stage.read(
        scene, a_report(batch, [], group="RJCT", code="FF01", total="600.01")
    )

    assert told(statement) == [("UNMATCHED", "UNMATCHED", "bank_file_differs")]
    line = statement.lines.get()
    assert "600.01" in sentence(line.reason, line.reason_values)
    assert_nothing_moved(scene, batch)


@pytest.mark.parametrize(
    ("end_to_end_id", "amount", "reason"),
    [
        ("OTHER-1", "600.00", "bank_matches_nothing"),
        (None, "599.99", "bank_amount_differs"),
        (None, "0.00", "bank_amount_differs"),
    ],
)
def test_a_rejection_of_something_else_returns_nothing(
    scene, sent, end_to_end_id, amount, reason
):
    batch, _file = sent
    item = (end_to_end_id or first_id(batch), "RJCT", "AC04", amount, "")

    statement = stage.read(scene, a_report(batch, [item]))

    assert told(statement) == [("UNMATCHED", "UNMATCHED", reason)]
    assert_nothing_moved(scene, batch)


def test_a_report_on_no_file_of_ours_is_refused(scene, sent):
    batch, _file = sent
    data = a_report(batch, [(first_id(batch), "RJCT", "AC04", "600.00", "")])

    with pytest.raises(actions.ReportOfNobody, match="B-OTHER"):
        stage.read(scene, data.replace(f">{batch.code}<".encode(), b">B-OTHER<"))

    assert_nothing_moved(scene, batch)


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"hello", b"a,b\n1,2\n", b":20:X\n:25:\n"])
def test_what_is_no_file_of_a_bank_is_refused_in_words(scene, sent, data):
    batch, _file = sent

    with pytest.raises(BankFileInvalid) as refused:
        stage.read(scene, data)

    assert str(refused.value)
    assert_nothing_moved(scene, batch)


def test_the_number_of_statements_does_not_grow_with_the_entries(scene, sent):
    counts = []
    for size in (5, 50):
        rows = [(f"NO-{number}", "-1.00", f"R{size}-{number}") for number in range(size)]
        with CaptureQueriesContext(
            connection,
        ) as seen:
            stage.read(scene, a_csv(OWN, rows))
        counts.append(len(seen))

    assert counts[0] == counts[1]
    assert BankLine.objects.count() == 55
