"""What another version of a programme's law would have made of past applications."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from policy import opinion
from policy.answers import Outcome
from policy.dossiers import DossierInvalid, dossier_from
from policy.programme import ProgrammeInvalid
from policy.rules import Programme as Policy
from vouchers.models import Decision, Programme
from vouchers.queries.past import asks_of_past
from vouchers.queries.programmes import read_policy

SIMULATED_MAX = 2_000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Simulated:
    """One past application under both laws: minor units, or GPU-ms in mode M5."""

    application: str
    organisation: str
    before: int
    after: int
    outcome_before: Outcome
    outcome_after: Outcome

    @property
    def effect(self) -> int:
        """How much more is recommended; less is below 0."""
        return self.after - self.before


@dataclass(slots=True)
class Simulation:
    """Past applications under another version; `left_out` could not be worked out again."""

    rows: list[Simulated] = field(default_factory=list)
    left_out: int = 0
    is_whole: bool = True

    @property
    def gain(self) -> list[Simulated]:
        """Who would have had more, the most first."""
        found = [row for row in self.rows if row.effect > 0]
        return sorted(found, key=lambda row: -row.effect)

    @property
    def lose(self) -> list[Simulated]:
        """Who would have had less, the most first."""
        found = [row for row in self.rows if row.effect < 0]
        return sorted(found, key=lambda row: row.effect)

    @property
    def before(self) -> int:
        """What the law of each day recommended, in all."""
        return sum(row.before for row in self.rows)

    @property
    def after(self) -> int:
        """What the other version recommends, in all."""
        return sum(row.after for row in self.rows)

    @property
    def effect(self) -> int:
        """What the other version costs more than the law of each day."""
        return self.after - self.before


def simulate(
    programme: Programme, rules: Policy, *, most: int | None = SIMULATED_MAX
) -> Simulation:
    """Work past applications out by another law, from the facts kept at their decisions.

    The newest `most` that are in force count, or all of them. What the law of each day says is
    compared with what the other says: what a person decided within it is not judged. Each is
    taken by itself, with what was used and left on its day: what others would have had then
    does not change it.
    """
    found = Simulation()
    read = cache(read_policy)
    for number, decision in enumerate(_decisions(programme)):
        if most is not None and number == most:
            found.is_whole = False
            break
        try:
            dossier = dossier_from(decision.facts)
            before = opinion.form(dossier, read(decision.policy_version.text))
        except (DossierInvalid, ProgrammeInvalid):
            found.left_out += 1
            continue
        if not _counted_as_much(read(decision.policy_version.text), rules):
            # What the law of the day did not count was not kept either.
            found.left_out += 1
            continue
        after = opinion.form(dossier, rules)
        found.rows.append(
            Simulated(
                application=decision.application.reference,
                organisation=decision.application.organisation.name_here,
                before=before.recommended,
                after=after.recommended,
                outcome_before=before.outcome,
                outcome_after=after.outcome,
            )
        )
    return found


def _counted_as_much(then: Policy, other: Policy) -> bool:
    """Say whether the facts of a day hold all of the past that another law counts."""
    if asks_of_past(other) and not asks_of_past(then):
        return False
    if not other.counts_undertaking:
        return True
    same_line = then.applicant.control_above == other.applicant.control_above
    return then.counts_undertaking and same_line


def _decisions(programme: Programme) -> Iterator[Decision]:
    """Give each application's newest decision, unless it was undone; the newest first."""
    # Found in one pass: asked row by row, the planner takes them for a handful.
    newest = (
        Decision.objects.filter(application__round__programme=programme)
        .order_by("application", "-pk")
        .distinct("application")
    )
    found = Decision.objects.filter(pk__in=newest.values("pk"), undoes__isnull=True)
    found = found.exclude(facts={})
    related = found.select_related("application__organisation", "policy_version")
    yield from related.order_by("-pk").iterator(chunk_size=_AT_ONCE)
