"""Payment status reports, `pain.002` in versions 001.03 and 001.10: what the bank will not pay.

A report answers a payment file (`OrgnlMsgId`), as a whole, by batch or by payment. It never says
that money has moved: only a rejection (`RJCT`) settles anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy as _

from billing.bank.amounts import minor_units
from billing.bank.defects import schema_warnings
from billing.bank.statement import StatementWarning
from billing.bank.xml import Element, Node, ValueUnreadable, WrongMessage, message_of

MESSAGES = ("pain.002.001.03", "pain.002.001.10")
REJECTED = "RJCT"
# The bank has taken the order, or is about to: ISO 20022 external payment statuses.
TAKEN = frozenset({
    "RCVD", "ACTC", "ACCP", "ACSP", "ACWC", "ACWP", "ACSC", "ACCC", "ACFC", "PDNG", "PART", "PATC",
})  # fmt: skip
_BODY = "CstmrPmtStsRpt"
_COUNT = re.compile(r"\d{1,15}", re.ASCII)
_DECIMAL = re.compile(r"\d{1,18}(\.\d{1,17})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """What a report says of one payment; without an amount the report told none."""

    place: str
    end_to_end_id: str
    status: str
    reason_code: str
    words: str
    reference: str
    amount_minor: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A report on one payment file.

    `rejects_all` says that the file, or a batch of it that names no payments, was rejected; the
    bank's own count and sum of the file are None and empty where it told none.
    """

    message: str
    message_id: str
    created_on: date
    payment_file: str
    status: str
    reason_code: str
    rejects_all: bool
    count: int | None
    total: str
    payments: tuple[PaymentStatus, ...]
    warnings: tuple[StatementWarning, ...]


def report_of(root: Element) -> StatusReport:
    """Read the report of a document.

    :raises WrongMessage: if it is not pain.002 of a version we read.
    :raises ValueUnreadable: if the payment file, a status, a day or an amount can't be read, with
        its place.
    """
    message = message_of(root)
    if message not in MESSAGES:
        raise WrongMessage(found=message, known=", ".join(MESSAGES))
    document = Node(root, "Document")
    group = document.child(f"{_BODY}/OrgnlGrpInfAndSts")
    payment_file = group.text("OrgnlMsgId") if group else ""
    if group is None or not payment_file:
        raise _unreadable(document, "", _("the payment file that it answers (OrgnlMsgId)"))
    batches = list(document.children(f"{_BODY}/OrgnlPmtInfAndSts"))
    status = group.text("GrpSts")
    rejected = [one for one in batches if one.text("PmtInfSts") == REJECTED]
    nameless = [one for one in rejected if not list(one.children("TxInfAndSts"))]
    reasons = [_reason(one) for one in (group, *nameless)]
    count = group.text("OrgnlNbOfTxs")
    if count and not _COUNT.fullmatch(count):
        raise _unreadable(group, count[:40], _("a number of payments"))
    total = group.text("OrgnlCtrlSum")
    if total and not _DECIMAL.fullmatch(total):
        raise _unreadable(group, total[:40], _("a sum of amounts"))
    return StatusReport(
        message=message,
        message_id=document.text(f"{_BODY}/GrpHdr/MsgId"),
        created_on=_created(document),
        payment_file=payment_file,
        status=status or next((one.text("PmtInfSts") for one in batches), ""),
        reason_code=next((code for code, _words in reasons if code), ""),
        rejects_all=status == REJECTED or bool(nameless),
        count=int(count) if count else None,
        total=total,
        payments=tuple(one for batch in batches for one in _payments(batch)),
        warnings=schema_warnings(root, message),
    )


def _payments(batch: Node) -> Iterator[PaymentStatus]:
    batch_status = batch.text("PmtInfSts")
    for node in batch.children("TxInfAndSts"):
        status = node.text("TxSts") or batch_status
        if not status:
            raise _unreadable(node, "", _("a status such as ACCP or RJCT"))
        code, words = _reason(node)
        amount_minor, currency = _amount(node)
        yield PaymentStatus(
            place=node.place,
            end_to_end_id=node.text("OrgnlEndToEndId"),
            status=status,
            reason_code=code or _reason(batch)[0],
            words=words,
            reference=node.text("AcctSvcrRef"),
            amount_minor=amount_minor,
            currency=currency,
        )


def _reason(node: Node) -> tuple[str, str]:
    """Return the first reason's code, and the bank's words on it."""
    for reason in node.children("StsRsnInf"):
        words = " ".join(one.own_text() for one in reason.children("AddtlInf"))
        return reason.text("Rsn/Cd", "Rsn/Prtry"), words[:200]
    return "", ""


def _amount(node: Node) -> tuple[int | None, str]:
    amount = node.child("OrgnlTxRef/Amt/InstdAmt")
    if amount is None:
        return None, ""
    currency, text = amount.attribute("Ccy"), amount.own_text()
    minor = minor_units(text, currency)
    if minor is None:
        expected = _("an exact amount in a currency of ISO 4217")
        raise _unreadable(amount, f"{text[:40]} {currency}", expected)
    return minor, currency


def _created(document: Node) -> date:
    text = document.text(f"{_BODY}/GrpHdr/CreDtTm")
    try:
        if not text[:10].isascii():
            raise ValueError(text)
        return date.fromisoformat(text[:10])
    except ValueError:
        raise _unreadable(document, text[:40], _("a day of the calendar")) from None


def _unreadable(node: Node, value: str, expected: object) -> ValueUnreadable:
    return ValueUnreadable(place=node.place, value=value, expected=str(expected))
