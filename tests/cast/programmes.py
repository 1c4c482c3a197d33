"""Programmes with their law in force, and rounds."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from policy.programme import shipped
from tests.cast.basics import FISCAL_YEAR, HOUR, M1, M3, M5, NOON, a_key
from tests.cast.people import Authority
from vouchers import actions
from vouchers.models import (
    PolicyRelease,
    Programme,
    Round,
)


@dataclass(frozen=True)
class Scheme:
    """A programme with its law in force and a round open at NOON."""

    authority: Authority
    programme: Programme
    release: PolicyRelease
    round: Round


def policy_text(code: str) -> str:
    """Return a shipped document, its application days widened to contain NOON."""
    return shipped()[code].replace(
        "application = { from = 2026-01-04,", "application = { from = 2025-01-04,"
    )


def paying_text(code: str = M3, **said: str | int) -> str:
    """Return a shipped document that says how batches are paid, such as `authorise_above`."""
    lines = [
        f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"'
        for key, value in said.items()
    ]
    return "\n".join([policy_text(code), "[payment]", 'clause = "Payments"', *lines, ""])


_BUDGETS = {M1: 10_000_000_00, M3: 10_000_000_00, M5: 100_000 * HOUR}


def make_programme(
    authority: Authority,
    code: str = M3,
    *,
    budget: int | None = None,
    text: str = "",
    **round_facts: Any,
) -> Scheme:
    """Return a shipped programme: created, released by two people, with an open round."""
    programme = actions.create_programme(
        code=code,
        title=f"Programme {code}",
        title_zh=f"项目 {code}",
        authority=authority.organisation,
        text=text or policy_text(code),
        actor=authority.officer,
        at=NOON,
        key=a_key("programme"),
    )
    release = actions.release_policy(
        version=programme.policy_versions.get(number=1),
        effective_from_on=date(2025, 1, 1),
        actor=authority.second_officer,
        at=NOON,
        key=a_key("release"),
    )
    round = a_round(authority, programme, budget=budget or _BUDGETS[code], **round_facts)
    return Scheme(authority, programme, release, round)


def a_round(
    authority: Authority,
    programme: Programme,
    *,
    budget: int,
    code: str = "2025-A",
    fiscal_year: int = FISCAL_YEAR,
    opens_on: date = date(2025, 5, 1),
    closes_on: date = date(2025, 12, 31),
) -> Round:
    """Return a round, open at NOON unless told otherwise, with its budget allotted."""
    return actions.open_round(
        programme=programme,
        code=code,
        fiscal_year=fiscal_year,
        budget=budget,
        opens_on=opens_on,
        closes_on=closes_on,
        actor=authority.finance[0],
        at=NOON,
        key=a_key("round"),
    )
