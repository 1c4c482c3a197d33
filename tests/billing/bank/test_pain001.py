"""A payment file is valid, exact to the cent, and says in words why it was not written."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from billing.bank.pain001 import (
    AccountInvalid,
    AmountUnpayable,
    CreditorReference,
    CurrencyUnpayable,
    FieldMissing,
    FieldTooLong,
    FieldUnwritable,
    IdRepeated,
    Instruction,
    NothingToPay,
    credit_transfer_file,
)
from billing.bank.party import AccountNumber, Agent, Party
from billing.bank.xml import SCHEMAS, BankFileInvalid
from tests.real_data import shared

NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
TREASURY = Party(
    "某市财政局",
    AccountNumber("6217000010001234567"),
    Agent(clearing_code="102100099996", clearing_system="CNAPS"),
)
PROVIDER = Party(
    "智算科技（上海）有限公司", AccountNumber("310066661018800123456"), Agent(bic="ICBKCNBJSHI")
)
GERMAN = Party("Rechenzentrum GmbH", AccountNumber.of("DE07 5121 0800 1245 1261 62"))


def payment(number=1, amount_minor=123_456, currency="CNY", creditor=PROVIDER, remittance=""):
    return Instruction(f"S-{number}", amount_minor, currency, creditor, remittance)


def file_of(*payments, message_id="B-7K2QX9", batch_id="B-7K2QX9", debtor=TREASURY):
    return credit_transfer_file(
        message_id=message_id,
        created_at=datetime(2026, 11, 20, 16, 0, tzinfo=UTC),
        execution_on=date(2026, 11, 23),
        debtor=debtor,
        payments=payments,
        batch_id=batch_id,
    )


def texts(data, path):
    return [found.text for found in etree.fromstring(data).iterfind(path, NS)]


def test_the_file_is_valid_by_the_published_schema():
    schema = etree.XMLSchema(etree.parse(str(SCHEMAS / "pain.001.001.09.xsd")))

    data = file_of(payment(1), payment(2, creditor=GERMAN, remittance="账单 B-2026-11"))

    assert schema.validate(etree.fromstring(data)), schema.error_log


def test_count_and_control_sum_are_those_of_the_payments():
    data = file_of(payment(1, 1), payment(2, 99), payment(3, 10**15))

    assert texts(data, ".//p:NbOfTxs") == ["3", "3"]
    assert texts(data, ".//p:CtrlSum") == ["10000000000001.00"] * 2
    assert texts(data, ".//p:InstdAmt") == ["0.01", "0.99", "10000000000000.00"]


def test_a_currency_without_minor_units_has_no_decimals():
    data = file_of(payment(1, 1500, "KRW"))

    assert texts(data, ".//p:InstdAmt") == ["1500"]


def test_ids_dates_names_and_accounts_stand_where_the_bank_looks():
    data = file_of(payment(7, remittance="  bill \n B-1 "))

    assert texts(data, ".//p:MsgId") == ["B-7K2QX9"]
    assert texts(data, ".//p:CreDtTm") == ["2026-11-20T16:00:00Z"]
    assert texts(data, ".//p:ReqdExctnDt/p:Dt") == ["2026-11-23"]
    assert texts(data, ".//p:EndToEndId") == ["S-7"]
    assert texts(data, ".//p:Cdtr/p:Nm") == ["智算科技（上海）有限公司"]
    assert texts(data, ".//p:CdtrAcct/p:Id/p:Othr/p:Id") == ["310066661018800123456"]
    assert texts(data, ".//p:CdtrAgt//p:BICFI") == ["ICBKCNBJSHI"]
    assert texts(data, ".//p:DbtrAgt//p:MmbId") == ["102100099996"]
    assert texts(data, ".//p:Ustrd") == ["bill B-1"]


def test_an_iban_and_an_rf_reference_are_written_as_such():
    data = file_of(
        payment(
            creditor=GERMAN, currency="EUR", remittance=CreditorReference("RF18 5390 0754 7034")
        )
    )

    assert texts(data, ".//p:CdtrAcct/p:Id/p:IBAN") == ["DE07512108001245126162"]
    assert texts(data, ".//p:CdtrRefInf/p:Ref") == ["RF18539007547034"]
    assert texts(data, ".//p:CdtrAgt//p:Othr/p:Id") == ["NOTPROVIDED"]


def test_the_same_payments_give_the_same_bytes():
    assert file_of(payment(1)) == file_of(payment(1))


def with_creditor(**changes):
    values = {"name": "A", "account": AccountNumber("1"), "agent": Agent()} | changes
    return payment(creditor=Party(**values))


@pytest.mark.parametrize(
    ("payments", "refusal", "field"),
    [
        ([], NothingToPay, None),
        ([payment(1), payment(1)], IdRepeated, None),
        ([payment("x" * 34)], FieldTooLong, "EndToEndId"),
        ([payment("一")], FieldUnwritable, "EndToEndId"),
        ([payment("a\n")], FieldUnwritable, "EndToEndId"),
        ([payment(1, 0)], AmountUnpayable, "CtrlSum"),
        ([payment(1, 5), payment(2, -1)], AmountUnpayable, "CdtTrfTxInf S-2: InstdAmt"),
        ([payment(1, 10**18)], AmountUnpayable, "CtrlSum"),
        (
            [payment(1), payment(2, currency="USD")],
            CurrencyUnpayable,
            "CdtTrfTxInf[2]/Amt/InstdAmt",
        ),
        ([payment(1, currency="XAU")], CurrencyUnpayable, "CdtTrfTxInf[1]/Amt/InstdAmt"),
        ([with_creditor(name=" ")], FieldMissing, "CdtTrfTxInf S-1: Cdtr/Nm"),
        ([with_creditor(name="名" * 141)], FieldTooLong, "CdtTrfTxInf S-1: Cdtr/Nm"),
        ([with_creditor(name="a\x00b")], FieldUnwritable, "CdtTrfTxInf S-1: Cdtr/Nm"),
        ([with_creditor(name="a\ud800")], FieldUnwritable, "CdtTrfTxInf S-1: Cdtr/Nm"),
        (
            [with_creditor(account=AccountNumber("1" * 35))],
            FieldTooLong,
            "CdtTrfTxInf S-1: CdtrAcct",
        ),
        ([with_creditor(account=AccountNumber(""))], FieldMissing, "CdtTrfTxInf S-1: CdtrAcct"),
        (
            [with_creditor(account=AccountNumber.of("DE08512108001245126162"))],
            AccountInvalid,
            "CdtTrfTxInf S-1: CdtrAcct",
        ),
        (
            [with_creditor(agent=Agent(bic="NOPE"))],
            AccountInvalid,
            "CdtTrfTxInf S-1: CdtrAgt/BICFI",
        ),
        (
            [payment(remittance=CreditorReference("RF19539007547034"))],
            AccountInvalid,
            "CdtTrfTxInf S-1: CdtrRefInf/Ref",
        ),
        ([payment(remittance="x" * 141)], FieldTooLong, "CdtTrfTxInf S-1: RmtInf/Ustrd"),
    ],
)
def test_what_the_bank_would_not_take_is_refused_naming_the_field(payments, refusal, field):
    with pytest.raises(refusal) as refused:
        file_of(*payments)

    assert isinstance(refused.value, BankFileInvalid)
    assert refused.value.values.get("field") == field
    assert str(refused.value)


def test_ids_of_message_and_batch_are_held_to_the_same():
    with pytest.raises(FieldTooLong, match="MsgId has 36"):
        file_of(payment(), message_id="x" * 36)
    with pytest.raises(FieldMissing, match="PmtInfId"):
        file_of(payment(), batch_id="")


@pytest.mark.real_data
def test_a_published_file_written_anew_has_its_counts_sums_and_payments():
    published = shared("iso20022/pain001_pkg_pain.001.001.09.xml").read_bytes()
    transfers = etree.fromstring(published).findall(".//p:CdtTrfTxInf", NS)
    payments = [
        Instruction(
            transfer.findtext(".//p:EndToEndId", None, NS),
            int(Decimal(transfer.findtext(".//p:InstdAmt", None, NS)) * 100),
            transfer.find(".//p:InstdAmt", NS).get("Ccy"),
            Party(
                transfer.findtext(".//p:Cdtr/p:Nm", None, NS),
                # Some published numbers are invented, with check digits that do not fit.
                AccountNumber(transfer.findtext(".//p:CdtrAcct//p:IBAN", None, NS)),
                Agent(bic=transfer.findtext(".//p:CdtrAgt//p:BICFI", None, NS)),
            ),
            transfer.findtext(".//p:Ustrd", None, NS),
        )
        for transfer in transfers
    ]

    ours = file_of(*payments)

    assert len(payments) == 5
    for path in ("NbOfTxs", "CtrlSum", "EndToEndId", "InstdAmt", "BICFI", "Ustrd", "Cdtr/p:Nm"):
        expected = texts(published, f".//p:{path}")
        if path == "BICFI":
            # Theirs names the payer's bank by BIC first, ours by its clearing code.
            expected = expected[1:]
        assert texts(ours, f".//p:{path}") == expected
