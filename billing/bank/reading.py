"""Any file that a bank sends: its format is recognised from its content, never from its name."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from billing.bank import bank_csv, camt, mt940, pain002
from billing.bank.bank_csv import FileUnknown
from billing.bank.pain002 import StatusReport
from billing.bank.statement import Statement
from billing.bank.xml import (
    FILE_BYTES_MAX,
    BankFileTooLarge,
    NotXml,
    ValueUnreadable,
    WrongMessage,
    message_of,
    read_xml,
)

KNOWN = (*camt.MESSAGES, *pain002.MESSAGES, mt940.MESSAGE, bank_csv.MESSAGE)
_HEAD_BYTES = 4096
_SHOWN_CHARACTERS = 40


class OwnPaymentFile(WrongMessage):
    """A payment order, which goes to the bank and does not come from it."""

    code = "bank_file_own_payment_file"
    sentence = _(
        "The file is a payment order (%(found)s), which goes to the bank. Upload here what the "
        "bank answered: %(known)s."
    )


@dataclass(frozen=True, slots=True)
class BankFile:
    """What a bank's file turned out to be: statements, or a report on a payment file."""

    message: str
    statements: tuple[Statement, ...] = ()
    report: StatusReport | None = None


def read_bank_file(data: bytes) -> BankFile:
    """Read a bank's file, all of it or nothing.

    :raises BankFileInvalid: in one of its kinds, naming the place, the value and what to do.
    """
    if len(data) > FILE_BYTES_MAX:
        raise BankFileTooLarge(most=FILE_BYTES_MAX)
    head = data[:_HEAD_BYTES]
    if (
        head.startswith((b"\xff\xfe", b"\xfe\xff"))
        or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
    ):
        return _read_xml(data)
    text = mt940.text_of(head)
    if mt940.is_mt940(text):
        return BankFile(mt940.MESSAGE, mt940.read_mt940(data))
    line = text.lstrip().partition("\n")[0]
    if b"\0" in head or not any(mark in line for mark in bank_csv.DELIMITERS):
        if not line.strip():
            raise NotXml(line=1, words=str(_("there is nothing in the file")))
        value = line[:_SHOWN_CHARACTERS].encode("ascii", "backslashreplace").decode()
        raise FileUnknown(value=value, known=", ".join(KNOWN))
    return BankFile(bank_csv.MESSAGE, bank_csv.read_csv(data))


def _read_xml(data: bytes) -> BankFile:
    root = read_xml(data)
    message = message_of(root)
    if message in camt.MESSAGES:
        statements = camt.statements_of(root)
        if not statements:
            expected = str(_("at least one statement"))
            raise ValueUnreadable(place="Document", value="", expected=expected)
        return BankFile(message, statements)
    if message in pain002.MESSAGES:
        return BankFile(message, report=pain002.report_of(root))
    refusal = OwnPaymentFile if message.startswith("pain.001.") else WrongMessage
    raise refusal(found=message, known=", ".join(KNOWN))
