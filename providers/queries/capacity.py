"""How many GPUs a provider has registered, at each instant."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q, QuerySet, Sum

from common.statements import quick_rows
from providers.models import CapacityNode, CapacityVersion, Provider
from providers.queries.accreditation import providers_accredited


class CapacityStep(NamedTuple):
    """So many whole GPUs from an instant until the next step begins."""

    from_at: datetime
    until_at: datetime
    gpus: int


class CapacityTotal(NamedTuple):
    """What is registered of one class in one region at an instant."""

    resource_class: str
    region: str
    providers: int
    nodes: int
    gpus: int


# An entry for the sums: from when, until when (None: without an end), and how many GPUs.
Span = tuple[datetime, datetime | None, int]


def capacity_version(
    provider: Provider, *, as_of: datetime | None = None
) -> CapacityVersion | None:
    """Return the newest version of a provider's register, or the newest by an instant."""
    found = CapacityVersion.objects.filter(provider=provider)
    if as_of is not None:
        found = found.filter(recorded_at__lte=as_of)
    return found.order_by("-number").first()


def capacity_versions_of(provider: Provider) -> QuerySet[CapacityVersion]:
    """Return every version of a provider's register, the newest first."""
    return (
        CapacityVersion.objects.filter(provider=provider)
        .select_related("recorded_by")
        .order_by("-number")
    )


def capacity_in_force(
    provider: Provider,
    resource_class: str,
    from_at: datetime,
    until_at: datetime,
    *,
    as_of: datetime | None = None,
) -> list[CapacityStep]:
    """Return how many GPUs of a class a provider has registered at each instant of a time.

    The steps are in whole GPUs, follow each other without a gap, and fill the time from its
    first instant to before its last; where nothing is registered they say 0. No time at all
    has no steps. Without a class the GPUs of all classes count. `as_of` asks what the register
    said then, instead of what it says now.
    """
    version = capacity_version(provider, as_of=as_of)
    spans: list[Span] = []
    if version is not None:
        found = version.nodes.filter(
            Q(until_at__isnull=True) | Q(until_at__gt=from_at),
            from_at__lt=until_at,
        )
        if resource_class:
            found = found.filter(resource_class=resource_class.upper())
        spans = list(found.values_list("from_at", "until_at", "gpus"))
    return steps_of(spans, from_at, until_at)


HOUR = timedelta(hours=1)
# The newest list's nodes within a time; one row without a node where it has none then.
NEWEST_NODES = """
    select n.resource_class, n.from_at, n.until_at, n.gpus
    from (select id from providers_capacityversion where provider_id = %(provider)s
        order by number desc limit 1) newest
    left join providers_capacitynode n on n.version_id = newest.id and n.from_at < %(until_at)s
        and (n.until_at is null or n.until_at > %(from_at)s)
"""
# A node's class, from when, until when, and its GPUs.
Node = tuple[str | None, datetime, datetime | None, int]


def capacity_by_hour(
    provider: Provider, names: Iterable[str], from_at: datetime, until_at: datetime
) -> dict[tuple[str, datetime], int]:
    """Return what a provider's GPUs can do in each hour, in GPU-milliseconds, by class and hour.

    The time begins and ends on the hour. The classes are those asked for, in any writing of
    their letters; one that the register does not name has none, and where a meter names no
    class, all GPUs count. A provider that never registered anything is not held to it: then
    nothing is returned.
    """
    asked = {"provider": provider.pk, "from_at": from_at, "until_at": until_at}
    nodes: Any = quick_rows(NEWEST_NODES, asked)
    return capacity_of_nodes(nodes, names, from_at, until_at)


def capacity_of_nodes(
    nodes: Sequence[Node], names: Iterable[str], from_at: datetime, until_at: datetime
) -> dict[tuple[str, datetime], int]:
    """Return `capacity_by_hour` of the rows that `NEWEST_NODES` gives for a time."""
    if not nodes:
        return {}
    found: dict[tuple[str, datetime], int] = {}
    for name in names:
        wanted = name.upper()
        spans = [
            (begins, ends, gpus)
            for known, begins, ends, gpus in nodes
            if known is not None and wanted in ("", known)
        ]
        for step in steps_of(spans, from_at, until_at):
            at = step.from_at.replace(minute=0, second=0, microsecond=0)
            while at < step.until_at:
                within = min(step.until_at, at + HOUR) - max(step.from_at, at)
                done = found.get((name, at), 0)
                found[name, at] = done + step.gpus * (within // timedelta(milliseconds=1))
                at += HOUR
    return found


def steps_of(
    spans: Iterable[Span], from_at: datetime, until_at: datetime
) -> list[CapacityStep]:
    """Return the sum of spans at each instant of a time, as steps that differ from each other."""
    if from_at >= until_at:
        return []
    changes: dict[datetime, int] = defaultdict(int)
    for begins, ends, gpus in spans:
        first, last = max(begins, from_at), until_at if ends is None else min(ends, until_at)
        if first < last:
            changes[first] += gpus
            changes[last] -= gpus
    gpus = 0
    places = sorted({from_at, until_at, *changes})
    steps: list[CapacityStep] = []
    for begins, ends in pairwise(places):
        gpus += changes[begins]
        if steps and steps[-1].gpus == gpus:
            steps[-1] = steps[-1]._replace(until_at=ends)
        else:
            steps.append(CapacityStep(begins, ends, gpus))
    return steps


def nodes_at(versions: Iterable[CapacityVersion], at: datetime) -> QuerySet[CapacityNode]:
    """Return the entries of versions that are in force at an instant."""
    return CapacityNode.objects.filter(
        Q(until_at__isnull=True) | Q(until_at__gt=at),
        version__in=[one.pk for one in versions],
        from_at__lte=at,
    )


def capacity_totals(versions: Sequence[CapacityVersion], at: datetime) -> list[CapacityTotal]:
    """Return the GPUs of some versions by class and region at an instant, by class and region."""
    found = (
        nodes_at(versions, at)
        .values("resource_class", "region")
        .annotate(
            providers=Count("version__provider", distinct=True),
            nodes=Count("node"),
            all_gpus=Sum("gpus"),
        )
        .order_by("resource_class", "region")
    )
    return [
        CapacityTotal(
            one["resource_class"],
            one["region"],
            one["providers"],
            one["nodes"],
            one["all_gpus"],
        )
        for one in found
    ]


def capacity_versions_accredited(at: datetime) -> list[CapacityVersion]:
    """Return the newest version of each provider that may sell something at an instant."""
    newest = (
        CapacityVersion.objects.filter(provider__in=providers_accredited(at))
        .values("provider")
        .annotate(newest=Max("number"))
        .values_list("provider", "newest")
    )
    wanted = Q()
    for provider, number in newest:
        wanted |= Q(provider=provider, number=number)
    return list(CapacityVersion.objects.filter(wanted)) if wanted else []
