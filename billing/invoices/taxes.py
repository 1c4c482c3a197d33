"""The rules of EN 16931 on VAT, by their published numbers: the breakdown and its categories.

Source: as in `billing.invoices.sums`. Where the artefacts leave less than one currency unit
between a breakdown and what it is made of (BR-CO-17, BR-S-08 and BR-S-09), so do we: sellers may
work out tax line by line.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from billing.invoices.breaks import Break, Why, amount_words
from billing.invoices.model import Allowance, Invoice, Line, Subtotal, TaxCategory
from billing.invoices.sums import added, to_cents

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Family:
    """What the rules of one VAT category (UNCL 5305) ask for.

    `rule` begins the numbers of its rules. With a rate, there may be a breakdown row for each.
    """

    rule: str
    has_rates: bool = False
    is_above_0: bool = False
    is_explained: bool = False
    buyer_is_known: bool = False
    # Nothing is taxed, so that nobody's VAT identifier and no rate may stand there.
    is_outside: bool = False


FAMILIES: Mapping[str, Family] = {
    "S": Family("BR-S", has_rates=True, is_above_0=True),
    "Z": Family("BR-Z"),
    "E": Family("BR-E", is_explained=True),
    "AE": Family("BR-AE", is_explained=True, buyer_is_known=True),
    "K": Family("BR-IC", is_explained=True, buyer_is_known=True),
    "G": Family("BR-G", is_explained=True),
    "O": Family("BR-O", is_explained=True, is_outside=True),
    "L": Family("BR-AF", has_rates=True),
    "M": Family("BR-AG", has_rates=True),
}


def breakdown_breaks(invoice: Invoice) -> Iterator[Break]:
    """Give what rows of the VAT breakdown lack or have wrong: BR-45 to 48, BR-CO-17 and 18."""
    if not invoice.subtotals:
        yield Break("BR-CO-18", "BG-23")
    for row in invoice.subtotals:
        code = row.category.code if row.category else ""
        percent = row.category.percent if row.category else None
        needed: list[tuple[str, str, object]] = [
            ("BR-45", "BT-116", row.taxable is not None),
            ("BR-46", "BT-117", row.tax is not None),
            ("BR-47", "BT-118", code),
            ("BR-48", "BT-119", percent is not None or code == "O"),
        ]
        yield from (
            Break(rule, term, category=code) for rule, term, there in needed if not there
        )
        if row.taxable is not None and row.tax is not None:
            yield from _tax_of_row("BR-CO-17", row, row.taxable, row.tax, code)


def _tax_of_row(
    rule: str, row: Subtotal, taxable: Decimal, tax: Decimal, code: str
) -> Iterator[Break]:
    percent = (row.category.percent if row.category else None) or Decimal(0)
    expected = to_cents(abs(taxable) * percent / 100)
    is_right = abs(abs(tax) - expected) < _ONE if percent else to_cents(tax / 100) == 0
    if not is_right:
        yield _differs(rule, "BT-117", tax, expected, code)


def category_breaks(invoice: Invoice) -> Iterator[Break]:
    """Give what breaks a rule of one VAT category: BR-S-01 to BR-O-14, and BR-CL-17 and 18."""
    yield from _unknown(invoice)
    for code, family in FAMILIES.items():
        lines = [x for x in invoice.lines if x.category and x.category.code == code]
        allowances = [x for x in invoice.allowances if x.category and x.category.code == code]
        rows = [x for x in invoice.subtotals if x.category and x.category.code == code]
        if lines or allowances or rows:
            yield from _Checks(invoice, code, family, lines, allowances, rows).all()


def _unknown(invoice: Invoice) -> Iterator[Break]:
    # B, the split payment of Italy, is on the published list too and has no totals of its own.
    known = {*FAMILIES, "B"}
    for row in invoice.subtotals:
        if row.category and row.category.code not in known:
            yield Break("BR-CL-17", "BT-118", Why.UNKNOWN, found=row.category.code[:20])
    for line in invoice.lines:
        if line.category and line.category.code not in known:
            found = line.category.code[:20]
            yield Break("BR-CL-18", "BT-151", Why.UNKNOWN, found=found, line=line.number)


@dataclass(frozen=True, slots=True)
class _Checks:
    """The rules of one category on what of an invoice stands under it."""

    invoice: Invoice
    code: str
    family: Family
    lines: list[Line]
    allowances: list[Allowance]
    rows: list[Subtotal]

    def all(self) -> Iterator[Break]:
        yield from self._count()
        yield from self._parties()
        yield from self._rates()
        for row in self.rows:
            yield from self._row(row)
        if self.family.is_outside and self.rows:
            yield from self._alone()

    def _rule(self, number: str) -> str:
        return f"{self.family.rule}-{number}"

    def _count(self) -> Iterator[Break]:
        used, count = bool(self.lines or self.allowances), len(self.rows)
        least = 1 if used else 0
        most = count if self.family.has_rates else 1
        if self.code == "S" and not used:
            most = 0
        if not least <= count <= most:
            yield Break(
                self._rule("01"),
                "BG-23",
                Why.COUNT,
                found=str(count),
                expected="≥ 1" if self.family.has_rates and used else str(least),
                category=self.code,
            )

    def _parties(self) -> Iterator[Break]:
        """Ask that the tax office knows the seller and, in some categories, the buyer."""
        charges = [one for one in self.allowances if one.is_charge]
        rebates = [one for one in self.allowances if not one.is_charge]
        for number, there in (("02", self.lines), ("03", rebates), ("04", charges)):
            if there:
                yield from self._identified(self._rule(number))

    def _identified(self, rule: str) -> Iterator[Break]:
        seller, buyer = self.invoice.seller, self.invoice.buyer
        representative = self.invoice.representative_vat_id
        if self.family.is_outside:
            for term, number in (("BT-31", seller.vat_id), ("BT-48", buyer.vat_id)):
                if number:
                    yield Break(rule, term, Why.UNWANTED, category=self.code)
            return
        if not (seller.vat_id or seller.tax_id or representative):
            yield Break(rule, "BT-31", category=self.code)
        if self.family.buyer_is_known and not (buyer.vat_id or buyer.legal_id):
            yield Break(rule, "BT-48", category=self.code)

    def _rates(self) -> Iterator[Break]:
        for line in self.lines:
            if line.category:
                yield from self._rate("05", line.category, "BT-152", line.number)
        for one in self.allowances:
            if one.category:
                number = "07" if one.is_charge else "06"
                yield from self._rate(number, one.category, "BT-119", "")

    def _rate(
        self, number: str, category: TaxCategory, term: str, line: str
    ) -> Iterator[Break]:
        percent, rule = category.percent, self._rule(number)
        if self.family.is_outside:
            if percent is not None:
                yield Break(rule, term, Why.UNWANTED, line=line, category=self.code)
        elif self.family.is_above_0:
            if percent is None or percent <= 0:
                yield Break(rule, term, Why.NOT_POSITIVE, line=line, category=self.code)
        elif percent is None or percent < 0 or (percent and not self.family.has_rates):
            found = "–" if percent is None else amount_words(percent)
            yield Break(
                rule,
                term,
                Why.DIFFERS,
                found=found,
                expected="0.00",
                line=line,
                category=self.code,
            )

    def _row(self, row: Subtotal) -> Iterator[Break]:
        category = row.category
        if category is None or row.taxable is None or row.tax is None:
            return  # BR-45 to BR-47 say so
        expected = self._taxable(category)
        apart = abs(row.taxable - expected)
        if apart >= _ONE if self.family.has_rates else apart:
            yield _differs(self._rule("08"), "BT-116", row.taxable, expected, self.code)
        if self.family.has_rates:
            yield from _tax_of_row(self._rule("09"), row, row.taxable, row.tax, self.code)
        elif row.tax:
            yield _differs(self._rule("09"), "BT-117", row.tax, Decimal(0), self.code)
        if category.is_explained != self.family.is_explained:
            why = Why.MISSING if self.family.is_explained else Why.UNWANTED
            yield Break(self._rule("10"), "BT-120", why, category=self.code)

    def _taxable(self, category: TaxCategory) -> Decimal:
        """Return what the lines and allowances of a category come to, at a rate where it has."""

        def counts(one: TaxCategory | None) -> bool:
            return one is not None and (
                not self.family.has_rates or one.percent == category.percent
            )

        charged = added(x.amount for x in self.allowances if x.is_charge and counts(x.category))
        allowed = added(
            x.amount for x in self.allowances if not x.is_charge and counts(x.category)
        )
        return added(x.net for x in self.lines if counts(x.category)) + charged - allowed

    def _alone(self) -> Iterator[Break]:
        """Nothing else may stand beside what is outside the tax: BR-O-11 to BR-O-14."""
        others = [x for x in self.invoice.subtotals if x.category and x.category.code != "O"]
        if others:
            found = str(len(others) + len(self.rows))
            yield Break("BR-O-11", "BG-23", Why.COUNT, found=found, expected="1", category="O")
        for line in self.invoice.lines:
            if line.category and line.category.code != "O":
                yield Break("BR-O-12", "BT-151", Why.UNWANTED, line=line.number)
        for one in self.invoice.allowances:
            if one.category and one.category.code != "O":
                rule = "BR-O-14" if one.is_charge else "BR-O-13"
                yield Break(rule, "BT-102" if one.is_charge else "BT-95", Why.UNWANTED)


def _differs(rule: str, term: str, found: Decimal, expected: Decimal, code: str) -> Break:
    return Break(
        rule,
        term,
        Why.DIFFERS,
        found=amount_words(found),
        expected=amount_words(to_cents(expected)),
        category=code,
    )
