"""What the law in force says about an application, before anybody decides."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from common.days import day_of
from common.languages import in_language
from parties.models import Organisation
from policy import opinion
from policy.answers import Outcome, Reason
from policy.calculation import Award
from policy.dossiers import Dossier
from policy.eligibility import ApplicantFacts
from policy.opinion import Opinion
from policy.rules import Programme as Policy
from vouchers.models import Application, PolicyVersion
from vouchers.queries.applications import standing_effect, standing_of
from vouchers.queries.facts import applicant_facts, claim_of
from vouchers.queries.known import known_of
from vouchers.queries.programmes import policy_in_force


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the law in force says about an application, before anybody decides."""

    opinion: Opinion
    version: PolicyVersion
    rules: Policy
    applicant: ApplicantFacts
    # The organisations whose awards count together, by their primary keys.
    together: frozenset[int]
    facts: dict[str, Any]

    @property
    def outcome(self) -> Outcome:
        """Pass, refer or fail."""
        return self.opinion.outcome

    @property
    def award(self) -> Award:
        """What is recommended, with its working."""
        return self.opinion.award

    @property
    def people(self) -> int:
        """How many must decide it; 0 is automatic."""
        return self.opinion.tier.people

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every reason of the answer and of the award."""
        return self.opinion.reasons


def proposal_of(application: Application, at: datetime) -> Proposal:
    """Return what the law in force says about an application: answer, award and approval tier.

    Moves and writes nothing, so pages may show it before the decision.

    :raises NoPolicyInForce: if the programme has none today.
    """
    programme = application.round.programme
    version, rules = policy_in_force(programme, day_of(at, programme.zone))
    known = known_of(application, rules, at)
    facts = applicant_facts(application, at, rules, known)
    claim = claim_of(application, at, rules, known)
    found = opinion.form(Dossier(claim, facts), rules)
    kept = {
        "applicant": as_json(facts),
        "claim": as_json(found.claim),
        "standing": _standing_as_json(application.organisation, rules),
        "registers": known.sources,
    }
    return Proposal(found, version, rules, facts, known.together, kept)


def lock_together(applications: Iterable[Application], at: datetime) -> None:
    """Let awards to one organisation, or one undertaking, be worked out in turn: ceilings hold.

    Called inside the transaction of an action, before what was awarded before is read.

    :raises NoPolicyInForce: if a programme has none today.
    """
    together: set[int] = set()
    for application in applications:
        programme = application.round.programme
        _version, rules = policy_in_force(programme, day_of(at, programme.zone))
        together |= known_of(application, rules, at).together
    # In one order, so that two who wait for each other's organisations can't wait for ever.
    locked = Organisation.objects.select_for_update(no_key=True).filter(pk__in=together)
    list(locked.order_by("pk").values_list("pk"))


def as_json(facts: Any) -> Any:
    """Return the facts of a dossier as plain values, for storing as JSON."""

    def text(value: Any) -> Any:
        return sorted(value) if isinstance(value, frozenset) else str(value)

    return json.loads(json.dumps(asdict(facts), default=text))


def _standing_as_json(organisation: Organisation, rules: Policy) -> dict[str, Any]:
    standing = standing_of(organisation)
    if standing is None:
        return {}
    lines = standing_effect(organisation, rules).working
    return {
        "z": str(standing.z),
        "n": str(standing.n),
        "score": str(standing.score),
        "working": [line.to_dict() for line in lines],
    }


def in_words(reasons: Iterable[Reason]) -> str:
    """Return reasons as sentences, in the language of whoever reads."""
    return " ".join(in_language(reason.en, reason.zh) for reason in reasons)
