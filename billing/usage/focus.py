"""FOCUS in: a Cost and Usage table of version 1.0 to 1.4, of which GPU rows are usage.

FOCUS is the FinOps Open Cost and Usage Specification (https://focus.finops.org, CC BY 4.0); its
versions differ in columns, which tell them apart: 1.1 brought SkuMeter, 1.2 InvoiceId and
BillingAccountType, 1.3 ServiceProviderName and ContractApplied, 1.4 InvoiceDetailId and left
ProviderName out.
"""

import csv
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Head, LineAdapter
from billing.usage.cells import (
    CELL_CHARACTERS_MAX,
    EPOCH,
    CellProblem,
    Row,
    read_instant,
    read_interval,
    read_name,
    read_text,
)
from billing.usage.focus_rows import FocusRows, Kind
from billing.usage.options import ColumnsMissing, Options
from billing.usage.record import (
    NO_GPU,
    RowResult,
    Skipped,
    UsageRecord,
)
from common.spreadsheets import tidy

# What makes a table a Cost and Usage one, whatever its version.
SIGNATURE = frozenset({"billedcost", "chargecategory", "chargeperiodstart", "chargeperiodend"})
_OTHERS = {
    "contractcommitmentid": "Contract Commitment",
    "invoicedetailgrain": "Invoice Detail",
    "billingperiodstatus": "Billing Period",
}
# What no row can be metered without; each may go by several names.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "ChargeCategory": ("chargecategory",),
    "ChargePeriodStart": ("chargeperiodstart",),
    "ChargePeriodEnd": ("chargeperiodend",),
    "ResourceId": ("resourceid",),
    "ConsumedQuantity": ("consumedquantity", "pricingquantity", "usagequantity"),
    "ConsumedUnit": ("consumedunit", "pricingunit", "usageunit"),
}
SEPARATORS = ",\t;"
HOUR_MS = 3_600_000
CARDS_TRIED = 1_000
NOT_USAGE = "not_usage"
NULLS = frozenset({"", "null", "none", "nan"})
# Units in which time on machines or cards is counted, in milliseconds of one.
_UNITS: Mapping[str, tuple[bool, int]] = {
    "gpu-hours": (True, HOUR_MS),
    "gpu-hour": (True, HOUR_MS),
    "gpu-minutes": (True, 60_000),
    "gpu-seconds": (True, 1_000),
    "hours": (False, HOUR_MS),
    "hour": (False, HOUR_MS),
    "hrs": (False, HOUR_MS),
    "minutes": (False, 60_000),
    "seconds": (False, 1_000),
}
# Machines with accelerators by the names that descriptions carry, with the cards each has: for
# rows whose SkuPriceDetails says nothing (https://aws.amazon.com/ec2/instance-types/,
# accelerated computing).
_ONE = ("xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge")
_MACHINES: Mapping[str, tuple[int, str]] = {
    **{f"g4dn.{size}": (1, "T4") for size in _ONE},
    "g4dn.12xlarge": (4, "T4"),
    **{f"g5.{size}": (1, "A10G") for size in _ONE},
    **{f"g5.{size}": (4, "A10G") for size in ("12xlarge", "24xlarge")},
    "g5.48xlarge": (8, "A10G"),
    **{f"g6.{size}": (1, "L4") for size in _ONE},
    **{f"g6.{size}": (4, "L4") for size in ("12xlarge", "24xlarge")},
    "g6.48xlarge": (8, "L4"),
    "p3.2xlarge": (1, "V100"),
    "p3.8xlarge": (4, "V100"),
    "p3.16xlarge": (8, "V100"),
    "p4d.24xlarge": (8, "A100-40G"),
    "p4de.24xlarge": (8, "A100-80G"),
    "p5.48xlarge": (8, "H100"),
}
_MACHINE = re.compile(r"\b((?:g\d+\w*|p\d+\w*)\.\d*x?large)\b")
_NUMBER = re.compile(r"\$?\d{1,15}(\.\d{1,30})?", re.ASCII)


def is_focus(line: str) -> bool:
    """Say whether a first line is the header of a FOCUS Cost and Usage table."""
    return names_in(line).keys() >= SIGNATURE


def other_focus(line: str) -> str:
    """Return which other FOCUS table a first line is the header of; "" where it is none."""
    names = names_in(line).keys()
    for column, table in _OTHERS.items():
        if column in names:
            return table
    return ""


def names_in(line: str) -> dict[str, int]:
    """Return the names of a header in small letters, each with its place."""
    cells = _header_cells(line)
    return {tidy(name).casefold().replace("_", ""): place for place, name in enumerate(cells)}


def _header_cells(line: str) -> list[str]:
    separator = max(SEPARATORS, key=line.count)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return line.split(separator)


def version_of(names: Mapping[str, int]) -> str:
    """Return the oldest version of FOCUS that has all of a header's columns which tell."""
    if "invoicedetailid" in names or "commitmentprogrameligibilitydetails" in names:
        return "1.4"
    if (
        "serviceprovidername" in names
        or "contractapplied" in names
        or "hostprovidername" in names
    ):
        return "1.3" if "providername" in names else "1.4"
    if names.keys() & {"invoiceid", "billingaccounttype", "subaccounttype", "pricingcurrency"}:
        return "1.2"
    return (
        "1.1" if names.keys() & {"skumeter", "skupricedetails", "servicesubcategory"} else "1.0"
    )


class FocusReader:
    """Reads a Cost and Usage table row by row: one record a row of GPU time that was used.

    What was consumed comes first, what was priced where that is empty. `GPU-Hours` and the like
    are card time as they are; hours of a machine are times its cards, as SkuPriceDetails says
    (`GpuCount`, with or without `x_`), else a machine's name in the description. Card time is
    rounded to the millisecond, as hours with six decimals can't say whole seconds. A row tells
    how long cards ran within its charge period and not when: they are taken to have begun with
    it. The account is the tag `voucher_id`, else the sub
    account. Purchases, taxes and credits are no usage, and rows without a card have no GPU.

    :raises ColumnsMissing: naming all missing columns together.
    """

    header_lines = 1

    def __init__(self, first_line: str, options: Options) -> None:
        self._options = options
        self._separator = max(SEPARATORS, key=first_line.count)
        self._at = names_in(first_line)
        self.width = len(_header_cells(first_line))
        self.version = version_of(self._at)
        self.unused_columns: tuple[str, ...] = ()
        missing = [
            name for name, ways in NEEDED.items() if not any(way in self._at for way in ways)
        ]
        if missing:
            found = ", ".join(_header_cells(first_line))[:200]
            raise ColumnsMissing(missing=", ".join(missing), found=found)
        source = options.source or "focus"
        self._rows = FocusRows(self._at, self._separator, source, self._kind_of, _cards_of)

    def cells(self, line: str) -> list[str]:
        """Return a line's cells.

        :raises csv.Error: if a quotation mark is not closed.
        """
        return next(csv.reader([line], delimiter=self._separator, strict=True), [])

    def read(self, number: int, line: str) -> RowResult:
        """Return the record of a row, why it is skipped, or all that is wrong with it."""
        record = self._rows.read(number, line)
        if record is not None:
            return record
        result = self.read_carefully(number, line)
        if isinstance(result, UsageRecord):
            self._rows.learn(line)
        return result

    def _kind_of(self, said: Mapping[str, str]) -> Kind | None:
        """Return what cells say that come again, or None where it takes a careful look."""
        cells = [""] * self.width
        for name, text in said.items():
            cells[self._at[name]] = text
        known = _UNITS.get(self._cell(cells, "consumedunit").casefold())
        cards, model = self.cards(cells)
        account = self._account(cells)
        is_told = len(account) <= CELL_CHARACTERS_MAX and account.isprintable()
        if known is None or not is_told or not (known[0] or cards):
            return None
        is_card_time, unit_ms = known
        return unit_ms, 1 if is_card_time else cards, cards, model, account

    def read_carefully(self, number: int, line: str) -> RowResult:
        """Return the same as `read`, cell by cell, whatever the line looks like."""
        row = Row(number)
        try:
            cells = [tidy(cell) for cell in self.cells(line)]
        except csv.Error:
            row.note("", line, CellProblem("quotes_open"))
            return tuple(row.errors)
        if len(cells) != self.width:
            problem = CellProblem("columns_differ", found=len(cells), expected=self.width)
            row.note("", line, problem)
            return tuple(row.errors)
        if self._cell(cells, "chargecategory").casefold() != "usage":
            return Skipped(NOT_USAGE)
        return self._read_usage(row, cells)

    def _read_usage(self, row: Row, cells: list[str]) -> RowResult:
        amount, unit = self._amount_and_unit(cells)
        known = _UNITS.get(unit.casefold())
        if known is None:
            return Skipped(NO_GPU)
        is_card_time, unit_ms = known
        cards, model = self.cards(cells)
        if not is_card_time and not cards:
            return Skipped(NO_GPU)
        name, text = amount
        time = row.take(name, text, read_quantity, Decimal(0)) * unit_ms
        # Of a machine the time is rounded, and then times its cards: they ran alike.
        whole = int(time.to_integral_value(ROUND_HALF_UP)) * (1 if is_card_time else cards)
        return self._record(row, cells, whole, cards, model)

    def _amount_and_unit(self, cells: list[str]) -> tuple[tuple[str, str], str]:
        for amount, unit in (
            ("ConsumedQuantity", "ConsumedUnit"),
            ("UsageQuantity", "UsageUnit"),
            ("PricingQuantity", "PricingUnit"),
        ):
            text = self._cell(cells, amount.casefold())
            if text:
                return (amount, text), self._cell(cells, unit.casefold())
        return ("ConsumedQuantity", ""), ""

    def cards(self, cells: list[str]) -> tuple[int, str]:
        """Return how many cards the machine of a row has, and of which model; none is (0, "")."""
        details = _object(self._cell(cells, "skupricedetails"))
        count = details.get("gpucount", details.get("xgpucount"))
        model = str(details.get("xgpumodel", details.get("gpumodel", "")))[:24]
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= 10_000:
            return count, model
        named = _MACHINE.search(self._cell(cells, "chargedescription"))
        machine = str(details.get("instancetype", named.group(1) if named else ""))
        return _MACHINES.get(machine, (0, ""))

    def _record(
        self, row: Row, cells: list[str], quantity_ms: int, cards: int, model: str
    ) -> RowResult:
        start, end = (
            self._cell(cells, "chargeperiodstart"),
            self._cell(cells, "chargeperiodend"),
        )
        started_at = row.take("ChargePeriodStart", start, _instant, EPOCH)
        until = row.take("ChargePeriodEnd", end, _instant, EPOCH)
        resource = row.take("ResourceId", self._cell(cells, "resourceid"), read_name, "")
        account = row.take("SubAccountId", self._account(cells), read_text, "")
        if not row.errors:
            row.take(
                "ChargePeriodEnd", end, lambda _text: read_interval(started_at, until), None
            )
        if row.errors:
            return tuple(row.errors)
        if not quantity_ms:
            return Skipped(NO_GPU)
        count = _cards_of(quantity_ms, (until - started_at) // timedelta(milliseconds=1), cards)
        if count is None or started_at.microsecond % 1000:
            row.note("ChargePeriodStart", start, CellProblem("time_too_fine", count=cards))
            return tuple(row.errors)
        return UsageRecord(
            source=self._options.source or "focus",
            key=f"{resource[-120:]}/{started_at:%Y-%m-%dT%H:%M:%SZ}",
            resource="GPU",
            count_thousandths=count * 1000,
            started_at=started_at,
            ended_at=started_at + timedelta(milliseconds=quantity_ms // count),
            state="COMPLETED",
            account=account,
            resource_class=model,
            row=row.number,
        )

    def rounded_costs(self, line: str) -> tuple[str, ...]:
        """Return which costs of a row of GPU time are whole although the others are exact.

        Real exports have EffectiveCost and ContractedCost rounded to whole units beside an exact
        ListCost and BilledCost: an audit must ask about that, and nothing is refused for it.
        """
        try:
            cells = [tidy(cell) for cell in self.cells(line)]
        except csv.Error:
            return ()
        if len(cells) != self.width or not self.cards(cells)[0]:
            return ()
        exact = [self._cost(cells, name) for name in ("ListCost", "BilledCost")]
        if any(cost is None or cost == cost.to_integral_value() for cost in exact):
            return ()
        return tuple(
            name
            for name in ("ContractedCost", "EffectiveCost")
            if (cost := self._cost(cells, name)) is not None
            and cost == cost.to_integral_value()
        )

    def _cost(self, cells: list[str], name: str) -> Decimal | None:
        try:
            return read_quantity(self._cell(cells, name.casefold()))
        except CellProblem:
            return None

    def _account(self, cells: list[str]) -> str:
        tags = _object(self._cell(cells, "tags"))
        return str(tags.get("voucherid", "")) or self._cell(cells, "subaccountid")

    def _cell(self, cells: list[str], name: str) -> str:
        place = self._at.get(name)
        text = "" if place is None else cells[place]
        return "" if text.casefold() in NULLS else text


def _cards_of(quantity_ms: int, period_ms: int, cards: int) -> int | None:
    """Return of how many whole cards a card time within a period can be, exactly.

    As many as the machine has where they have the time, else the fewest that have it and share
    it in whole milliseconds; None where there are none.
    """
    if period_ms <= 0:
        return None
    fewest = -(-quantity_ms // period_ms)
    if cards >= fewest and quantity_ms % cards == 0:
        return cards
    counts = range(fewest, fewest + CARDS_TRIED)
    return next((count for count in counts if quantity_ms % count == 0), None)


def read_quantity(text: str) -> Decimal:
    """Return a quantity, exactly as it is written."""
    plain = text.replace(",", "")
    if not _NUMBER.fullmatch(plain):
        raise CellProblem("count_unreadable")
    return Decimal(plain.removeprefix("$"))


def _instant(text: str) -> datetime:
    """Return an instant of FOCUS; without a difference it is UTC, as the specification says."""
    return read_instant(text if ":" in text else f"{text} 00:00:00", "UTC")


def _object(text: str) -> dict[str, object]:
    """Return a JSON object with its names in small letters without `_`; else nothing."""
    if not text.startswith("{") or len(text) > 10_000:
        return {}
    try:
        found = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name).casefold().replace("_", ""): value for name, value in found.items()}


def warnings_of(lines: Iterable[tuple[int, str]]) -> list[dict[str, object]]:
    """Return what an audit would ask about a FOCUS table, as codes of `billing.reasons` and values.

    `lines` are those with content, by number, the header first.
    """
    rows = iter(lines)
    _number, header = next(rows)
    reader = FocusReader(header, Options())
    found: dict[int, tuple[str, ...]] = {}
    for number, line in rows:
        rounded = reader.rounded_costs(line)
        if rounded:
            found[number] = rounded
    if not found:
        return []
    columns = sorted({name for names in found.values() for name in names})
    values = {"rows": len(found), "columns": ", ".join(columns), "first_row": min(found)}
    return [{"code": "costs_rounded", "values": values}]


def _looks_like_focus(head: Head) -> bool:
    return is_focus(head.first_line)


ADAPTER = LineAdapter(
    "FOCUS",
    _("FOCUS: a Cost and Usage table, version 1.0 to 1.4"),
    _looks_like_focus,
    FocusReader,
)
