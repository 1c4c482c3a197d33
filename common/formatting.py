"""How amounts, instants, days and pieces of pages are shown: filters and component tags."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.core.paginator import Page
from django.utils.dateformat import format as format_date
from django.utils.dateformat import time_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext, pgettext

from common.money import exponent, is_currency, major

register = template.Library()

NOTHING = "–"
MINUS = "−"

CURRENCY_SIGNS = {
    "CNY": "¥",
    "GBP": "£",
    "EUR": "€",
    "CAD": "C$",
    "USD": "US$",
    "SGD": "S$",
    "KRW": "₩",
    "JPY": "JP¥",
}

TAG_COLOURS = frozenset(
    {"grey", "green", "teal", "blue", "purple", "magenta", "red", "orange", "yellow"}
)

_TEN_THOUSANDTH = Decimal("0.0001")


# --- amounts ---------------------------------------------------------------------------------


@register.filter
def money(amount: int | None, unit: str) -> str:
    """Show an amount of a unit: `¥1,234.56`, or `1,234.5 GPU-hours` for `GPU:H100`.

    `amount` is in minor units of the currency, or in GPU-ms; None is shown as a dash.
    """
    if amount is None:
        return NOTHING
    if not is_currency(unit):
        return gpu_hours(amount)
    sign = MINUS if amount < 0 else ""
    return f"{sign}{CURRENCY_SIGNS[unit]}{abs(major(amount, unit)):,.{exponent(unit)}f}"


def rate_words(rate: Decimal | None, currency: str) -> str:
    """Show what an hour costs: `CNY 25.00`, without idle noughts beyond two decimals.

    `rate` is in whole currency units and shown to four decimals; None is shown as a dash.
    """
    if rate is None:
        return NOTHING
    whole, _point, part = f"{rate:,.4f}".partition(".")
    return f"{currency} {whole}.{part.rstrip('0'):0<2}"


@register.filter
def gpu_hours(ms: int | None) -> str:
    """Show GPU-ms as GPU-hours to four decimals, half up, without closing noughts."""
    if ms is None:
        return NOTHING
    hours = (Decimal(abs(ms)) / 3_600_000).quantize(_TEN_THOUSANDTH, ROUND_HALF_UP)
    text = f"{hours:,f}".rstrip("0").rstrip(".")
    sign = MINUS if ms < 0 and hours else ""
    return ngettext("%(hours)s GPU-hour", "%(hours)s GPU-hours", 1 if text == "1" else 2) % {
        "hours": sign + text
    }


@register.filter
def percent(share: Decimal | None) -> str:
    """Show a share of one as a percentage to one decimal: `0.125` is `12.5%`."""
    if share is None:
        return NOTHING
    text = f"{(share * 100).quantize(Decimal('0.1'), ROUND_HALF_UP):,f}".removesuffix(".0")
    return text.replace("-", MINUS) + "%"


# --- time ------------------------------------------------------------------------------------


@register.filter
def instant(at: datetime | None, zone: str = "UTC") -> str:
    """Show an aware instant in a time zone, with the zone's label, in a `<time>` element."""
    if at is None:
        return NOTHING
    local = at.astimezone(ZoneInfo(zone))
    return format_html(
        '<time datetime="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        instant_text(at, zone),
    )


def instant_text(at: datetime, zone: str = "UTC") -> str:
    """Return an aware instant in words, in a time zone, for letters and refusals."""
    local = at.astimezone(ZoneInfo(zone))
    return pgettext("an instant", "%(day)s, %(time)s (%(zone)s)") % {
        # Translators: Django date format of a day.
        "day": format_date(local, pgettext("date format", "j F Y")),
        "time": time_format(local.time(), "H:i"),
        "zone": _zone_label(local.utcoffset() or timedelta()),
    }


def _zone_label(offset: timedelta) -> str:
    minutes = offset // timedelta(minutes=1)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else MINUS}{hours}" + (f":{rest:02}" if rest else "")


def day_text(on: date) -> str:
    """Write a day in the language spoken, as plain text: for letters and inside sentences."""
    return format_date(on, pgettext("date format", "j F Y"))


@register.filter
def day(on: date | None) -> str:
    """Show a day in a `<time>` element.

    :raises TypeError: for an instant, whose day depends on a time zone; see `common.days`.
    """
    if on is None:
        return NOTHING
    if isinstance(on, datetime):
        raise TypeError("an instant has no day of its own: use day_of(at, zone)")
    return format_html(
        '<time datetime="{}">{}</time>',
        on.isoformat(),
        day_text(on),
    )


# --- words -----------------------------------------------------------------------------------


@register.filter
def status_tag(label: str, colour: str = "") -> SafeString:
    """Show a status as a coloured tag, or as plain text where no colour is given.

    :raises ValueError: for a colour that is not in `TAG_COLOURS`.
    """
    if not colour:
        return format_html("{}", label)
    if colour not in TAG_COLOURS:
        raise ValueError(f"{colour} is not the colour of a tag")
    return format_html('<strong class="govuk-tag govuk-tag--{}">{}</strong>', colour, label)


@register.filter
def language_tag(code: str) -> str:
    """Return a language code as HTML's `lang` wants it: `zh-hans` is `zh-Hans`."""
    language, _, script = code.partition("-")
    if not script:
        return language
    return f"{language}-{script.upper() if len(script) == 2 else script.title()}"


# --- components ------------------------------------------------------------------------------
# A component's tag hides the page's own context from it, so that a page's `title` or `rows`
# never leaks into a component that was given none. What each takes stands in its template.

_PLAIN_COMPONENTS = (
    "back_link",
    "big_number",
    "breadcrumbs",
    "button",
    "details",
    "empty_state",
    "error_summary",
    "file_upload",
    "inset",
    "notification_banner",
    "panel",
    "summary_list",
    "summary_row",
    "tag",
    "task_list",
    "timeline",
    "warning_text",
    "working",
)


def _given(**context: Any) -> dict[str, Any]:
    return context


for _name in _PLAIN_COMPONENTS:
    register.inclusion_tag(f"components/{_name}.html", name=_name)(_given)
# `filter` is taken by Django's own tag.
register.inclusion_tag("components/filter.html", name="filter_panel")(_given)


@register.inclusion_tag("components/table.html", name="table")
def table(
    *, caption: str, columns: Iterable[Any], rows: Iterable[Any], **context: Any
) -> dict[str, Any]:
    """Return the context of the table component, each cell beside its column.

    :param columns: labels, or mappings with `label` and, for numbers, `numeric`.
    :param rows: sequences of cells, or mappings with `cells` and, for the last, `is_total`.
        A cell is a text, or a mapping with `text` and any of `url` and `error`.
    """
    columns = [c if isinstance(c, Mapping) else {"label": c} for c in columns]
    lines = [_line(columns, row) for row in rows]
    return {"caption": caption, "columns": columns, "lines": lines, **context}


def _line(columns: Sequence[Mapping[str, Any]], row: Any) -> dict[str, Any]:
    given = row if isinstance(row, Mapping) else {"cells": row}
    cells = [
        {
            **(cell if isinstance(cell, Mapping) else {"text": cell}),
            "numeric": column.get("numeric", False),
        }
        for column, cell in zip(columns, given["cells"], strict=True)
    ]
    return {"cells": cells, "is_total": given.get("is_total", False)}


@register.inclusion_tag("components/chart.html", name="chart")
def chart(
    *,
    title: str,
    caption: str = "",
    columns: Iterable[Any] = (),
    rows: Iterable[Any] = (),
    **context: Any,
) -> dict[str, Any]:
    """Return the context of the chart component, with its figures ready for the table."""
    figures = table(caption=caption or title, columns=columns, rows=rows)
    return {"title": title, "figures": figures, **context}


@register.inclusion_tag("components/pagination.html", name="pagination")
def pagination(*, page: "Page[Any]", query: str = "", label: str = "") -> dict[str, Any]:
    """Return the context of the pagination component.

    :param query: the rest of the address's query, without `page`, so that a list keeps its
        filters from page to page.
    """
    paginator = page.paginator
    return {
        "page": page,
        "pages": list(paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)),
        "ellipsis": paginator.ELLIPSIS,
        "start": f"?{query}&page=" if query else "?page=",
        "label": label,
    }
