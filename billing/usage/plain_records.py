"""The quick way through records of the API's form, as most programs write them.

Asking each field of each record all that it may be asked costs more than recording it. A record
that leaves nothing to ask is read here; any other is left to those who say what is wrong with
it (`tests/billing/usage/test_plain_records.py`).
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

# Printable ASCII without blanks at its ends, so that there is nothing to be tidied.
_WORD = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)
_COUNT = re.compile(r"(?!0+(?:\.0+)?$)\d{1,9}(?:\.\d{1,3})?", re.ASCII)
_INSTANT = re.compile(
    r"(?:19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
_DEVICE = re.compile(r"[!-~]{1,120}", re.ASCII)
_MOST = {"key": 160, "account": 80, "resource_class": 24, "state": 40}
_NEEDED = frozenset(["key", "account", "resource", "count", "started_at", "ended_at"])
_KNOWN = _NEEDED | {"resource_class", "state", "devices"}
_SOURCE_MOST, _DEVICES_MOST = 80, 64


def read_plain(given: Any, records_max: int) -> dict[str, Any] | None:
    """Return a batch as its serializer would, or None where that has to look at it.

    :param given: the request's body as parsed from JSON.
    """
    if not isinstance(given, dict) or given.keys() != {"source", "records"}:
        return None
    source, records = given["source"], given["records"]
    if not (_is_word(source, _SOURCE_MOST) and isinstance(records, list)):
        return None
    if not 1 <= len(records) <= records_max:
        return None
    read = []
    for record in records:
        plain = read_plain_record(record)
        if plain is None:
            return None
        read.append(plain)
    return {"source": source, "records": read}


def read_plain_record(given: Any) -> dict[str, Any] | None:
    """Return a record as the API's serializer would, or None where that has to look at it."""
    if not isinstance(given, dict) or not _NEEDED <= given.keys() <= _KNOWN:
        return None
    words = {name: given[name] for name in _MOST if name in given}
    if not all(_is_word(text, _MOST[name]) for name, text in words.items()):
        return None
    if given["resource"] not in ("GPU", "CPU"):
        return None
    count, devices = given["count"], given.get("devices", [])
    if type(count) not in (str, int) or not _COUNT.fullmatch(str(count)):
        return None
    started_at, ended_at = _instant(given["started_at"]), _instant(given["ended_at"])
    if started_at is None or ended_at is None or not _are_devices(devices):
        return None
    return {
        "resource_class": "",
        "state": "COMPLETED",
        **words,
        "resource": given["resource"],
        "count": Decimal(count),
        "started_at": started_at,
        "ended_at": ended_at,
        "devices": devices,
    }


def _is_word(text: Any, most: int) -> bool:
    return isinstance(text, str) and len(text) <= most and _WORD.fullmatch(text) is not None


def _instant(text: Any) -> datetime | None:
    if not (isinstance(text, str) and _INSTANT.fullmatch(text)):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _are_devices(given: Any) -> bool:
    return (
        isinstance(given, list)
        and len(given) <= _DEVICES_MOST
        and all(isinstance(one, str) and _DEVICE.fullmatch(one) for one in given)
    )
