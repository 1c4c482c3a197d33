"""One line of a bill in figures: from the metered quantity to what each funder bears."""

from typing import Any

from django.utils.translation import gettext as _

from billing.queries.rated import RatedLine
from common.formatting import gpu_hours, instant, money
from common.money import is_currency
from policy.answers import plain
from providers.queries import cap_on
from vouchers.views.decisions_shown import working_lines


def limit_words(limits: tuple[str, ...]) -> str:
    """Return which limits cut a line, in words; a dash where none did."""
    words = {
        "price": _("the order's price"),
        "validity": _("the voucher's valid days"),
        "meter": _("the metered quantity"),
        "hold": _("what was set aside for the order"),
    }
    return ", ".join(words[one] for one in limits) or "–"


def rated_parts(found: RatedLine) -> dict[str, Any]:
    """Return what a line's page shows of its figures: facts, their working, and the hold's."""
    order = found.line.order
    return {
        "rows": _facts(found),
        "working": working_lines(found.working),
        "held": working_lines(order.working) if order else [],
    }


def _facts(found: RatedLine) -> list[dict[str, Any]]:
    line = found.line
    rated, unit, zone = found.rated, line.bill.unit, line.bill.programme.zone
    rows = [
        {"key": _("Provider"), "value": line.bill.provider.organisation.name_here},
        {"key": _("Usage"), "value": f"{line.source}/{line.key}"},
        {"key": _("Voucher"), "value": line.voucher.code if line.voucher else "–"},
        {"key": _("Order"), "value": line.order.code if line.order else "–"},
    ]
    used = line.usage_line
    if used is not None:
        rows += [
            {"key": _("From"), "value": instant(used.started_at, zone)},
            {"key": _("Until"), "value": instant(used.ended_at, zone)},
        ]
    rows += [
        {"key": _("Metered in the bill's period"), "value": gpu_hours(rated.metered_ms)},
        {"key": _("Billed hours"), "value": gpu_hours(rated.billed_ms)},
    ]
    if is_currency(unit):
        rows += [
            {"key": _("Rate"), "value": f"{plain(rated.rate)} {unit}"},
            {"key": _("Price cap of the class"), "value": _price_cap(line)},
        ]
    rows += [
        {"key": _("Amount"), "value": money(rated.amount, unit)},
        {"key": _("What limited it"), "value": limit_words(found.limits)},
    ]
    if found.version is not None:
        rows.append({"key": _("Policy version"), "value": str(found.version.number)})
    return rows


def _price_cap(line: Any) -> str:
    if line.order is None:
        return "–"
    programme = line.bill.programme
    cap = cap_on(
        line.order.offer,
        line.bill.unit,
        line.order.placed_at,
        authority=programme.authority,
        programme_code=programme.code,
    )
    return f"{plain(cap.rate)} {cap.currency}" if cap and cap.rate is not None else "–"
