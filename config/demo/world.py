"""The demo's calendar, its dice, its list of what is to be done when, and who takes part."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from common.days import day_of, start_of
from parties.models import Organisation, User
from providers.models import Offer, Provider
from vouchers.models import Programme, Round

ZONE = "Asia/Shanghai"
DAYS = 273
SMALL_DAY = timedelta(hours=5)

Deed = Callable[[datetime], None]


@dataclass(frozen=True)
class Calendar:
    """From the first day to `until`, in days of the demo; those of the small one are 5 hours."""

    start: datetime
    until: datetime
    day: timedelta

    @classmethod
    def of(cls, until: datetime, *, is_small: bool) -> "Calendar":
        """Return the 273 days that end on the day of `until`."""
        if is_small:
            return cls(until - DAYS * SMALL_DAY - SMALL_DAY / 2, until, SMALL_DAY)
        midnight = start_of(day_of(until, ZONE), ZONE)
        return cls(midnight - timedelta(days=DAYS), until, timedelta(days=1))

    def at(self, day: float) -> datetime:
        """Return the instant of a day of the demo, to the second."""
        return self.start + timedelta(seconds=int(day * self.day.total_seconds()))

    def on(self, day: float, zone: str = ZONE) -> date:
        """Return the date of a day of the demo."""
        return day_of(self.at(day), zone)

    def number(self, at: datetime) -> float:
        """Return which day of the demo an instant belongs to."""
        return (at - self.start) / self.day

    def length(self, days: int) -> int:
        """Return how many real days so many days of the demo take, rounded up."""
        return -(-days * int(self.day.total_seconds()) // 86_400)


@dataclass(frozen=True)
class Applicant:
    """An organisation that applies, its person, and how much of a voucher it tends to use."""

    organisation: Organisation
    person: User
    diligence: int  # percent
    script: str = ""


@dataclass(frozen=True)
class Seller:
    """A provider with its person and offer; `weight` is its share by Zipf's law."""

    organisation: Organisation
    provider: Provider
    person: User
    offer: Offer
    slug: str
    weight: float
    format: str


@dataclass(frozen=True)
class Office:
    """An authority with the people who act for it."""

    organisation: Organisation
    officer: User
    second_officer: User
    finance: tuple[User, User, User]


@dataclass(frozen=True)
class Job:
    """One job as the provider's batch system knows it; `account` is an order's or a voucher's."""

    number: int
    account: str
    started_at: datetime
    ended_at: datetime
    gpus: int
    state: str
    programme: str
    voucher: str

    @property
    def quantity_ms(self) -> int:
        """Return its GPU-milliseconds."""
        return self.gpus * int((self.ended_at - self.started_at).total_seconds()) * 1000


@dataclass
class Shop:
    """What a provider has metered: jobs not reported yet, and those that were."""

    seller: Seller
    waiting: list[Job] = field(default_factory=list)
    reported: list[Job] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1000))


@dataclass(frozen=True)
class Scheme:
    """A programme with the office that runs it, its applicants, providers and rounds."""

    programme: Programme
    office: Office
    applicants: list[Applicant]
    shops: list[Shop]
    rounds: list[Round] = field(default_factory=list)


@dataclass(frozen=True)
class Account:
    """One line of the list of who can sign in."""

    role: str
    name: str
    email: str


@dataclass
class World:
    """Everything that the parts of the demo share."""

    seed: int
    calendar: Calendar
    is_small: bool
    random: Random
    now: datetime
    accounts: list[Account] = field(default_factory=list)
    api_secret: str = ""
    # What is to go wrong with the next bills that are long enough, one each.
    mishaps: list[str] = field(
        default_factory=lambda: [
            "above_meter",
            "sent_twice",
            "objected",
            "above_meter_declined",
            "above_meter_accepted",
        ]
    )
    bank_balance: int = 50_000_000_00
    _agenda: list[tuple[datetime, int, Deed]] = field(default_factory=list)
    _turns: Iterator[int] = field(default_factory=itertools.count)
    _keys: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def make(cls, *, seed: int, until: datetime, is_small: bool) -> "World":
        """Return an empty world on its first day."""
        calendar = Calendar.of(until, is_small=is_small)
        # Dice for a made-up year, so that the same seed makes the same one.
        dice = Random(seed)  # noqa: S311
        return cls(seed, calendar, is_small, dice, calendar.start)

    def key(self) -> str:
        """Return a key that nothing was asked with yet."""
        return f"demo-{self.seed}-{next(self._keys)}"

    def plan(self, at: datetime, deed: Deed) -> None:
        """Do something at an instant, or right now if it has passed; never after `until`."""
        when = max(at, self.now)
        if when <= self.calendar.until:
            heapq.heappush(self._agenda, (when, next(self._turns), deed))

    def plan_on(self, day: float, deed: Deed) -> None:
        """Do something on a day of the demo, in office hours unless the hour is given."""
        hour = 0.0 if day % 1 else self.random.randint(370, 740) / 1000
        self.plan(self.calendar.at(day + hour), deed)

    def today(self) -> int:
        """Return the number of the running day."""
        return int(self.calendar.number(self.now))

    def live(self) -> None:
        """Do all that is planned, in order of time."""
        while self._agenda:
            self.now, _turn, deed = heapq.heappop(self._agenda)
            deed(self.now)
