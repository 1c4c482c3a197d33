"""SWIFT's MT940, the statement of before ISO 20022: lines that begin with a tag between colons.

Fields are those of SWIFT's Standards MT, Category 9, "MT 940 Customer Statement Message"; where
in the free text of field 86 an end-to-end id stands, banks wrote of their own (`/EREF/`, `EREF+`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy as _

from billing.bank.amounts import minor_units
from billing.bank.party import AccountNumber
from billing.bank.references import rf_reference_in
from billing.bank.statement import BOOKED, Entry, Statement, StatementWarning, repeats
from billing.bank.xml import FILE_BYTES_MAX, BankFileTooLarge, ValueUnreadable

MESSAGE = "MT940"
NO_REFERENCE = "NONREF"
# A returned item, among SWIFT's transaction types of field 61, subfield 6.
RETURN_TYPES = ("RTI",)

_TAG = re.compile(r":(\d\d[A-Z]?):(.*)", re.ASCII | re.DOTALL)
# SWIFT's end of a message, and what banks put there.
_END = re.compile(r"-(?:\}.*|XXX|\x03)?\s*", re.ASCII)
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})([\d,]{1,16})", re.ASCII)
# Field 61: value date, entry date, mark, funds code, amount, type, owner's reference, bank's.
_ENTRY = re.compile(
    r"(?P<value>\d{6})(?P<booked>\d{4})?(?P<mark>R?[CD])(?P<funds>[A-Z])?(?P<amount>[\d,]{1,15})"
    r"(?P<type>[NFS][A-Z0-9]{3})(?P<owner>[^/\n]*(?:/(?!/)[^/\n]*)*)(?://(?P<bank>[^\n]*))?"
    r"(?:\n(?P<more>.*))?",
    re.ASCII | re.DOTALL,
)
_END_TO_END = re.compile(r"(?:/EREF/|EREF\+)\s*([^/+?\s]{1,35})")
_NAME = re.compile(r"(?:/NAME/)([^/]{1,140})")


def is_mt940(text: str) -> bool:
    """Say whether a text has the fields that each MT940 begins with."""
    return re.search(r"^:20:.*\n(?:.*\n){0,3}?:25:", text, re.MULTILINE) is not None


def read_mt940(data: bytes) -> tuple[Statement, ...]:
    """Read all statements in an MT940 file; there must be one at least.

    :raises BankFileTooLarge: if it has more bytes than a statement has.
    :raises ValueUnreadable: if a tag, amount, mark or date can't be read, with its line.
    """
    if len(data) > FILE_BYTES_MAX:
        raise BankFileTooLarge(most=FILE_BYTES_MAX)
    statements: list[_Reader] = []
    for field in _fields(text_of(data)):
        if field.tag == "20":
            statements.append(_Reader(field))
        elif not statements:
            raise field.unreadable(_("the field :20: first"))
        else:
            statements[-1].take(field)
    if not statements:
        raise ValueUnreadable(place="line 1", value="", expected=str(_("the field :20:")))
    return tuple(one.read() for one in statements)


def text_of(data: bytes) -> str:
    """Return a bank's text, which is UTF-8 or, in older systems, Latin 1."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, slots=True)
class _Field:
    line: int
    tag: str
    text: str

    @property
    def place(self) -> str:
        return f":{self.tag}: (line {self.line})"

    def unreadable(self, expected: object, value: str | None = None) -> ValueUnreadable:
        shown = self.text if value is None else value
        return ValueUnreadable(place=self.place, value=shown[:40], expected=str(expected))


def _fields(text: str) -> Iterator[_Field]:
    """Give each tagged field with the lines that continue it; what is around them is skipped."""
    line, tag, parts = 0, "", list[str]()
    for number, row in enumerate(text.split("\n"), start=1):
        # The SWIFT block before the first field of a statement stands in its line.
        found = _TAG.match(row.partition("{4:")[2] if row.startswith("{1:") else row)
        if found or _END.fullmatch(row):
            if tag:
                yield _Field(line, tag, "\n".join(parts))
            line, tag, parts = number, found[1] if found else "", [found[2]] if found else []
        elif tag and row.strip():
            parts.append(row)
    if tag:
        yield _Field(line, tag, "\n".join(parts))


@dataclass(slots=True)
class _Line:
    field: _Field
    details: str = ""


class _Reader:
    """Gathers the fields of one statement."""

    def __init__(self, field: _Field) -> None:
        self._first = field
        self._fields: dict[str, _Field] = {}
        self._lines: list[_Line] = []
        self._closed = False

    def take(self, field: _Field) -> None:
        """Note a field; text after the closing balance is of the statement, not of an entry."""
        if field.tag == "61":
            self._lines.append(_Line(field))
        elif field.tag == "86":
            if self._lines and not self._closed:
                self._lines[-1].details = field.text
        else:
            self._closed = self._closed or field.tag.startswith("62")
            self._fields.setdefault(field.tag, field)

    def read(self) -> Statement:
        """Return the statement.

        :raises ValueUnreadable: naming the field and line.
        """
        account = self._fields.get("25")
        if account is None or not account.text.strip():
            raise self._first.unreadable(_("an account number in :25:"))
        opening, closing = self._balance("60"), self._balance("62")
        currency = (opening or closing or ("", 0, None))[0]
        if not currency:
            raise self._first.unreadable(_("an opening balance in :60F:"))
        entries = tuple(_entry(line, currency) for line in self._lines)
        number = self._fields.get("28C") or self._fields.get("28")
        return Statement(
            message=MESSAGE,
            message_id=self._first.text.strip(),
            statement_id=number.text.strip() if number else self._first.text.strip(),
            account=AccountNumber.of(_account(account.text.strip())),
            currency=currency,
            from_on=opening[2] if opening else None,
            to_on=closing[2] if closing else None,
            opening_minor=opening[1] if opening else None,
            closing_minor=closing[1] if closing else None,
            entries=entries,
            warnings=tuple(self._warnings(opening, closing, entries)),
        )

    def _balance(self, tag: str) -> tuple[str, int, date] | None:
        field = self._fields.get(f"{tag}F") or self._fields.get(f"{tag}M")
        if field is None:
            return None
        found = _BALANCE.match(field.text.strip())
        if not found:
            raise field.unreadable(_("a balance such as C240131EUR100,00"))
        mark, day, currency, amount = found.groups()
        minor = _minor(field, amount, currency)
        return currency, minor if mark == "C" else -minor, _day(field, day)

    def _warnings(
        self,
        opening: tuple[str, int, date] | None,
        closing: tuple[str, int, date] | None,
        entries: tuple[Entry, ...],
    ) -> Iterator[StatementWarning]:
        place = self._first.place
        for kind, found in (("opening", opening), ("closing", closing)):
            if found is None:
                values = {"kind": kind, "currency": (opening or closing or ("",))[0]}
                yield StatementWarning("balance_missing", place, values)
        if opening and closing:
            expected = opening[1] + sum(
                one.amount_minor if one.is_credit else -one.amount_minor for one in entries
            )
            if expected != closing[1]:
                values_ = {"expected": expected, "found": closing[1]}
                yield StatementWarning("balances_differ", place, values_)
        yield from repeats(entries, place)


def _account(text: str) -> str:
    """Return the number in field 25, which may follow the bank's code and a stroke."""
    return text.rpartition("/")[2]


def _entry(line: _Line, currency: str) -> Entry:
    field = line.field
    found = _ENTRY.fullmatch(field.text.rstrip("\n"))
    if not found:
        raise field.unreadable(_("an entry such as 2401310131D100,00NTRFREFERENCE//BANK"))
    value_on = _day(field, found["value"])
    owner = found["owner"].strip()
    details = " ".join(line.details.split())
    end_to_end = _END_TO_END.search(details)
    owner_id = "" if owner in ("", NO_REFERENCE) else owner
    name = _NAME.search(details)
    mark = found["mark"]
    return Entry(
        place=field.place,
        reference=(found["bank"] or "").strip(),
        end_to_end_id=(end_to_end[1] if end_to_end else owner_id) or None,
        creditor_reference=rf_reference_in(details),
        amount_minor=_minor(field, found["amount"], currency),
        currency=currency,
        # A reversal of a debit brings money in, one of a credit takes it out again.
        is_credit=mark in ("C", "RD"),
        is_returned=mark.startswith("R") or found["type"][1:] in RETURN_TYPES,
        status=BOOKED,
        booked_on=_booked_on(field, value_on, found["booked"]),
        counterparty=name[1].strip() if name else "",
        counterparty_account="",
        remittance=details[:500],
        reason_code=None,
    )


def _booked_on(field: _Field, value_on: date, month_and_day: str | None) -> date:
    """Return the entry's day: it has no year, so the one nearest to the value date is meant."""
    if not month_and_day:
        return value_on
    days = []
    for year in (value_on.year - 1, value_on.year, value_on.year + 1):
        try:
            days.append(date(year, int(month_and_day[:2]), int(month_and_day[2:])))
        except ValueError:
            continue
    if not days:
        raise field.unreadable(_("a day of the calendar"), month_and_day)
    return min(days, key=lambda day: abs(day - value_on))


def _day(field: _Field, text: str) -> date:
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        raise field.unreadable(_("a day of the calendar"), text) from None


def _minor(field: _Field, text: str, currency: str) -> int:
    """Return minor units; SWIFT writes a comma, and it may be the last character."""
    exact = text.removesuffix(",").replace(",", ".")
    found = minor_units(exact, currency)
    if found is None:
        raise field.unreadable(
            _("an exact amount in a currency of ISO 4217"), f"{text} {currency}"
        )
    return found
