"""What past performance does to the next award, within the policy's limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from policy.answers import PRECISION, Line, plain
from policy.rules import Programme, StandingRule

_PLACES = Decimal("0.0001")
_SAME = Decimal(1)


@dataclass(frozen=True)
class Effect:
    """The two multipliers of a standing, with how they came about."""

    amount_multiplier: Decimal
    validity_multiplier: Decimal
    working: tuple[Line, ...]


def performance(
    components: Mapping[str, Decimal | None], weights: Mapping[str, Decimal]
) -> tuple[Decimal, Decimal]:
    """Return a voucher's performance from 0 to 1, and the weight that was observed.

    Missing components (None or absent) drop out and the others are weighed up; the caller
    lowers the evidence by the observed weight. With nothing observed both are 0.

    :raises ValueError: for a component without a weight, or outside 0 to 1.
    """
    if unknown := components.keys() - weights.keys():
        raise ValueError(f"No weight is set for {', '.join(sorted(unknown))}.")
    seen = {name: value for name, value in components.items() if value is not None}
    if any(not 0 <= value <= 1 for value in seen.values()):
        raise ValueError("A component of performance lies between 0 and 1.")
    observed = sum((weights[name] for name in seen), Decimal(0))
    if not observed:
        return Decimal(0), Decimal(0)
    total = sum((weights[name] * value for name, value in seen.items()), Decimal(0))
    return total / observed, observed


def amount_multiplier(z: Decimal, n: Decimal, programme: Programme) -> Decimal:
    """Return what a standing `z`, known from `n` vouchers' worth of evidence, does to an award.

    f = 1 + reach · tanh(steepness · z), z kept within ± z_max, and not below
    1 − drop · min(1, n / evidence): little evidence takes little away. Four decimals; 1 for a
    newcomer (z = 0) and in a programme without standing.
    """
    rule = programme.standing
    return _SAME if rule is None else _multiplier(z, n, rule.amount_reach, rule)


def validity_multiplier(z: Decimal, n: Decimal, programme: Programme) -> Decimal:
    """Return what a standing does to a voucher's days; as `amount_multiplier`."""
    rule = programme.standing
    return _SAME if rule is None else _multiplier(z, n, rule.validity_reach, rule)


def effect(z: Decimal, n: Decimal, programme: Programme) -> Effect:
    """Return both multipliers of a standing and the working that shows how they came about."""
    rule = programme.standing
    if rule is None:
        return Effect(_SAME, _SAME, ())
    amount = amount_multiplier(z, n, programme)
    days = validity_multiplier(z, n, programme)
    rows = (
        ("standing", "Standing z", "绩效等级 z", _clip(z, rule.z_max)),
        ("evidence", "Vouchers' worth of evidence n", "证据量 n（张券）", n),
        ("least", "Never below, on this evidence", "按证据量的下限", _least(n, rule)),
        ("amount_multiplier", "Amount ×", "额度系数", amount),
        ("validity_multiplier", "Validity ×", "有效期系数", days),
    )
    working = tuple(
        Line(name, en, zh, plain(value.quantize(_PLACES)), rule.clause)
        for name, en, zh, value in rows
    )
    return Effect(amount, days, working)


def _multiplier(z: Decimal, n: Decimal, reach: Decimal, rule: StandingRule) -> Decimal:
    with localcontext(prec=PRECISION):
        curve = 1 + reach * _tanh(rule.steepness * _clip(z, rule.z_max))
        return max(curve, _least(n, rule)).quantize(_PLACES)


def _least(n: Decimal, rule: StandingRule) -> Decimal:
    if n < 0:
        raise ValueError("Evidence is 0 or more.")
    return 1 - rule.evidence_drop * min(Decimal(1), n / rule.evidence_vouchers)


def _clip(z: Decimal, most: Decimal) -> Decimal:
    return min(max(z, -most), most)


def _tanh(x: Decimal) -> Decimal:
    doubled = (2 * x).exp()
    return (doubled - 1) / (doubled + 1)
