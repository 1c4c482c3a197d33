"""Read a dossier, the facts and the claim of one application, from plain JSON values."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from policy.answers import PRECISION
from policy.claims import Claim, FeeLine
from policy.document import shown
from policy.facts import ApplicantFacts

TEXT_MOST = 2_000_000
_ITEMS_MOST = 100_000
_PLACES_MOST = 18


class DossierInvalid(ValueError):
    """A dossier that can't be read; each problem names place, value and fix."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Dossier:
    """One application as the law sees it; without an applicant only the amount is worked out."""

    claim: Claim
    applicant: ApplicantFacts | None


def read_dossier(text: str) -> Dossier:
    """Read a dossier from JSON text: `{"applicant": {…}, "claim": {…}}`, the applicant optional.

    Fields are those of `ApplicantFacts` and `Claim`. Amounts and hours are decimals in quotes,
    days `2026-01-31`; null, or a field left out, is *not known*.

    :raises DossierInvalid: if anything in it can't be taken as it stands.
    """
    if len(text) > TEXT_MOST:
        message = f"the dossier has {len(text)} characters; keep it under {TEXT_MOST}."
        raise DossierInvalid((message,))
    try:
        # A number with a point would be a float, and lose digits before anybody saw it.
        values = json.loads(text, parse_float=_Inexact, parse_constant=_Inexact)
    except (ValueError, RecursionError) as error:
        raise DossierInvalid((f"this is not JSON: {error}.",)) from error
    return dossier_from(values)


class _Inexact(str):
    """A number written with a point or an exponent, kept as it was written."""

    __slots__ = ()


def dossier_from(values: object) -> Dossier:
    """Read a dossier from plain values, such as a decision's stored facts.

    :raises DossierInvalid: if anything in it can't be taken as it stands.
    """
    reader = _Reader()
    if not isinstance(values, Mapping):
        raise DossierInvalid(('the dossier: write {"applicant": {…}, "claim": {…}}.',))
    for key in values.keys() - {"applicant", "claim", "standing", "registers"}:
        reader.add(str(key), "is not known here; write `applicant` and `claim`.")
    claim = reader.record(values.get("claim"), Claim, "claim")
    applicant = None
    if values.get("applicant") is not None:
        applicant = reader.record(values["applicant"], ApplicantFacts, "applicant")
    if reader.problems:
        raise DossierInvalid(tuple(reader.problems))
    return Dossier(claim, applicant)


class _Reader:
    """Turns plain values into what a dataclass says its fields are, keeping every problem."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def add(self, place: str, message: str) -> None:
        self.problems.append(f"{place}: {message}")

    def record(self, values: object, kind: Any, place: str) -> Any:
        """Return a dataclass made of a mapping; without one, or with a problem, None."""
        if not isinstance(values, Mapping):
            self.add(place, f"{shown(values)} can't be read; write an object of fields.")
            return None
        hints = get_type_hints(kind)
        names = {field.name: field for field in fields(kind)}
        before = len(self.problems)
        for key in values.keys() - names.keys():
            near = get_close_matches(str(key), names, n=1)
            fix = f"did you mean `{near[0]}`?" if near else "take it out."
            self.add(f"{place}.{key}", f"is not a field known here; {fix}")
        given: dict[str, Any] = {}
        for name, field in names.items():
            if name not in values:
                if field.default is MISSING and field.default_factory is MISSING:
                    self.add(f"{place}.{name}", "is missing; add it.")
                continue
            given[name] = self.value(values[name], hints[name], f"{place}.{name}")
        if len(self.problems) > before:
            return None
        try:
            return kind(**given)
        except ValueError as error:
            self.add(place, str(error))
            return None

    def value(self, value: object, hint: Any, place: str) -> Any:
        """Return a value as a type hint wants it."""
        options = get_args(hint) if get_origin(hint) is UnionType else (hint,)
        if value is None and NoneType in options:
            return None
        (wanted,) = (one for one in options if one is not NoneType)
        origin = get_origin(wanted)
        if origin is Literal:
            return self._word(value, get_args(wanted), place)
        if origin in (tuple, frozenset):
            items = self._items(value, get_args(wanted)[0], place)
            return origin(items)
        if wanted is FeeLine:
            return self._fee_line(value, place)
        if is_dataclass(wanted):
            return self.record(value, wanted, place)
        return self._plain(value, wanted, place)

    def _word(self, value: object, words: tuple[str, ...], place: str) -> object:
        if value not in words:
            self.add(place, f"{shown(value)} can't be read; write one of {', '.join(words)}.")
        return value

    def _items(self, value: object, hint: Any, place: str) -> list[Any]:
        if not isinstance(value, list) or len(value) > _ITEMS_MOST:
            self.add(place, f"{shown(value)} can't be read; write a list.")
            return []
        return [self.value(item, hint, f"{place}[{n}]") for n, item in enumerate(value)]

    def _fee_line(self, value: object, place: str) -> FeeLine | None:
        """Read a fee as an object, or as the list that is stored of one."""
        hints = get_type_hints(FeeLine)
        if isinstance(value, list):
            value = dict(zip(FeeLine._fields, value, strict=False))
        if not isinstance(value, Mapping) or not {"resource", "fee"} <= value.keys():
            fix = 'write {"resource": "compute", "fee": "1000.00"}.'
            self.add(place, f"{shown(value)} can't be read; {fix}")
            return None
        if unknown := sorted(map(str, value.keys() - hints.keys())):
            named = ", ".join(hints)
            self.add(f"{place}.{unknown[0]}", f"is not a field known here; there are {named}.")
            return None
        given = {
            key: self.value(one, hints[key], f"{place}.{key}") for key, one in value.items()
        }
        return FeeLine(**given)

    def _plain(self, value: object, wanted: type, place: str) -> Any:
        read = _READ[wanted]
        found = read(value)
        if found is None:
            self.add(place, f"{shown(value)} can't be read; {_FIXES[wanted]}")
        return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and not isinstance(value, _Inexact) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) < 10**18 else None


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, _Inexact | bool):
        return None
    if not isinstance(value, str | int) or len(str(value)) > PRECISION:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 18:
        return None
    return number if int(number.as_tuple().exponent) >= -_PLACES_MOST else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


_READ: dict[type, Any] = {str: _text, bool: _flag, int: _whole, Decimal: _decimal, date: _day}
_FIXES: dict[type, str] = {
    str: "write a text in quotes.",
    bool: "write true or false.",
    int: "write a whole number without quotes.",
    Decimal: 'write a decimal in quotes, such as "1000.00", so that it stays exact.',
    date: 'write a day in quotes, such as "2026-01-31".',
}
