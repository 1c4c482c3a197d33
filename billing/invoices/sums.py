"""The rules of EN 16931 on what an invoice has and on its totals, by their published numbers.

Source: EN 16931-1:2017, clause 6.4, as bound to UBL by the validation artefacts of CEN/TC 434
(https://github.com/ConnectingEurope/eInvoicing-EN16931, `ubl/schematron`). The numbers are
those of the artefacts, which write BR-CO-03 where the standard says BR-CO-3. All arithmetic is
of exact decimals; totals are rounded to two decimals where the artefacts round, halves up.
"""

from collections.abc import Iterable, Iterator
from decimal import ROUND_FLOOR, Decimal

from billing.invoices.breaks import Break, Why, amount_words
from billing.invoices.model import Allowance, Invoice, Line, Party, Period

_HUNDRED = Decimal(100)
_HALF = Decimal("0.5")
# ISO 3166-1 alpha-2, with EL for Greece, XI for Northern Ireland and 1A for Kosovo (BR-CO-09).
_COUNTRIES = (
    "1A AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO "
    "BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK "
    "DM DO DZ EC EE EG EH EL ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ "
    "GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI "
    "KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK "
    "PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS "
    "ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE "
    "VG VI VN VU WF WS XI YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_COUNTRIES.split())


def to_cents(amount: Decimal) -> Decimal:
    """Round to two decimals, halves up, as the artefacts' `round(x * 100) div 100` does."""
    return (amount * _HUNDRED + _HALF).to_integral_value(ROUND_FLOOR) / _HUNDRED


def added(amounts: Iterable[Decimal | None]) -> Decimal:
    """Return the sum of the amounts that are there."""
    return sum((one for one in amounts if one is not None), Decimal(0))


def document_breaks(invoice: Invoice) -> Iterator[Break]:
    """Give what the document, its parties and its references lack: BR-01 to BR-16, 29, 53, 55."""
    totals = invoice.totals
    needed: list[tuple[str, str, object]] = [
        ("BR-01", "BT-24", invoice.specification),
        ("BR-02", "BT-1", invoice.number),
        ("BR-03", "BT-2", invoice.issued_on),
        ("BR-04", "BT-3", invoice.type_code),
        ("BR-05", "BT-5", invoice.currency),
        ("BR-06", "BT-27", invoice.seller.name),
        ("BR-07", "BT-44", invoice.buyer.name),
        ("BR-08", "BG-5", invoice.seller.has_address),
        ("BR-09", "BT-40", invoice.seller.country or not invoice.seller.has_address),
        ("BR-10", "BG-8", invoice.buyer.has_address),
        ("BR-11", "BT-55", invoice.buyer.country or not invoice.buyer.has_address),
        ("BR-12", "BT-106", totals.lines is not None),
        ("BR-13", "BT-109", totals.without_tax is not None),
        ("BR-14", "BT-112", totals.with_tax is not None),
        ("BR-15", "BT-115", totals.payable is not None),
        ("BR-16", "BG-25", invoice.lines),
        ("BR-CO-26", "BT-29", _is_known(invoice.seller)),
    ]
    yield from (Break(rule, term) for rule, term, there in needed if not there)
    yield from _period_breaks(invoice.period, "BR-29", "BR-CO-19")
    if invoice.tax_currency and not any(
        one.currency == invoice.tax_currency and one.amount is not None
        for one in invoice.tax_totals
    ):
        yield Break("BR-53", "BT-111")
    yield from (Break("BR-55", "BT-25") for number in invoice.preceding if not number)
    if invoice.tax_point_on and invoice.period and invoice.period.tax_point_code:
        yield Break("BR-CO-03", "BT-7", Why.UNWANTED)
    if (totals.payable or 0) > 0 and not (invoice.due_on or invoice.payment_terms):
        yield Break("BR-CO-25", "BT-9")
    for term, number in (
        ("BT-31", invoice.seller.vat_id),
        ("BT-48", invoice.buyer.vat_id),
        ("BT-63", invoice.representative_vat_id),
    ):
        if number and number[:2] not in COUNTRIES:
            yield Break("BR-CO-09", term, Why.UNKNOWN, found=number[:2])


def _is_known(seller: Party) -> bool:
    return bool(seller.vat_id or seller.other_ids or seller.legal_id)


def _period_breaks(
    period: Period | None, order: str, empty: str, line: str = ""
) -> Iterator[Break]:
    if period is None:
        return
    if period.from_on and period.until_on and period.until_on < period.from_on:
        yield Break(
            order,
            "BT-74",
            Why.TOO_EARLY,
            found=period.until_on.isoformat(),
            expected=period.from_on.isoformat(),
            line=line,
        )
    is_code_alone = period.tax_point_code and not line
    if not (period.from_on or period.until_on or is_code_alone):
        yield Break(empty, "BT-73", line=line)


def line_breaks(invoice: Invoice) -> Iterator[Break]:
    """Give what lines lack or have wrong: BR-21 to BR-28, BR-30, BR-41 to BR-44, BR-54."""
    for position, line in enumerate(invoice.lines, start=1):
        yield from _line_breaks(line, line.number or f"#{position}")


def _line_breaks(line: Line, name: str) -> Iterator[Break]:
    needed: list[tuple[str, str, object]] = [
        ("BR-21", "BT-126", line.number),
        ("BR-22", "BT-129", line.quantity is not None),
        ("BR-23", "BT-130", line.unit or line.quantity is None),
        ("BR-24", "BT-131", line.net is not None),
        ("BR-25", "BT-153", line.name),
        ("BR-26", "BT-146", line.price is not None),
        ("BR-CO-04", "BT-151", line.category),
    ]
    yield from (Break(rule, term, line=name) for rule, term, there in needed if not there)
    for rule, term, price in (
        ("BR-27", "BT-146", line.price),
        ("BR-28", "BT-148", line.gross_price),
    ):
        if price is not None and price < 0:
            yield Break(rule, term, Why.NEGATIVE, found=amount_words(price), line=name)
    yield from _period_breaks(line.period, "BR-30", "BR-CO-20", name)
    for one in line.allowances:
        amount, reason = ("BR-43", "BR-44") if one.is_charge else ("BR-41", "BR-42")
        if one.amount is None:
            yield Break(amount, "BT-99" if one.is_charge else "BT-92", line=name)
        if not (one.reason or one.reason_code):
            yield Break(reason, "BT-104" if one.is_charge else "BT-97", line=name)
    for attribute in line.properties:
        if not (attribute.name and attribute.value):
            yield Break("BR-54", "BT-160", line=name)


def allowance_breaks(invoice: Invoice) -> Iterator[Break]:
    """Give what allowances and charges of the document lack: BR-31 to 33, BR-36 to 38."""
    for one in invoice.allowances:
        rules, terms = (
            (("BR-36", "BR-37", "BR-38"), ("BT-99", "BT-102", "BT-104"))
            if one.is_charge
            else (("BR-31", "BR-32", "BR-33"), ("BT-92", "BT-95", "BT-97"))
        )
        there = (one.amount is not None, one.category, one.reason or one.reason_code)
        yield from (
            Break(rule, term)
            for rule, term, found in zip(rules, terms, there, strict=True)
            if not found
        )


def total_breaks(invoice: Invoice) -> Iterator[Break]:
    """Give the totals that do not add up: BR-CO-10 to BR-CO-16."""
    totals = invoice.totals
    allowed = _of(invoice.allowances, is_charge=False)
    charged = _of(invoice.allowances, is_charge=True)
    yield from _differs("BR-CO-10", "BT-106", totals.lines, added(x.net for x in invoice.lines))
    for rule, term, total, parts in (
        ("BR-CO-11", "BT-107", totals.allowances, allowed),
        ("BR-CO-12", "BT-108", totals.charges, charged),
    ):
        if total is not None or parts:
            expected = added(one.amount for one in parts)
            if total is None:
                yield Break(rule, term)
            yield from _differs(rule, term, total, expected)
    if totals.lines is not None:
        net = totals.lines - (totals.allowances or 0) + (totals.charges or 0)
        yield from _differs("BR-CO-13", "BT-109", totals.without_tax, net)
    for tax in invoice.tax_totals:
        if tax.subtotals:
            expected = added(one.tax for one in tax.subtotals)
            yield from _differs("BR-CO-14", "BT-110", tax.amount, expected)
    yield from _with_tax(invoice)
    if totals.with_tax is not None:
        due = to_cents(totals.with_tax - (totals.prepaid or 0)) + (totals.rounding or 0)
        yield from _differs("BR-CO-16", "BT-115", totals.payable, due)


def _of(allowances: Iterable[Allowance], *, is_charge: bool) -> list[Allowance]:
    return [one for one in allowances if one.is_charge == is_charge]


def _with_tax(invoice: Invoice) -> Iterator[Break]:
    own = [one for one in invoice.tax_totals if one.currency == invoice.currency]
    if len(own) != 1 or own[0].amount is None:
        yield (
            Break("BR-CO-15", "BT-110", Why.COUNT, found=str(len(own)), expected="1")
            if len(own) > 1
            else Break("BR-CO-15", "BT-110")
        )
        return
    if invoice.totals.without_tax is not None:
        expected = invoice.totals.without_tax + own[0].amount
        yield from _differs("BR-CO-15", "BT-112", invoice.totals.with_tax, expected)


def _differs(rule: str, term: str, found: Decimal | None, expected: Decimal) -> Iterator[Break]:
    if found is not None and found != to_cents(expected):
        yield Break(
            rule,
            term,
            Why.DIFFERS,
            found=amount_words(found),
            expected=amount_words(to_cents(expected)),
        )


def decimal_breaks(invoice: Invoice) -> Iterator[Break]:
    """Give the amounts with more than two decimals: BR-DEC-01 to BR-DEC-28."""
    totals = invoice.totals
    amounts: list[tuple[str, str, Decimal | None, str]] = [
        ("BR-DEC-09", "BT-106", totals.lines, ""),
        ("BR-DEC-10", "BT-107", totals.allowances, ""),
        ("BR-DEC-11", "BT-108", totals.charges, ""),
        ("BR-DEC-12", "BT-109", totals.without_tax, ""),
        ("BR-DEC-14", "BT-112", totals.with_tax, ""),
        ("BR-DEC-16", "BT-113", totals.prepaid, ""),
        ("BR-DEC-17", "BT-114", totals.rounding, ""),
        ("BR-DEC-18", "BT-115", totals.payable, ""),
    ]
    for tax in invoice.tax_totals:
        is_own = tax.currency == invoice.currency
        rule, term = ("BR-DEC-13", "BT-110") if is_own else ("BR-DEC-15", "BT-111")
        amounts.append((rule, term, tax.amount, ""))
    for row in invoice.subtotals:
        amounts.append(("BR-DEC-19", "BT-116", row.taxable, ""))
        amounts.append(("BR-DEC-20", "BT-117", row.tax, ""))
    amounts += _allowance_amounts(invoice.allowances, ("01", "02", "05", "06"), "")
    for line in invoice.lines:
        amounts.append(("BR-DEC-23", "BT-131", line.net, line.number))
        amounts += _allowance_amounts(line.allowances, ("24", "25", "27", "28"), line.number)
    for rule, term, amount, name in amounts:
        if amount is not None and amount != to_cents(amount):
            yield Break(rule, term, Why.TOO_FINE, found=amount_words(amount), line=name)


def _allowance_amounts(
    allowances: Iterable[Allowance], numbers: tuple[str, str, str, str], line: str
) -> Iterator[tuple[str, str, Decimal | None, str]]:
    for one in allowances:
        amount, base = numbers[2:] if one.is_charge else numbers[:2]
        yield f"BR-DEC-{amount}", "BT-99" if one.is_charge else "BT-92", one.amount, line
        yield f"BR-DEC-{base}", "BT-100" if one.is_charge else "BT-93", one.base, line
