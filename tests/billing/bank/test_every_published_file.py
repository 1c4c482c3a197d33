"""Every published bank file is read as its published parse says, or refused in words."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from billing.bank.reading import OwnPaymentFile, read_bank_file
from billing.bank.xml import BankFileInvalid
from tests.real_data import shared

pytestmark = pytest.mark.real_data

ROOT = "iso20022"
# What becomes of each file: its message and warnings, or the code of its refusal.
READ = {
    "genkgo/camt053.v2.minimal.xml": ("camt.053.001.02", {"balance_currency"}),
    "genkgo/camt053.v8.xml": ("camt.053.001.08", {"balance_currency", "detail_differs"}),
    "genkgo/camt054.v8.xml": ("camt.054.001.08", {"details_without_amounts"}),
    "gs_pain002_v3_accepted.xml": ("pain.002.001.03", {"schema"}),
    "mt940/jejik_abnamro.sta": ("MT940", {"balances_differ"}),
    "mt940/jejik_ing.sta": ("MT940", {"balances_differ"}),
    "mt940/mBank_mt940.sta": ("MT940", set()),
}
REFUSED = {
    "gs_pain001_001_08.xml": "bank_file_own_payment_file",
    "pain001_pkg_pain.001.001.03.xml": "bank_file_own_payment_file",
    "pain001_pkg_pain.001.001.09.xml": "bank_file_own_payment_file",
    "genkgo/camt053.v2.minimal.json": "bank_file_unknown",
    "genkgo/camt053.v8.json": "bank_file_unknown",
    "genkgo/camt054.v8.json": "bank_file_unknown",
    "mt940/jejik_abnamro.yml": "bank_file_unknown",
    "mt940/jejik_ing.yml": "bank_file_unknown",
    "mt940/mBank_mt940.yml": "bank_file_unknown",
}


def read(name):
    return read_bank_file(shared(f"{ROOT}/{name}").read_bytes())


def warned(file):
    notes = [*file.statements, *([file.report] if file.report else [])]
    return {warning.code for one in notes for warning in one.warnings}


def test_the_list_has_every_file():
    root = Path(shared(ROOT))
    there = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}

    schemas = {name for name in there if name.startswith("xsd/")}
    assert there - schemas == READ.keys() | REFUSED.keys()
    for name in schemas:
        with pytest.raises(BankFileInvalid, match="first element"):
            read(name)


@pytest.mark.parametrize("name", READ)
def test_each_is_read_with_its_warnings_in_words(name):
    message, expected = READ[name]

    file = read(name)

    assert file.message == message
    assert warned(file) == expected
    notes = [*file.statements, *([file.report] if file.report else [])]
    assert all(warning.sentence for one in notes for warning in one.warnings)


@pytest.mark.parametrize("name", REFUSED)
def test_each_other_is_refused_in_words(name):
    with pytest.raises(BankFileInvalid) as refused:
        read(name)

    assert refused.value.code == REFUSED[name]
    assert str(refused.value)


@pytest.mark.parametrize("name", ["camt053.v2.minimal", "camt053.v8", "camt054.v8"])
def test_xml_equals_the_published_parse(name):
    expected = json.loads(shared(f"{ROOT}/genkgo/{name}.json").read_text())["getEntries"]
    record = expected[0]["getRecord"]

    (statement,) = read(f"genkgo/{name}.xml").statements

    assert statement.statement_id == record["getId"]
    assert statement.account.number == record["getAccount"]["getIdentification"]
    assert statement.from_on.isoformat() == record["getFromDate"]["0"][:10]
    assert statement.to_on.isoformat() == record["getToDate"]["0"][:10]
    balances = {
        one["getType"]: int(one["getAmount"]["getAmount"])
        for one in record.get("getBalances") or []
    }
    assert statement.opening_minor == balances.get("opening")
    found = [
        (
            one.amount_minor if one.is_credit else -one.amount_minor,
            one.currency,
            "CRDT" if one.is_credit else "DBIT",
            one.status,
            one.booked_on.isoformat(),
            one.is_returned,
            one.reference,
        )
        for one in statement.entries
    ]
    assert found == [
        (
            int(one["getAmount"]["getAmount"]),
            one["getAmount"]["getCurrency"]["getCode"],
            one["getCreditDebitIndicator"],
            one["getStatus"],
            one["getBookingDate"]["0"][:10],
            one["getReversalIndicator"],
            one["getAccountServicerReference"] or "",
        )
        for one in expected
    ]


def published_mt940(name):
    """Return what an expected parse says: it carries Python tags, so it is read as text."""
    text = shared(f"{ROOT}/mt940/{name}.yml").read_text()
    account = re.search(r"account_identification: '?([A-Z0-9]+)'?", text)[1]
    entries = []
    for part in text.split("- !!python/object:mt940.models.Transaction\n")[1:]:
        amount = re.search(r"Decimal \['(-?[\d.]+)'\]", part)[1]
        currency = re.search(r"currency: (\w+)", part)[1]
        bank = re.search(r"bank_reference: (\S+)", part)
        owner = re.search(r"customer_reference: (.+)", part)[1].strip()
        reference = "" if bank is None or bank[1] == "null" else bank[1]
        entries.append((Decimal(amount), currency, owner, reference))
    return account, entries


@pytest.mark.parametrize("name", ["jejik_abnamro", "jejik_ing", "mBank_mt940"])
def test_mt940_equals_the_published_parse(name):
    account, expected = published_mt940(name)

    statements = read(f"mt940/{name}.sta").statements

    assert expected
    assert {one.account.number for one in statements} == {account}
    found = [
        (
            Decimal(one.amount_minor if one.is_credit else -one.amount_minor) / 100,
            one.currency,
            one.end_to_end_id or "NONREF",
            one.reference,
        )
        for statement in statements
        for one in statement.entries
    ]
    assert found == expected


def test_the_balances_of_mt940_are_the_published_ones():
    (mbank,) = read("mt940/mBank_mt940.sta").statements
    first, second = read("mt940/jejik_abnamro.sta").statements
    (ing,) = read("mt940/jejik_ing.sta").statements

    assert (mbank.opening_minor, mbank.closing_minor) == (40, 43)
    assert (first.opening_minor, first.closing_minor) == (323628, 87684)
    assert (second.opening_minor, second.closing_minor) == (287684, 184975)
    assert (ing.opening_minor, ing.closing_minor) == (0, 347)


def test_a_report_that_breaks_its_schema_is_read_and_says_so():
    report = read("gs_pain002_v3_accepted.xml").report

    assert (report.payment_file, report.count, report.total) == ("10280093XXXX", 2, "20.0000")
    (only,) = report.payments
    assert (only.end_to_end_id, only.status, only.reason_code) == (
        "GSDGFKfLURaHb",
        "ACCP",
        "NARR",
    )
    assert (only.amount_minor, only.currency, only.reference) == (
        1_000,
        "USD",
        "I200820000XXXXX",
    )
    assert not report.rejects_all
    assert any("OrgnlNbOfTxs" in warning.sentence for warning in report.warnings)


def test_a_payment_order_is_told_where_it_belongs():
    with pytest.raises(OwnPaymentFile, match="goes to the bank"):
        read("gs_pain001_001_08.xml")
