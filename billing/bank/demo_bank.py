"""The bank of the demonstration and of the tests: answers a payment file with a statement.

It stands where a real bank would, at the edge: it takes the bytes of a `pain.001.001.09` and
gives those of a `camt.053.001.08`, both valid by their schemas. Nothing else of the system
knows that it is not real.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from billing.bank import pain001
from billing.bank.amounts import amount_text, minor_units
from billing.bank.party import AccountNumber
from billing.bank.xml import (
    Element,
    Node,
    ValueUnreadable,
    WrongMessage,
    add,
    message_of,
    new_document,
    read_xml,
    written,
)

MESSAGE = "camt.053.001.08"


@dataclass(frozen=True, slots=True)
class _Payment:
    end_to_end_id: str
    amount_minor: int
    currency: str
    name: str
    account: AccountNumber
    remittance: str
    reference: str


def statement_for(
    payment_file: bytes,
    *,
    statement_id: str,
    created_at: datetime,
    booked_on: date,
    opening_minor: int = 0,
    returned: Mapping[str, str] | None = None,
    left_out: Collection[str] = (),
    amounts: Mapping[str, int] | None = None,
    batch_booked: bool = False,
) -> bytes:
    """Write the statement of a bank that has executed a payment file.

    By end-to-end id, a payment may come back (`returned`, with a reason code such as AC04), be
    not yet executed (`left_out`), or be booked with another amount (`amounts`, minor units).
    `batch_booked` makes one entry of all payments, with a detail for each.

    :raises WrongMessage: if it is not a `pain.001.001.09`.
    :raises ValueUnreadable: if the file has no amount or account where it must.
    :raises BankFileInvalid: if the answer would break its schema.
    """
    changed = amounts or {}
    debtor, payments = _read_payments(payment_file)
    executed = [payment for payment in payments if payment.end_to_end_id not in left_out]
    booked = [_with_amount(payment, changed) for payment in executed]
    back = [payment for payment in booked if payment.end_to_end_id in (returned or {})]
    currency = payments[0].currency
    paid_minor = sum(payment.amount_minor for payment in booked)
    closing_minor = opening_minor - paid_minor + sum(one.amount_minor for one in back)

    root = new_document(MESSAGE)
    statement = _add_heads(root, statement_id, created_at, booked_on)
    add(_add_account(statement, "Acct", debtor), "Ccy", currency)
    _add_balance(statement, "OPBD", opening_minor, currency, booked_on)
    _add_balance(statement, "CLBD", closing_minor, currency, booked_on)
    groups = [booked] if batch_booked and booked else [[payment] for payment in booked]
    for group in groups:
        _add_entry(statement, group, _reference(group[0], "D"), booked_on)
    for payment in back:
        reason = (returned or {})[payment.end_to_end_id]
        _add_entry(statement, [payment], _reference(payment, "R"), booked_on, reason)
    return written(root, MESSAGE)


def _reference(payment: _Payment, booking: str) -> str:
    """Return the bank's reference of a booking, the same in whatever statement it stands."""
    return f"{booking}/{payment.end_to_end_id}"[:35]


def _read_payments(payment_file: bytes) -> tuple[AccountNumber, list[_Payment]]:
    root = read_xml(payment_file)
    if message_of(root) not in pain001.MESSAGES:
        raise WrongMessage(found=message_of(root), known=", ".join(pain001.MESSAGES))
    batches = list(Node(root, "Document").children("CstmrCdtTrfInitn/PmtInf"))
    payments = [_payment(node) for batch in batches for node in batch.children("CdtTrfTxInf")]
    if not payments:
        raise ValueUnreadable(place="PmtInf", value="", expected="CdtTrfTxInf")
    return _account(batches[0], "DbtrAcct"), payments


def _payment(node: Node) -> _Payment:
    amount = node.child("Amt/InstdAmt")
    currency = amount.attribute("Ccy") if amount else ""
    amount_minor = minor_units(amount.own_text(), currency) if amount else None
    if amount_minor is None:
        raise ValueUnreadable(place=node.place, value="", expected="Amt/InstdAmt")
    return _Payment(
        end_to_end_id=node.text("PmtId/EndToEndId"),
        amount_minor=amount_minor,
        currency=currency,
        name=node.text("Cdtr/Nm"),
        account=_account(node, "CdtrAcct"),
        remittance=node.text("RmtInf/Ustrd"),
        reference=node.text("RmtInf/Strd/CdtrRefInf/Ref"),
    )


def _account(node: Node, path: str) -> AccountNumber:
    iban = node.text(f"{path}/Id/IBAN")
    return (
        AccountNumber(iban, "IBAN") if iban else AccountNumber(node.text(f"{path}/Id/Othr/Id"))
    )


def _with_amount(payment: _Payment, changed: Mapping[str, int]) -> _Payment:
    amount_minor = changed.get(payment.end_to_end_id, payment.amount_minor)
    return replace(payment, amount_minor=amount_minor)


def _add_heads(
    root: Element, statement_id: str, created_at: datetime, booked_on: date
) -> Element:
    created = f"{created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    message = add(root, "BkToCstmrStmt")
    header = add(message, "GrpHdr")
    add(header, "MsgId", statement_id)
    add(header, "CreDtTm", created)
    statement = add(message, "Stmt")
    add(statement, "Id", statement_id)
    add(statement, "CreDtTm", created)
    span = add(statement, "FrToDt")
    add(span, "FrDtTm", f"{booked_on.isoformat()}T00:00:00Z")
    add(span, "ToDtTm", f"{booked_on.isoformat()}T23:59:59Z")
    return statement


def _add_account(parent: Element, tag: str, account: AccountNumber) -> Element:
    added = add(parent, tag)
    add(added, "Id/IBAN" if account.kind == "IBAN" else "Id/Othr/Id", account.number)
    return added


def _add_balance(
    statement: Element, kind: str, amount_minor: int, currency: str, on: date
) -> None:
    balance = add(statement, "Bal")
    add(balance, "Tp/CdOrPrtry/Cd", kind)
    add(balance, "Amt", amount_text(abs(amount_minor), currency), Ccy=currency)
    add(balance, "CdtDbtInd", "DBIT" if amount_minor < 0 else "CRDT")
    add(balance, "Dt/Dt", on.isoformat())


def _add_entry(
    statement: Element,
    payments: Sequence[_Payment],
    reference: str,
    booked_on: date,
    reason: str = "",
) -> None:
    direction = "CRDT" if reason else "DBIT"
    currency = payments[0].currency
    amount_minor = sum(payment.amount_minor for payment in payments)
    entry = add(statement, "Ntry")
    add(entry, "Amt", amount_text(amount_minor, currency), Ccy=currency)
    add(entry, "CdtDbtInd", direction)
    add(entry, "Sts/Cd", "BOOK")
    add(entry, "BookgDt/Dt", booked_on.isoformat())
    add(entry, "ValDt/Dt", booked_on.isoformat())
    add(entry, "AcctSvcrRef", reference)
    domain = add(entry, "BkTxCd/Domn")
    add(domain, "Cd", "PMNT")
    family = add(domain, "Fmly")
    add(family, "Cd", "ICDT")
    add(family, "SubFmlyCd", "RRTN" if reason else "DMCT")
    details = add(entry, "NtryDtls")
    for payment in payments:
        _add_detail(details, payment, direction, reason)


def _add_detail(details: Element, payment: _Payment, direction: str, reason: str) -> None:
    detail = add(details, "TxDtls")
    add(detail, "Refs/EndToEndId", payment.end_to_end_id)
    add(
        detail, "Amt", amount_text(payment.amount_minor, payment.currency), Ccy=payment.currency
    )
    add(detail, "CdtDbtInd", direction)
    parties = add(detail, "RltdPties")
    add(parties, "Cdtr/Pty/Nm", payment.name)
    _add_account(parties, "CdtrAcct", payment.account)
    if payment.remittance:
        add(detail, "RmtInf/Ustrd", payment.remittance)
    if payment.reference:
        add(detail, "RmtInf/Strd/CdtrRefInf/Ref", payment.reference)
    if reason:
        add(detail, "RtrInf/Rsn/Cd", reason)
