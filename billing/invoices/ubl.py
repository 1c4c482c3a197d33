"""Invoices and credit notes in UBL 2.1 (Peppol BIS Billing 3 and XRechnung are profiles of it).

The binding of business terms to elements is that of CEN/TS 16931-3-2:2020.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from lxml import etree

from billing.invoices.model import (
    CREDIT_NOTE,
    INVOICE,
    Allowance,
    Invoice,
    Line,
    Party,
    Period,
    Property,
    Subtotal,
    TaxCategory,
    TaxTotal,
    Totals,
)
from billing.invoices.refusals import InvoiceValueUnreadable
from common.xml import Element

SCHEMAS = Path(__file__).parent / "schemas" / "maindoc"
SCHEMA_ERRORS_MAX = 50
NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:"
PREFIXES = {
    "cac": f"{NAMESPACE}CommonAggregateComponents-2",
    "cbc": f"{NAMESPACE}CommonBasicComponents-2",
}
ROOTS = {f"{{{NAMESPACE}{kind}-2}}{kind}": kind for kind in (INVOICE, CREDIT_NOTE)}
# An invoice that has more is refused while it is read, so that sums stay exact and quick.
_AMOUNT = re.compile(r"[+-]?(\d{1,20}(\.\d{0,12})?|\.\d{1,12})", re.ASCII)
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_VAT = "VAT"


def kind_of(root: Element) -> str:
    """Return whether a document is an invoice or a credit note of UBL 2.1, or nothing."""
    return ROOTS.get(root.tag, "")


def schema_errors(root: Element) -> list[tuple[int, str]]:
    """Return what the UBL 2.1 schema finds wrong, as lines and words, the first fifty."""
    schema = _schema(ROOTS[root.tag])
    if schema.validate(root):
        return []
    log = list(schema.error_log)[:SCHEMA_ERRORS_MAX]
    return [
        (error.line, re.sub(r"\{urn:oasis:[^}]*\}", "", error.message)[:300]) for error in log
    ]


@cache
def _schema(kind: str) -> Any:
    return etree.XMLSchema(etree.parse(str(SCHEMAS / f"UBL-{kind}-2.1.xsd")))


def invoice_of(root: Element) -> Invoice:
    """Return what an invoice or a credit note says, however incomplete it is.

    :raises InvoiceValueUnreadable: if an amount or a day can't be read, or what there can be
        one of is there twice.
    """
    kind = ROOTS[root.tag]
    means_due = _day(root, "cac:PaymentMeans/cbc:PaymentDueDate", first=True)
    return Invoice(
        kind=kind,
        specification=_text(root, "cbc:CustomizationID"),
        number=_text(root, "cbc:ID"),
        type_code=_text(root, f"cbc:{kind}TypeCode"),
        issued_on=_day(root, "cbc:IssueDate"),
        currency=_text(root, "cbc:DocumentCurrencyCode"),
        seller=_party(_one(root, "cac:AccountingSupplierParty/cac:Party")),
        buyer=_party(_one(root, "cac:AccountingCustomerParty/cac:Party")),
        totals=_totals(_one(root, "cac:LegalMonetaryTotal")),
        lines=tuple(_line(one, kind) for one in _all(root, f"cac:{kind}Line")),
        tax_totals=tuple(_tax_total(one) for one in _all(root, "cac:TaxTotal")),
        allowances=tuple(_allowance(one) for one in _all(root, "cac:AllowanceCharge")),
        period=_period(root),
        due_on=_day(root, "cbc:DueDate") or means_due,
        payment_terms=_first_text(root, "cac:PaymentTerms/cbc:Note"),
        tax_point_on=_day(root, "cbc:TaxPointDate"),
        tax_currency=_text(root, "cbc:TaxCurrencyCode"),
        order_reference=_text(root, "cac:OrderReference/cbc:ID"),
        contract_reference=_first_text(root, "cac:ContractDocumentReference/cbc:ID"),
        preceding=tuple(
            _text(one, "cac:InvoiceDocumentReference/cbc:ID")
            for one in _all(root, "cac:BillingReference")
        ),
        notes=tuple(_own(one) for one in _all(root, "cbc:Note")),
        representative_vat_id=_tax_ids(_one(root, "cac:TaxRepresentativeParty"))[0],
        source_lines=tuple(one.sourceline for one in _all(root, f"cac:{kind}Line")),
    )


def _party(element: Element | None) -> Party:
    vat_id, tax_id = _tax_ids(element)
    legal = _one(element, "cac:PartyLegalEntity/cbc:CompanyID")
    address = _one(element, "cac:PostalAddress")
    return Party(
        name=_text(element, "cac:PartyLegalEntity/cbc:RegistrationName"),
        legal_id=_own(legal),
        legal_id_scheme="" if legal is None else str(legal.get("schemeID") or ""),
        other_ids=tuple(
            _own(one) for one in _all(element, "cac:PartyIdentification/cbc:ID") if _own(one)
        ),
        vat_id=vat_id,
        tax_id=tax_id,
        has_address=address is not None,
        country=_text(address, "cac:Country/cbc:IdentificationCode"),
    )


def _tax_ids(element: Element | None) -> tuple[str, str]:
    """Return a party's VAT identifier and its other number of the tax office."""
    vat_id = tax_id = ""
    for scheme in _all(element, "cac:PartyTaxScheme"):
        if _text(scheme, "cac:TaxScheme/cbc:ID").upper() == _VAT:
            vat_id = vat_id or _text(scheme, "cbc:CompanyID")
        else:
            tax_id = tax_id or _text(scheme, "cbc:CompanyID")
    return vat_id, tax_id


def _totals(element: Element | None) -> Totals:
    def amount(name: str) -> Decimal | None:
        return _amount(element, f"cbc:{name}Amount")

    return Totals(
        lines=amount("LineExtension"),
        allowances=amount("AllowanceTotal"),
        charges=amount("ChargeTotal"),
        without_tax=amount("TaxExclusive"),
        with_tax=amount("TaxInclusive"),
        prepaid=amount("Prepaid"),
        rounding=amount("PayableRounding"),
        payable=amount("Payable"),
    )


def _line(element: Element, kind: str) -> Line:
    counted = "cbc:InvoicedQuantity" if kind == INVOICE else "cbc:CreditedQuantity"
    quantity = _one(element, counted)
    about = [
        _text(one, "cbc:ID")
        for one in _all(element, "cac:DocumentReference")
        if _text(one, "cbc:DocumentTypeCode") == "130"
    ]
    return Line(
        number=_text(element, "cbc:ID"),
        quantity=_amount(element, counted),
        unit="" if quantity is None else str(quantity.get("unitCode") or ""),
        net=_amount(element, "cbc:LineExtensionAmount"),
        name=_text(element, "cac:Item/cbc:Name"),
        price=_amount(element, "cac:Price/cbc:PriceAmount"),
        gross_price=_amount(element, "cac:Price/cac:AllowanceCharge/cbc:BaseAmount"),
        category=_category(element, "cac:Item/cac:ClassifiedTaxCategory"),
        period=_period(element),
        allowances=tuple(_allowance(one) for one in _all(element, "cac:AllowanceCharge")),
        properties=tuple(
            Property(_text(one, "cbc:Name"), _text(one, "cbc:Value"))
            for one in _all(element, "cac:Item/cac:AdditionalItemProperty")
        ),
        order_reference=_first_text(element, "cac:OrderLineReference/cbc:LineID"),
        object_reference=about[0] if about else "",
    )


def _allowance(element: Element) -> Allowance:
    return Allowance(
        is_charge=_text(element, "cbc:ChargeIndicator") in ("true", "1"),
        amount=_amount(element, "cbc:Amount"),
        base=_amount(element, "cbc:BaseAmount"),
        reason=_first_text(element, "cbc:AllowanceChargeReason"),
        reason_code=_text(element, "cbc:AllowanceChargeReasonCode"),
        category=_category(element, "cac:TaxCategory"),
    )


def _tax_total(element: Element) -> TaxTotal:
    amount = _one(element, "cbc:TaxAmount")
    return TaxTotal(
        currency="" if amount is None else str(amount.get("currencyID") or ""),
        amount=_amount(element, "cbc:TaxAmount"),
        subtotals=tuple(
            Subtotal(
                taxable=_amount(one, "cbc:TaxableAmount"),
                tax=_amount(one, "cbc:TaxAmount"),
                category=_category(one, "cac:TaxCategory"),
            )
            for one in _all(element, "cac:TaxSubtotal")
        ),
    )


def _category(element: Element, path: str) -> TaxCategory | None:
    found = [
        one for one in _all(element, path) if _text(one, "cac:TaxScheme/cbc:ID").upper() == _VAT
    ]
    if not found or _one(found[0], "cbc:ID") is None:
        return None
    if len(found) > 1:
        raise _twice(found[1])
    return TaxCategory(
        code=_text(found[0], "cbc:ID"),
        percent=_amount(found[0], "cbc:Percent"),
        exemption_code=_text(found[0], "cbc:TaxExemptionReasonCode"),
        exemption_reason=_first_text(found[0], "cbc:TaxExemptionReason"),
    )


def _period(element: Element) -> Period | None:
    found = _one(element, "cac:InvoicePeriod")
    if found is None:
        return None
    return Period(
        from_on=_day(found, "cbc:StartDate"),
        until_on=_day(found, "cbc:EndDate"),
        tax_point_code=_first_text(found, "cbc:DescriptionCode"),
    )


# --- elements --------------------------------------------------------------------------------


def _all(element: Element | None, path: str) -> Iterator[Element]:
    return iter(()) if element is None else element.iterfind(path, PREFIXES)


def _one(element: Element | None, path: str) -> Element | None:
    found = list(_all(element, path))
    if len(found) > 1:
        raise _twice(found[1])
    return found[0] if found else None


def _twice(element: Element) -> InvoiceValueUnreadable:
    name = etree.QName(element).localname
    return InvoiceValueUnreadable(line=element.sourceline, value=name, expected=_("it once"))


def _own(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


def _text(element: Element | None, path: str) -> str:
    return _own(_one(element, path))


def _first_text(element: Element | None, path: str) -> str:
    return next((_own(one) for one in _all(element, path) if _own(one)), "")


def _amount(element: Element | None, path: str) -> Decimal | None:
    found = _one(element, path)
    if found is None:
        return None
    if not _AMOUNT.fullmatch(_own(found)):
        raise InvoiceValueUnreadable(
            line=found.sourceline, value=_own(found)[:40], expected=_("an amount")
        )
    return Decimal(_own(found))


def _day(element: Element | None, path: str, *, first: bool = False) -> date | None:
    found = next(_all(element, path), None) if first else _one(element, path)
    if found is None:
        return None
    match = _DAY.fullmatch(_own(found))
    try:
        return date.fromisoformat(match[1]) if match else _no_day(found)
    except ValueError:
        return _no_day(found)


def _no_day(element: Element) -> date:
    raise InvoiceValueUnreadable(
        line=element.sourceline, value=_own(element)[:40], expected=_("a day")
    )
