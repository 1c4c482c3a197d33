"""What we order, a bank executes, and what it reports we read back as the same."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from billing.bank.camt import read_statement
from billing.bank.demo_bank import statement_for
from billing.bank.pain001 import CreditorReference, Instruction, credit_transfer_file
from billing.bank.party import AccountNumber, Agent, Party
from billing.bank.xml import SCHEMAS, WrongMessage
from tests.real_data import shared

NIGHT = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
DAY = date(2026, 11, 23)
TREASURY = Party("Treasury", AccountNumber("6217000010001234567"))
PROVIDER = Party("智算科技", AccountNumber("310066661018800123456"), Agent(name="工商银行"))

texts = (
    st.text(
        st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"]),
        min_size=1,
        max_size=70,
    )
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
digits = st.text("0123456789", min_size=1, max_size=34)


@st.composite
def batches(draw):
    currency = draw(st.sampled_from(["CNY", "EUR", "KRW", "JPY"]))
    ids = draw(
        st.lists(
            st.from_regex(r"\A[A-Z0-9][A-Z0-9-]{0,33}[A-Z0-9]\Z"),
            min_size=1,
            max_size=6,
            unique=True,
        ).filter(lambda ids: "NOTPROVIDED" not in ids)
    )
    return [
        Instruction(
            end_to_end_id,
            draw(st.integers(1, 10**15)),
            currency,
            Party(draw(texts), AccountNumber(draw(digits))),
            draw(texts | st.just(CreditorReference("RF18539007547034"))),
        )
        for end_to_end_id in ids
    ]


def ordered(payments):
    return credit_transfer_file(
        message_id="M-1",
        created_at=NIGHT,
        execution_on=DAY,
        debtor=TREASURY,
        payments=payments,
        batch_id="B-1",
    )


def answered(payments, **changes):
    data = statement_for(
        ordered(payments), statement_id="ST-1", created_at=NIGHT, booked_on=DAY, **changes
    )
    return read_statement(data)


def two():
    return [
        Instruction("S-1", 600, "CNY", PROVIDER, "bill B-1"),
        Instruction("S-2", 400, "CNY", PROVIDER, "bill B-2"),
    ]


@given(payments=batches(), opening_minor=st.integers(-(10**15), 10**15), in_one=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_payment_ordered_is_the_entry_read(payments, opening_minor, in_one):
    read = answered(payments, opening_minor=opening_minor, batch_booked=in_one)

    assert read.warnings == ()
    assert read.account == TREASURY.account
    assert read.opening_minor == opening_minor
    assert read.closing_minor == opening_minor - sum(one.amount_minor for one in payments)
    for entry, payment in zip(read.entries, payments, strict=True):
        assert entry.end_to_end_id == payment.end_to_end_id
        assert (entry.amount_minor, entry.currency) == (payment.amount_minor, payment.currency)
        assert (entry.is_credit, entry.is_returned, entry.is_booked) == (False, False, True)
        assert entry.counterparty == payment.creditor.name
        assert entry.counterparty_account == payment.creditor.account.number
        if isinstance(payment.remittance, CreditorReference):
            assert entry.creditor_reference == payment.remittance.number
        else:
            assert entry.remittance == payment.remittance
        assert entry.booked_on == DAY


def test_the_statement_is_valid_by_the_published_schema():
    data = statement_for(
        ordered(two()),
        statement_id="ST-1",
        created_at=NIGHT,
        booked_on=DAY,
        returned={"S-2": "AC04"},
    )

    schema = etree.XMLSchema(etree.parse(str(SCHEMAS / "camt.053.001.08.xsd")))
    assert schema.validate(etree.fromstring(data)), schema.error_log


def test_a_returned_payment_goes_out_and_comes_back_with_its_reason():
    read = answered(two(), opening_minor=5_000, returned={"S-2": "AC04"})

    assert [
        (one.end_to_end_id, one.is_credit, one.is_returned, one.reason_code)
        for one in read.entries
    ] == [
        ("S-1", False, False, None),
        ("S-2", False, False, None),
        ("S-2", True, True, "AC04"),
    ]
    assert read.closing_minor == 4_400
    assert read.warnings == ()


def test_a_payment_may_be_late_and_another_wrong():
    read = answered(two(), left_out=["S-1"], amounts={"S-2": 399})

    assert [(one.end_to_end_id, one.amount_minor) for one in read.entries] == [("S-2", 399)]


def test_with_nothing_executed_the_statement_is_empty():
    read = answered(two(), left_out=["S-1", "S-2"], batch_booked=True)

    assert read.entries == ()
    assert read.opening_minor == read.closing_minor == 0


@pytest.mark.real_data
def test_a_published_payment_file_is_answered_in_full():
    published = shared("iso20022/pain001_pkg_pain.001.001.09.xml").read_bytes()

    data = statement_for(published, statement_id="ST-1", created_at=NIGHT, booked_on=DAY)

    read = read_statement(data)
    assert [one.amount_minor for one in read.entries] == [
        15_000,
        30_000,
        25_000,
        17_500,
        22_500,
    ]
    assert read.closing_minor == -110_000
    assert read.warnings == ()


@pytest.mark.real_data
def test_a_payment_file_of_another_version_is_refused():
    with pytest.raises(WrongMessage):
        statement_for(
            shared("iso20022/gs_pain001_001_08.xml").read_bytes(),
            statement_id="ST-1",
            created_at=NIGHT,
            booked_on=DAY,
        )
