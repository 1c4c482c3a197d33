"""CloudEvents that carry usage: one event, one a line, or a batch; our type is documented."""

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Document, DocumentAdapter, Head
from billing.usage.cells import (
    EPOCH,
    CellProblem,
    Row,
    read_count,
    read_devices,
    read_instant,
    read_interval,
    read_name,
    read_resource,
    read_state,
    read_text,
    skip_reason,
)
from billing.usage.json_stream import JsonStream, object_at, text_at
from billing.usage.known import Known
from billing.usage.options import Options
from billing.usage.plain_records import usage_of_plain
from billing.usage.record import (
    NO_GPU,
    OTHER_EVENT,
    NotExact,
    Resource,
    RowResult,
    Skipped,
    UsageRecord,
)

TYPE = "dev.tessera.usage.v1"
SOURCE_CHARACTERS_MAX = 80
# As plain as the fields of a plain record, and no longer than a meter's name.
_SOURCE = re.compile(r"[!-~](?:[ -~]{0,78}[!-~])?", re.ASCII)
_SOURCES: Known[bool] = Known(lambda source: _SOURCE.fullmatch(source) is not None)
_VERSION = re.compile(r'"specversion"\s{0,20}:\s{0,20}"')


def results(document: Document, options: Options) -> Iterator[RowResult]:
    """Give what each event came to, in the structured mode of CloudEvents 1.0 or a batch of it.

    `data` is a usage record as the API takes it: key, account, resource, resource_class, count,
    started_at, ended_at, state, devices. An event without a key in its data is known by its
    `id`. The meter is the event's `source`, unless the caller names one. Events of another type
    than `dev.tessera.usage.v1` are skipped.

    :raises FileUnreadable: in JSON's kinds.
    """
    stream = JsonStream(document.texts())
    for number, event in enumerate(stream.values(), start=1):
        yield _plain(number, event, options) or _carefully(Row(number), event, options)


def _plain(number: int, event: Any, options: Options) -> UsageRecord | None:
    """Return the record of an event that has nothing else to tell, at a fraction of the cost."""
    if not isinstance(event, dict) or event.get("type") != TYPE:
        return None
    source = event.get("source")
    if not isinstance(source, str) or not _SOURCES[source]:
        return None
    record = usage_of_plain(
        event.get("data"), event.get("id"), options.source or source, number
    )
    if record is None or options.resource not in (None, record.resource):
        return None
    return record


def _carefully(row: Row, event: Any, options: Options) -> RowResult:
    """Return the same as `_result`, field by field, whatever the event looks like."""
    if not isinstance(event, dict):
        row.note("", str(event), CellProblem("not_an_object"))
        return tuple(row.errors)
    if text_at(event, "type") != TYPE:
        return Skipped(OTHER_EVENT)
    data = object_at(event, "data")
    if not data:
        row.note("data", text_at(event, "data"), CellProblem("data_missing"))
        return tuple(row.errors)
    state = row.take("state", text_at(data, "state") or "COMPLETED", read_state, "")
    resource: Resource = row.take(
        "resource", text_at(data, "resource") or "GPU", read_resource, "GPU"
    )
    if row.errors:
        return tuple(row.errors)
    reason = skip_reason(state)
    if reason is None and options.resource is not None and resource != options.resource:
        reason = NO_GPU if options.resource == "GPU" else OTHER_EVENT
    if reason is not None:
        return Skipped(reason)
    return _record(row, event, data, state, resource, options)


def _record(
    row: Row,
    event: dict[str, Any],
    data: dict[str, Any],
    state: str,
    resource: Resource,
    options: Options,
) -> RowResult:
    def instant(text: str) -> Any:
        return read_instant(text, options.zone)

    end = text_at(data, "ended_at")
    started_at = row.take("started_at", text_at(data, "started_at"), instant, EPOCH)
    ended_at = row.take("ended_at", end, instant, EPOCH)
    count = row.take("count", text_at(data, "count"), read_count, 1000)
    key = row.take("key", text_at(data, "key") or text_at(event, "id"), read_name, "")
    account = row.take("account", text_at(data, "account"), read_name, "")
    resource_class = row.take("resource_class", text_at(data, "resource_class"), read_text, "")
    device = row.take("devices", str(data.get("devices")), lambda _text: _devices(data), "")
    source = row.take("source", text_at(event, "source"), _read_source, "")
    if not row.errors:
        row.take("ended_at", end, lambda _text: read_interval(started_at, ended_at), None)
    if row.errors:
        return tuple(row.errors)
    try:
        return UsageRecord(
            source=options.source or source,
            key=key,
            resource=resource,
            count_thousandths=count,
            started_at=started_at,
            ended_at=ended_at,
            state=state,
            account=account,
            resource_class=resource_class,
            row=row.number,
            device=device,
        )
    except NotExact:
        problem = CellProblem("time_too_fine", count=text_at(data, "count"))
        row.note("started_at", text_at(data, "started_at"), problem)
        return tuple(row.errors)


def _devices(data: dict[str, Any]) -> str:
    given = data.get("devices", [])
    is_listed = isinstance(given, list) and all(isinstance(one, str) for one in given)
    if not is_listed or any(len(one.split()) != 1 for one in given):
        raise CellProblem("devices_not_listed")
    return read_devices(" ".join(given))


def _read_source(text: str) -> str:
    if len(text) > SOURCE_CHARACTERS_MAX:
        raise CellProblem("value_too_long", length=len(text), most=SOURCE_CHARACTERS_MAX)
    return read_name(text)


def _looks_like_events(head: Head) -> bool:
    return head.text.startswith(("{", "[")) and _VERSION.search(head.text) is not None


ADAPTER = DocumentAdapter("CLOUDEVENTS", _("CloudEvents (JSON)"), _looks_like_events, results)
