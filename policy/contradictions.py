"""What two sections of one document may not say at once."""

from collections.abc import Callable
from decimal import Decimal

from common.money import is_currency
from policy.document import Problems
from policy.rules import PAYEE_OF_MODE, Programme, small_units


def find_contradictions(programme: Programme, problems: Problems) -> None:
    """Add to the problems whatever the sections say against each other."""
    for check in _CHECKS:
        check(programme, problems)


def _unit_fits_mode(programme: Programme, problems: Problems) -> None:
    in_kind = programme.mode == "M5"
    if in_kind == is_currency(programme.unit):
        wanted = "accelerator time, such as GPU:H100" if in_kind else "a currency, such as CNY"
        message = f"'{programme.unit}' contradicts mode {programme.mode}; write {wanted}."
        problems.add("", "unit", message)
    if in_kind != (programme.base.kind == "HOURS"):
        wanted = '"HOURS"' if in_kind else "a kind of fee, such as SETTLED"
        message = f"'{programme.base.kind}' contradicts mode {programme.mode}; write {wanted}."
        problems.add("base", "kind", message)


def _payee_fits_mode(programme: Programme, problems: Problems) -> None:
    wanted = PAYEE_OF_MODE[programme.mode]
    if programme.payee != wanted:
        message = f"'{programme.payee}' contradicts mode {programme.mode}; write {wanted}."
        problems.add("settlement", "payee", message)


def _sections_fit_mode(programme: Programme, problems: Problems) -> None:
    mode = programme.mode
    if mode == "M5" and programme.tiers:
        problems.add("tiers 1", "", "hours in kind have no share of a fee; take [[tiers]] out.")
    if mode != "M5" and not programme.tiers:
        problems.add("", "", f"mode {mode} needs a share; add [[tiers]] with clause and rate.")
    if mode != "M5" and programme.routes:
        problems.add("routes 1", "", f"mode {mode} has no routes; take [[routes]] out.")
    if mode == "M5" and programme.floor:
        problems.add("floor", "", "hours in kind have no fee to compare; take [floor] out.")
    if mode == "M1" and programme.hold:
        problems.add("hold", "", "mode M1 pays after use and holds nothing; take [hold] out.")
    if mode != "M1" and not programme.hold:
        problems.add("", "", f"mode {mode} places holds; add [hold] with clause and days.")


def _last_tier_takes_all(programme: Programme, problems: Problems) -> None:
    for number, tier in enumerate(programme.tiers, start=1):
        last = number == len(programme.tiers)
        if last and tier.conditional:
            message = "the last tier must take every claim; take its conditions out."
            problems.add(f"tiers {number}", "", message)
        if not last and not tier.conditional:
            message = "it takes every claim, so the tiers after it never count; put it last."
            problems.add(f"tiers {number}", "", message)


def _names_are_single(programme: Programme, problems: Problems) -> None:
    for path, key, names in (
        ("caps", "scope", [cap.scope for cap in programme.caps]),
        ("routes", "name", [route.name for route in programme.routes]),
        ("approval.tiers", "name", [tier.name for tier in programme.approval.tiers]),
    ):
        for number, name in enumerate(names, start=1):
            if name in names[: number - 1]:
                message = f"'{name}' is there twice; keep one."
                problems.add(f"{path} {number}", key, message)


def _apportion_has_window(programme: Programme, problems: Problems) -> None:
    use = programme.windows.use
    if programme.base.apportion and not (use and use.first and use.last):
        message = "needs a window; give [windows] use a `from` and an `until`."
        problems.add("base.apportion", "", message)


def _rounding_fits_unit(programme: Programme, problems: Problems) -> None:
    step = programme.rounding.step
    if step * small_units(programme.unit) % Decimal(1):
        message = (
            f"a step of {step:f} is finer than the smallest amount of {programme.unit} that "
            "can be paid; use fewer decimals."
        )
        problems.add("rounding", "decimals", message)


_CHECKS: tuple[Callable[[Programme, Problems], None], ...] = (
    _unit_fits_mode,
    _payee_fits_mode,
    _sections_fit_mode,
    _last_tier_takes_all,
    _names_are_single,
    _apportion_has_window,
    _rounding_fits_unit,
)
