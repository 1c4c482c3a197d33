"""From a seed: what each client asks in which way, and what is killed when. Nothing else."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import islice

CLIENTS = 8
# How often each kind is asked, of all; the kinds that begin with `hot` go for shared things.
KINDS = {
    "issue": 9,
    "hold": 21,
    "capture": 22,
    "release": 6,
    "lapse": 6,
    "settle": 4,
    "expire": 4,
    "reverse": 5,
    "instruct": 3,
    "pay": 3,
    "lapse_budget": 1,
    "reuse_key": 1,
    "hot_capture": 7,
    "hot_pay": 5,
    "hot_issue": 2,
    "hot_hold": 1,
    "hot_reverse": 1,
}
TOGETHER = 0.4
AT_WAIT_POINT, AT_WAIT_POINT_HOT = 0.1, 0.4
CUT = 0.015
# One round of kills: each kind at least once a minute, in another order each time.
ROUND_SECONDS = 44.0
ROUND = (
    "postmaster",
    "backend",
    "terminate",
    "terminate",
    "worker",
    "broker",
    "web",
    *("herd",) * 7,
)
_DIGESTED_OPERATIONS = 5_000


@dataclass(frozen=True, slots=True)
class Operation:
    """What a client asks next, in words that do not depend on any answer.

    What is shared changes with the run's clock: all go for the hold of the moment, and when a
    fresh payable is there, the next thing that each client does is to pay it.
    `place` picks among what there is, `share` is in thousandths of what is there and may be more.
    `twice` says how the second sending follows the first. `point` is where inside its transaction
    the first sending passes the wait point; `cut` says how its connection is cut.
    """

    number: int
    kind: str
    place: int
    share: int
    is_final: bool
    twice: str
    point: str
    cut: str


@dataclass(frozen=True, slots=True)
class Kill:
    """What is killed, at which second of the run; `place` picks among several."""

    at: float
    kind: str
    place: int
    is_at_wait_point: bool


def operations(seed: int, client: int) -> Iterator[Operation]:
    """Return everything that a client asks, without end."""
    rng = random.Random(f"operations/{seed}/{client}")
    kinds = [kind for kind, weight in KINDS.items() for _ in range(weight)]
    number = 0
    while True:
        kind = kinds[int(rng.random() * len(kinds))]
        waiting = AT_WAIT_POINT_HOT if kind.startswith("hot") else AT_WAIT_POINT
        yield Operation(
            number=number,
            kind=kind,
            place=int(rng.random() * 65_536),
            share=_share(rng),
            is_final=rng.random() < 0.3,
            twice="together" if rng.random() < TOGETHER else "after",
            point=_one(rng, waiting, ("begun", "moved")),
            cut=_one(rng, CUT, ("within", "commit")),
        )
        number += 1


def _share(rng: random.Random) -> int:
    """Mostly a part of what is there, now and then all of it, one time in eight more."""
    luck, size = rng.random(), rng.random()
    if luck < 0.8:
        return 1 + int(size * 400)
    return 1_000 if luck < 0.875 else 1_001 + int(size * 1_000)


def _one(rng: random.Random, chance: float, words: tuple[str, ...]) -> str:
    luck, which = rng.random(), rng.random()
    return words[int(which * len(words))] if luck < chance else ""


def kills(seed: int) -> Iterator[Kill]:
    """Return everything that is killed, in the order of time, without end."""
    rng = random.Random(f"kills/{seed}")
    step = ROUND_SECONDS / len(ROUND)
    begin = 4.0
    while True:
        kinds = sorted(ROUND, key=lambda _kind: rng.random())
        for number, kind in enumerate(kinds):
            at = begin + (number + rng.random() * 0.8) * step
            yield Kill(round(at, 3), kind, int(rng.random() * 65_536), rng.random() < 0.6)
        begin += ROUND_SECONDS


def kills_within(seed: int, seconds: float) -> list[Kill]:
    """Return what is killed in the first seconds of a run."""
    found: list[Kill] = []
    for kill in kills(seed):
        if kill.at >= seconds:
            return found
        found.append(kill)
    raise AssertionError("kills have no end")


def digest(seed: int, minutes: float) -> str:
    """Return what two runs have in common exactly when they follow the same plan."""
    hashed = hashlib.sha256()
    for client in range(CLIENTS):
        for operation in islice(operations(seed, client), _DIGESTED_OPERATIONS):
            hashed.update(repr(astuple(operation)).encode())
    for kill in kills_within(seed, minutes * 60):
        hashed.update(repr(astuple(kill)).encode())
    return hashed.hexdigest()
