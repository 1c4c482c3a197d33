"""Who bears which part of an award."""

from collections.abc import Sequence

from policy.rules import Programme


def split(amount: int, programme: Programme) -> tuple[tuple[str, int], ...]:
    """Return each funder's part of an amount in minor units (or GPU-ms); they add up to it.

    Odd units go to the largest remainders, to the funder named first among equals. A document
    without funders has one, the issuer.
    """
    if not programme.funders:
        return ((programme.issuer, amount),)
    exact = [amount * funder.share for funder in programme.funders]
    parts = [int(part) for part in exact]
    order = sorted(
        range(len(parts)), key=lambda place: exact[place] - parts[place], reverse=True
    )
    for place in order[: amount - sum(parts)]:
        parts[place] += 1
    names = (funder.name for funder in programme.funders)
    return tuple(zip(names, parts, strict=True))


def among_first(units: int, parts: Sequence[int]) -> tuple[int, ...]:
    """Return how many of the first so many units of a total each of its parts takes.

    `parts` add up to the total. One unit more goes to exactly one of them, so that whatever the
    total is cut into, line by line, each line's parts add up to it and each part's lines do too.

    :raises ValueError: if there are more units than the total has.
    """
    left = sum(parts)
    if not 0 <= units <= left:
        raise ValueError("So many units are not there.")
    taken = []
    for part in parts:
        one = part * units // left if left else 0
        taken.append(one)
        units, left = units - one, left - part
    return tuple(taken)
