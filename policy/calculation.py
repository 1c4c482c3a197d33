"""Work out an award, step by step, in the order the law applies the steps."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from policy import aid, bases, ceilings, funding, shares, validity
from policy.answers import PRECISION, Line, Outcome, Reason
from policy.claims import Claim
from policy.rules import Programme, minor
from policy.shares import rate_for, route_of
from policy.sheet import Sheet, Step, written

__all__ = ["Award", "Claim", "rate_for", "work_out"]


@dataclass(frozen=True)
class Award:
    """What the programme recommends: minor units (or GPU-ms), with its whole working.

    `outcome` is a refer where a fact is missing or the text leaves a question to a person, a
    fail where nothing can be had; `base` is what the share is of, in whole units; `funders` are
    the parts of the amount by who bears them.
    """

    recommended: int
    unit: str
    steps: tuple[Step, ...]
    reasons: tuple[Reason, ...]
    validity_days: int
    outcome: Outcome = "PASS"
    base: Decimal = Decimal(0)
    funders: tuple[tuple[str, int], ...] = ()

    @property
    def working(self) -> tuple[Line, ...]:
        """Every step with its amount and clause, as it is shown and kept."""
        return written(self.steps, self.unit)


_Step = Callable[[Sheet, Claim, Programme], None]


def work_out(claim: Claim, programme: Programme) -> Award:
    """Work out what a programme gives for a claim.

    The steps run in the order of the law: leave out, apportion, floor, share, standing, what
    the beneficiary bears, other support, caps, minimal aid, pool, round; a step whose section
    the document lacks is not taken. Amounts stay exact until the programme's own
    rounding. The share is the most the policy allows, so the result is recommended: an
    officer may award less.
    """
    with localcontext(prec=PRECISION):
        sheet = Sheet(programme.unit)
        for step in _IN_KIND if programme.mode == "M5" else _IN_MONEY:
            step(sheet, claim, programme)
        recommended = minor(sheet.amount, programme.unit)
    route = route_of(claim, programme)
    days = validity.days(
        programme,
        claim.validity_multiplier,
        route=route.name if route else None,
        issued_on=claim.as_of,
    )
    return Award(
        recommended,
        programme.unit,
        sheet.steps,
        tuple(sheet.reasons),
        days,
        sheet.outcome,
        sheet.base,
        funding.split(recommended, programme),
    )


_IN_MONEY: tuple[_Step, ...] = (
    bases.take_fee,
    bases.require_new_contract,
    bases.leave_out,
    bases.take_settled,
    bases.apportion,
    bases.require_floor,
    bases.cut_to_most,
    shares.take_share,
    ceilings.weigh_standing,
    ceilings.leave_self_pay,
    aid.limit_stack,
    ceilings.cap_awards,
    ceilings.cap_organisation,
    aid.limit_state_aid,
    ceilings.cap_pool,
    ceilings.round_off,
)
_IN_KIND: tuple[_Step, ...] = (
    shares.take_hours,
    shares.require_route,
    ceilings.weigh_standing,
    ceilings.cap_route,
    ceilings.cap_awards,
    ceilings.cap_organisation,
    aid.limit_state_aid,
    ceilings.cap_pool,
    ceilings.round_off,
)
