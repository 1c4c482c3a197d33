"""What the bank did: statements (`camt.053`) and notices (`camt.054`), 001.02, .04 and .08.

A notice has the entries of a statement and no balances. Of `camt.054.001.02` and `.04` no schema
is published where the others are, so their form is not checked, which is a warning; what is
relied on is read as carefully.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy as _

from billing.bank.amounts import minor_units
from billing.bank.defects import schema_warnings
from billing.bank.party import AccountNumber
from billing.bank.statement import BOOKED, Entry, Statement, StatementWarning
from billing.bank.xml import (
    Element,
    Node,
    ValueUnreadable,
    WrongMessage,
    message_of,
    read_xml,
)

VERSIONS = ("001.02", "001.04", "001.08")
STATEMENTS = tuple(f"camt.053.{version}" for version in VERSIONS)
NOTICES = tuple(f"camt.054.{version}" for version in VERSIONS)
MESSAGES = (*STATEMENTS, *NOTICES)
NOT_PROVIDED = "NOTPROVIDED"
# Sub-families of external bank transaction codes that mean: money of a payment came back.
RETURN_SUBFAMILIES = frozenset({"RRTN", "RPCR"})
OPENING_KINDS = ("OPBD", "PRCD")
CLOSING_KINDS = ("CLBD",)
# A payment's own amount: in 001.04 and later, and in 001.02.
DETAIL_AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt")

# Where statements stand, and where notices do.
_PLACES = (("BkToCstmrStmt", "Stmt"), ("BkToCstmrDbtCdtNtfctn", "Ntfctn"))
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def read_statement(data: bytes) -> Statement:
    """Read the one statement in a bank's file.

    What is relied on must be readable: account, amounts, directions, statuses and dates of
    entries. Whatever else breaks the schema, or does not add up, is a warning of the statement.

    :raises BankFileTooLarge: if it has more bytes than a statement has.
    :raises NotXml: if it is not well-formed XML.
    :raises DocumentTypeFound: if it defines entities.
    :raises WrongMessage: if it is neither camt.053 nor camt.054 of a version we read.
    :raises ValueUnreadable: if something that is relied on cannot be read, with its place; also
        if there is not exactly one statement.
    """
    statements = read_statements(data)
    if len(statements) != 1:
        raise ValueUnreadable(
            place="Document", value=f"{len(statements)} Stmt", expected=str(_("one statement"))
        )
    return statements[0]


def read_statements(data: bytes) -> tuple[Statement, ...]:
    """Read all statements in a bank's file; refusals are those of `read_statement`."""
    return statements_of(read_xml(data))


def statements_of(root: Element) -> tuple[Statement, ...]:
    """Read all statements or notices of a document; refusals are those of `read_statement`."""
    message = message_of(root)
    if message not in MESSAGES:
        raise WrongMessage(found=message, known=", ".join(MESSAGES))
    document = Node(root, "Document")
    broken = schema_warnings(root, message)
    body, item = _PLACES[message in NOTICES]
    message_id = document.text(f"{body}/GrpHdr/MsgId")
    created = document.text(f"{body}/GrpHdr/CreDtTm")
    return tuple(
        _StatementReader(node, message, created).read(message_id, broken)
        for node in document.children(f"{body}/{item}")
    )


@dataclass(frozen=True, slots=True)
class _Movement:
    amount_minor: int
    currency: str
    is_credit: bool

    @property
    def signed(self) -> int:
        return self.amount_minor if self.is_credit else -self.amount_minor


class _StatementReader:
    """Reads one `Stmt`, and gathers its warnings."""

    def __init__(self, node: Node, message: str, created: str) -> None:
        self._node = node
        self._message = message
        self._created = created
        self._currency = _account_currency(node)
        self._warnings: list[StatementWarning] = []
        self._references: Counter[str] = Counter()
        self._booked_sum = 0
        self._counted = 0

    def read(self, message_id: str, broken: tuple[StatementWarning, ...]) -> Statement:
        """Return the statement, with the schema's warnings before its own."""
        has_balances = self._message in STATEMENTS
        opening = self._balance(OPENING_KINDS, "opening") if has_balances else None
        entries = tuple(
            entry for node in self._node.children("Ntry") for entry in self._entries(node)
        )
        closing = self._balance(CLOSING_KINDS, "closing") if has_balances else None
        self._check_sums(opening, closing)
        self._check_repeats(entries)
        return Statement(
            message=self._message,
            message_id=message_id,
            statement_id=self._node.text("Id"),
            account=_account(self._node),
            currency=self._currency,
            from_on=_day_or_none(self._node, "FrToDt/FrDtTm"),
            to_on=_day_or_none(self._node, "FrToDt/ToDtTm"),
            opening_minor=opening,
            closing_minor=closing,
            entries=entries,
            warnings=broken + tuple(self._warnings),
        )

    def _warn(self, code: str, place: str, **values: object) -> None:
        self._warnings.append(StatementWarning(code, place, values))

    def _balance(self, kinds: tuple[str, ...], name: str) -> int | None:
        balances = list(self._node.children("Bal"))
        found = [node for node in balances if node.text("Tp/CdOrPrtry/Cd") in kinds]
        if not found:
            self._warn("balance_missing", self._node.place, kind=name, currency=self._currency)
            return None
        # A statement of several pages repeats balances: the first opens, the last closes.
        node = found[0] if name == "opening" else found[-1]
        amount = node.child("Amt")
        currency = amount.attribute("Ccy") if amount else ""
        if currency != self._currency:
            values = {"kind": name, "found": currency, "currency": self._currency}
            self._warn("balance_currency", node.place, **values)
            return None
        return _movement(node).signed

    def _entries(self, node: Node) -> list[Entry]:
        whole = _movement(node)
        status = node.text("Sts/Cd", "Sts/Prtry", "Sts")
        if not status:
            raise _unreadable(node, "", _("a status such as BOOK"))
        booked_on = self._booked_on(node)
        self._counted += 1
        if status == BOOKED and whole.currency == self._currency:
            self._booked_sum += whole.signed
        parts: list[tuple[Node | None, _Movement]] = [*self._parts(node, whole)]
        entries = [
            _entry(node, detail, part, status, booked_on)
            for detail, part in parts or [(None, whole)]
        ]
        # The payments of one batch share the bank's reference; two movements should not.
        self._references.update({entry.reference for entry in entries if entry.reference})
        return entries

    def _parts(self, node: Node, whole: _Movement) -> list[tuple[Node, _Movement]]:
        details = list(node.children("NtryDtls/TxDtls"))
        amounts = [_detail_movement(detail, whole) for detail in details]
        if len(details) == 1:
            self._compare_detail(details[0], amounts[0], whole)
            return [(details[0], whole)]
        known = [amount for amount in amounts if amount and amount.currency == whole.currency]
        if len(known) < len(details):
            self._warn("details_without_amounts", node.place, count=len(details))
            return []
        found = sum(amount.signed for amount in known)
        if details and found != whole.signed:
            self._warn("details_differ", node.place, found=found, expected=whole.signed)
            return []
        return list(zip(details, known, strict=True))

    def _compare_detail(self, detail: Node, amount: _Movement | None, whole: _Movement) -> None:
        said = detail.child("Amt")
        if said is not None and amount != whole:
            found = f"{said.own_text()} {said.attribute('Ccy')}"
            expected = f"{whole.amount_minor} {whole.currency}"
            self._warn("detail_differs", detail.place, found=found, expected=expected)

    def _booked_on(self, node: Node) -> date:
        text = node.text("BookgDt/Dt", "BookgDt/DtTm")
        if text:
            return _day(node, text)
        taken = _day(node, node.text("ValDt/Dt", "ValDt/DtTm") or self._created)
        self._warn("date_missing", node.place, taken=taken.isoformat())
        return taken

    def _check_sums(self, opening: int | None, closing: int | None) -> None:
        said = self._node.text("TxsSummry/TtlNtries/NbOfNtries")
        if said.isdecimal() and int(said) != self._counted:
            self._warn("entries_counted", self._node.place, said=said, found=self._counted)
        if opening is None or closing is None:
            return
        expected = opening + self._booked_sum
        if expected != closing:
            self._warn("balances_differ", self._node.place, expected=expected, found=closing)

    def _check_repeats(self, entries: tuple[Entry, ...]) -> None:
        for reference, count in self._references.items():
            if count > 1:
                self._warn(
                    "reference_repeated", self._node.place, reference=reference, count=count
                )
        # A payment and its return carry the same id; two of one direction should not.
        ids = Counter((entry.end_to_end_id, entry.is_credit) for entry in entries)
        for (end_to_end_id, _direction), count in ids.items():
            if end_to_end_id and count > 1:
                self._warn(
                    "id_repeated", self._node.place, end_to_end_id=end_to_end_id, count=count
                )


def _account_currency(node: Node) -> str:
    stated = node.text("Acct/Ccy")
    amounts = [*node.children("Bal/Amt"), *node.children("Ntry/Amt")]
    currency = stated or next((amount.attribute("Ccy") for amount in amounts), "")
    if not currency:
        raise _unreadable(node, "", _("the account's currency"))
    return currency


def _account(node: Node, path: str = "Acct") -> AccountNumber:
    number = node.text(f"{path}/Id/IBAN")
    if number:
        return AccountNumber(number, "IBAN")
    other = node.text(f"{path}/Id/Othr/Id")
    if not other:
        raise _unreadable(node, "", _("an account number"))
    return AccountNumber(other, "OTHER")


def _movement(node: Node) -> _Movement:
    direction = node.text("CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise _unreadable(node, direction, _("CRDT or DBIT"))
    amount_minor, currency = _amount(node, "Amt")
    return _Movement(amount_minor, currency, direction == "CRDT")


def _detail_movement(detail: Node, whole: _Movement) -> _Movement | None:
    path = next((path for path in DETAIL_AMOUNTS if detail.child(path)), None)
    amount = detail.child(path) if path else None
    if path is None or amount is None or amount.attribute("Ccy") != whole.currency:
        return None
    amount_minor, currency = _amount(detail, path)
    direction = detail.text("CdtDbtInd")
    is_credit = direction == "CRDT" if direction else whole.is_credit
    return _Movement(amount_minor, currency, is_credit)


def _amount(node: Node, path: str) -> tuple[int, str]:
    amount = node.child(path)
    if amount is None:
        raise _unreadable(node, "", _("an amount"))
    currency = amount.attribute("Ccy")
    amount_minor = minor_units(amount.own_text(), currency)
    if amount_minor is None:
        value = f"{amount.own_text()[:40]} {currency}"
        raise _unreadable(amount, value, _("an exact amount in a currency of ISO 4217"))
    return amount_minor, currency


def _day(node: Node, text: str) -> date:
    try:
        if not _DAY.fullmatch(text[:10]):
            raise ValueError(text)
        return date.fromisoformat(text[:10])
    except ValueError:
        raise _unreadable(node, text[:40], _("a day of the calendar")) from None


def _day_or_none(node: Node, path: str) -> date | None:
    text = node.text(path)
    return _day(node, text) if text else None


def _entry(
    node: Node, detail: Node | None, movement: _Movement, status: str, booked_on: date
) -> Entry:
    where = detail or node
    is_reversed = node.text("RvslInd") in ("true", "1")
    is_returned = is_reversed or where.child("RtrInf") is not None or _is_return(node, where)
    # In a return, the creditor is still the one of the payment that came back.
    sides = ("Dbtr", "Cdtr") if movement.is_credit and not is_returned else ("Cdtr", "Dbtr")
    names = [f"RltdPties/{side}/{way}" for side in sides for way in ("Pty/Nm", "Nm")]
    accounts = [
        f"RltdPties/{side}Acct/Id/{way}" for side in sides for way in ("IBAN", "Othr/Id")
    ]
    end_to_end_id = where.text("Refs/EndToEndId")
    return Entry(
        place=where.place,
        reference=where.text("Refs/AcctSvcrRef", "Refs/TxId") or node.text("AcctSvcrRef"),
        end_to_end_id=None if end_to_end_id in ("", NOT_PROVIDED) else end_to_end_id,
        creditor_reference=_first(where, "RmtInf/Strd/CdtrRefInf/Ref"),
        amount_minor=movement.amount_minor,
        currency=movement.currency,
        is_credit=movement.is_credit,
        is_returned=is_returned,
        status=status,
        booked_on=booked_on,
        counterparty=where.text(*names),
        counterparty_account=where.text(*accounts),
        remittance=" ".join(line.own_text() for line in where.children("RmtInf/Ustrd")),
        reason_code=where.text("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry") or None,
    )


def _is_return(node: Node, where: Node) -> bool:
    path = "BkTxCd/Domn/Fmly/SubFmlyCd"
    return (where.text(path) or node.text(path)) in RETURN_SUBFAMILIES


def _first(node: Node, path: str) -> str | None:
    return next((child.own_text() for child in node.children(path)), None)


def _unreadable(node: Node, value: str, expected: object) -> ValueUnreadable:
    return ValueUnreadable(place=node.place, value=value, expected=str(expected))
