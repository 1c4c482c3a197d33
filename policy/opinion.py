"""What a programme says about one dossier: who may have it, how much, and who must decide."""

from dataclasses import dataclass, replace

from policy import approval, calculation, eligibility
from policy.answers import Outcome, Reason, worst
from policy.calculation import Award
from policy.claims import Claim
from policy.dossiers import Dossier
from policy.eligibility import Answer
from policy.rules import Programme, Tier


@dataclass(frozen=True)
class Opinion:
    """The answer to the applicant, if one was given, the award, and the tier of approval.

    `claim` is the one that was worked out: with the route that the applicant was answered.
    """

    answer: Answer | None
    claim: Claim
    award: Award
    tier: Tier

    @property
    def outcome(self) -> Outcome:
        """The worse of what is said about the applicant and about the amount."""
        said = (self.answer.outcome,) if self.answer else ()
        return worst(*said, self.award.outcome)

    @property
    def recommended(self) -> int:
        """What is recommended, in minor units or GPU-ms; nothing where nothing can be had."""
        return 0 if self.outcome == "FAIL" else self.award.recommended

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every reason of the answer and of the award."""
        return (*(self.answer.reasons if self.answer else ()), *self.award.reasons)


def form(dossier: Dossier, programme: Programme) -> Opinion:
    """Return what a programme says about a dossier. Nothing is asked of clock or database."""
    answer = eligibility.answer(dossier.applicant, programme) if dossier.applicant else None
    claim = dossier.claim
    if answer is not None and answer.route is not None and claim.route is None:
        claim = replace(claim, route=answer.route)
    award = calculation.work_out(claim, programme)
    return Opinion(answer, claim, award, approval.tier(award.recommended, programme))
