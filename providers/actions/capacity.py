"""Enter a provider's register of capacity: a whole list, which follows the one before it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from common.formatting import day_text
from ledger import actions as ledger
from ledger.actions import Act
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import has_role
from parties.roles import Role
from providers.actions.suspensions import authority_for
from providers.models import CapacityNode, CapacityVersion, Provider
from providers.queries.capacity import Span, capacity_version, steps_of

GPUS_MAX: Final = 100_000
NODE_MAX, CLASS_MAX, REGION_MAX = 80, 24, 80
CHUNK: Final = 2_000


class NodeEntry(NamedTuple):
    """One line of the register: a node's GPUs of one class, from an instant until another."""

    node: str
    resource_class: str
    gpus: int
    region: str
    # None: from the act on.
    from_at: datetime | None
    until_at: datetime | None


class CapacityEmpty(Refused):
    """A register without one entry."""

    code = "capacity_empty"
    sentence = _(
        "Not one node with a GPU is listed. Add one, or give an end to those there are."
    )


class CapacityInvalid(Refused):
    """An entry that no node could have."""

    code = "capacity_invalid"
    sentence = _(
        "Node “%(node)s” can't be registered so: give it a name, a model, a region, 1 to "
        "%(most)s GPUs, and an end after its beginning."
    )


class NodeTwice(Refused):
    """Two entries put one node into one time."""

    code = "node_twice"
    sentence = _(
        "Node “%(node)s” is listed twice for %(day)s. Take one away, or end the earlier one "
        "before the later begins."
    )


class CapacityBackdated(Refused):
    """A later list adds capacity to a time that is over."""

    code = "capacity_backdated"
    sentence = _(
        "This list has more GPUs of %(resource_class)s on %(day)s than were registered then. "
        "Begin new nodes today or later, or ask an officer of the authority to enter them."
    )


@transaction.atomic
def record_capacity(
    *,
    provider: Provider,
    nodes: Sequence[NodeEntry],
    file_name: str = "",
    actor: User,
    at: datetime,
    key: str,
) -> CapacityVersion:
    """Enter the whole register of a provider's nodes; the lists before it stay as they were.

    What a list says of the past counts as well, so the provider itself may not add GPUs to a
    time that is over: only its first list may begin in the past, and an officer may correct a
    later one. Taking away is always allowed.

    :raises NotAllowed: if the person acts neither for the provider nor as an officer of an
        authority that accredited it.
    :raises CapacityEmpty: if there is no entry.
    :raises CapacityInvalid: if an entry can't be right.
    :raises NodeTwice: if a node is listed twice for one time.
    :raises CapacityBackdated: if the provider adds GPUs to a time that is over.
    """
    payload = {"nodes": _digest(nodes), "file": file_name}
    act = _begin(provider, payload, actor, at, key)
    if act.is_replay:
        return CapacityVersion.objects.get(act_id=act.id)
    # Two lists of a provider queue here for the next number.
    Provider.objects.select_for_update().get(pk=provider.pk)
    return _keep(provider, nodes, capacity_version(provider), file_name, actor, act)


@transaction.atomic
def record_node(
    *, provider: Provider, entry: NodeEntry, actor: User, at: datetime, key: str
) -> CapacityVersion:
    """Enter one node more, or other GPUs or days of one: a list like the newest, but for it.

    What the newest list says of the same node ends when the entry begins. The refusals are
    those of `record_capacity`.
    """
    payload = {"node": _digest([entry])}
    act = _begin(provider, payload, actor, at, key)
    if act.is_replay:
        return CapacityVersion.objects.get(act_id=act.id)
    # The newest list is read behind the lock: of two nodes entered at once none is lost.
    Provider.objects.select_for_update().get(pk=provider.pk)
    before = capacity_version(provider)
    nodes = [*_beside(before, entry, entry.from_at or at), entry]
    return _keep(provider, nodes, before, "", actor, act)


def _begin(
    provider: Provider, payload: dict[str, str], actor: User, at: datetime, key: str
) -> Act:
    if not _is_own(provider, actor):
        authority_for(actor, provider)
    return ledger.begin(
        kind=ActKind.RECORD_CAPACITY,
        key=key,
        actor=actor.address,
        about=provider.address,
        at=at,
        payload=payload,
    )


def _is_own(provider: Provider, actor: User) -> bool:
    return has_role(actor, Role.PROVIDER, organisation=provider.organisation)


def _beside(
    before: CapacityVersion | None, entry: NodeEntry, begins: datetime
) -> Iterable[NodeEntry]:
    """Return what a list says of other nodes, and of the same node before the entry begins."""
    if before is None:
        return
    fields = ("node", "resource_class", "gpus", "region", "from_at", "until_at")
    for row in before.nodes.values_list(*fields):
        one = NodeEntry(*row)
        if one.node != entry.node.strip() or (one.until_at and one.until_at <= begins):
            yield one
        elif one.from_at is not None and one.from_at < begins:
            yield one._replace(until_at=begins)


def _keep(
    provider: Provider,
    nodes: Iterable[NodeEntry],
    before: CapacityVersion | None,
    file_name: str,
    actor: User,
    act: Act,
) -> CapacityVersion:
    entries = _checked(nodes, act.at)
    if before is not None and _is_own(provider, actor):
        _require_not_backdated(entries, before, act.at)
    source = CapacityVersion.Source
    version = CapacityVersion.objects.create(
        provider=provider,
        number=before.number + 1 if before else 1,
        source=source.FILE if file_name else source.PAGE,
        file_name=file_name[-120:],
        entries=len(entries),
        gpus=sum(one.gpus for one in entries),
        recorded_by=actor,
        recorded_at=act.at,
        act_id=act.id,
    )
    CapacityNode.objects.bulk_create(
        (CapacityNode(version=version, **one._asdict()) for one in entries), batch_size=CHUNK
    )
    return version


class _Entry(NamedTuple):
    """An entry in order: its texts trimmed, its beginning known."""

    node: str
    resource_class: str
    gpus: int
    region: str
    from_at: datetime
    until_at: datetime | None


def _checked(nodes: Iterable[NodeEntry], at: datetime) -> list[_Entry]:
    entries = [
        _Entry(
            one.node.strip(),
            one.resource_class.strip().upper(),
            one.gpus,
            one.region.strip(),
            one.from_at or at,
            one.until_at,
        )
        for one in nodes
    ]
    if not entries:
        raise CapacityEmpty
    for one in entries:
        is_named = 0 < len(one.node) <= NODE_MAX and 0 < len(one.region) <= REGION_MAX
        is_sized = 0 < len(one.resource_class) <= CLASS_MAX and 0 < one.gpus <= GPUS_MAX
        if not is_named or not is_sized or (one.until_at and one.until_at <= one.from_at):
            raise CapacityInvalid(node=one.node[:NODE_MAX], most=f"{GPUS_MAX:,}")
    entries.sort(key=lambda one: (one.node, one.from_at))
    for one, following in pairwise(entries):
        if one.node == following.node and (
            one.until_at is None or one.until_at > following.from_at
        ):
            day = day_text(day_of(following.from_at))
            raise NodeTwice(node=one.node, day=day)
    return entries


def _digest(entries: Iterable[NodeEntry]) -> str:
    digest = hashlib.sha256()
    for one in entries:
        days = [at.isoformat() if at else "" for at in (one.from_at, one.until_at)]
        fields = (one.node, one.resource_class, str(one.gpus), one.region)
        digest.update("\x1f".join((*fields, *days, "\n")).encode())
    return digest.hexdigest()


def _require_not_backdated(
    entries: Sequence[_Entry], before: CapacityVersion, at: datetime
) -> None:
    """Compare both lists class by class, at each instant that is over."""
    new: dict[str, list[Span]] = defaultdict(list)
    for entry in entries:
        if entry.from_at < at:
            new[entry.resource_class].append((entry.from_at, entry.until_at, entry.gpus))
    old: dict[str, list[Span]] = defaultdict(list)
    found = before.nodes.filter(from_at__lt=at, resource_class__in=list(new))
    for one in found:
        old[one.resource_class].append((one.from_at, one.until_at, one.gpus))
    for resource_class, spans in sorted(new.items()):
        # What is there once more than it was, instant by instant: the new less the old.
        less = [(begins, ends, -gpus) for begins, ends, gpus in old[resource_class]]
        first = min(begins for begins, _ends, _gpus in spans)
        for step in steps_of([*spans, *less], first, at):
            if step.gpus > 0:
                day = day_text(day_of(step.from_at))
                raise CapacityBackdated(resource_class=resource_class, day=day)
