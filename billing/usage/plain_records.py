"""The quick way through records of the API's form, as most programs write them.

Asking each field of each record all that it may be asked costs more than recording it. A record
that leaves nothing to ask is read here; any other is left to those who say what is wrong with
it (`tests/billing/usage/test_plain_records.py`).
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from billing.usage.cells import read_count
from billing.usage.known import Known
from billing.usage.plain_rows import ended_state
from billing.usage.record import RUN_DAYS_MAX, Resource, UsageRecord

# Printable ASCII without blanks at its ends, so that there is nothing to be tidied.
_WORD = r"[!-~](?:[ -~]{{0,{rest}}}[!-~])?"
_COUNT = r"(?!0+(?:\.0+)?$)\d{1,9}(?:\.\d{1,3})?"
_INSTANT = r"(?:19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)"
# The fields of a record, one below the other; none of them holds the end of a line.
_RECORD = re.compile(
    r"\n".join(
        [
            _WORD.format(rest=158),
            _WORD.format(rest=78),
            "(?:GPU|CPU)",
            f"(?:{_WORD.format(rest=22)})?",
            _WORD.format(rest=38),
            _INSTANT,
            _INSTANT,
            _COUNT,
        ]
    ),
    re.ASCII,
)
_SOURCE = re.compile(_WORD.format(rest=78), re.ASCII)
_DEVICES = re.compile(r"[!-~]{1,120}(?: [!-~]{1,120}){0,63}", re.ASCII)
_KNOWN = frozenset(
    [
        "key",
        "account",
        "resource",
        "resource_class",
        "count",
        "started_at",
        "ended_at",
        "state",
        "devices",
    ]
)
_DEVICES_MOST = 64
_LONGEST_RUN = timedelta(days=RUN_DAYS_MAX)
_FIRST_YEAR = 1971
_STATES: Known[str] = Known(ended_state)
_COUNTS: Known[int] = Known(read_count)


def read_plain(given: Any, records_max: int) -> dict[str, Any] | None:
    """Return a batch as its serializer would, or None where that has to look at it.

    :param given: the request's body as parsed from JSON.
    """
    if not isinstance(given, dict) or given.keys() != {"source", "records"}:
        return None
    source, records = given["source"], given["records"]
    if not (isinstance(source, str) and _SOURCE.fullmatch(source)):
        return None
    if not isinstance(records, list):
        return None
    if not 1 <= len(records) <= records_max:
        return None
    read = []
    for record in records:
        plain = _read_plain_record(record)
        if plain is None:
            return None
        read.append(plain)
    return {"source": source, "records": read}


def _read_plain_record(given: Any) -> dict[str, Any] | None:
    """Return a record as the API's serializer would, or None where that has to look at it."""
    fields = _fields_of(given)
    if fields is None:
        return None
    return {
        "count": Decimal(fields.count_text),
        **{name: said for name, said in fields._asdict().items() if name != "count_text"},
    }


class _Fields(NamedTuple):
    """What a record says, each field tidy; the count as it was written."""

    key: str
    account: str
    resource: Resource
    resource_class: str
    state: str
    count_text: str
    started_at: datetime
    ended_at: datetime
    devices: list[str]


def _fields_of(given: Any, key: Any = None) -> _Fields | None:
    if not isinstance(given, dict) or not given.keys() <= _KNOWN:
        return None
    said = given.get
    resource_class, state = said("resource_class", ""), said("state", "COMPLETED")
    try:
        key, account, resource = said("key", key), given["account"], given["resource"]
        count, started, ended = given["count"], given["started_at"], given["ended_at"]
        if type(count) is int:
            count = str(count)
        fields = (key, account, resource, resource_class, state, started, ended, count)
        if not _RECORD.fullmatch("\n".join(fields)):
            return None
        started_at, ended_at = datetime.fromisoformat(started), datetime.fromisoformat(ended)
    except (KeyError, TypeError, ValueError):
        # A field that is missing or no text, or a day that no calendar has.
        return None
    devices = said("devices", [])
    if devices != [] and not _are_devices(devices):
        return None
    return _Fields(
        key, account, resource, resource_class, state, count, started_at, ended_at, devices
    )


def _are_devices(given: Any) -> bool:
    if not isinstance(given, list) or len(given) > _DEVICES_MOST:
        return False
    try:
        names = " ".join(given)
    except TypeError:
        return False
    return names.count(" ") < len(given) and _DEVICES.fullmatch(names) is not None


def plain_usage(given: dict[str, Any], source: str, row: int) -> UsageRecord | None:
    """Return the usage that a record as read says, or None where it takes a careful look."""
    rest = {name: value for name, value in given.items() if name != "count"}
    fields = _Fields(count_text=str(given["count"]), **rest)
    return _usage_of(fields, source, row)


def usage_of_plain(given: Any, key: Any, source: str, row: int) -> UsageRecord | None:
    """Return the usage that a record tells, or None where it takes a careful look.

    :param given: the record as parsed from JSON.
    :param key: what it is known by where it does not say.
    """
    fields = _fields_of(given, key)
    return fields and _usage_of(fields, source, row)


def _usage_of(fields: _Fields, source: str, row: int) -> UsageRecord | None:
    """Return usage of which nothing is left to be asked: ended, in whole seconds, not for years."""
    key, account, resource, resource_class, said, count_text, start, end, devices = fields
    state, count = _STATES[said], _COUNTS[count_text]
    started_at = start if start.tzinfo is UTC else start.astimezone(UTC)
    ended_at = end if end.tzinfo is UTC else end.astimezone(UTC)
    is_plain = started_at <= ended_at < started_at + _LONGEST_RUN
    if not (state and count and is_plain) or started_at.year < _FIRST_YEAR:
        return None
    if started_at.microsecond or ended_at.microsecond:
        return None
    device = devices[0] if len(devices) == 1 else " ".join(devices)
    return UsageRecord._make(
        (
            source,
            key,
            resource,
            count,
            started_at,
            ended_at,
            state,
            account,
            resource_class,
            row,
            device,
        )
    )
