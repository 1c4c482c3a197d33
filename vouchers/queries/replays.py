"""Past decisions worked out again from what was kept of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from policy import opinion
from policy.dossiers import DossierInvalid, dossier_from
from policy.programme import ProgrammeInvalid
from policy.rules import Programme as Policy
from vouchers.models import Decision
from vouchers.queries.programmes import read_policy

# Why an application had to stand back behind others of its round; see `actions.decide_round`.
REASONS_OF_ROUNDS = ("BUDGET_REACHED", "SCORE_TOO_LOW")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing of a decision that came out otherwise than it was kept."""

    decision: int
    application: str
    what: str
    kept: str
    found: str


@dataclass(frozen=True, slots=True)
class Replay:
    """One decision worked out again, with every difference."""

    decision: int
    differences: tuple[Difference, ...]


def replays(programme: str = "") -> Iterator[Replay]:
    """Work every decision out again by its own version of the policy and its own kept facts.

    Of one programme by its code, or of all. What an officer decided is not judged: the amount
    recommended, its working, its reasons and its days are compared.
    """
    read = cache(read_policy)
    found = Decision.objects.exclude(facts={}).select_related("application", "policy_version")
    if programme:
        found = found.filter(application__round__programme__code=programme)
    for decision in found.order_by("pk").iterator(chunk_size=_AT_ONCE):
        try:
            rules = read(decision.policy_version.text)
        except ProgrammeInvalid as error:
            yield _failed(decision, "policy", error.problems[0])
            continue
        yield Replay(decision.pk, tuple(_differences(decision, rules)))


def _failed(decision: Decision, what: str, why: str) -> Replay:
    difference = Difference(decision.pk, decision.application.reference, what, "", why)
    return Replay(decision.pk, (difference,))


def _differences(decision: Decision, rules: Policy) -> Iterator[Difference]:
    reference = decision.application.reference
    try:
        dossier = dossier_from(decision.facts)
    except DossierInvalid as error:
        yield Difference(decision.pk, reference, "facts", "", error.problems[0])
        return
    found = opinion.form(dossier, rules)
    for what, kept, again in (
        ("recommended", decision.recommended, found.award.recommended),
        ("validity_days", decision.validity_days, found.award.validity_days),
        ("working", decision.working, [line.to_dict() for line in found.award.working]),
        ("reasons", _of_the_law(decision), [reason.to_dict() for reason in found.reasons]),
    ):
        if kept != again:
            yield Difference(decision.pk, reference, what, str(kept), str(again))


def _of_the_law(decision: Decision) -> list[dict[str, str]]:
    """Return a decision's reasons without what deciding it together with others added."""
    return [one for one in decision.reasons if one["code"] not in REASONS_OF_ROUNDS]
