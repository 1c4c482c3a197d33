"""What a row's account leads to, and what keeps a row from being recorded there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter

from billing.actions import binary_rows as binary
from billing.actions.bills import AMOUNT_MAX
from billing.actions.places import Place, places_of
from billing.queries import pricer
from billing.reasons import UnrecordedRow
from billing.usage.record import RowError, UsageRecord
from common.days import day_of, start_of
from policy.metering import MeteringRule
from providers.models import Provider
from vouchers.queries import metering_rules

QUANTITY_MS_MAX = 10**15
# The longest texts that a usage line keeps, and the columns that they come from.
KEY_LENGTH, CLASS_LENGTH, STATE_LENGTH = 160, 24, 24
LENGTHS = {
    "key": ("job_id", KEY_LENGTH),
    "resource_class": ("class", CLASS_LENGTH),
    "state": ("state", STATE_LENGTH),
    "device": ("device", 400),
}
DEVICE_LENGTH = 120
# How far a meter's clock may be ahead of ours.
CLOCK_AHEAD = timedelta(hours=1)
# A file has as many accounts as a provider has orders; a hostile one has as many as rows.
_DESKS_KEPT_MAX = 5_000
_CLASSES_KEPT_MAX = 1_000
_account = attrgetter("account")


def plain_class(name: str) -> str:
    """Return a class as it is compared: `NVIDIA H100-80G` and `h100_80g` are one."""
    words = name.casefold().replace("_", " ").replace("-", " ").split()
    return "".join(word for word in words if word not in ("nvidia", "gpu"))


@dataclass(frozen=True, slots=True)
class LateWindow:
    """Until when a voucher's use may be told: what had ended by `closed_at` comes too late."""

    rule: MeteringRule
    zone: str
    closed_at: datetime

    def last_day(self, ended_at: datetime) -> date:
        """Return the last day on which use that ended at an instant could be told."""
        # A run until midnight has used nothing of the day that begins then.
        return self.rule.last_day(day_of(ended_at - timedelta(microseconds=1), self.zone))


def late_window(rule: MeteringRule, zone: str, at: datetime) -> LateWindow:
    """Return a voucher's late window as it stands at an instant."""
    first = rule.first_use(day_of(at, zone))
    return LateWindow(rule, zone, start_of(first, zone))


class Desk:
    """What an account leads to, looked up once, ready to be written beside its rows."""

    __slots__ = (
        "amount",
        "class_name",
        "class_plain",
        "from_at",
        "most",
        "place",
        "price",
        "resource",
        "until_at",
        "window",
        "words",
    )

    def __init__(self, place: Place, window: LateWindow | None) -> None:
        self.place = place
        self.window = window
        self.resource = place.resource
        self.class_name = place.resource_class
        self.class_plain = plain_class(place.resource_class)
        # In UTC as records are, so that comparing is quick.
        self.from_at = max(place.valid_from, place.placed_at).astimezone(UTC)
        self.until_at = place.valid_until.astimezone(UTC)
        self.words = b"".join(
            [
                binary.bigint_or_none(place.order),
                binary.bigint(8, place.voucher),
                binary.decimal_or_none(place.rate),
            ]
        )
        # What a quantity costs, where there is an order that has a price.
        self.amount = pricer(place.rate or Decimal(0), place.unit)
        self.price = _price_of_place(place, self.amount)
        self.most = _most_at(place, self.amount)


def _price_of_place(place: Place, amount: Callable[[int], int]) -> Callable[[int], bytes]:
    if place.order is None:
        return lambda _quantity: binary.NONE
    return lambda quantity: binary.bigint(8, amount(quantity))


def _most_at(place: Place, amount: Callable[[int], int]) -> int:
    """Return a quantity that no row reaches, so that no price passes what can be paid."""
    if place.order is None:
        return QUANTITY_MS_MAX
    price = amount(QUANTITY_MS_MAX)
    return min(QUANTITY_MS_MAX, QUANTITY_MS_MAX * AMOUNT_MAX // max(price, 1))


class Desks(dict[str, "Desk | int | None"]):
    """The desks of a provider's accounts; a number says how many orders one may mean."""

    def __init__(self, provider: Provider, at: datetime) -> None:
        super().__init__()
        self.texts = binary.Texts()
        # Of vouchers of which rows came too late; none of these is recorded anew.
        self.late: dict[int, LateWindow] = {}
        self._provider = provider
        self._at = at
        # Until when a row may have ended.
        self.latest = (at + CLOCK_AHEAD).astimezone(UTC)
        self._classes: dict[str, str] = {}

    def new_in(self, records: Iterable[UsageRecord]) -> set[str]:
        """Return the accounts of records that were not met before."""
        return set(map(_account, records)) - self.keys()

    def look_up(self, accounts: set[str]) -> None:
        """Find the places of accounts, all in one look; forget the others when there are many."""
        if len(self) > _DESKS_KEPT_MAX:
            self.clear()
        places = places_of(self._provider, accounts)
        found = (place for place in places.values() if isinstance(place, Place))
        # Few programmes have such a law, and asking of each voucher would cost another statement.
        rules = metering_rules({place.voucher for place in found if place.has_window})
        for account in accounts:
            place = places.get(account)
            if not isinstance(place, Place):
                self[account] = place
                continue
            rule = rules.get(place.voucher)
            window = late_window(rule, place.zone, self._at) if rule else None
            self[account] = Desk(place, window)

    def note_late(self, desk: Desk, record: UsageRecord) -> None:
        """Remember that a row came too late; only what is new is refused for that."""
        window = desk.window
        if window is not None and record.ended_at <= window.closed_at:
            self.late[desk.place.voucher] = window

    def refusal(self, record: UsageRecord, quantity: int) -> RowError | None:
        """Return what keeps a row from being recorded, or None.

        Use that has a part within the voucher's days, after the order, is recorded; what of it
        counts is settled with its bill.
        """
        desk = self[record.account]
        if not isinstance(desk, Desk):
            return _placeless(record, desk)
        is_other = desk.resource != record.resource and desk.resource
        if is_other or not self._is_of_class(desk, record.resource, record.resource_class):
            return _other_thing(record, desk)
        if record.ended_at > self.latest:
            return _in_future(record, self.latest)
        # A run of no length at the very beginning is within.
        is_outside = record.started_at >= desk.until_at or record.ended_at <= desk.from_at
        if is_outside and record.started_at != desk.from_at:
            return _outside(record, desk.place)
        if quantity >= desk.most:
            values: dict[str, object] = {"count": record.count_thousandths // 1000}
            return UnrecordedRow(record.row, "count", "", "quantity_too_large", values)
        return _too_long(record)

    def takes(self, desk: Desk, resource: str, found: str, state: str) -> bool:
        """Say whether no row of a resource, a class and a state is refused for any of these."""
        if desk.resource != resource and desk.resource:
            return False
        is_short = len(found) <= CLASS_LENGTH and len(state) <= STATE_LENGTH
        return is_short and self._is_of_class(desk, resource, found)

    def _is_of_class(self, desk: Desk, resource: str, found: str) -> bool:
        if found == desk.class_name or not (found and desk.class_plain):
            return True
        plain = self._classes.get(found)
        if plain is None:
            plain = plain_class(found)
            if len(self._classes) < _CLASSES_KEPT_MAX:
                self._classes[found] = plain
        return plain == desk.class_plain or resource == "CPU"


def _placeless(record: UsageRecord, count: int | None) -> RowError:
    if count is None:
        return UnrecordedRow(record.row, "account", record.account, "account_unknown")
    values: dict[str, object] = {"count": count}
    return UnrecordedRow(record.row, "account", record.account, "account_ambiguous", values)


def _other_thing(record: UsageRecord, desk: Desk) -> RowError:
    values: dict[str, object] = {"order": desk.place.order_code}
    if desk.resource and desk.resource != record.resource:
        values |= {"found": record.resource, "expected": desk.resource}
        return UnrecordedRow(
            record.row, "resource", record.resource, "resource_differs", values
        )
    values |= {"expected": desk.class_name}
    return UnrecordedRow(record.row, "class", record.resource_class, "class_differs", values)


def _in_future(record: UsageRecord, latest: datetime) -> RowError:
    values: dict[str, object] = {"latest": _instant(latest)}
    found = _instant(record.ended_at)
    return UnrecordedRow(record.row, "end", found, "ends_in_future", values)


def _outside(record: UsageRecord, place: Place) -> RowError:
    found = f"{_instant(record.started_at)} – {_instant(record.ended_at)}"
    if place.valid_from < record.ended_at and record.started_at < place.valid_until:
        values: dict[str, object] = {
            "order": place.order_code,
            "placed_at": _instant(place.placed_at),
        }
        return UnrecordedRow(record.row, "start", found, "before_order", values)
    values = {
        "valid_from": _instant(place.valid_from),
        "valid_until": _instant(place.valid_until),
    }
    return UnrecordedRow(record.row, "start", found, "outside_voucher", values)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _too_long(record: UsageRecord) -> RowError | None:
    if (
        len(record.key) <= KEY_LENGTH
        and len(record.resource_class) <= CLASS_LENGTH
        and len(record.state) <= STATE_LENGTH
        and len(record.device) <= DEVICE_LENGTH
    ):
        return None
    for name, (column, most) in LENGTHS.items():
        text = getattr(record, name)
        if len(text) > most:
            values: dict[str, object] = {"length": len(text), "most": most}
            return RowError(record.row, column, text, "value_too_long", values)
    for device in record.device.split(" "):
        if len(device) > DEVICE_LENGTH:
            values = {"length": len(device), "most": DEVICE_LENGTH}
            return RowError(record.row, "device", device, "value_too_long", values)
    return None
