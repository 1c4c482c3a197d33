"""Any file is recognised by its content, and read whole or refused in words; never a crash."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iso11649

from billing.bank import camt
from billing.bank.bank_csv import ColumnsMissing, FileUnknown
from billing.bank.codes import CODES, code_words
from billing.bank.reading import read_bank_file
from billing.bank.references import body_of, reference_body, rf_reference, rf_reference_in
from billing.bank.xml import BankFileInvalid, ValueUnreadable, WrongMessage
from tests.billing.bank.test_camt import entry, statement
from tests.billing.bank_files import a_csv, an_mt940, as_notice

GOOD = (
    statement(entry()),
    as_notice(statement(entry())),
    an_mt940("6217", [("S-1", "10,00")]),
    a_csv("6217", [("S-1", "-10.00", "R-1")]),
)


def read_or_refusal(data):
    try:
        return read_bank_file(data)
    except BankFileInvalid as refused:
        return refused


@given(st.sampled_from(GOOD), st.integers(0, 4_000), st.binary(max_size=6), st.integers(0, 40))
@settings(max_examples=400, deadline=None)
def test_a_spoilt_file_is_read_or_refused_in_words(data, at, put_in, taken_out):
    at = min(at, len(data))

    outcome = read_or_refusal(data[:at] + put_in + data[at + taken_out :])

    if isinstance(outcome, BankFileInvalid):
        assert str(outcome)
    else:
        assert outcome.statements
        assert all(one.amount_minor >= 0 for each in outcome.statements for one in each.entries)


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused_in_words(data):
    assert str(read_or_refusal(data))


@pytest.mark.parametrize("version", ["02", "04"])
def test_a_notice_without_a_schema_is_read_and_says_so(version):
    data = as_notice(statement(entry(), version=version))

    (notice,) = read_bank_file(data).statements

    assert notice.message == f"camt.054.001.{version}"
    assert [one.code for one in notice.warnings] == ["no_schema"]
    assert "no schema" in notice.warnings[0].sentence
    assert [one.end_to_end_id for one in notice.entries] == ["S-1"]


@pytest.mark.parametrize(
    ("put_in", "code"),
    [
        ("<UETR>not-a-uuid</UETR>", "uetr_invalid"),
        ("<UETR>8a562c67-ca16-11ba-b074-65581be6f001</UETR>", "uetr_invalid"),
        ("<Ctry>CH2</Ctry>", "country_invalid"),
        ("<BICFI>DABAIE2D</BICFI>", "bic_element"),
    ],
)
def test_known_defects_are_found_without_a_schema(put_in, code):
    data = as_notice(statement(entry())).replace(b"<BkTxCd/>", f"<BkTxCd/>{put_in}".encode())

    (notice,) = read_bank_file(data).statements

    assert [one.code for one in notice.warnings] == ["no_schema", code]
    assert notice.warnings[1].sentence
    assert "line" in notice.warnings[1].place


def test_a_good_uetr_is_no_warning():
    uetr = b"<BkTxCd/><UETR>8a562c67-ca16-48ba-b074-65581be6f001</UETR>"
    data = as_notice(statement(entry())).replace(b"<BkTxCd/>", uetr)

    assert [one.code for one in read_bank_file(data).statements[0].warnings] == ["no_schema"]


@pytest.mark.parametrize(
    "data",
    [
        statement(entry()).replace(b' xmlns="urn', b' id="urn'),
        statement(entry()).replace(b"iso:20022:tech:xsd:camt", b"iso:20022:tech:camt"),
        statement(entry()).replace(b"camt.053", b"camt.052"),
    ],
)
def test_a_missing_or_wrong_namespace_is_refused_by_name(data):
    with pytest.raises(WrongMessage) as refused:
        read_bank_file(data)

    assert refused.value.values["found"]
    assert all(message in str(refused.value) for message in camt.MESSAGES)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("-10.00", "1e3", "line 2, amount"),
        ("-10.00", "--1", "line 2, amount"),
        ("-10.00", "", "line 2, amount"),
        ("-10.00", "٣", "line 2, amount"),
        ("2025-07-02", "2025-02-30", "line 2, booking date"),
        ("2025-07-02", "", "line 2, booking date"),
        ("CNY", "XXX", "line 2, currency"),
        ("6217", "", "line 2, account"),
    ],
)
def test_a_table_is_refused_with_line_column_and_value(old, new, place):
    data = a_csv("6217", [("S-1", "-10.00", "R-1")]).decode().replace(old, new)

    with pytest.raises(ValueUnreadable) as refused:
        read_bank_file(data.encode())

    assert refused.value.values["place"] == place
    assert refused.value.values["value"] == new
    assert refused.value.values["expected"]


def test_a_table_may_have_debit_and_credit_columns_in_chinese():
    data = (
        "账号;交易日期;借方金额;贷方金额;币种;对方户名\n"
        "6217;20250702;10.00;;CNY;智算科技\n"
        "6217;2025/07/03;;2.50;CNY;智算科技\n"
    )

    (only,) = read_bank_file(data.encode()).statements

    assert [(one.amount_minor, one.is_credit) for one in only.entries] == [
        (1_000, False),
        (250, True),
    ]
    assert only.entries[0].counterparty == "智算科技"


def test_a_table_of_two_accounts_is_two_statements():
    data = a_csv("1", [("A", "-1.00", "R1")]) + b"\n" + a_csv("2", [("B", "-1.00", "R2")])
    data = data.replace(b"\naccount,", b"\n#,", 1)
    rows = [line for line in data.split(b"\n") if not line.startswith(b"#")]

    both = read_bank_file(b"\n".join(rows)).statements

    assert [one.account.number for one in both] == ["1", "2"]


def test_a_table_without_its_columns_says_which():
    with pytest.raises(ColumnsMissing, match="account, booking date, currency, amount"):
        read_bank_file(b"a,b\n1,2\n")


def test_what_is_none_of_them_says_what_is_read():
    with pytest.raises(FileUnknown, match=r"pain\.002\.001\.10"):
        read_bank_file(b"hello")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (":61:2507020702D10,00", ":61:2502300702D10,00"),
        (":61:2507020702D10,00", ":61:2507020702X10,00"),
        (":61:2507020702D10,00", ":61:2507020702D10.00"),
        (":61:2507020702D10,00", ":61:2507020702D1,234"),
        (":25:6217", ":25:"),
        (":60F:C250702CNY0,00", ":60F:C250702XXX0,00"),
    ],
)
def test_mt940_is_refused_with_tag_and_line(old, new):
    data = an_mt940("6217", [("S-1", "10,00")]).decode()
    assert old in data

    with pytest.raises(ValueUnreadable) as refused:
        read_bank_file(data.replace(old, new).encode())

    assert "(line " in refused.value.values["place"]


def test_a_reversed_debit_of_mt940_is_a_return():
    data = an_mt940("6217", [("S-1", "10,00")]).replace(b"0702D10", b"0702RD10")

    (only,) = read_bank_file(data).statements[0].entries

    assert (only.is_credit, only.is_returned) == (True, True)


def test_an_entry_of_new_year_takes_the_nearest_year():
    data = an_mt940("6217", [("S-1", "10,00")]).replace(b"2507020702D", b"2501021231D")

    assert read_bank_file(data).statements[0].entries[0].booked_on.isoformat() == "2024-12-31"


@given(st.from_regex(r"B-[A-Z0-9]{6}-[0-9]{5}", fullmatch=True))
def test_a_payments_reference_is_valid_and_leads_back_to_it(end_to_end_id):
    reference = rf_reference(end_to_end_id)

    assert iso11649.is_valid(reference)
    assert body_of(reference) == reference_body(end_to_end_id)
    assert rf_reference_in(f"grant {reference} paid") == reference
    assert rf_reference_in(f"grant {iso11649.format(reference)}") == reference


def test_a_reference_with_wrong_digits_names_nothing():
    reference = rf_reference("B-ABCDEF-00001")
    wrong = reference[:2] + f"{(int(reference[2:4]) + 1) % 100:02}" + reference[4:]

    assert body_of(wrong) is None
    assert rf_reference_in(wrong) is None


def test_codes_are_told_in_words_and_unknown_ones_as_they_are():
    assert code_words("AC04") == "The account is closed (AC04)"
    assert code_words("XX99") == "The bank's code XX99"
    assert code_words("") == ""
    assert all(len(code) == 4 for code in CODES)
