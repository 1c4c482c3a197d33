"""What is owed to one party: each thing that is still open, and what each payment was made of.

All of it follows from the ledger's entries of the party's payable accounts. A payment, an offset
or any other debit pays the oldest that is open first; a correction takes back the very entry
that it names; and what the bank sent back is open again as of the day when it first was.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from common.days import day_of, end_of
from ledger.kinds import Flow
from ledger.queries import accounts_found, balances
from ledger.queries.entries import Moved, moved_before
from parties.models import Organisation
from vouchers.models import Programme

PAYABLE_KINDS = ("provider_payable", "beneficiary_payable")
# The oldest a thing may be, in days, to stand in each column; what is older stands in the last.
AGES = (30, 60, 90)


@dataclass(slots=True)
class OpenItem:
    """Something that is owed and not yet paid: since when, from which act, and how much is left."""

    entry: Moved
    left: int


@dataclass(slots=True)
class Paid:
    """What one payment was made of: entries and the part of each, oldest first."""

    entry: Moved
    parts: list[tuple[Moved, int]] = field(default_factory=list)


@dataclass(slots=True)
class Owed:
    """Everything open after some entries, and the payments and offsets among them by transfer.

    What is open adds up to the sum of the entries, in minor units.
    """

    open_items: list[OpenItem] = field(default_factory=list)
    debits: dict[int, Paid] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All that is open."""
        return sum(item.left for item in self.open_items)


def owed_after(entries: Iterable[Moved]) -> Owed:
    """Return what is open after a history of one party's payable accounts, oldest first."""
    owed = Owed()
    for entry in entries:
        if entry.reversed_id is not None:
            _take_back(owed, entry)
        elif entry.flow == Flow.RETURN_PAYMENT:
            _give_back(owed, entry)
        elif entry.amount > 0:
            owed.open_items.append(OpenItem(entry, entry.amount))
        else:
            owed.debits[entry.transfer_id] = Paid(entry, _consume(owed, -entry.amount))
    return owed


def _consume(owed: Owed, amount: int) -> list[tuple[Moved, int]]:
    """Take an amount off what is open, the oldest first; return what it was taken off."""
    parts: list[tuple[Moved, int]] = []
    for item in owed.open_items:
        part = min(item.left, amount)
        if part:
            item.left -= part
            amount -= part
            parts.append((item.entry, part))
    owed.open_items = [item for item in owed.open_items if item.left]
    return parts


def _take_back(owed: Owed, entry: Moved) -> None:
    """Correct an entry: first what is open of it, then the oldest of the rest."""
    if entry.amount > 0:  # the correction of a debit
        owed.open_items.append(OpenItem(entry, entry.amount))
        return
    amount = -entry.amount
    for item in owed.open_items:
        if item.entry.transfer_id == entry.reversed_id:
            part = min(item.left, amount)
            item.left -= part
            amount -= part
    owed.open_items = [item for item in owed.open_items if item.left]
    _consume(owed, amount)


def _give_back(owed: Owed, entry: Moved) -> None:
    """Open again what a returned payment was made of, as old as it was before."""
    sent = [
        one
        for one in owed.debits.values()
        if one.entry.flow == Flow.INSTRUCT and one.entry.ref == entry.ref
    ]
    parts = sent[-1].parts if sent else []
    if sum(part for _entry, part in parts) != entry.amount:
        owed.open_items.append(OpenItem(entry, entry.amount))
        return
    owed.open_items += [OpenItem(one, part) for one, part in parts]
    owed.open_items.sort(key=lambda item: (item.entry.at, item.entry.transfer_id))


# --- accounts --------------------------------------------------------------------------------


def payable_accounts(programme: Programme, party: Organisation) -> list[str]:
    """Return the addresses of what a programme owes a party, as a provider or a beneficiary."""
    return [programme.account(kind, party.code) for kind in PAYABLE_KINDS]


def balances_owed(programme: Programme) -> list[tuple[Organisation, int]]:
    """Return the parties to whom a programme ever owed something, by name, and what it owes now."""
    kinds = tuple(programme.account(kind, "") for kind in PAYABLE_KINDS)
    found = (one.address for one in accounts_found(f"payable:{programme.code}:"))
    owed: dict[str, int] = defaultdict(int)
    for address, balance in balances(one for one in found if one.startswith(kinds)).items():
        owed[address.rpartition(":")[2]] += balance.net
    parties = Organisation.objects.filter(code__in=owed).order_by("name", "pk")
    return [(party, owed[party.code]) for party in parties]


def was_owed(programme: Programme, party: Organisation) -> bool:
    """Say whether a programme ever owed a party something."""
    return bool(balances(payable_accounts(programme, party)))


@dataclass(frozen=True, slots=True)
class Statement:
    """One party's account with a programme from a day until a day, both included.

    `opening` and all movements make `closing`, in minor units.
    """

    programme: Programme
    party: Organisation
    from_on: date
    until_on: date
    opening: int
    movements: tuple[Moved, ...]

    @property
    def closing(self) -> int:
        """What was owed at the end of the last day."""
        return self.opening + sum(one.amount for one in self.movements)

    def sum_of(self, *flows: Flow, is_credit: bool | None = None) -> int:
        """Return what moved on some roads, of credits or debits alone where it is said."""
        return sum(
            one.amount
            for one in self.movements
            if one.flow in flows and is_credit in (None, one.amount > 0)
        )


def statement_of_account(
    programme: Programme, party: Organisation, from_on: date, until_on: date
) -> Statement:
    """Return what a programme owed a party before, what moved in some days, and what it owes after.

    Days are the programme's. What is given to the bank is no longer owed; what it sends back is.
    """
    entries = moved_before(payable_accounts(programme, party), end_of(until_on, programme.zone))
    before = [one for one in entries if day_of(one.at, programme.zone) < from_on]
    return Statement(
        programme,
        party,
        from_on,
        until_on,
        sum(one.amount for one in before),
        tuple(entries[len(before) :]),
    )


@dataclass(frozen=True, slots=True)
class Aged:
    """What a programme owes a party as of a day, by age: one amount for each column of `AGES`."""

    programme: Programme
    party: Organisation
    by_age: tuple[int, ...]
    items: tuple[OpenItem, ...]

    @property
    def total(self) -> int:
        """All that is owed."""
        return sum(self.by_age)


def age_in_days(item: OpenItem, on: date, zone: str) -> int:
    """Return for how many days a thing has been owed at the end of a day."""
    return (on - day_of(item.entry.at, zone)).days


def aged_payables(programme: Programme, party: Organisation, on: date) -> Aged:
    """Return what is owed to a party at the end of a day, by how long it has been."""
    entries = moved_before(payable_accounts(programme, party), end_of(on, programme.zone))
    return _aged(programme, party, entries, on)


def aged_by_party(programme: Programme, on: date) -> list[Aged]:
    """Return all that a programme owes at the end of a day, a row for each party that it owes."""
    parties = {party.code: party for party, _now in balances_owed(programme)}
    addresses = [
        one for party in parties.values() for one in payable_accounts(programme, party)
    ]
    entries: dict[str, list[Moved]] = defaultdict(list)
    for one in moved_before(addresses, end_of(on, programme.zone)):
        entries[one.account.rpartition(":")[2]].append(one)
    found = (_aged(programme, parties[code], entries[code], on) for code in parties)
    return [aged for aged in found if aged.total]


def _aged(programme: Programme, party: Organisation, entries: list[Moved], on: date) -> Aged:
    items = owed_after(entries).open_items
    return Aged(programme, party, by_age(items, on, programme.zone), tuple(items))


def by_age(items: Sequence[OpenItem], on: date, zone: str) -> tuple[int, ...]:
    """Return the sums of what is open, 0–30, 31–60, 61–90 and over 90 days old."""
    sums = [0] * (len(AGES) + 1)
    for item in items:
        age = age_in_days(item, on, zone)
        column = sum(age > most for most in AGES)
        sums[column] += item.left
    return tuple(sums)


def payment_parts(
    programme: Programme, party: Organisation, end_to_end_id: str
) -> tuple[list[tuple[Moved, int]], list[Moved]]:
    """Return what a payment was made of, by act, and what was offset since the one before it."""
    owed = owed_after(moved_before(payable_accounts(programme, party), None))
    offsets: list[Moved] = []
    for paid in owed.debits.values():
        if paid.entry.flow == Flow.OFFSET:
            offsets.append(paid.entry)
        elif paid.entry.flow == Flow.INSTRUCT:
            if paid.entry.ref == end_to_end_id:
                return _by_act(paid.parts), offsets
            offsets = []
    return [], []


def _by_act(parts: Iterable[tuple[Moved, int]]) -> list[tuple[Moved, int]]:
    """Join the parts of one act: a settlement makes an entry for each of its orders."""
    joined: dict[int, tuple[Moved, int]] = {}
    for entry, part in parts:
        first, sum_before = joined.get(entry.act_id, (entry, 0))
        joined[entry.act_id] = (first, sum_before + part)
    return list(joined.values())
