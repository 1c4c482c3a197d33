"""What is owed to one party: each thing that is still open, and what each payment was made of.

All of it follows from the ledger's entries of the party's payable accounts, one for each payer. A
payment, an offset or any other debit pays the oldest of that payer's part that is open first; a
correction takes back the very entry that it names; what the bank sent back is open again as of the
day when it first was; and what goes from one payer's account to another's is owed as before.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import F, QuerySet

from billing.models import Funder
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
    """Something that is owed and not yet paid: since when, from which act, and how much is left.

    `account` is that of the payer who owes it, the entry's own or where it went on to.
    """

    entry: Moved
    left: int
    account: str


@dataclass(slots=True)
class Paid:
    """What one payment was made of: entries and the part of each, oldest first.

    Of its units the first `returned` came back from the bank.
    """

    entry: Moved
    parts: list[tuple[Moved, int]] = field(default_factory=list)
    returned: int = 0


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
    owed, history = Owed(), list(entries)
    shared = _shared(history)
    for entry in history:
        if entry.flow == Flow.APPORTION:
            continue
        if entry.reversed_id is not None:
            _take_back(owed, entry, shared[entry.act_id])
        elif entry.flow == Flow.RETURN_PAYMENT:
            _give_back(owed, entry)
        elif entry.amount > 0:
            _open(owed, entry, shared[entry.act_id])
        else:
            parts = _consume(owed, entry.account, -entry.amount)
            owed.debits[entry.transfer_id] = Paid(entry, parts)
    return owed


@dataclass(slots=True)
class _Shared:
    """What an act moved from one payer's account to another's, and how much of it is not told."""

    source: str
    target: str
    left: int


def _shared(history: Sequence[Moved]) -> defaultdict[int, list[_Shared]]:
    """Return what each act moved among payers; both sides of a move are in the history."""
    targets = {one.transfer_id: one.account for one in history if one.amount > 0}
    found: defaultdict[int, list[_Shared]] = defaultdict(list)
    for one in history:
        if one.flow == Flow.APPORTION and one.amount < 0:
            target = targets[one.transfer_id]
            found[one.act_id].append(_Shared(one.account, target, -one.amount))
    return found


def _open(owed: Owed, entry: Moved, shared: list[_Shared]) -> None:
    """Open what is owed: what its act shared out by who owes it, and the rest where it is."""
    left = entry.amount
    while left and shared and shared[0].source == entry.account:
        part = min(left, shared[0].left)
        owed.open_items.append(OpenItem(entry, part, shared[0].target))
        left -= part
        shared[0].left -= part
        if not shared[0].left:
            del shared[0]
    if left:
        owed.open_items.append(OpenItem(entry, left, entry.account))


def _consume(
    owed: Owed, account: str, amount: int, first: int | None = None
) -> list[tuple[Moved, int]]:
    """Take an amount off what is open of an account, the oldest first; return what it was of.

    :param first: the transfer of which it is taken before all others.
    """
    parts: list[tuple[Moved, int]] = []
    items = [item for item in owed.open_items if item.account == account]
    if first is not None:
        items.sort(key=lambda item: item.entry.transfer_id != first)
    for item in items:
        part = min(item.left, amount)
        if part:
            item.left -= part
            amount -= part
            parts.append((item.entry, part))
    owed.open_items = [item for item in owed.open_items if item.left]
    return parts


def _take_back(owed: Owed, entry: Moved, shared: list[_Shared]) -> None:
    """Correct an entry: first what is open of it, then the oldest of the rest.

    What its act first brought back from other payers' accounts is theirs to owe no more.
    """
    if entry.amount > 0:  # the correction of a debit
        owed.open_items.append(OpenItem(entry, entry.amount, entry.account))
        return
    left = -entry.amount
    for one in shared:
        if one.target == entry.account:
            part = min(left, one.left)
            _consume(owed, one.source, part, entry.reversed_id)
            one.left -= part
            left -= part
    _consume(owed, entry.account, left, entry.reversed_id)


def _give_back(owed: Owed, entry: Moved) -> None:
    """Open again what a returned payment was made of, its first units, as old as it was before."""
    left = entry.amount
    sent = [
        one
        for one in owed.debits.values()
        if one.entry.flow == Flow.INSTRUCT and one.entry.ref == entry.ref
    ]
    for paid in sent[-1:]:
        skipped = paid.returned
        for one, whole in paid.parts:
            part = min(max(whole - skipped, 0), left)
            skipped = max(skipped - whole, 0)
            if part:
                owed.open_items.append(OpenItem(one, part, entry.account))
                paid.returned += part
                left -= part
    if left:
        owed.open_items.append(OpenItem(entry, left, entry.account))
    owed.open_items.sort(key=lambda item: (item.entry.at, item.entry.transfer_id))


# --- accounts --------------------------------------------------------------------------------


def payables_by_party(programme: Programme) -> dict[str, list[str]]:
    """Return the addresses of what a programme owes each party, one a payer, by party code."""
    kinds = tuple(programme.account(kind, "") for kind in PAYABLE_KINDS)
    found: dict[str, list[str]] = defaultdict(list)
    for one in accounts_found(f"payable:{programme.code}:"):
        if one.address.startswith(kinds):
            found[one.address.rpartition(":")[2]].append(one.address)
    return found


def payable_accounts(programme: Programme, party: Organisation) -> list[str]:
    """Return the addresses of what a programme owes a party, as a provider or a beneficiary.

    What each payer owes who was ever named is among them.
    """
    return list(_accounts([(programme, party)]))


def owed_to(
    pairs: Iterable[tuple[Programme, Organisation]],
) -> dict[tuple[int, int], Owed]:
    """Return what programmes owe to parties now, and how it was paid, by the keys of both."""
    accounts = _accounts(list(pairs))
    entries: dict[tuple[int, int], list[Moved]] = defaultdict(list)
    for one in moved_before(accounts, None) if accounts else []:
        entries[accounts[one.account]].append(one)
    return {pair: owed_after(history) for pair, history in entries.items()}


def _accounts(
    pairs: Sequence[tuple[Programme, Organisation]],
) -> dict[str, tuple[int, int]]:
    """Return all payables of parties in programmes, each with the keys of both."""
    payers: defaultdict[int, set[str]] = defaultdict(set)
    named = Funder.objects.filter(programme__in={programme.pk for programme, _party in pairs})
    for programme, code in named.exclude(payer=F("programme__authority")).values_list(
        "programme", "payer__code"
    ):
        payers[programme].add(code)
    return {
        programme.account(kind, *payer, party.code): (programme.pk, party.pk)
        for programme, party in pairs
        for kind in PAYABLE_KINDS
        for payer in [(), *((code,) for code in sorted(payers[programme.pk]))]
    }


def parties_owed(
    programme: Programme, among: QuerySet[Organisation] | None = None
) -> list[Organisation]:
    """Return the parties to whom a programme ever owed something, by name; of some, or of all."""
    parties = Organisation.objects.all() if among is None else among
    found = parties.filter(code__in=payables_by_party(programme))
    return list(found.order_by("name", "pk"))


def amount_owed(programme: Programme, party: Organisation) -> int:
    """Return what a programme owes a party now, of all its payers, in minor units."""
    found = balances(payable_accounts(programme, party))
    return sum(one.net for one in found.values())


def was_owed(programme: Programme, party: Organisation) -> bool:
    """Say whether a programme ever owed a party something."""
    return bool(balances(payable_accounts(programme, party)))


def _moves_of(addresses: Collection[str], programme: Programme, on: date) -> list[Moved]:
    return moved_before(addresses, end_of(on, programme.zone))


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
    # From one payer to another nothing is added or paid.
    entries = [
        one
        for one in _moves_of(payable_accounts(programme, party), programme, until_on)
        if one.flow != Flow.APPORTION
    ]
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
    entries = _moves_of(payable_accounts(programme, party), programme, on)
    return _aged(programme, party, entries, on)


def aged_by_party(programme: Programme, on: date) -> list[Aged]:
    """Return all that a programme owes at the end of a day, a row for each party that it owes."""
    addresses = payables_by_party(programme)
    parties = Organisation.objects.filter(code__in=addresses).order_by("name", "pk")
    entries: dict[str, list[Moved]] = defaultdict(list)
    everything = [one for of_party in addresses.values() for one in of_party]
    for one in _moves_of(everything, programme, on):
        entries[one.account.rpartition(":")[2]].append(one)
    found = (_aged(programme, party, entries[party.code], on) for party in parties)
    return [aged for aged in found if aged.total]


def _aged(programme: Programme, party: Organisation, entries: list[Moved], on: date) -> Aged:
    items: dict[int, OpenItem] = {}
    for one in owed_after(entries).open_items:
        # What several payers owe of one settlement is one thing to whom it is owed.
        first = items.setdefault(one.entry.transfer_id, one)
        if first is not one:
            first.left += one.left
    found = tuple(items.values())
    return Aged(programme, party, by_age(found, on, programme.zone), found)


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
    """Return what a payment was made of, by act, and what was offset since the one before it.

    Of what the payment's own payer owed and offset: another one's part is another payment's.
    """
    owed = owed_after(moved_before(payable_accounts(programme, party), None))
    made = [one for one in owed.debits.values() if one.entry.flow == Flow.INSTRUCT]
    asked = next((one for one in made if one.entry.ref == end_to_end_id), None)
    if asked is None:
        return [], []
    offsets: list[Moved] = []
    for paid in owed.debits.values():
        if paid is asked:
            break
        if paid.entry.account == asked.entry.account:
            if paid.entry.flow == Flow.OFFSET:
                offsets.append(paid.entry)
            elif paid.entry.flow == Flow.INSTRUCT:
                offsets = []
    return _by_act(asked.parts), offsets


def _by_act(parts: Iterable[tuple[Moved, int]]) -> list[tuple[Moved, int]]:
    """Join the parts of one act: a settlement makes an entry for each of its orders."""
    joined: dict[int, tuple[Moved, int]] = {}
    for entry, part in parts:
        first, sum_before = joined.get(entry.act_id, (entry, 0))
        joined[entry.act_id] = (first, sum_before + part)
    return list(joined.values())
