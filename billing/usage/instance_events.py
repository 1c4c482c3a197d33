"""Streams of instance events in the way of OpenStack: a session opens, and later it closes."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Document, DocumentAdapter, Head
from billing.usage.cells import EPOCH, CellProblem, Row, read_instant
from billing.usage.instance_layouts import OPENING as PLAIN_OPENING
from billing.usage.instance_layouts import InstanceLayouts, Opened
from billing.usage.job import Columns, Job, read_whole, record_of, resource_of
from billing.usage.json_stream import JsonStream, text_at
from billing.usage.options import Options
from billing.usage.record import (
    NO_GPU,
    NOT_ENDED,
    OTHER_EVENT,
    RowResult,
    Skipped,
    UsageRecord,
)

OPENING = frozenset({"create.end", "power_on.end", "resume.end", "unshelve.end"})
CLOSING = frozenset({"delete.end", "power_off.end", "suspend.end", "shelve.end"})
_NAMES = Columns("instance_id", "tenant_id", "create.end", "delete.end", "extra_specs")
# Extra specs of a flavour that stand for GPUs (Nova, "Attaching physical PCI devices to guests"
# and "Attaching virtual GPU devices to guests").
_ALIAS = re.compile(r"(?P<model>[^:,\s]{1,60}):(?P<count>\d{1,6})", re.ASCII)
_EVENT = re.compile(r'\\?"event_type\\?"\s{0,20}:\s{0,20}\\?"(?:compute\.)?instance\.')
_whole = read_whole("gpus_unreadable")


def results(document: Document, options: Options) -> Iterator[RowResult]:
    """Give what each session came to: events in a list, or one a line, in the order of time.

    A session opens at `create.end`, `power_on.end`, `resume.end` or `unshelve.end`, and closes
    at `delete.end`, `power_off.end`, `suspend.end` or `shelve.end`; the row is the closing
    event's number. An opening while open, or another event, is skipped. A close whose opening
    is not in the file takes the payload's `launched_at`. A session that is still open at the
    end of the file is provisional: it is skipped as not ended. GPUs are those that the
    flavour's extra specs name (`pci_passthrough:alias`, `resources:VGPU`, `resources:PGPU`),
    else `gpus` in the payload. The account is the tenant.

    :raises FileUnreadable: in JSON's kinds.
    """
    stream = JsonStream(document.texts())
    opened: dict[str, Opened] = {}
    layouts = InstanceLayouts(options, opened)
    for number, _place in enumerate(stream.records(), start=1):
        plain = stream.taken(layouts.read, number)
        if plain is not None:
            if plain is not PLAIN_OPENING:
                yield plain
            continue
        event = _unwrapped(stream.value())
        result = _take(Row(number), event, opened, options)
        if result is None:
            if opens := _opens(event):
                layouts.learn(stream.value_text, event, opens)
        else:
            if isinstance(result, UsageRecord):
                layouts.learn(stream.value_text, event, None)
            yield result
    for _session in opened:
        yield Skipped(NOT_ENDED)


def _take(
    row: Row, event: Any, opened: dict[str, Opened], options: Options
) -> RowResult | None:
    if not isinstance(event, dict):
        row.note("", str(event), CellProblem("not_an_object"))
        return tuple(row.errors)
    _prefix, _dot, kind = text_at(event, "event_type").rpartition("instance.")
    if kind not in OPENING | CLOSING:
        return Skipped(OTHER_EVENT)
    payload = _plain(event.get("payload"))
    instance = text_at(payload, "instance_id") or text_at(payload, "uuid")
    at = row.take(
        "timestamp",
        text_at(event, "timestamp"),
        lambda text: read_instant(text, options.zone),
        EPOCH,
    )
    if not instance:
        row.note("instance_id", "", CellProblem("value_missing"))
    if row.errors:
        return tuple(row.errors)
    if kind in OPENING:
        if instance in opened:
            return Skipped(OTHER_EVENT)
        opened[instance] = Opened(at, payload)
        return None
    return _close(row, instance, at, payload, opened.pop(instance, None), options)


def _opens(event: dict[str, Any]) -> tuple[int, str] | None:
    """Return what a session that an event opened is metered by; None where that takes words."""
    row = Row(0)
    gpus = _gpus_of(row, _plain(event.get("payload")))
    return gpus if gpus[0] and not row.errors else None


def _close(
    row: Row,
    instance: str,
    at: datetime,
    payload: dict[str, Any],
    session: Opened | None,
    options: Options,
) -> RowResult:
    if session is None:
        launched = text_at(payload, "launched_at")
        if not launched:
            row.note("instance_id", instance, CellProblem("opened_never"))
            return tuple(row.errors)
        started_at = row.take(
            "launched_at", launched, lambda text: read_instant(text, options.zone), EPOCH
        )
        session = Opened(started_at, payload)
    gpus, models = _gpus_of(row, session.payload)
    cores = _cores(session.payload)
    if resource_of(gpus * 1000, cores * 1000, options) is None:
        return tuple(row.errors) or Skipped(NO_GPU)
    if row.errors:
        return tuple(row.errors)
    job = Job(
        cluster=options.cluster,
        job_id=instance,
        user=text_at(session.payload, "user_id"),
        account=text_at(session.payload, "tenant_id") or text_at(session.payload, "project_id"),
        state="COMPLETED",
        started_at=session.started_at,
        ended_at=at,
        wall_seconds=(at - session.started_at) // timedelta(seconds=1),
        nodes=1,
        cores_thousandths=cores * 1000,
        gpus_thousandths=gpus * 1000,
        models=models,
    )
    return record_of(row, job, options, "openstack", _NAMES)


def _gpus_of(row: Row, payload: dict[str, Any]) -> tuple[int, str]:
    specs = _plain(_plain(payload.get("flavor")).get("extra_specs")) or _plain(
        payload.get("extra_specs")
    )
    aliases = _ALIAS.findall(text_at(specs, "pci_passthrough:alias"))
    if aliases:
        return sum(int(count) for _model, count in aliases), "+".join(
            sorted({model for model, _count in aliases})
        )
    for place in ("resources:PGPU", "resources:VGPU"):
        text = text_at(specs, place)
        if text:
            return row.take("extra_specs", text, _whole, 0), ""
    text = text_at(payload, "gpus")
    return (row.take("gpus", text, _whole, 0) if text else 0), text_at(payload, "gpu_model")


def _cores(payload: dict[str, Any]) -> int:
    text = text_at(payload, "vcpus") or text_at(_plain(payload.get("flavor")), "vcpus")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0


def _plain(value: Any) -> dict[str, Any]:
    """Return an object without the wrapping of Nova's versioned notifications."""
    if not isinstance(value, dict):
        return {}
    inner = value.get("nova_object.data")
    return inner if isinstance(inner, dict) else value


def _unwrapped(event: Any) -> Any:
    """Return an event out of the envelope of oslo.messaging, where it is in one."""
    message = event.get("oslo.message") if isinstance(event, dict) else None
    if not isinstance(message, str):
        return event
    try:
        return json.loads(message, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _looks_like_events(head: Head) -> bool:
    return head.text.startswith(("{", "[")) and _EVENT.search(head.text) is not None


ADAPTER = DocumentAdapter(
    "OPENSTACK", _("OpenStack instance events (JSON)"), _looks_like_events, results
)
