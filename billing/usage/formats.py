"""All formats that are read, one line each; the first that recognises a file reads it."""

from billing.usage import (
    cloud_events,
    focus,
    grid_engine,
    instance_events,
    lsf,
    opencost,
    pbs,
    plain,
    pods,
    profiles,
    sacct,
    usage_record_xml,
)
from billing.usage.adapter import Adapter

# From the most peculiar to the plainest: a header may suit several, a CSV of ours suits last.
ADAPTERS: tuple[Adapter, ...] = (
    cloud_events.ADAPTER,
    instance_events.ADAPTER,
    pods.ADAPTER,
    opencost.ADAPTER,
    usage_record_xml.ADAPTER,
    focus.ADAPTER,
    lsf.ADAPTER,
    pbs.ADAPTER,
    sacct.ADAPTER,
    grid_engine.ADAPTER,
    *profiles.ADAPTERS,
    plain.ADAPTER,
)
CODES: dict[str, Adapter] = {adapter.code: adapter for adapter in ADAPTERS}
