"""Read an invoice's file, whatever it is: what it says, and every rule that it breaks."""

import hashlib
from dataclasses import dataclass
from decimal import localcontext

from billing.invoices import fapiao, sums, taxes, ubl
from billing.invoices.breaks import Break
from billing.invoices.fapiao import Fapiao
from billing.invoices.model import Invoice
from billing.invoices.refusals import (
    InvoiceBringsDefinitions,
    InvoiceNotXml,
    InvoiceOfAnotherKind,
    InvoiceTooLarge,
)
from common import xml

FILE_BYTES_MAX = 10 * 1024 * 1024
# More digits than a sum of a million amounts, or a product of two, can have.
DIGITS = 90
KNOWN = "UBL 2.1 Invoice, UBL 2.1 CreditNote, e-invoice/2019 eInvoice, 数电票 EInvoice"


@dataclass(frozen=True, slots=True)
class SchemaError:
    """Where a file leaves its schema, in the words of the schema."""

    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says, its fingerprint, and all that is wrong with it."""

    document: Invoice | Fapiao
    sha256: str
    breaks: tuple[Break, ...] = ()
    schema_errors: tuple[SchemaError, ...] = ()

    @property
    def is_in_order(self) -> bool:
        """Whether the file follows its schema and every rule."""
        return not (self.breaks or self.schema_errors)

    @property
    def rules(self) -> tuple[str, ...]:
        """The numbers of the rules that are broken, each once, in order."""
        return tuple(dict.fromkeys(one.rule for one in self.breaks))


def read_invoice(data: bytes) -> Reading:
    """Read an invoice or a credit note of EN 16931 in UBL 2.1, or a fapiao.

    The file is a stranger's: it brings no entities, reaches no network, and a value that would
    not be exact is refused. What can be read and is wrong comes with its problems.

    :raises InvoiceTooLarge: above `FILE_BYTES_MAX`.
    :raises InvoiceNotXml: if it is not well-formed XML.
    :raises InvoiceBringsDefinitions: if it defines entities or a document type.
    :raises InvoiceOfAnotherKind: if it is none of the documents that are read.
    :raises InvoiceValueUnreadable: naming the line of the first value that can't be read.
    """
    try:
        root = xml.parsed(data, bytes_max=FILE_BYTES_MAX)
    except xml.TooManyBytes:
        raise InvoiceTooLarge(most=FILE_BYTES_MAX) from None
    except xml.BringsDefinitions:
        raise InvoiceBringsDefinitions from None
    except xml.NotWellFormed as error:
        raise InvoiceNotXml(line=error.line, words=error.words) from None
    sha256 = hashlib.sha256(data).hexdigest()
    with localcontext(prec=DIGITS):
        if ubl.kind_of(root):
            invoice = ubl.invoice_of(root)
            errors = tuple(SchemaError(*one) for one in ubl.schema_errors(root))
            return Reading(invoice, sha256, breaks_of(invoice), errors)
        if fapiao.is_fapiao(root):
            found = fapiao.fapiao_of(root)
            return Reading(found, sha256, fapiao.breaks_of(found))
    raise InvoiceOfAnotherKind(found=str(root.tag)[:200], known=KNOWN)


def breaks_of(invoice: Invoice) -> tuple[Break, ...]:
    """Return every rule of EN 16931 that an invoice breaks, of those in `sums` and `taxes`."""
    with localcontext(prec=DIGITS):
        return (
            *sums.document_breaks(invoice),
            *sums.line_breaks(invoice),
            *sums.allowance_breaks(invoice),
            *sums.total_breaks(invoice),
            *sums.decimal_breaks(invoice),
            *taxes.breakdown_breaks(invoice),
            *taxes.category_breaks(invoice),
        )
