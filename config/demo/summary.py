"""What the demo holds, as tables for whoever loaded it, and the two equal applicants."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Model

from billing.models import BankLine, Batch, Bill, Payment, Verdict
from common.formatting import money
from config.demo.programmes import OFFSET
from policy.answers import Line
from scoring.indicators.report import Report, report
from vouchers.models import Application, Decision, Order, Programme, Standing, Voucher
from vouchers.queries import voucher_balances

EQUALS = ("Jasmine Robotics", "Lychee Robotics")
_FIGURES = (
    "appropriated",
    "available",
    "issued",
    "held",
    "consumed",
    "payable",
    "clearing",
    "paid",
    "delivered",
    "given_back",
    "utilisation",
)


@dataclass(frozen=True)
class Equal:
    """One of two applicants with the same request: what it had delivered, what it was given."""

    name: str
    score: Decimal
    z: Decimal
    n: Decimal
    first_awarded: int
    awarded: int
    validity_days: int
    unit: str
    effect: tuple[Line, ...]
    working: tuple[Line, ...]

    def line(self, name: str) -> str:
        """Return the amount of one line of the effect or the working."""
        return next(one.amount for one in (*self.effect, *self.working) if one.name == name)


def equal_applicants() -> tuple[Equal, ...]:
    """Return the two applicants that asked for the same and had delivered differently."""
    return tuple(_equal(name) for name in EQUALS)


def _equal(name: str) -> Equal:
    decisions = Decision.objects.filter(
        application__organisation__name=name,
        application__round__programme__code=OFFSET,
        outcome=Decision.Outcome.PASS,
    ).order_by("decided_at", "pk")
    first, *_between, last = decisions.select_related("application__round__programme")
    standing = last.facts["standing"]
    return Equal(
        name,
        Decimal(standing["score"]),
        Decimal(standing["z"]),
        Decimal(standing["n"]),
        first.awarded,
        last.awarded,
        last.validity_days,
        last.application.round.programme.unit,
        tuple(Line.from_dict(one) for one in standing["working"]),
        tuple(Line.from_dict(one) for one in last.working),
    )


def counts_by_state() -> dict[str, dict[str, int]]:
    """Return how many there are of everything that has states, by state."""
    tables: dict[str, tuple[type[Model], str]] = {
        "applications": (Application, "status"),
        "vouchers": (Voucher, "status"),
        "orders": (Order, "status"),
        "bills and claims": (Bill, "status"),
        "verdicts": (Verdict, "outcome"),
        "reasons": (Verdict, "reason"),
        "batches": (Batch, "status"),
        "payments": (Payment, "status"),
        "bank lines": (BankLine, "match"),
    }
    found = {
        name: {
            str(row[field]) or "none": row["count"]
            for row in model._default_manager.values(field)
            .annotate(count=Count("pk"))
            .order_by(field)
        }
        for name, (model, field) in tables.items()
    }
    active = list(
        Voucher.objects.filter(status=Voucher.Status.ACTIVE).select_related("programme")
    )
    balances = voucher_balances(active)
    used_up = sum(not balances[one.code].net for one in active)
    found["vouchers"]["ACTIVE, used up"] = used_up
    found["standings"] = {"published": Standing.objects.count()}
    return found


def figures(at: datetime) -> dict[str, dict[str, object]]:
    """Return each programme's figures of the report, by programme and figure."""
    found: Report = report(at)
    return {
        scope.code: {code: one.value for code, one in found.of(scope).items()}
        for scope in found.scopes
        if scope.code
    }


def summary(at: datetime) -> Iterable[str]:
    """Return the lines that say what was loaded."""
    units = dict(Programme.objects.values_list("code", "unit"))
    for code, values in figures(at).items():
        yield f"{code}"
        for name in _FIGURES:
            value = values[name]
            shown = money(value, units[code]) if isinstance(value, int) else str(value)
            yield f"  {name:<14}{shown:>24}"
    for name, states in counts_by_state().items():
        yield f"{name}: " + ", ".join(f"{state} {count}" for state, count in states.items())
    for one in equal_applicants():
        yield from _about(one)


def _about(one: Equal) -> Iterable[str]:
    yield f"{one.name}: score {one.score}, z {one.z}, n {one.n}"
    yield (
        f"  first award {money(one.first_awarded, one.unit)}; the same request now: "
        f"{money(one.awarded, one.unit)} for {one.validity_days} days"
    )
    for line in (*one.effect, *one.working):
        yield f"    {line.label_en}: {line.amount}"
