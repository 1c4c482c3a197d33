"""Chinese e-invoices (fapiao): the sums and the tax ids, as far as their structure is published.

Two documents are read: `eInvoice` of the schema e-invoice/2019 (edrm.org.cn), which stands in an
OFD file as its attachment, and `EInvoice`, the wholly digital fapiao (数电票), of which the tax
administration published the structure. Their signatures are not checked: that is done by the
tax administration's own verification. The rules (FP-01 to FP-09) are ours: no list of
them is published.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _
from lxml import etree
from stdnum.cn import uscc

from billing.invoices.breaks import Break, Why, amount_words
from billing.invoices.refusals import InvoiceValueUnreadable
from billing.invoices.sums import added, to_cents
from common.xml import Element

CURRENCY = "CNY"
NAMESPACE_2019 = "http://www.edrm.org.cn/schema/e-invoice/2019"
NUMBER_DIGITS = 20
_AMOUNT = re.compile(r"[+-]?\d{1,20}(\.\d{0,15})?", re.ASCII)
_RATE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%|(0?\.\d{1,6}|0|1)", re.ASCII)
_DAY = re.compile(r"(\d{4})[年-](\d{1,2})[月-](\d{1,2})日?.*")
_CENT = Decimal("0.01")
# What a seller may write in place of a rate: exempt, not taxed.
_NO_RATE = ("", "免税", "不征税", "***")


@dataclass(frozen=True, slots=True)
class FapiaoLine:
    """One line: its amount without tax, its rate as a share of one, and its tax."""

    name: str
    amount: Decimal | None
    rate: Decimal | None
    tax: Decimal | None


@dataclass(frozen=True, slots=True)
class Fapiao:
    """What a fapiao says; amounts in yuan, exact."""

    # The code and number of a paper's kind, or the twenty digits of a digital one.
    number: str
    is_digital: bool
    issued_on: date | None
    seller_name: str
    seller_id: str
    buyer_name: str
    buyer_id: str
    without_tax: Decimal | None
    tax: Decimal | None
    with_tax: Decimal | None
    lines: tuple[FapiaoLine, ...]


def is_fapiao(root: Element) -> bool:
    """Say whether a document is one of the two that are read."""
    if etree.QName(root).localname == "EInvoice":
        return root.find("{*}EInvoiceData") is not None
    return root.tag == "eInvoice" and any(
        etree.QName(one).namespace == NAMESPACE_2019 for one in root
    )


def fapiao_of(root: Element) -> Fapiao:
    """Return what a fapiao says, however incomplete it is.

    :raises InvoiceValueUnreadable: if an amount, a rate or a day can't be read, or what there
        can be one of is there twice.
    """
    return _digital(root) if etree.QName(root).localname == "EInvoice" else _of_2019(root)


def _of_2019(root: Element) -> Fapiao:
    return Fapiao(
        number=_text(root, "InvoiceCode") + _text(root, "InvoiceNo"),
        is_digital=False,
        issued_on=_day(root, "IssueDate"),
        seller_name=_text(root, "Seller/SellerName"),
        seller_id=_text(root, "Seller/SellerTaxID"),
        buyer_name=_text(root, "Buyer/BuyerName"),
        buyer_id=_text(root, "Buyer/BuyerTaxID"),
        without_tax=_amount(root, "TaxExclusiveTotalAmount"),
        tax=_amount(root, "TaxTotalAmount"),
        with_tax=_amount(root, "TaxInclusiveTotalAmount"),
        lines=tuple(
            FapiaoLine(
                _text(one, "Item"),
                _amount(one, "Amount"),
                _rate(one, "TaxScheme"),
                _amount(one, "TaxAmount"),
            )
            for one in root.iterfind("{*}GoodsInfos/{*}GoodsInfo")
        ),
    )


def _digital(root: Element) -> Fapiao:
    data = "EInvoiceData"
    seller, buyer = f"{data}/SellerInformation", f"{data}/BuyerInformation"
    basic = f"{data}/BasicInformation"
    return Fapiao(
        number=_text(root, "TaxSupervisionInfo/InvoiceNumber"),
        is_digital=True,
        issued_on=_day(root, "TaxSupervisionInfo/IssueTime"),
        seller_name=_text(root, f"{seller}/SellerName"),
        seller_id=_text(root, f"{seller}/SellerIdNum"),
        buyer_name=_text(root, f"{buyer}/BuyerName"),
        buyer_id=_text(root, f"{buyer}/BuyerIdNum"),
        without_tax=_amount(root, f"{basic}/TotalAmWithoutTax"),
        tax=_amount(root, f"{basic}/TotalTaxAm"),
        with_tax=_amount(root, f"{basic}/TotalTax-includedAmount"),
        lines=tuple(
            FapiaoLine(
                _text(one, "ItemName"),
                _amount(one, "Amount"),
                _rate(one, "TaxRate"),
                _amount(one, "ComTaxAm"),
            )
            for one in root.iterfind("{*}EInvoiceData/{*}IssuItemInformation")
        ),
    )


def breaks_of(fapiao: Fapiao) -> tuple[Break, ...]:
    """Return what is missing or does not add up, in our own numbers FP-01 to FP-09."""
    return tuple(_breaks(fapiao))


def _breaks(fapiao: Fapiao) -> Iterator[Break]:
    needed: list[tuple[str, str, object]] = [
        ("FP-01", "BT-1", fapiao.number),
        ("FP-02", "BT-2", fapiao.issued_on),
        ("FP-03", "BT-27", fapiao.seller_name),
        ("FP-04", "BT-31", fapiao.seller_id),
        ("FP-05", "BT-109", fapiao.without_tax is not None),
        ("FP-05", "BT-110", fapiao.tax is not None),
        ("FP-05", "BT-112", fapiao.with_tax is not None),
    ]
    yield from (Break(rule, term) for rule, term, there in needed if not there)
    number = fapiao.number
    if fapiao.is_digital and number and not (number.isdigit() and len(number) == NUMBER_DIGITS):
        yield Break("FP-01", "BT-1", Why.UNKNOWN, found=number[:40])
    for term, tax_id in (("BT-31", fapiao.seller_id), ("BT-48", fapiao.buyer_id)):
        # A person has none; one that is there must be a unified social credit code.
        if tax_id and not uscc.is_valid(tax_id):
            yield Break("FP-06", term, Why.WRONG_CHECK, found=tax_id[:40])
    yield from _sums(fapiao)


def _sums(fapiao: Fapiao) -> Iterator[Break]:
    if fapiao.without_tax is not None and fapiao.tax is not None:
        expected = fapiao.without_tax + fapiao.tax
        yield from _differs("FP-07", "BT-112", fapiao.with_tax, expected)
    if fapiao.lines:
        amounts = [one.amount for one in fapiao.lines]
        taxes = [one.tax for one in fapiao.lines]
        if None not in amounts:
            yield from _differs("FP-08", "BT-109", fapiao.without_tax, added(amounts))
        if None not in taxes:
            yield from _differs("FP-08", "BT-110", fapiao.tax, added(taxes))
    for position, line in enumerate(fapiao.lines, start=1):
        if line.amount is None or line.tax is None or line.rate is None:
            continue
        expected = to_cents(line.amount * line.rate)
        # A seller may round a line's tax either way: one cent is left to it.
        if abs(line.tax - expected) > _CENT:
            yield from _differs("FP-09", "BT-117", line.tax, expected, str(position))


def _differs(
    rule: str, term: str, found: Decimal | None, expected: Decimal, line: str = ""
) -> Iterator[Break]:
    if found is not None and found != to_cents(expected):
        yield Break(
            rule,
            term,
            Why.DIFFERS,
            found=amount_words(found),
            expected=amount_words(to_cents(expected)),
            line=line,
        )


# --- elements --------------------------------------------------------------------------------


def _one(element: Element, path: str) -> Element | None:
    found = element.findall("/".join(f"{{*}}{step}" for step in path.split("/")))
    if len(found) > 1:
        name = path.rpartition("/")[2]
        raise InvoiceValueUnreadable(
            line=found[1].sourceline, value=name, expected=_("it once")
        )
    return found[0] if found else None


def _text(element: Element, path: str) -> str:
    found = _one(element, path)
    return "" if found is None else (found.text or "").strip()


def _amount(element: Element, path: str) -> Decimal | None:
    text = _text(element, path)
    if not text:
        return None
    if not _AMOUNT.fullmatch(text):
        raise _unreadable(element, path, text, _("an amount"))
    return Decimal(text)


def _rate(element: Element, path: str) -> Decimal | None:
    text = _text(element, path)
    if text in _NO_RATE:
        return None
    match = _RATE.fullmatch(text)
    if match is None:
        raise _unreadable(element, path, text, _("a rate such as 6%"))
    return Decimal(match[1]) / 100 if match[1] else Decimal(match[2])


def _day(element: Element, path: str) -> date | None:
    text = _text(element, path)
    if not text:
        return None
    match = _DAY.fullmatch(text)
    found = _date(int(match[1]), int(match[2]), int(match[3])) if match else None
    if found is None:
        raise _unreadable(element, path, text, _("a day"))
    return found


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _unreadable(
    element: Element, path: str, text: str, expected: str
) -> InvoiceValueUnreadable:
    found = _one(element, path)
    line = element.sourceline if found is None else found.sourceline
    return InvoiceValueUnreadable(line=line, value=text[:40], expected=expected)
