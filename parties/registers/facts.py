"""What each register says of one organisation: typed, and read from plain JSON values.

Amounts are integers of a currency's minor units, shares decimals from 0 to 1. None, or a field
left out, is *not known*; an empty list is an answer: there is nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from common.money import CURRENCY_EXPONENTS
from parties.kinds import Control, Register
from parties.registers.failures import RegisterAnswerInvalid
from parties.registries import IdentifierInvalid, IdentifierScheme, checked_identifier

_TEXT_MOST = 200
_ITEMS_MOST = 10_000
_WHOLE_BELOW = 10**17
_SHARE_PLACES = 8
LEVELS = ("NATIONAL", "PROVINCE", "CITY", "DISTRICT", "PARK", "")


class Identifier(NamedTuple):
    """An organisation's number in a register that gives numbers, in its plain form."""

    scheme: str
    number: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.number}"


@dataclass(frozen=True, kw_only=True)
class BusinessFacts:
    """What a business register says: revenue and assets of the last closed year."""

    employees: int | None = None
    revenue: int | None = None
    assets: int | None = None
    currency: str | None = None
    founded_on: date | None = None
    industry: str | None = None
    region: str | None = None
    tax_region: str | None = None
    insurance_region: str | None = None
    qualifications: tuple[str, ...] | None = None
    credit_rating: str | None = None
    tax_debt: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A finding about an organisation's conduct: its kind, in a programme's words, and its day."""

    kind: str
    day: date


@dataclass(frozen=True, kw_only=True)
class ConductFacts:
    """Every finding that a register of conduct has; without any, it has none."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Link:
    """One organisation's hold on another: the share of its votes, and how it controls it."""

    owner: Identifier
    owned: Identifier
    share: Decimal
    control: str


@dataclass(frozen=True, kw_only=True)
class OwnershipFacts:
    """Every link up and down that a register of ownership has of an organisation."""

    links: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True)
class Aid:
    """Public support from elsewhere, from the day of the legal right to it."""

    grantor: str
    amount: int
    currency: str
    granted_on: date
    level: str = ""
    region: str = ""
    kind: str = ""
    programme: str = ""
    regime: str = ""
    contract: str = ""
    project: str = ""


@dataclass(frozen=True, kw_only=True)
class AidFacts:
    """All support that a register of aid has of an organisation."""

    aid: tuple[Aid, ...]


Facts = BusinessFacts | ConductFacts | OwnershipFacts | AidFacts

_FIX_TEXT = _("Write a text of up to 200 printable characters, in quotes.")
_FIX_WHOLE = _(
    "Write a whole number of 0 or more without a point; money in minor units, such as fen."
)
_FIX_FLAG = _("Write true or false.")
_FIX_DAY = _("Write a day in quotes, such as “2026-01-31”.")
_FIX_SHARE = _("Write a share from 0 to 1 in quotes, such as “0.51”, with up to 8 decimals.")
_FIX_LIST = _("Write a list of up to 10,000 entries.")
_FIX_OBJECT = _("Write an object of fields, as docs/registers.md shows it.")
_FIX_UNKNOWN = _("This field is not known here. Take it out.")
_FIX_MISSING = _("This field is missing. Add it.")
_FIX_CURRENCY = _(
    "Add the currency of revenue and assets: one that is in use here, such as CNY."
)
_FIX_IDENTIFIER = _("Write a scheme and a number that is one of it: “CN_USCC:91510100…”.")
_FIX_CHOICE = _("Write one of the words that docs/registers.md names.")


@dataclass(frozen=True)
class Place:
    """Where in whose answer a value stands, for the words of a refusal."""

    register: Register
    path: str

    def at(self, key: object) -> "Place":
        """Return the place of a field, or of an entry by its number."""
        name = f"[{key}]" if isinstance(key, int) else f".{key}"
        return Place(self.register, f"{self.path}{name}".lstrip("."))

    def wrong(self, value: object, fix: object) -> RegisterAnswerInvalid:
        """Return the refusal of a value."""
        return RegisterAnswerInvalid(self.register, self.path, value, fix)


_Read = Callable[[Any, Place], Any]


def text(value: Any, place: Place) -> str:
    """Return a text without what neither a page nor a database could show."""
    if not isinstance(value, str) or len(value) > _TEXT_MOST or not value.isprintable():
        raise place.wrong(value, _FIX_TEXT)
    return value.strip()


def a_name(value: Any, place: Place) -> str:
    """Return a text that is not empty."""
    found = text(value, place)
    if not found:
        raise place.wrong(value, _FIX_TEXT)
    return found


def _whole(value: Any, place: Place) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _WHOLE_BELOW:
        raise place.wrong(value, _FIX_WHOLE)
    return value


def _flag(value: Any, place: Place) -> bool:
    if not isinstance(value, bool):
        raise place.wrong(value, _FIX_FLAG)
    return value


def _day(value: Any, place: Place) -> date:
    try:
        if isinstance(value, str) and len(value) == len("2026-01-31"):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise place.wrong(value, _FIX_DAY)


def _share(value: Any, place: Place) -> Decimal:
    """Return a share; a number with a point was read as a decimal, never as a float."""
    written = value if isinstance(value, str | Decimal | int) else None
    if written is None or isinstance(value, bool) or len(str(written)) > 20:
        raise place.wrong(value, _FIX_SHARE)
    try:
        share = Decimal(written)
    except ArithmeticError:
        raise place.wrong(value, _FIX_SHARE) from None
    is_share = share.is_finite() and 0 <= share <= 1
    if not is_share or int(share.as_tuple().exponent) < -_SHARE_PLACES:
        raise place.wrong(value, _FIX_SHARE)
    return share


def identifier(value: Any, place: Place) -> Identifier:
    """Return an identifier in its plain form, its number checked as its register checks it."""
    scheme, _colon, number = a_name(value, place).partition(":")
    try:
        if scheme in IdentifierScheme.values and len(number) <= 40:
            return Identifier(scheme, checked_identifier(scheme, number))
    except IdentifierInvalid:
        pass
    raise place.wrong(value, _FIX_IDENTIFIER)


def _one_of(words: tuple[str, ...]) -> _Read:
    def read(value: Any, place: Place) -> str:
        if not isinstance(value, str) or value not in words:
            raise place.wrong(value, _FIX_CHOICE)
        return value

    return read


def _list_of(read: _Read) -> _Read:
    def read_list(value: Any, place: Place) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > _ITEMS_MOST:
            raise place.wrong(value, _FIX_LIST)
        return tuple(read(item, place.at(number)) for number, item in enumerate(value))

    return read_list


def an_object(value: Any, place: Place, known: frozenset[str]) -> Mapping[str, Any]:
    """Return an object that has no other fields than those known."""
    if not isinstance(value, Mapping):
        raise place.wrong(value, _FIX_OBJECT)
    for key in value:
        if key not in known:
            raise place.at(str(key)[:40]).wrong(value[key], _FIX_UNKNOWN)
    return value


def _record(kind: Any, readers: Mapping[str, _Read], needed: tuple[str, ...] = ()) -> _Read:
    names = frozenset(field.name for field in fields(kind))
    assert names == readers.keys()

    def read(value: Any, place: Place) -> Any:
        given = an_object(value, place, names)
        for name in needed:
            if given.get(name) is None:
                raise place.at(name).wrong(given.get(name), _FIX_MISSING)
        return kind(
            **{
                name: readers[name](one, place.at(name))
                for name, one in given.items()
                if one is not None
            }
        )

    return read


_currency = _one_of(tuple(CURRENCY_EXPONENTS))
_business = _record(
    BusinessFacts,
    {
        "employees": _whole,
        "revenue": _whole,
        "assets": _whole,
        "currency": _currency,
        "founded_on": _day,
        "industry": a_name,
        "region": a_name,
        "tax_region": a_name,
        "insurance_region": a_name,
        "qualifications": _list_of(a_name),
        "credit_rating": a_name,
        "tax_debt": _flag,
    },
)
_finding = _record(Finding, {"kind": a_name, "day": _day}, ("kind", "day"))
_link = _record(
    Link,
    {
        "owner": identifier,
        "owned": identifier,
        "share": _share,
        "control": _one_of(tuple(Control.values)),
    },
    ("owner", "owned", "share", "control"),
)
_aid = _record(
    Aid,
    {
        "grantor": a_name,
        "amount": _whole,
        "currency": _currency,
        "granted_on": _day,
        "level": _one_of(LEVELS),
        "region": text,
        "kind": text,
        "programme": text,
        "regime": text,
        "contract": text,
        "project": text,
    },
    ("grantor", "amount", "currency", "granted_on"),
)


def _business_with_currency(value: Any, place: Place) -> BusinessFacts:
    found: BusinessFacts = _business(value, place)
    if found.currency is None and not (found.revenue is None and found.assets is None):
        raise place.at("currency").wrong(None, _FIX_CURRENCY)
    return found


_READ: dict[Register, _Read] = {
    Register.BUSINESS: _business_with_currency,
    Register.CONDUCT: _record(ConductFacts, {"findings": _list_of(_finding)}, ("findings",)),
    Register.OWNERSHIP: _record(OwnershipFacts, {"links": _list_of(_link)}, ("links",)),
    Register.AID: _record(AidFacts, {"aid": _list_of(_aid)}, ("aid",)),
}
# What a register that lists everybody says of whom it does not list.
NOTHING: dict[Register, Facts] = {
    Register.CONDUCT: ConductFacts(findings=()),
    Register.OWNERSHIP: OwnershipFacts(links=()),
    Register.AID: AidFacts(aid=()),
}


def facts_from(register: Register, values: Any, path: str = "facts") -> Facts:
    """Read a register's facts from plain JSON values.

    :raises RegisterAnswerInvalid: naming the first place that can't be read, and its fix.
    """
    found: Facts = _READ[register](values, Place(register, path))
    return found


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Return facts as plain JSON values, of which `facts_from` makes the same facts again."""
    found = {field.name: _plain(getattr(facts, field.name)) for field in fields(facts)}
    return {name: value for name, value in found.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Identifier | Decimal | date):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Finding | Link | Aid):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
