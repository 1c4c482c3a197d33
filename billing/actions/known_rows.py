"""Rows laid out, told apart by the lines there are: new, known in the same words, or in error."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from billing.reasons import UnrecordedRow
from billing.usage.record import ERRORS_KEPT, RowError
from ledger.actions import Act
from providers.models import Provider


@dataclass(slots=True)
class Tally:
    """What became of rows; `errors` are the first of `errors_total`."""

    recorded: int = 0
    known_before: int = 0
    errors_total: int = 0
    errors: list[RowError] = field(default_factory=list)

    def note(self, errors: Iterable[RowError]) -> None:
        """Count errors, and keep the first of them."""
        for error in errors:
            self.errors_total += 1
            if len(self.errors) < ERRORS_KEPT:
                self.errors.append(error)


# A file that came before is mostly known as a whole: one join says so, where inserting would look
# each row up and comparing would sort them all.
_KNOWN = """
    select count(*), count(distinct l.id)
    from pg_temp.billing_usage_row r
    join billing_usagekey k on k.provider_id = %s and k.source = r.source and k.key = r.key
    join billing_usageline l on l.id = k.line_id
    where (r.resource, r.count_thousandths, r.started_at, r.ended_at, r.voucher_id,
        coalesce(r.order_id, 0)) = (l.resource, l.count_thousandths, l.started_at, l.ended_at,
        l.voucher_id, coalesce(l.order_id, 0))
"""


def are_known(provider: Provider, laid_out: int) -> bool:
    """Say whether every row laid out is a line already, each another one, in the same words."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [provider.pk])
        return bool(cursor.fetchone() == (laid_out, laid_out))


# Beside each row laid out: the line of its key, and whether that line says the same.
_COMPARED = """
    with compared as (
        select r."row", r.key, r.account, r.resource, r.count_thousandths, r.started_at,
            r.ended_at, r.nth, r.first_row, l.id as line,
            k.line_id is not null and l.id is null as is_archived, l.resource as old_resource,
            l.count_thousandths as old_count, l.started_at as old_started_at,
            l.ended_at as old_ended_at,
            coalesce((r.resource, r.count_thousandths, r.started_at, r.ended_at, r.voucher_id,
                coalesce(r.order_id, 0)) = (l.resource, l.count_thousandths, l.started_at,
                l.ended_at, l.voucher_id, coalesce(l.order_id, 0)), false) as is_same,
            coalesce(l.act_id = %(act)s and r.nth = 1, false) as is_ours
        from (select *, row_number() over same as nth, min("row") over same as first_row
            from pg_temp.billing_usage_row
            window same as (partition by source, key order by "row")) r
        left join billing_usagekey k
            on k.provider_id = %(provider)s and k.source = r.source and k.key = r.key
        left join billing_usageline l on l.id = k.line_id
    ), told as (
        select *, not is_same or (%(is_file)s and nth > 1) as is_wrong from compared
    )
"""
_COUNTED = """
    select count(*) filter (where is_ours and not is_wrong),
        count(*) filter (where not is_ours and not is_wrong), count(*) filter (where is_wrong)
    from told
"""
_WRONG = """
    select "row", key, line, first_row, %(is_file)s and nth > 1, is_archived,
        old_count, old_resource, old_started_at, old_ended_at,
        count_thousandths, resource, started_at, ended_at
    from told where is_wrong order by "row" limit %(most)s
"""


def compare(provider: Provider, act: Act, tally: Tally, *, is_file: bool) -> None:
    """Tell rows apart: recorded by this act, known before in the same words, or in error."""
    asked = {
        "provider": provider.pk,
        "act": act.id,
        "is_file": is_file,
        "most": ERRORS_KEPT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COMPARED + _COUNTED, asked)
        tally.recorded, tally.known_before, wrong = cursor.fetchone()
        if wrong:
            cursor.execute(_COMPARED + _WRONG, asked)
            errors = [_wrong(row) for row in cursor.fetchall()]
            tally.note(errors)
            tally.errors_total += wrong - len(errors)


def _wrong(found: tuple[Any, ...]) -> RowError:
    row, key, line, first_row, is_repeat, is_archived = found[:6]
    if is_repeat:
        return RowError(row, "job_id", key, "duplicate", {"first_row": first_row})
    if is_archived:
        return UnrecordedRow(row, "job_id", key, "recorded_and_archived")
    if line is None:
        # Only when a request is answered again: it could not be recorded the first time.
        return UnrecordedRow(row, "job_id", key, "not_recorded_then")
    values = {"before": _words(*found[6:10]), "now": _words(*found[10:])}
    return UnrecordedRow(row, "job_id", key, "recorded_before", values)


def _words(
    count_thousandths: int, resource: str, started_at: datetime, ended_at: datetime
) -> str:
    whole, part = divmod(count_thousandths, 1000)
    count = f"{whole}.{part:03}".rstrip("0").rstrip(".")
    return (
        f"{count} {resource}, {started_at:%Y-%m-%d %H:%M:%S} – {ended_at:%Y-%m-%d %H:%M:%S} UTC"
    )
