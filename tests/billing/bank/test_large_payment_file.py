"""A payment file of 10,000 payments is one that the bank takes, in either version."""

from datetime import UTC, date, datetime

import pytest
from lxml import etree
from stdnum import iso11649

from billing.bank.pain001 import MESSAGES, CreditorReference, Instruction, credit_transfer_file
from billing.bank.party import AccountNumber, Agent, Party
from billing.bank.references import rf_reference
from billing.bank.xml import schema_errors

PAYMENTS = 10_000


def a_payment(number):
    end_to_end_id = f"B-7K2QX9-{number:05}"
    iban = AccountNumber("GB82WEST12345698765432", "IBAN")
    domestic = AccountNumber(f"62220000{number:010}")
    return Instruction(
        end_to_end_id=end_to_end_id,
        amount_minor=number * 7 + 1,
        currency="CNY",
        creditor=Party(
            f"示例算力服务商 {number}",
            domestic if number % 2 else iban,
            Agent(bic="BKCHCNBJ") if number % 3 else Agent(name="中国银行北京分行"),
        ),
        remittance=CreditorReference(rf_reference(end_to_end_id)),
    )


@pytest.mark.parametrize("message", MESSAGES)
def test_ten_thousand_payments_make_one_valid_file(message):
    payments = [a_payment(number) for number in range(1, PAYMENTS + 1)]
    facts = {
        "message_id": "B-7K2QX9",
        "batch_id": "B-7K2QX9",
        "created_at": datetime(2025, 7, 2, 9, tzinfo=UTC),
        "execution_on": date(2025, 7, 2),
        "debtor": Party("Bureau", AccountNumber("6222000099999999"), Agent(bic="BKCHCNBJ")),
        "payments": payments,
        "message": message,
    }

    content = credit_transfer_file(**facts)

    root = etree.fromstring(content)
    assert schema_errors(root, message) == []
    found = {"n": f"urn:iso:std:iso:20022:tech:xsd:{message}"}

    def texts(path):
        return [one.text for one in root.iterfind(f".//n:{path}", found)]

    assert texts("GrpHdr/n:NbOfTxs") == texts("PmtInf/n:NbOfTxs") == ["10000"]
    total = sum(one.amount_minor for one in payments)
    assert texts("GrpHdr/n:CtrlSum") == [f"{total // 100}.{total % 100:02}"]
    assert texts("PmtInfId") == ["B-7K2QX9"]
    ids = texts("EndToEndId")
    assert ids == [one.end_to_end_id for one in payments]
    assert max(map(len, ids)) <= 35
    references = texts("CdtrRefInf/n:Ref")
    assert len(set(references)) == PAYMENTS
    assert all(iso11649.is_valid(one) for one in references)
    assert credit_transfer_file(**facts) == content
