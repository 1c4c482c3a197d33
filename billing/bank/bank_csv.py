"""A bank's statement as a table: CSV whose first row names its columns, in either language."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext_lazy as _

from billing.bank.amounts import EXPONENTS, minor_units
from billing.bank.mt940 import text_of
from billing.bank.party import AccountNumber
from billing.bank.references import rf_reference_in
from billing.bank.statement import BOOKED, Entry, Statement, repeats
from billing.bank.xml import (
    FILE_BYTES_MAX,
    BankFileInvalid,
    BankFileTooLarge,
    ValueUnreadable,
)

MESSAGE = "CSV"
ROWS_MAX = 200_000
CELL_CHARACTERS_MAX = 1_000
DELIMITERS = ",;\t"
# Ours, and how banks head it. What is left out here is not read.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "account": ("account", "account number", "iban", "账号", "本方账号"),
    "booked_on": ("booking date", "date", "transaction date", "记账日期", "交易日期", "日期"),
    "amount": ("amount", "交易金额", "金额"),
    "debit": ("debit", "money out", "withdrawal", "借方金额", "支出金额", "支出"),
    "credit": ("credit", "money in", "deposit", "贷方金额", "收入金额", "收入"),
    "direction": ("direction", "debit/credit", "dr/cr", "借贷标志", "借贷"),
    "currency": ("currency", "币种"),
    "end_to_end_id": ("end-to-end id", "end to end id", "customer reference", "业务编号"),
    "reference": ("bank reference", "transaction id", "流水号", "交易流水号"),
    "counterparty": ("counterparty", "name", "对方户名", "对方名称"),
    "counterparty_account": ("counterparty account", "对方账号"),
    "remittance": ("remittance", "description", "details", "摘要", "用途", "附言"),
    "reason_code": ("return reason", "退汇原因"),
}  # fmt: skip
REQUIRED = ("account", "booked_on", "currency")
CREDITS = frozenset({"c", "cr", "crdt", "credit", "贷", "收"})
DEBITS = frozenset({"d", "dr", "dbit", "debit", "借", "支"})
_DAY = re.compile(r"(\d{4})[-/.]?(\d\d)[-/.]?(\d\d)", re.ASCII)


class ColumnsMissing(BankFileInvalid):
    """A table without what an entry can't be without."""

    code = "bank_file_columns_missing"
    sentence = _(
        "The file is a table without a column for: %(missing)s. Its first row must name the "
        "columns; export it from the bank with these."
    )


class FileUnknown(BankFileInvalid):
    """Bytes that are none of what a bank sends."""

    code = "bank_file_unknown"
    sentence = _(
        "Line 1 of the file begins with “%(value)s”, which is none of the formats that we read: "
        "%(known)s. Download the statement from the bank in one of them."
    )


@dataclass(slots=True)
class _Account:
    currency: str
    first_place: str
    entries: list[Entry] = field(default_factory=list)


def read_csv(data: bytes) -> tuple[Statement, ...]:
    """Read a table of entries: a statement for each account in it, in the order they come.

    :raises BankFileTooLarge: above the bytes or rows that a statement has.
    :raises ColumnsMissing: naming the columns that are not there.
    :raises ValueUnreadable: naming the line, the column and the value.
    """
    if len(data) > FILE_BYTES_MAX:
        raise BankFileTooLarge(most=FILE_BYTES_MAX)
    text = text_of(data)
    header = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    accounts: dict[str, _Account] = {}
    columns: dict[str, int] | None = None
    for line, cells in _lines(text, delimiter):
        if columns is None:
            columns = columns_of(cells)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        row = _Row(line, cells, columns)
        entry, number = row.entry(), row.required("account")
        account = accounts.setdefault(number, _Account(entry.currency, entry.place))
        account.entries.append(entry)
    if not accounts:
        raise ValueUnreadable(place="line 2", value="", expected=str(_("at least one entry")))
    return tuple(_statement(number, account) for number, account in accounts.items())


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Give each row with the line on which it ends."""
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        for count, cells in enumerate(rows):
            if count > ROWS_MAX:
                expected = _("at most %(most)s rows") % {"most": ROWS_MAX}
                raise ValueUnreadable(
                    place=f"line {rows.line_num}", value=str(count), expected=str(expected)
                )
            yield rows.line_num, cells
    except csv.Error as error:
        raise ValueUnreadable(
            place=f"line {rows.line_num}",
            value=str(error)[:40],
            expected=str(_("a row of a table")),
        ) from None


def columns_of(cells: Sequence[str]) -> dict[str, int]:
    """Return where each of our columns stands in a header.

    :raises ColumnsMissing: naming what is not there.
    :raises ValueUnreadable: if two columns are one of ours.
    """
    named = {name: ours for ours, names in COLUMNS.items() for name in names}
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        ours = named.get(" ".join(cell.lower().replace("_", " ").split()))
        if ours is None:
            continue
        if ours in found:
            expected = str(_("the column “%(column)s” only once") % {"column": ours})
            raise ValueUnreadable(place="line 1", value=cell[:40], expected=expected)
        found[ours] = place
    missing = [COLUMNS[name][0] for name in REQUIRED if name not in found]
    if "amount" not in found and not {"debit", "credit"} <= found.keys():
        missing.append("amount")
    if missing:
        raise ColumnsMissing(missing=", ".join(missing))
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: list[str]
    columns: Mapping[str, int]

    def text(self, column: str) -> str:
        place = self.columns.get(column)
        if place is None or place >= len(self.cells):
            return ""
        text = self.cells[place].strip()
        if len(text) > CELL_CHARACTERS_MAX:
            expected = _("at most %(most)s characters") % {"most": CELL_CHARACTERS_MAX}
            raise self.unreadable(column, expected)
        return text

    def required(self, column: str) -> str:
        text = self.text(column)
        if not text:
            raise self.unreadable(column, _("something in this column"))
        return text

    def unreadable(self, column: str, expected: object) -> ValueUnreadable:
        place, at = f"line {self.line}, {COLUMNS[column][0]}", self.columns.get(column)
        value = self.cells[at] if at is not None and at < len(self.cells) else ""
        return ValueUnreadable(place=place, value=value.strip()[:40], expected=str(expected))

    def entry(self) -> Entry:
        currency = self.required("currency").upper()
        if currency not in EXPONENTS:
            raise self.unreadable("currency", _("a currency of ISO 4217, such as CNY"))
        amount_minor, is_credit = self._amount(currency)
        reason = self.text("reason_code")
        return Entry(
            place=f"line {self.line}",
            reference=self.text("reference"),
            end_to_end_id=self.text("end_to_end_id") or None,
            creditor_reference=rf_reference_in(self.text("remittance")),
            amount_minor=amount_minor,
            currency=currency,
            is_credit=is_credit,
            is_returned=bool(reason),
            status=BOOKED,
            booked_on=self._day(),
            counterparty=self.text("counterparty"),
            counterparty_account=self.text("counterparty_account"),
            remittance=self.text("remittance"),
            reason_code=reason or None,
        )

    def _amount(self, currency: str) -> tuple[int, bool]:
        """Return minor units above or at nothing, and whether money came in."""
        if "amount" not in self.columns:
            return self._amount_by_side(currency)
        text, said = self.required("amount"), self.text("direction").lower()
        if said and said not in CREDITS | DEBITS:
            raise self.unreadable("direction", _("credit or debit"))
        is_negative = text.startswith("-")
        if said and is_negative:
            raise self.unreadable(
                "amount", _("an amount without a sign, as the direction says it")
            )
        minor = self._minor("amount", text.removeprefix("-"), currency)
        return minor, said in CREDITS if said else not is_negative

    def _amount_by_side(self, currency: str) -> tuple[int, bool]:
        debit, credit = self.text("debit"), self.text("credit")
        if bool(debit) == bool(credit):
            raise self.unreadable("debit", _("an amount in exactly one of debit and credit"))
        side = "debit" if debit else "credit"
        return self._minor(side, debit or credit, currency), side == "credit"

    def _minor(self, column: str, text: str, currency: str) -> int:
        minor = minor_units(text, currency)
        if minor is None:
            expected = _("an exact amount such as 1234.56, without separators of thousands")
            raise self.unreadable(column, expected)
        return minor

    def _day(self) -> date:
        found = _DAY.fullmatch(self.required("booked_on")[:10].rstrip())
        try:
            if found is None:
                raise ValueError
            return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            raise self.unreadable("booked_on", _("a day such as 2026-01-31")) from None


def _statement(number: str, account: _Account) -> Statement:
    entries = tuple(account.entries)
    days = [entry.booked_on for entry in entries]
    return Statement(
        message=MESSAGE,
        message_id="",
        statement_id="",
        account=AccountNumber.of(number),
        currency=account.currency,
        from_on=min(days),
        to_on=max(days),
        opening_minor=None,
        closing_minor=None,
        entries=entries,
        warnings=tuple(repeats(entries, account.first_place)),
    )
