"""Write an invoice or a credit note in UBL 2.1, in the order that its schema asks for."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from lxml import etree

from billing.invoices.model import (
    CREDIT_NOTE,
    DEBIT_NOTE,
    INVOICE,
    Allowance,
    Invoice,
    Line,
    Party,
    Period,
    TaxCategory,
)
from billing.invoices.reading import breaks_of
from billing.invoices.ubl import NAMESPACE, PREFIXES, invoice_of, schema_errors
from common.errors import Refused
from common.xml import Element

# UNTDID 1001: what the buyer writes for the seller; a seller's own are 380, 381 and 383.
SELF_BILLED = {INVOICE: "389", CREDIT_NOTE: "261", DEBIT_NOTE: "527"}
# Of UN/ECE Recommendation 20, which has no GPU-hour.
HOUR = "HUR"


class InvoiceUnwritable(Refused):
    """An invoice that would break its schema or a rule; nothing is written."""

    code = "invoice_unwritable"
    sentence = _("The invoice can’t be written: %(words)s")


def written(invoice: Invoice) -> bytes:
    """Return an invoice as bytes, which its schema and all rules have found in order.

    The same invoice gives the same bytes.

    :raises InvoiceUnwritable: naming the first thing that is not in order.
    """
    data = bytes(
        etree.tostring(
            _root(invoice), xml_declaration=True, encoding="UTF-8", pretty_print=True
        )
    )
    # What counts is what a reader finds.
    root = etree.fromstring(data)
    for _line, words in schema_errors(root):
        raise InvoiceUnwritable(words=words)
    for one in breaks_of(invoice_of(root)):
        raise InvoiceUnwritable(words=f"{one.rule} {one.sentence}")
    return data


def _root(invoice: Invoice) -> Element:
    kind, own = invoice.kind, f"{NAMESPACE}{invoice.kind}-2"
    # Typed as anything: a default namespace has no prefix, which the library's stubs forbid.
    prefixes: Any = {None: own, **PREFIXES}
    root = etree.Element(f"{{{own}}}{kind}", nsmap=prefixes)
    _add(root, "cbc:CustomizationID", invoice.specification)
    _add(root, "cbc:ID", invoice.number)
    _add(root, "cbc:IssueDate", _day(invoice.issued_on))
    if kind == INVOICE:
        _add(root, "cbc:DueDate", _day(invoice.due_on))
    _add(root, f"cbc:{kind}TypeCode", invoice.type_code)
    for note in invoice.notes:
        _add(root, "cbc:Note", note)
    _add(root, "cbc:DocumentCurrencyCode", invoice.currency)
    _add_period(root, invoice.period)
    _add(root, "cac:OrderReference/cbc:ID", invoice.order_reference)
    for number in invoice.preceding:
        _add(root, "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID", number)
    _add(root, "cac:ContractDocumentReference/cbc:ID", invoice.contract_reference)
    _add_party(root, "cac:AccountingSupplierParty", invoice.seller)
    _add_party(root, "cac:AccountingCustomerParty", invoice.buyer)
    _add(root, "cac:PaymentTerms/cbc:Note", invoice.payment_terms)
    for one in invoice.allowances:
        _add_allowance(root, one, invoice.currency)
    _add_taxes(root, invoice)
    _add_totals(root, invoice)
    for line in invoice.lines:
        _add_line(root, line, invoice)
    return root


def _add_party(root: Element, role: str, party: Party) -> None:
    element = _add(_child(root, role), "cac:Party", keep=True)
    for number in party.other_ids:
        _add(element, "cac:PartyIdentification/cbc:ID", number)
    _add(element, "cac:PostalAddress/cac:Country/cbc:IdentificationCode", party.country)
    for number, scheme in ((party.vat_id, "VAT"), (party.tax_id, "TAX")):
        if number:
            taxed = _child(element, "cac:PartyTaxScheme")
            _add(taxed, "cbc:CompanyID", number)
            _add(taxed, "cac:TaxScheme/cbc:ID", scheme)
    legal = _child(element, "cac:PartyLegalEntity")
    _add(legal, "cbc:RegistrationName", party.name)
    _add(legal, "cbc:CompanyID", party.legal_id, schemeID=party.legal_id_scheme)


def _add_period(parent: Element, period: Period | None) -> None:
    if period is not None:
        element = _child(parent, "cac:InvoicePeriod")
        _add(element, "cbc:StartDate", _day(period.from_on))
        _add(element, "cbc:EndDate", _day(period.until_on))


def _add_allowance(parent: Element, one: Allowance, currency: str) -> None:
    element = _child(parent, "cac:AllowanceCharge")
    _add(element, "cbc:ChargeIndicator", "true" if one.is_charge else "false")
    _add(element, "cbc:AllowanceChargeReasonCode", one.reason_code)
    _add(element, "cbc:AllowanceChargeReason", one.reason)
    _add_amount(element, "cbc:Amount", one.amount, currency)
    if one.category:
        _add_category(element, "cac:TaxCategory", one.category)


def _add_category(
    parent: Element, name: str, category: TaxCategory, *, is_explained: bool = False
) -> None:
    element = _child(parent, name)
    _add(element, "cbc:ID", category.code)
    if category.percent is not None:
        _add(element, "cbc:Percent", f"{category.percent:f}")
    if is_explained:
        _add(element, "cbc:TaxExemptionReasonCode", category.exemption_code)
        _add(element, "cbc:TaxExemptionReason", category.exemption_reason)
    _add(element, "cac:TaxScheme/cbc:ID", "VAT")


def _add_taxes(root: Element, invoice: Invoice) -> None:
    for total in invoice.tax_totals:
        element = _child(root, "cac:TaxTotal")
        _add_amount(element, "cbc:TaxAmount", total.amount, total.currency)
        for row in total.subtotals:
            subtotal = _child(element, "cac:TaxSubtotal")
            _add_amount(subtotal, "cbc:TaxableAmount", row.taxable, total.currency)
            _add_amount(subtotal, "cbc:TaxAmount", row.tax, total.currency)
            if row.category:
                _add_category(subtotal, "cac:TaxCategory", row.category, is_explained=True)


def _add_totals(root: Element, invoice: Invoice) -> None:
    totals = invoice.totals
    element = _child(root, "cac:LegalMonetaryTotal")
    for name, amount in (
        ("LineExtension", totals.lines),
        ("TaxExclusive", totals.without_tax),
        ("TaxInclusive", totals.with_tax),
        ("AllowanceTotal", totals.allowances),
        ("ChargeTotal", totals.charges),
        ("Prepaid", totals.prepaid),
        ("PayableRounding", totals.rounding),
        ("Payable", totals.payable),
    ):
        _add_amount(element, f"cbc:{name}Amount", amount, invoice.currency)


def _add_line(root: Element, line: Line, invoice: Invoice) -> None:
    element = _child(root, f"cac:{invoice.kind}Line")
    counted = "Invoiced" if invoice.kind == INVOICE else "Credited"
    _add(element, "cbc:ID", line.number)
    if line.quantity is not None:
        _add(element, f"cbc:{counted}Quantity", f"{line.quantity:f}", unitCode=line.unit)
    _add_amount(element, "cbc:LineExtensionAmount", line.net, invoice.currency)
    _add_period(element, line.period)
    _add(element, "cac:OrderLineReference/cbc:LineID", line.order_reference)
    if line.object_reference:
        about = _child(element, "cac:DocumentReference")
        _add(about, "cbc:ID", line.object_reference)
        # UNTDID 1001: an invoicing data sheet, by which BT-128 is told from other references.
        _add(about, "cbc:DocumentTypeCode", "130")
    for one in line.allowances:
        _add_allowance(element, one, invoice.currency)
    item = _child(element, "cac:Item")
    _add(item, "cbc:Name", line.name)
    if line.category:
        _add_category(item, "cac:ClassifiedTaxCategory", line.category)
    for attribute in line.properties:
        added = _child(item, "cac:AdditionalItemProperty")
        _add(added, "cbc:Name", attribute.name)
        _add(added, "cbc:Value", attribute.value)
    _add_amount(_child(element, "cac:Price"), "cbc:PriceAmount", line.price, invoice.currency)


# --- elements --------------------------------------------------------------------------------


def _child(parent: Element, name: str) -> Element:
    prefix, _colon, local = name.partition(":")
    return etree.SubElement(parent, f"{{{PREFIXES[prefix]}}}{local}")


def _add(
    parent: Element, path: str, text: str = "", *, keep: bool = False, **attributes: str
) -> Element:
    """Add the elements of a path with a text; without one nothing is added, unless kept."""
    if not text and not keep:
        return parent
    for name in path.split("/"):
        parent = _child(parent, name)
    if text:
        parent.text = text
    for name, value in attributes.items():
        if value:
            parent.set(name, value)
    return parent


def _add_amount(parent: Element, path: str, amount: Decimal | None, currency: str) -> None:
    if amount is not None:
        _add(parent, path, f"{amount:f}", currencyID=currency)


def _day(on: date | None) -> str:
    return "" if on is None else on.isoformat()
