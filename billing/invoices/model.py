"""An invoice or a credit note as EN 16931-1:2017 sees it, whatever syntax it came in.

What a document leaves out is None, or an empty text; the rules say whether it may. Amounts are
exact decimals in currency units, never minor units: a stranger may write more decimals than we
pay. The business terms (BT) are those of the standard.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

CREDIT_NOTE = "CreditNote"
INVOICE = "Invoice"
# In UBL a debit note is an invoice of another type code.
DEBIT_NOTE = "DebitNote"


@dataclass(frozen=True, slots=True)
class TaxCategory:
    """A VAT category (BT-118, BT-151), its rate in per cent, and whether it says why no tax."""

    code: str
    percent: Decimal | None = None
    exemption_code: str = ""
    exemption_reason: str = ""

    @property
    def is_explained(self) -> bool:
        """Whether an exemption has a reason in words or as a code."""
        return bool(self.exemption_code or self.exemption_reason)


@dataclass(frozen=True, slots=True)
class Party:
    """The seller or the buyer."""

    name: str
    # Of the register of companies (BT-30, BT-47), its scheme, and other identifiers (BT-29).
    legal_id: str = ""
    legal_id_scheme: str = ""
    other_ids: tuple[str, ...] = ()
    # The VAT identifier (BT-31, BT-48), and another number of the tax office (BT-32).
    vat_id: str = ""
    tax_id: str = ""
    has_address: bool = True
    country: str = ""

    @property
    def identifiers(self) -> tuple[str, ...]:
        """All numbers by which the party can be known."""
        found = (self.legal_id, self.vat_id, self.tax_id, *self.other_ids)
        return tuple(one for one in found if one)


@dataclass(frozen=True, slots=True)
class Period:
    """An invoicing period (BG-14, BG-26), both days included."""

    from_on: date | None
    until_on: date | None
    # When VAT falls due, as a code (BT-8).
    tax_point_code: str = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """An allowance or a charge, of the document (BG-20, BG-21) or of a line (BG-27, BG-28)."""

    is_charge: bool
    amount: Decimal | None
    base: Decimal | None = None
    reason: str = ""
    reason_code: str = ""
    # Of the document's alone; a line's stand under the line's category.
    category: TaxCategory | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """One attribute of an item (BG-32)."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line (BG-25)."""

    number: str
    quantity: Decimal | None
    unit: str
    net: Decimal | None
    name: str
    price: Decimal | None
    gross_price: Decimal | None = None
    category: TaxCategory | None = None
    period: Period | None = None
    allowances: tuple[Allowance, ...] = ()
    properties: tuple[Property, ...] = ()
    # The order's (BT-132), and the object's that the line is about (BT-128).
    order_reference: str = ""
    object_reference: str = ""


@dataclass(frozen=True, slots=True)
class Subtotal:
    """One row of the VAT breakdown (BG-23)."""

    taxable: Decimal | None
    tax: Decimal | None
    category: TaxCategory | None


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """The tax in one currency (BT-110, BT-111), with its breakdown where it has one."""

    currency: str
    amount: Decimal | None
    subtotals: tuple[Subtotal, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """The document's totals (BG-22)."""

    lines: Decimal | None
    allowances: Decimal | None
    charges: Decimal | None
    without_tax: Decimal | None
    with_tax: Decimal | None
    prepaid: Decimal | None
    rounding: Decimal | None
    payable: Decimal | None


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or a credit note."""

    # INVOICE or CREDIT_NOTE, as the document's root says.
    kind: str
    specification: str
    number: str
    type_code: str
    issued_on: date | None
    currency: str
    seller: Party
    buyer: Party
    totals: Totals
    lines: tuple[Line, ...]
    tax_totals: tuple[TaxTotal, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    period: Period | None = None
    due_on: date | None = None
    payment_terms: str = ""
    tax_point_on: date | None = None
    tax_currency: str = ""
    order_reference: str = ""
    contract_reference: str = ""
    # The invoices that came before and that this one corrects or belongs to (BT-25).
    preceding: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    # The seller's tax representative's VAT identifier (BT-63).
    representative_vat_id: str = ""
    # Where each line stands in the file, for whoever has to look it up.
    source_lines: tuple[int, ...] = field(default=(), compare=False)

    @property
    def tax_total(self) -> TaxTotal | None:
        """The tax in the document's own currency."""
        for one in self.tax_totals:
            if one.currency == self.currency:
                return one
        return None

    @property
    def subtotals(self) -> tuple[Subtotal, ...]:
        """The whole VAT breakdown."""
        return tuple(one for total in self.tax_totals for one in total.subtotals)
