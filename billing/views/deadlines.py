"""Until when an objection is replied to and decided, and what silence means, in words."""

from datetime import datetime
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import queries
from billing.models import BillLine
from billing.queries import Undecided
from common.formatting import instant


def deadline_rows(line: BillLine, now: datetime) -> list[dict[str, Any]]:
    """Return facts about the days of a line's objection; none where the law sets none."""
    found = queries.undecided_on(line)
    if found is None:
        return []
    rows = []
    if found.reply_until is not None:
        value = _until(found.reply_until, line, _reply_words(found, found.reply_until, now))
        rows.append({"key": _("The provider replies until"), "value": value})
    if found.rule.verdict_days is not None:
        until = found.verdict_until
        words = _verdict_words(found, until, now)
        value = words if until is None else _until(until, line, words)
        rows.append({"key": _("An officer decides until"), "value": value})
    return rows


def _until(until: datetime, line: BillLine, words: str) -> str:
    return format_html("{}. {}", instant(until, line.bill.programme.zone), words)


def _reply_words(found: Undecided, until: datetime, now: datetime) -> str:
    if found.replied_at is not None and found.replied_at < until:
        return _("The provider has replied.")
    if found.rule.reply_silence == "DECLINES":
        return _("By the programme's law a line without a reply by then is not accepted.")
    if now < until:
        return _("Nobody decides before the provider has replied, or before that.")
    return _("The provider did not reply by then; an officer may decide without it.")


def _verdict_words(found: Undecided, until: datetime | None, now: datetime) -> str:
    silence = {
        "WAITS": _("Until one does, the line stays withheld."),
        "ACCEPTS": _("By the programme's law a line that nobody decides by then is accepted."),
        "DECLINES": _(
            "By the programme's law a line that nobody decides by then is not accepted."
        ),
    }[found.rule.verdict_silence]
    if until is None:
        days = found.rule.verdict_days or 0
        first = ngettext(
            "%(days)s day after the bill is settled and the days for a reply are over.",
            "%(days)s days after the bill is settled and the days for a reply are over.",
            days,
        )
        return f"{first % {'days': days}} {silence}"
    return f"{_('It is late.')} {silence}" if until <= now else silence
