"""Who is one undertaking with whom, and who is related: the graph of who owns and controls whom.

Links come from the newest answer of a register of ownership about each organisation here; ends
of links may be organisations that nobody registered here. A link counts however old its answer
is: what was known to be held is held until a register says otherwise.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from heapq import heappop, heappush
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q

from parties.kinds import Control, Register
from parties.models import Organisation, OwnershipLink, RegisterAnswer
from parties.registers import Identifier

MAJORITY = Decimal("0.5")


class Hold(NamedTuple):
    """One end of a link holds a share of the votes of the other, or controls it otherwise."""

    owner: Identifier
    owned: Identifier
    share: Decimal
    control: str = Control.VOTES

    def controls(self, above: Decimal) -> bool:
        """Say whether the owner controls the owned: by more votes than that, or otherwise.

        Source: Regulation (EU) 2023/2831, article 2(2): a majority of the votes, the right to
        appoint the management, a dominant influence, or control by agreement.
        """
        return self.control != Control.VOTES or self.share > above

    @property
    def weight(self) -> Fraction:
        """The part of the owned that the owner has; all of it where it controls by right."""
        return Fraction(1) if self.control != Control.VOTES else Fraction(self.share)


def identifier_of(organisation: Organisation) -> Identifier:
    """Return the number that registers know an organisation by."""
    return Identifier(organisation.identifier_scheme, organisation.identifier)


def undertaking_of(
    organisation: Organisation, above: Decimal = MAJORITY, *, at: datetime
) -> frozenset[int]:
    """Return the organisations here that are one undertaking with one, itself included.

    They are those that control by more than a share of the votes, or by right, connects in
    any number of steps, upwards or downwards. As it was known at an instant.
    """
    members = members_of(organisation, above, at=at)
    return frozenset({organisation.pk, *_pks_of(members)})


def members_of(
    organisation: Organisation, above: Decimal = MAJORITY, *, at: datetime
) -> frozenset[Identifier]:
    """Return the numbers of all of an undertaking, registered here or not."""
    start = identifier_of(organisation)
    controls = Q(share__gt=above) | ~Q(control=Control.VOTES)
    return connected(_holds_around([start], controls, at), start, above)


def are_related(
    one: Organisation, other: Organisation, at_least: Decimal, *, at: datetime
) -> bool:
    """Say whether one holds at least a share of the other, or a third holds it of both.

    A share that is held through others is the product of the shares on the way; of several
    ways the greatest counts.
    """
    first, second = identifier_of(one), identifier_of(other)
    # Each share on a way is at least the way's product, so smaller ones lead nowhere.
    matters = Q(share__gte=at_least) | ~Q(control=Control.VOTES)
    holds = _holds_around([first, second], matters, at)
    return is_shared(holds, first, second, at_least)


def partners_of(
    members: Collection[Identifier], at_least: Decimal, *, at: datetime
) -> dict[Identifier, Decimal]:
    """Return who outside an undertaking holds, or is held, from a share on; with that share."""
    found: dict[Identifier, Decimal] = {}
    for hold in _holds_of(members, Q(share__gte=at_least), at):
        for near, far in ((hold.owner, hold.owned), (hold.owned, hold.owner)):
            if near in members and far not in members:
                found[far] = max(hold.share, found.get(far, hold.share))
    return found


def organisations_by(numbers: Iterable[Identifier]) -> dict[Identifier, Organisation]:
    """Return the organisations here that have one of these numbers."""
    wanted = set(numbers)
    found = Organisation.objects.filter(identifier__in=[one.number for one in wanted])
    return {
        identifier_of(one): one for one in found.order_by("pk") if identifier_of(one) in wanted
    }


def _pks_of(numbers: Iterable[Identifier]) -> set[int]:
    return {one.pk for one in organisations_by(numbers).values()}


# --- the graph by itself ---------------------------------------------------------------------


def connected(
    holds: Iterable[Hold], start: Identifier, above: Decimal
) -> frozenset[Identifier]:
    """Return all that control connects with a start, itself included."""
    beside: dict[Identifier, set[Identifier]] = defaultdict(set)
    for hold in holds:
        if hold.controls(above):
            beside[hold.owner].add(hold.owned)
            beside[hold.owned].add(hold.owner)
    seen, ahead = {start}, [start]
    while ahead:
        new = beside[ahead.pop()] - seen
        seen |= new
        ahead += new
    return frozenset(seen)


def is_shared(
    holds: Iterable[Hold], one: Identifier, other: Identifier, at_least: Decimal
) -> bool:
    """Say whether anybody, one of the two included, holds at least a share of both."""
    owners: dict[Identifier, list[Hold]] = defaultdict(list)
    for hold in holds:
        owners[hold.owned].append(hold)
    least = Fraction(at_least)
    above_one, above_other = (_held_of(end, owners, least) for end in (one, other))
    return not above_one.isdisjoint(above_other)


def _held_of(
    end: Identifier, owners: Mapping[Identifier, list[Hold]], least: Fraction
) -> set[Identifier]:
    """Return who holds at least a part of an end; the greatest products are settled first.

    No part is more than the whole, so going round a cycle never makes a product greater.
    """
    settled: set[Identifier] = set()
    ahead = [(-Fraction(1), end)]
    while ahead:
        part, here = heappop(ahead)
        if here in settled:
            continue
        settled.add(here)
        for hold in owners.get(here, ()):
            if -part * hold.weight >= least:
                heappush(ahead, (part * hold.weight, hold.owner))
    return settled


# --- reading it ------------------------------------------------------------------------------


def _holds_around(start: Iterable[Identifier], which: Q, at: datetime) -> set[Hold]:
    """Return the links of a kind that are connected with a start, read ring by ring."""
    seen, ring, found = set(start), set(start), set()
    while ring:
        new = _holds_of(ring, which, at)
        found |= new
        ring = {end for hold in new for end in (hold.owner, hold.owned)} - seen
        seen |= ring
    return found


def _holds_of(ends: Collection[Identifier], which: Q, at: datetime) -> set[Hold]:
    numbers = [end.number for end in ends]
    newer = RegisterAnswer.objects.filter(
        Q(asked_at__gt=OuterRef("answer__asked_at"))
        | Q(asked_at=OuterRef("answer__asked_at"), pk__gt=OuterRef("answer_id")),
        organisation=OuterRef("answer__organisation_id"),
        register=Register.OWNERSHIP,
        asked_at__lte=at,
    )
    links = OwnershipLink.objects.filter(
        which,
        ~Exists(newer),
        Q(owner_identifier__in=numbers) | Q(owned_identifier__in=numbers),
        answer__asked_at__lte=at,
    )
    holds = {
        Hold(
            Identifier(link.owner_scheme, link.owner_identifier),
            Identifier(link.owned_scheme, link.owned_identifier),
            link.share,
            link.control,
        )
        for link in links
    }
    # The same digits may be two organisations' in two schemes.
    return {hold for hold in holds if hold.owner in ends or hold.owned in ends}
