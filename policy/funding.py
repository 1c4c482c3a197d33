"""Who bears which part of an award."""

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
