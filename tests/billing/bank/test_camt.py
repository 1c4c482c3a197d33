"""A bank's statement is read exactly, or refused with its place; it never breaks anything."""

import json
from datetime import date

import pytest

from billing.bank.camt import read_statement, read_statements
from billing.bank.xml import (
    BankFileInvalid,
    BankFileTooLarge,
    DocumentTypeFound,
    NotXml,
    ValueUnreadable,
    WrongMessage,
)
from tests.real_data import shared

ENTRY = """
<Ntry>
  <Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{reversal}
  <Sts>{status}</Sts><BookgDt><Dt>{day}</Dt></BookgDt>
  <AcctSvcrRef>{reference}</AcctSvcrRef><BkTxCd/>
  <NtryDtls>{details}</NtryDtls>
</Ntry>
"""
DETAIL = """
<TxDtls>
  <Refs><EndToEndId>{end_to_end_id}</EndToEndId></Refs>{amount}
  <RltdPties><Cdtr><Nm>智算科技</Nm></Cdtr>
    <CdtrAcct><Id><Othr><Id>3100</Id></Othr></Id></CdtrAcct></RltdPties>
  <RmtInf><Ustrd>bill</Ustrd><Ustrd>B-1</Ustrd></RmtInf>{returned}
</TxDtls>
"""


def detail(end_to_end_id="S-1", amount="", returned=""):
    if amount:
        amount = f'<AmtDtls><TxAmt><Amt Ccy="CNY">{amount}</Amt></TxAmt></AmtDtls>'
    if returned:
        returned = f"<RtrInf><Rsn><Cd>{returned}</Cd></Rsn></RtrInf>"
    return DETAIL.format(end_to_end_id=end_to_end_id, amount=amount, returned=returned)


def entry(amount="10.00", details=None, **changes):
    values = {
        "direction": "DBIT",
        "status": "BOOK",
        "day": "2026-11-23",
        "reference": "R-1",
        "reversal": "",
    } | changes
    return ENTRY.format(
        amount=amount, details=detail() if details is None else details, **values
    )


def statement(*entries, closing="90.00", head="", version="02", before=""):
    return f"""{before}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">
<BkToCstmrStmt><GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-11-24T01:00:00+08:00</CreDtTm></GrpHdr>
<Stmt><Id>S-1</Id><CreDtTm>2026-11-24T01:00:00+08:00</CreDtTm>
<FrToDt><FrDtTm>2026-11-23T00:00:00+08:00</FrDtTm><ToDtTm>2026-11-23T23:59:59+08:00</ToDtTm></FrToDt>
<Acct><Id><Othr><Id>6217</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">100.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-23</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{closing}</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-23</Dt></Dt></Bal>{head}
{"".join(entries)}
</Stmt></BkToCstmrStmt></Document>""".encode()


def codes(read):
    return [warning.code for warning in read.warnings]


def test_a_statement_is_read_in_our_units_and_days():
    read = read_statement(statement(entry()))

    assert read.warnings == ()
    assert (read.message, read.message_id, read.statement_id) == (
        "camt.053.001.02",
        "M-1",
        "S-1",
    )
    assert (read.account.number, read.account.kind, read.currency) == ("6217", "OTHER", "CNY")
    assert (read.from_on, read.to_on) == (date(2026, 11, 23), date(2026, 11, 23))
    assert (read.opening_minor, read.closing_minor) == (10_000, 9_000)
    (only,) = read.entries
    assert (only.amount_minor, only.currency, only.is_credit) == (1_000, "CNY", False)
    assert (only.end_to_end_id, only.reference) == ("S-1", "R-1")
    assert (only.counterparty, only.counterparty_account) == ("智算科技", "3100")
    assert (only.remittance, only.booked_on) == ("bill B-1", date(2026, 11, 23))
    assert (only.status, only.is_booked, only.is_returned) == ("BOOK", True, False)
    assert only.reason_code is None
    assert "Ntry[1]" in only.place
    assert "line" in only.place


def test_a_payment_that_came_back_carries_its_reason():
    back = entry(direction="CRDT", details=detail(returned="AC04"), reference="R-2")

    read = read_statement(statement(entry(), back, closing="100.00"))

    paid, returned = read.entries
    assert (paid.is_returned, returned.is_returned) == (False, True)
    assert (returned.is_credit, returned.reason_code) == (True, "AC04")
    assert (returned.end_to_end_id, returned.counterparty) == ("S-1", "智算科技")
    assert read.warnings == ()


def test_a_reversal_is_a_return():
    back = entry(direction="CRDT", reversal="<RvslInd>true</RvslInd>")

    (only,) = read_statement(statement(back, closing="110.00")).entries

    assert only.is_returned


def test_a_batch_booked_entry_is_taken_apart_into_its_payments():
    details = detail("S-1", "6.00") + detail("S-2", "4.00")

    read = read_statement(statement(entry("10.00", details)))

    assert [(one.end_to_end_id, one.amount_minor) for one in read.entries] == [
        ("S-1", 600),
        ("S-2", 400),
    ]
    assert read.warnings == ()


@pytest.mark.parametrize(
    ("details", "code"),
    [
        (detail("S-1", "6.00") + detail("S-2", "5.00"), "details_differ"),
        (detail("S-1") + detail("S-2"), "details_without_amounts"),
    ],
)
def test_a_batch_whose_details_do_not_add_up_is_one_entry_of_no_payment(details, code):
    read = read_statement(statement(entry("10.00", details)))

    (only,) = read.entries
    assert (only.amount_minor, only.end_to_end_id) == (1_000, None)
    assert codes(read) == [code]


def test_announced_entries_are_told_apart_and_change_no_balance():
    read = read_statement(
        statement(entry(), entry("5.00", detail("S-2"), status="PDNG", reference="R-2"))
    )

    assert [one.is_booked for one in read.entries] == [True, False]
    assert read.warnings == ()


def test_no_end_to_end_id_is_none():
    (only,) = read_statement(statement(entry(details=detail("NOTPROVIDED")))).entries

    assert only.end_to_end_id is None


def test_entries_that_do_not_lead_to_the_closing_balance_are_a_warning():
    read = read_statement(statement(entry(), closing="90.01"))

    assert codes(read) == ["balances_differ"]
    assert read.warnings[0].values == {"expected": 9_000, "found": 9_001}
    assert "9000" in read.warnings[0].sentence


def test_repeated_references_and_ids_are_warnings():
    read = read_statement(statement(entry(), entry(), closing="80.00"))

    assert codes(read) == ["reference_repeated", "id_repeated"]


def test_a_count_of_entries_that_is_not_theirs_is_a_warning():
    head = "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries></TxsSummry>"

    assert codes(read_statement(statement(entry(), head=head))) == ["entries_counted"]


def test_an_entry_without_a_booking_date_takes_the_next_best_and_says_so():
    data = statement(entry()).replace(b"<BookgDt><Dt>2026-11-23</Dt></BookgDt>", b"")

    read = read_statement(data)

    assert read.entries[0].booked_on == date(2026, 11, 24)
    assert codes(read) == ["date_missing"]


def test_what_breaks_the_schema_and_is_not_relied_on_is_a_warning_with_its_line():
    data = statement(entry()).replace(b"<BkTxCd/>", b"<BkTxCd/><UETR>not-a-uuid</UETR>")

    read = read_statement(data)

    assert codes(read) == ["schema"]
    assert "UETR" in read.warnings[0].sentence
    assert read.entries[0].amount_minor == 1_000


def test_an_element_out_of_order_is_a_warning():
    data = statement(entry()).replace(b"<BkTxCd/>", b"<BkTxCd/><NtryRef>7</NtryRef>")

    assert codes(read_statement(data)) == ["schema"]


@pytest.mark.parametrize(
    "amount", ["8.855", "-1.00", "+1.00", "1e3", "1,00", "", "NaN", "9" * 19, "1" * 400, "٣"]
)
def test_an_amount_that_is_not_exact_is_refused_with_its_place(amount):
    with pytest.raises(ValueUnreadable) as refused:
        read_statement(statement(entry(amount)))

    assert "Ntry[1]/Amt (line" in refused.value.values["place"]


def test_zeros_after_the_cents_change_nothing():
    (only,) = read_statement(statement(entry("10.00000"))).entries

    assert only.amount_minor == 1_000


def test_eighteen_digits_are_read_exactly():
    (only,) = read_statement(statement(entry("9999999999999999.99"))).entries

    assert only.amount_minor == 999_999_999_999_999_999


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<BookgDt><Dt>2026-11-23", "<BookgDt><Dt>2026-02-30"),
        ("<BookgDt><Dt>2026-11-23", "<BookgDt><Dt>2026-W01-1"),
        ("<FrDtTm>2026-11-23", "<FrDtTm>2026-02-30"),
        ("<CdtDbtInd>DBIT", "<CdtDbtInd>OUT"),
        ("<Sts>BOOK</Sts>", ""),
        ("<Sts>BOOK</Sts>", "<Sts>BOOK</Sts><Sts>PDNG</Sts>"),
        ('<Amt Ccy="CNY">10.00</Amt>', ""),
        ('<Amt Ccy="CNY">10.00</Amt>', "<Amt>10.00</Amt>"),
        ('<Amt Ccy="CNY">10.00</Amt>', '<Amt Ccy="XAU">10.00</Amt>'),
        ('<Amt Ccy="CNY">10.00</Amt>', '<Amt Ccy="CNY">10.00</Amt><Amt Ccy="CNY">1.00</Amt>'),
        ('<Amt Ccy="CNY">10.00</Amt>', '<Amt Ccy="CNY">10<b/>.00</Amt>'),
        ("<Id><Othr><Id>6217</Id></Othr></Id>", ""),
        ("<Stmt>", "<Stmt></Stmt><Stmt>"),
    ],
)
def test_what_is_relied_on_and_cannot_be_read_is_refused(old, new):
    data = statement(entry()).decode()
    assert old in data

    with pytest.raises(ValueUnreadable) as refused:
        read_statement(data.replace(old, new, 1).encode())

    assert refused.value.values["place"]
    assert refused.value.values["expected"]


def test_a_comment_inside_an_amount_hides_no_digits():
    (only,) = read_statement(statement(entry("1<!-- x -->0.<?y z?>00"))).entries

    assert only.amount_minor == 1_000


LAUGHS = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>"""
OUTSIDE = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", NotXml),
        (b"   ", NotXml),
        (b"\x00\x01\x02", NotXml),
        (b"%PDF-1.7", NotXml),
        (statement(entry())[:-30], NotXml),
        (statement(entry("&nothing;")), NotXml),
        (b"<a>" * 3000 + b"</a>" * 3000, NotXml),
        (statement(entry("&c;"), before=LAUGHS), DocumentTypeFound),
        (statement(entry("&x;"), before=OUTSIDE), DocumentTypeFound),
        (statement(entry(), before="<!DOCTYPE d>"), DocumentTypeFound),
        (
            statement(entry(), before="<!DOCTYPE d>").decode().encode("utf-16"),
            DocumentTypeFound,
        ),
        (statement(entry(), version="13"), WrongMessage),
        (statement(entry()).replace(b"camt.053", b"camt.052"), WrongMessage),
        (statement(entry()).replace(b' xmlns="urn', b' id="urn'), WrongMessage),
        (b"<html><body>Please sign in</body></html>", WrongMessage),
        (b" " * (50 * 1024 * 1024 + 1), BankFileTooLarge),
    ],
)
def test_hostile_and_foreign_files_are_refused_with_words(data, refusal):
    with pytest.raises(refusal) as refused:
        read_statement(data)

    assert isinstance(refused.value, BankFileInvalid)
    assert str(refused.value)


def test_a_file_of_two_statements_is_read_by_asking_for_both():
    data = statement(entry()).decode()
    one = data[data.index("<Stmt>") : data.index("</Stmt>") + 7]

    both = read_statements(data.replace(one, one + one).encode())

    assert [len(read.entries) for read in both] == [1, 1]


def test_version_04_is_read_with_its_details_own_amounts():
    data = statement(entry(), version="04").replace(
        b"</Refs>", b'</Refs><Amt Ccy="CNY">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
    )

    read = read_statement(data)

    assert (read.message, read.warnings) == ("camt.053.001.04", ())
    assert read.entries[0].amount_minor == 1_000


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "warned"),
    [
        ("camt053.v2.minimal", ["balance_currency"]),
        ("camt053.v8", ["detail_differs", "balance_currency"]),
    ],
)
def test_published_statements_are_read_as_their_expected_parse_says(name, warned):
    read = read_statement(shared(f"iso20022/genkgo/{name}.xml").read_bytes())
    expected = json.loads(shared(f"iso20022/genkgo/{name}.json").read_text())["getEntries"][0]
    record = expected["getRecord"]

    (only,) = read.entries
    assert only.amount_minor == int(expected["getAmount"]["getAmount"]) == 885
    assert only.currency == expected["getAmount"]["getCurrency"]["getCode"]
    assert only.is_credit == (expected["getCreditDebitIndicator"] == "CRDT")
    assert only.is_returned == expected["getReversalIndicator"]
    assert only.status == expected["getStatus"]
    assert only.reference == (expected["getAccountServicerReference"] or "")
    assert only.booked_on.isoformat() == expected["getBookingDate"]["0"][:10]
    assert read.account.number == "NL26VAYB8060476890"
    assert read.statement_id == record["getId"]
    assert read.opening_minor == int(record["getBalances"][0]["getAmount"]["getAmount"])
    assert read.from_on.isoformat() == record["getFromDate"]["0"][:10]
    assert only.counterparty == "NAME NAME"
    assert only.counterparty_account == "NL56AGDH9619008421"
    assert only.creditor_reference == "4654654654654654"
    assert codes(read) == warned


@pytest.mark.real_data
@pytest.mark.parametrize(
    "path",
    [
        "pain001_pkg_pain.001.001.09.xml",
        "pain001_pkg_pain.001.001.03.xml",
        "gs_pain001_001_08.xml",
        "gs_pain002_v3_accepted.xml",
    ],
)
def test_published_messages_of_other_kinds_are_refused_by_name(path):
    with pytest.raises(WrongMessage):
        read_statement(shared(f"iso20022/{path}").read_bytes())


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<Ctry>NL</Ctry>", b"<Ctry>CH2</Ctry>"),
        (b"<EndToEndId>", b"<UETR>not-a-uuid</UETR><EndToEndId>"),
        (b"<AnyBIC>DABAIE2D</AnyBIC>", b"<BICOrBEI>DABAIE2D</BICOrBEI>"),
    ],
)
def test_known_defects_of_real_banks_are_warnings(old, new):
    data = shared("iso20022/genkgo/camt053.v8.xml").read_bytes()
    assert old in data

    read = read_statement(data.replace(old, new))

    assert "schema" in codes(read)
    assert read.entries[0].amount_minor == 885
