"""Who gets what when a round is asked for more than it has.

A round's applications are put in an order and taken one after another, each with what those
before it left of the budget and of their own ceilings. The order is the method's; among equals
it is that of a hash of the reference, so that nobody gains by a name or by when rows were read.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from policy import opinion
from policy.claims import Claim, Measure, Past
from policy.dossiers import Dossier
from policy.opinion import Opinion
from policy.process_rules import METHODS, Method
from policy.rules import Programme, minor

__all__ = ["METHODS", "Allotted", "Entry", "Lottery", "Method", "allot", "draw_key"]

DRAWS = 1_000


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One application in a round.

    `arrived` is its place in the order of arrival (equal for those that arrived at once),
    `score` what reviewers gave it. `undertaking` is the same for organisations that are one.
    `is_admitted` says that an officer settled in its favour what the law refers.
    """

    reference: str
    dossier: Dossier
    organisation: str
    undertaking: str = ""
    arrived: int = 0
    score: Decimal = Decimal(0)
    is_admitted: bool = False

    def is_eligible(self, found: Opinion) -> bool:
        """Say whether it can be had, by the law or by what an officer settled."""
        return found.outcome == "PASS" or (self.is_admitted and found.outcome == "REFER")


@dataclass(frozen=True, kw_only=True)
class Allotted:
    """What an application gets; minor units, or GPU-ms in mode M5.

    `is_waiting` says that it could be had and the budget did not reach it. `probability` is the
    chance that it had of its award before a lottery was drawn, None where chance played no part.
    """

    reference: str
    place: int
    opinion: Opinion
    awarded: int
    is_waiting: bool
    probability: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class Lottery:
    """A band of scores within which chance decides, and the seed that it is drawn by.

    `commitment` is published before the round closes, the seed after the draw.
    """

    least: Decimal
    most: Decimal
    seed: bytes

    @property
    def commitment(self) -> str:
        """What is published beforehand: the SHA-256 of the seed, in hexadecimal digits."""
        return hashlib.sha256(self.seed).hexdigest()

    def has(self, score: Decimal) -> bool:
        """Say whether chance decides for a score."""
        return self.least <= score <= self.most


def draw_key(seed: bytes, references: Iterable[str]) -> bytes:
    """Return what a lottery is drawn by: its seed, tied to who takes part.

    The seed is fixed before the round closes and who takes part is not, so whoever could read
    the seed early still could not tell who would win.
    """
    joined = "\n".join(sorted(references)).encode()
    return hmac.digest(seed, hashlib.sha256(joined).digest(), "sha256")


def allot(
    entries: Iterable[Entry],
    programme: Programme,
    budget: int,
    method: Method,
    *,
    lottery: Lottery | None = None,
    is_part_given: bool = False,
) -> tuple[Allotted, ...]:
    """Return what each application of a round gets, in the order in which they were taken.

    Nothing goes beyond the budget or a ceiling. Who no longer fits into what is left waits, or
    gets the part that is left where parts are given; the next ones are still looked at. `PRO_RATA`
    gives everyone the same share of what was recommended, by the largest remainders of the
    programme's own step. The answer does not depend on the order of `entries`.

    :raises ValueError: for a budget below 0, or a lottery without its band and seed.
    """
    if budget < 0:
        raise ValueError("A budget is 0 or more.")
    if (method == "LOTTERY") != (lottery is not None):
        raise ValueError("A lottery, and nothing else, needs a band and a seed.")
    entries = tuple(entries)
    budget = _within_pools(entries, programme, budget)
    if method == "PRO_RATA":
        return _pro_rata(entries, programme, budget)
    ordered = sorted(entries, key=_ORDERS[method] if lottery is None else _drawn(lottery))
    taken = _take(ordered, programme, budget, is_part_given=is_part_given)
    if lottery is None:
        return taken
    chances = _chances(ordered, programme, budget, lottery, is_part_given=is_part_given)
    return tuple(replace(one, probability=chances.get(one.reference)) for one in taken)


def _within_pools(entries: Sequence[Entry], programme: Programme, budget: int) -> int:
    """Return a budget that is no more than the programme's pool, nor than is known to be left."""
    known = [budget]
    known += [
        e.dossier.claim.pool_left for e in entries if e.dossier.claim.pool_left is not None
    ]
    cap = programme.cap("PROGRAMME")
    if cap is not None and entries:
        latest = max(entry.dossier.claim.as_of for entry in entries)
        known.append(minor(cap.amount.on(latest), programme.unit))
    return min(known)


_Key = Callable[[Entry], tuple[object, ...]]


def _tie(entry: Entry) -> bytes:
    return hashlib.sha256(entry.reference.encode()).digest()


def _size(entry: Entry) -> Decimal:
    claim = entry.dossier.claim
    return claim.requested_gpu_hours or claim.fee_total


_ORDERS: dict[str, _Key] = {
    "FIRST_COME": lambda entry: (entry.arrived, _tie(entry)),
    "SCORE": lambda entry: (-entry.score, _tie(entry)),
    "SMALL_FIRST": lambda entry: (_size(entry), entry.arrived, _tie(entry)),
}


def _drawn(lottery: Lottery, draw: int = 0) -> _Key:
    """Return the order of one draw: above the band by score, in it by chance, then below it."""

    def key(entry: Entry) -> tuple[object, ...]:
        if not lottery.has(entry.score):
            side = 0 if entry.score > lottery.most else 2
            return side, -entry.score, _tie(entry)
        message = f"{draw}/{entry.reference}".encode()
        return 1, Decimal(0), hmac.digest(lottery.seed, message, "sha256")

    return key


@dataclass
class _Books:
    """What this round has given so far, to whom, and for what."""

    budget: int
    given: int = 0
    committed: dict[str, int] = field(default_factory=dict)
    declared: dict[str, Decimal] = field(default_factory=dict)
    past: dict[tuple[str, str], list[tuple[Entry, Past]]] = field(default_factory=dict)

    def claim(self, entry: Entry, *, is_pooled: bool = True) -> Claim:
        """Return an application's claim, with what the round gave before it."""
        claim = entry.dossier.claim
        pool = None
        if is_pooled:
            known = [self.budget] if claim.pool_left is None else [self.budget, claim.pool_left]
            pool = max(min(known) - self.given, 0)
        return replace(
            claim,
            pool_left=pool,
            used_this_year=claim.used_this_year + self.committed.get(entry.organisation, 0),
            declared_this_year=claim.declared_this_year
            + self.declared.get(entry.organisation, Decimal(0)),
            past=(*claim.past, *self._before(entry)),
        )

    def _before(self, entry: Entry) -> Iterator[Past]:
        """Give what the round gave that some ceiling of this application may count, once each."""
        seen: set[int] = set()
        for key in _keys(entry):
            for other, past in self.past.get(key, ()):
                if id(past) not in seen:
                    seen.add(id(past))
                    yield replace(
                        past,
                        is_own=other.organisation == entry.organisation,
                        is_of_undertaking=_undertaking(other) == _undertaking(entry),
                    )

    def give(self, entry: Entry, found: Opinion, awarded: int) -> None:
        """Write down what an application gets: it is claimed and issued from now on."""
        claim, organisation = entry.dossier.claim, entry.organisation
        self.given += awarded
        self.committed[organisation] = self.committed.get(organisation, 0) + awarded
        earlier = self.declared.get(organisation, Decimal(0))
        self.declared[organisation] = earlier + found.award.base
        for measure in _GIVEN:
            past = Past(
                measure=measure,
                on=claim.as_of,
                amount=awarded,
                contract=claim.contract,
                project=claim.project,
                round=claim.round,
            )
            for key in _keys(entry):
                self.past.setdefault(key, []).append((entry, past))


_GIVEN: tuple[Measure, ...] = ("CLAIMED", "ISSUED")


def _undertaking(entry: Entry) -> str:
    return entry.undertaking or entry.organisation


def _keys(entry: Entry) -> Iterator[tuple[str, str]]:
    """Give what a ceiling may count an application under."""
    claim = entry.dossier.claim
    yield "undertaking", _undertaking(entry)
    if claim.contract:
        yield "contract", claim.contract
    if claim.project:
        yield "project", claim.project


def _take(
    ordered: Sequence[Entry], programme: Programme, budget: int, *, is_part_given: bool
) -> tuple[Allotted, ...]:
    books = _Books(budget)
    return tuple(
        _taken(entry, place, programme, books, is_part_given=is_part_given)
        for place, entry in enumerate(ordered, start=1)
    )


def _taken(
    entry: Entry,
    place: int,
    programme: Programme,
    books: _Books,
    *,
    is_part_given: bool,
    is_pooled: bool = True,
) -> Allotted:
    claim = books.claim(entry, is_pooled=is_pooled)
    found = opinion.form(Dossier(claim, entry.dossier.applicant), programme)
    is_short = any(reason.code == "POOL_REACHED" for reason in found.award.reasons)
    is_eligible = entry.is_eligible(found)
    is_waiting = is_eligible and is_short and not is_part_given
    awarded = found.recommended if is_eligible and not is_waiting else 0
    if awarded:
        books.give(entry, found, awarded)
    is_waiting = is_waiting or (is_eligible and is_short and not awarded)
    return Allotted(
        reference=entry.reference,
        place=place,
        opinion=found,
        awarded=awarded,
        is_waiting=is_waiting,
    )


def _chances(
    ordered: Sequence[Entry],
    programme: Programme,
    budget: int,
    lottery: Lottery,
    *,
    is_part_given: bool,
) -> dict[str, Fraction]:
    """Return the chance that each application of the band had of getting something.

    Where all of the band get the same, k of n get it and each has k/n. Amounts that differ have
    no such formula: `DRAWS` other draws are made of the amounts that each would get alone.
    """
    books = _Books(budget)
    above = [entry for entry in ordered if entry.score > lottery.most]
    for place, entry in enumerate(above, start=1):
        _taken(entry, place, programme, books, is_part_given=is_part_given)
    left = max(budget - books.given, 0)
    band = [entry for entry in ordered if lottery.has(entry.score)]
    amounts = {entry.reference: _alone(entry, programme, books) for entry in band}
    able = {reference: amount for reference, amount in amounts.items() if amount}
    if len(set(able.values())) == 1:
        each = next(iter(able.values()))
        reached = left // each + bool(is_part_given and left % each)
        chance = Fraction(min(reached, len(able)), len(able))
        return {
            reference: chance if amount else Fraction(0)
            for reference, amount in amounts.items()
        }
    hits = dict.fromkeys(amounts, 0)
    for draw in range(1, DRAWS + 1):
        rest = left
        for entry in sorted(band, key=_drawn(lottery, draw)):
            amount = amounts[entry.reference]
            part = min(amount, rest) if is_part_given else amount
            if 0 < part <= rest:
                rest -= part
                hits[entry.reference] += 1
    return {reference: Fraction(count, DRAWS) for reference, count in hits.items()}


def _alone(entry: Entry, programme: Programme, books: _Books) -> int:
    claim = books.claim(entry, is_pooled=False)
    found = opinion.form(Dossier(claim, entry.dossier.applicant), programme)
    return found.recommended if entry.is_eligible(found) else 0


def _pro_rata(
    entries: Sequence[Entry], programme: Programme, budget: int
) -> tuple[Allotted, ...]:
    # Ceilings are met by arrival first; what they leave shares the budget.
    books = _Books(budget)
    ordered = sorted(entries, key=_ORDERS["FIRST_COME"])
    full = [
        _taken(entry, place, programme, books, is_part_given=True, is_pooled=False)
        for place, entry in enumerate(ordered, start=1)
    ]
    amounts = [one.awarded for one in full]
    given = _reduced(amounts, [_tie(entry) for entry in ordered], budget, programme)
    return tuple(
        replace(one, awarded=part, is_waiting=bool(amount) and not part)
        for one, amount, part in zip(full, amounts, given, strict=True)
    )


def _reduced(
    amounts: Sequence[int], ties: Sequence[bytes], budget: int, programme: Programme
) -> list[int]:
    """Return each amount's share of a budget in whole steps, none above its amount."""
    whole = sum(amounts)
    if whole <= budget:
        return list(amounts)
    step = max(minor(programme.rounding.step, programme.unit), 1)
    parts = [amount * budget // whole // step * step for amount in amounts]
    left = (budget - sum(parts)) // step
    by_remainder = sorted(
        range(len(amounts)),
        key=lambda place: (parts[place] * whole - amounts[place] * budget, ties[place]),
    )
    for place in by_remainder:
        if not left:
            break
        if parts[place] + step <= amounts[place]:
            parts[place] += step
            left -= 1
    return parts
