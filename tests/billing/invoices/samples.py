"""A small invoice in UBL 2.1 that is in order, and ways to spoil it."""

from dataclasses import replace
from decimal import Decimal

from billing.invoices.model import (
    INVOICE,
    Allowance,
    Invoice,
    Line,
    Party,
    Subtotal,
    TaxCategory,
    TaxTotal,
    Totals,
)
from billing.invoices.sums import to_cents

VAT = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"


def party(role, name, vat):
    return f"""<cac:Accounting{role}Party><cac:Party>
<cac:PostalAddress><cac:Country><cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country>
</cac:PostalAddress><cac:PartyTaxScheme><cbc:CompanyID>{vat}</cbc:CompanyID>{VAT}
</cac:PartyTaxScheme><cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName>
</cac:PartyLegalEntity></cac:Party></cac:Accounting{role}Party>"""


def ubl(payable="119.00", before="", number="R-1", net="100.00", due="2025-07-30"):
    """Return an invoice of 4 GPU-hours at 25.00 and 19 % VAT, as bytes."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>{before}
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>{number}</cbc:ID>
<cbc:IssueDate>2025-07-01</cbc:IssueDate><cbc:DueDate>{due}</cbc:DueDate>
<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
{party("Supplier", "Rechen GmbH", "DE136695976")}{party("Customer", "Amt", "DE129273398")}
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">19.00</cbc:TaxAmount><cac:TaxSubtotal>
<cbc:TaxableAmount currencyID="EUR">100.00</cbc:TaxableAmount>
<cbc:TaxAmount currencyID="EUR">19.00</cbc:TaxAmount>
<cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent>{VAT}</cac:TaxCategory>
</cac:TaxSubtotal></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">{net}</cbc:LineExtensionAmount>
<cbc:TaxExclusiveAmount currencyID="EUR">100.00</cbc:TaxExclusiveAmount>
<cbc:TaxInclusiveAmount currencyID="EUR">119.00</cbc:TaxInclusiveAmount>
<cbc:PayableAmount currencyID="EUR">{payable}</cbc:PayableAmount></cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode="HUR">4</cbc:InvoicedQuantity>
<cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount>
<cac:Item><cbc:Name>H100</cbc:Name><cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID>
<cbc:Percent>19</cbc:Percent>{VAT}</cac:ClassifiedTaxCategory></cac:Item>
<cac:Price><cbc:PriceAmount currencyID="EUR">25.00</cbc:PriceAmount></cac:Price>
</cac:InvoiceLine></Invoice>""".encode()


def an_invoice(nets=(Decimal(100),), *, code="S", percent=Decimal(19), rebate=None):
    """Return an invoice in order, of lines with these net amounts in one VAT category."""
    reason = "Reverse charge" if code in ("AE", "E") else ""
    category = TaxCategory(code, percent, exemption_reason=reason)
    lines = tuple(
        Line(str(n), Decimal(1), "HUR", net, "H100", abs(net), category=replace(category))
        for n, net in enumerate(nets, start=1)
    )
    allowances = (
        ()
        if rebate is None
        else (Allowance(False, rebate, reason="Rebate", category=category),)
    )
    total = sum(nets, Decimal(0))
    taxable = total - (rebate or 0)
    tax = to_cents(taxable * percent / 100)
    return Invoice(
        kind=INVOICE,
        specification="urn:cen.eu:en16931:2017",
        number="R-1",
        type_code="380",
        issued_on=None,
        currency="EUR",
        seller=Party("Rechen GmbH", vat_id="DE136695976", country="DE"),
        buyer=Party("Amt", vat_id="DE129273398", country="DE"),
        totals=Totals(
            lines=total,
            allowances=rebate,
            charges=None,
            without_tax=taxable,
            with_tax=taxable + tax,
            prepaid=None,
            rounding=None,
            payable=taxable + tax,
        ),
        lines=lines,
        tax_totals=(TaxTotal("EUR", tax, (Subtotal(taxable, tax, category),)),),
        allowances=allowances,
        payment_terms="30 days",
    )
