"""The ledger in plain Python: what it must answer to each request, and what stands where, when.

It knows no database and no clock, and keeps nothing but a list of entries: slow, short and easy
to believe. A request is a value, `Model.answer` tells what must come of it in the words of the
ledger's own refusals, and a request that is refused changes nothing.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ledger.kinds import ACCOUNT_KINDS, FLOWS, AccountKind, Flow

DONE, REPLAYED = "done", "replayed"
KEY_REUSED, NO_SUCH_ROAD, NOT_ENOUGH = "key_reused", "no_such_road", "not_enough"
HOLD_CLOSED, NOT_REVERSIBLE = "hold_closed", "not_reversible"

FOREVER = datetime.max.replace(tzinfo=UTC)
GUARD = {row.kind: row.guard for row in ACCOUNT_KINDS}
KEPT = {row.kind for row in ACCOUNT_KINDS if row.is_kept}


@dataclass(frozen=True)
class Request:
    """What somebody asks, at an instant; the key makes it happen once for its kind of request."""

    key: str
    at: datetime

    @property
    def content(self) -> str:
        """All that makes another request of it; asked later, it is still the same one."""
        return repr(replace(self, key="", at=FOREVER))


@dataclass(frozen=True)
class Move:
    """Value on its way from a debited to a credited account, named by address."""

    flow: Flow
    debit: str
    credit: str
    amount: int


@dataclass(frozen=True)
class Open(Request):
    """Open an account."""

    address: str
    kind: AccountKind
    unit: str


@dataclass(frozen=True)
class Post(Request):
    """Move value now."""

    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Hold(Request):
    """Set value aside; the hold is named by the key of this request."""

    move: Move
    expires_at: datetime


@dataclass(frozen=True)
class Take:
    """How much of a hold is captured; a final one frees what is left."""

    hold: str
    amount: int
    is_final: bool


@dataclass(frozen=True)
class Capture(Request):
    """Turn held value into posted moves."""

    takes: tuple[Take, ...]


@dataclass(frozen=True)
class Release(Request):
    """Free what is left of holds."""

    holds: tuple[str, ...]


@dataclass(frozen=True)
class Lapse(Request):
    """Free what is left of holds whose time has passed."""

    holds: tuple[str, ...]


@dataclass(frozen=True)
class Reverse(Request):
    """Undo what a request moved: its only or first move is number 0, and so on."""

    made_by: str
    number: int


class Refusal(Exception):
    """The request is refused, with the ledger's own code."""


@dataclass(frozen=True)
class Entry:
    """What one request does to one account."""

    at: datetime
    address: str
    debit: int = 0
    credit: int = 0
    pending: int = 0


@dataclass
class Held:
    """A hold and what is left of it."""

    move: Move
    expires_at: datetime
    remaining: int


class Model:
    """A book of accounts, its entries in the order in which they were made, and its holds."""

    def __init__(self) -> None:
        self.accounts: dict[str, tuple[AccountKind, str]] = {}
        self.entries: list[Entry] = []
        self.holds: dict[str, Held] = {}
        # What was moved by which request, and not reversed since.
        self.moved: dict[tuple[str, int], Move] = {}
        self.done: dict[tuple[type[Request], str], str] = {}
        self.blocks = 0
        self.is_sealed = True

    def answer(self, request: Request) -> str:
        """Do what is asked, or nothing at all; return `DONE`, `REPLAYED` or a refusal's code."""
        name = (type(request), request.key)
        if name in self.done:
            return REPLAYED if self.done[name] == request.content else KEY_REUSED
        try:
            self._do(request)
        except Refusal as refusal:
            return str(refusal)
        self.done[name] = request.content
        self.is_sealed = False
        return DONE

    def seal(self) -> int | None:
        """Return the number of the new block, or nothing where all is sealed."""
        if self.is_sealed:
            return None
        self.blocks += 1
        self.is_sealed = True
        return self.blocks

    def totals(self, at: datetime = FOREVER) -> dict[str, tuple[int, int, int]]:
        """Return debit, credit and pending of every account after everything up to an instant."""
        return _totals(self.accounts, [one for one in self.entries if one.at <= at])

    def _do(self, request: Request) -> None:
        match request:
            case Open():
                self._open(request)
            case Post():
                self._post(request)
            case Hold():
                self._hold(request)
            case Capture(takes=takes):
                self._capture(request, takes)
            case Release(holds=holds):
                self._capture(request, [Take(hold, 0, is_final=True) for hold in holds])
            case Lapse(holds=holds):
                self._lapse(request, holds)
            case Reverse():
                self._reverse(request)

    def _open(self, request: Open) -> None:
        wanted = (request.kind, request.unit)
        if self.accounts.setdefault(request.address, wanted) != wanted:
            raise Refusal(NO_SUCH_ROAD)

    def _post(self, request: Post) -> None:
        for move in request.moves:
            self._require_road(move)
        self._enter([entry for move in request.moves for entry in _posted(request.at, move)])
        for number, move in enumerate(request.moves):
            self.moved[request.key, number] = move

    def _hold(self, request: Hold) -> None:
        move = request.move
        self._require_road(move)
        if self.accounts[move.debit][0] not in KEPT:
            raise Refusal(NO_SUCH_ROAD)
        self._enter([Entry(request.at, move.debit, pending=move.amount)])
        self.holds[request.key] = Held(move, request.expires_at, move.amount)

    def _lapse(self, request: Lapse, holds: tuple[str, ...]) -> None:
        if any(
            self.holds[hold].expires_at > request.at for hold in holds if hold in self.holds
        ):
            raise Refusal(HOLD_CLOSED)
        self._capture(request, [Take(hold, 0, is_final=True) for hold in holds])

    def _capture(self, request: Request, takes: list[Take] | tuple[Take, ...]) -> None:
        names = [take.hold for take in takes]
        for take in takes:
            held = self.holds.get(take.hold)
            if (
                held is None
                or not 0 < held.remaining >= take.amount
                or names.count(take.hold) > 1
            ):
                raise Refusal(HOLD_CLOSED)
        for number, take in enumerate(takes):
            held = self.holds[take.hold]
            freed = held.remaining if take.is_final else take.amount
            held.remaining -= freed
            self._enter([Entry(request.at, held.move.debit, pending=-freed)])
            if take.amount:
                move = replace(held.move, amount=take.amount)
                self._enter(_posted(request.at, move))
                self.moved[request.key, number] = move

    def _reverse(self, request: Reverse) -> None:
        move = self.moved.get((request.made_by, request.number))
        if move is None:
            raise Refusal(NOT_REVERSIBLE)
        self._enter(_posted(request.at, replace(move, debit=move.credit, credit=move.debit)))
        del self.moved[request.made_by, request.number]

    def _require_road(self, move: Move) -> None:
        debit, credit = self.accounts.get(move.debit), self.accounts.get(move.credit)
        is_known = debit is not None and credit is not None
        if not is_known or debit[1] != credit[1]:
            raise Refusal(NO_SUCH_ROAD)
        if (move.flow, debit[0], credit[0]) not in FLOWS:
            raise Refusal(NO_SUCH_ROAD)
        if move.debit.split(":")[1] != move.credit.split(":")[1]:
            raise Refusal(NO_SUCH_ROAD)

    def _enter(self, entries: list[Entry]) -> None:
        """Keep entries, unless an account would fall below what its guard allows."""
        after = _totals(self.accounts, self.entries + entries)
        for entry in entries:
            debit, credit, pending = after[entry.address]
            guard = GUARD[self.accounts[entry.address][0]]
            if (guard == 1 and debit + pending > credit) or (guard == -1 and credit > debit):
                raise Refusal(NOT_ENOUGH)
        self.entries += entries


def _posted(at: datetime, move: Move) -> list[Entry]:
    return [
        Entry(at, move.debit, debit=move.amount),
        Entry(at, move.credit, credit=move.amount),
    ]


def _totals(
    accounts: dict[str, tuple[AccountKind, str]], entries: list[Entry]
) -> dict[str, tuple[int, int, int]]:
    totals = defaultdict(lambda: [0, 0, 0])
    for entry in entries:
        of_account = totals[entry.address]
        of_account[0] += entry.debit
        of_account[1] += entry.credit
        of_account[2] += entry.pending
    return {address: tuple(totals[address]) for address in accounts}
