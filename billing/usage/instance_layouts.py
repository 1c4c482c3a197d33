"""The quick way through streams of instance events: those laid out like one that was decoded."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from billing.usage.job import is_plain_cluster, plain_record
from billing.usage.json_layouts import Path, layout_of
from billing.usage.known import Instants
from billing.usage.options import Options
from billing.usage.record import UsageRecord

_WORD = r"[!#-\[\]-~]{1,60}+"
_WANTED: Mapping[Path, str] = {
    ("timestamp",): r"(?P<at>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.0{1,6}+)?",
    ("payload", "instance_id"): f"(?P<instance>{_WORD})",
    ("payload", "uuid"): f"(?P<uuid>{_WORD})",
    ("payload", "tenant_id"): f"(?P<tenant>{_WORD})",
    ("payload", "project_id"): f"(?P<project>{_WORD})",
}
# What an event is, and what its instance has, stays as it was: nothing else is asked about it.
_FIXED = frozenset[Path](
    [("event_type",)]
    + [("payload", name) for name in ("flavor", "extra_specs", "gpus", "gpu_model", "vcpus")]
)
_LAYOUTS_MAX, _LEARNT_MAX = 16, 32


class Opened(NamedTuple):
    """A session that is open: since when, what its event said, and what it is metered by.

    `plain` is whose it is, its GPUs and their models, where nothing else is to be said of it.
    """

    started_at: datetime
    payload: dict[str, Any]
    plain: tuple[str, int, str] | None = None


class _Layout(NamedTuple):
    pattern: re.Pattern[str]
    payload: dict[str, Any]
    opens: tuple[int, str] | None


# What an event that opens a session comes to.
OPENING = object()


class InstanceLayouts:
    """Reads events laid out like those that were decoded; all others it leaves alone.

    What it says is what is said of a decoded event
    (`tests/billing/usage/test_instance_layouts.py`), at a fraction of the cost.

    :param opened: the sessions that are open, by their instance; kept by either way of reading.
    """

    def __init__(self, options: Options, opened: dict[str, Opened]) -> None:
        self._source, self._cluster = options.source or "openstack", options.cluster
        self._opened = opened
        self._instants = Instants(options.zone)
        self._layouts: list[_Layout] = []
        is_wanted = options.resource != "CPU" and is_plain_cluster(options.cluster)
        self._may_learn = _LEARNT_MAX if is_wanted else 0

    def learn(self, text: str, event: dict[str, Any], opens: tuple[int, str] | None) -> None:
        """Learn how an event is laid out of which nothing was left to be said.

        :param text: the event as it was written.
        :param opens: the GPUs of its instance and their models, if it opens a session.
        """
        payload = event.get("payload")
        if not self._may_learn or not isinstance(payload, dict):
            return
        if "nova_object.data" in payload or "oslo.message" in event:
            return
        self._may_learn -= 1
        pattern = layout_of(text, _WANTED, fixed=_FIXED)
        if pattern is not None:
            layout = _Layout(pattern, payload, opens)
            self._layouts = [layout, *self._layouts[: _LAYOUTS_MAX - 1]]

    def read(self, text: str, at: int, number: int) -> tuple[Any, int] | None:
        """Return what the plain event that begins at a place came to, and where it ends.

        :param number: its row.
        """
        for place, layout in enumerate(self._layouts):
            match = layout.pattern.match(text, at)
            if match is not None:
                if place > 1:
                    self._layouts.insert(0, self._layouts.pop(place))
                result = self._result(layout, match, number)
                return None if result is None else (result, match.end())
        return None

    def _result(self, layout: _Layout, match: re.Match[str], number: int) -> Any:
        said, instance, uuid, tenant, project = match.group(
            "at", "instance", "uuid", "tenant", "project"
        )
        at, name = self._instants.read(said), instance or uuid
        if at is None or not name:
            return None
        if layout.opens is not None:
            if name in self._opened:
                return None
            plain = (tenant or project, *layout.opens)
            payload = {**layout.payload, "tenant_id": tenant, "project_id": project}
            self._opened[name] = Opened(at, payload, plain)
            return OPENING
        return self._closed(name, at, number)

    def _closed(self, name: str, at: datetime, number: int) -> UsageRecord | None:
        session = self._opened.get(name)
        if session is None or session.plain is None:
            return None
        account, gpus, models = session.plain
        record = plain_record(
            self._source,
            self._cluster,
            name,
            account,
            models,
            ("GPU", gpus),
            "COMPLETED",
            (session.started_at, at),
            number,
        )
        if record is not None:
            del self._opened[name]
        return record
