"""How rounds and decisions are put before people's eyes, in the language of the page."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from common.formatting import CURRENCY_SIGNS, instant, money
from common.languages import in_language
from common.money import is_currency
from policy.answers import Outcome
from vouchers.models import (
    Decision,
    Lot,
    Round,
    RoundDecision,
)


def round_title(round: Round) -> str:
    """Return a round's programme and code."""
    return f"{round.programme.title_here}, {round.code}"


def method_words(method: str) -> str:
    """Return how a law shares out a round, in words."""
    return {
        "FIRST_COME": _("First come, first served"),
        "SCORE": _("The highest scores first"),
        "SMALL_FIRST": _("Small requests first"),
        "PRO_RATA": _("The same share for everybody"),
        "LOTTERY": _("By score, and within a band by lot"),
    }[method]


def lot_rows(found: Round, decided: RoundDecision | None) -> list[dict[str, Any]]:
    """Return what is public of a round's lottery: the commitment, and after the draw its seed."""
    lot = Lot.objects.filter(round=found).first()
    if lot is None:
        return []
    rows = [{"key": _("Commitment to the seed (SHA-256)"), "value": lot.commitment}]
    if decided is not None:
        rows += [
            {"key": _("Seed"), "value": bytes(lot.seed).hex()},
            {"key": _("Drawn by"), "value": decided.draw_key},
        ]
    return rows


# --- decisions -------------------------------------------------------------------------------


def working_lines(working: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the steps of a stored working as its table shows them, the last as the total."""
    lines: list[dict[str, Any]] = [
        {
            "name": in_language(line["label_en"], line["label_zh"]),
            "amount": amount_words(line["amount"]),
            "clause": line["clause"],
        }
        for line in working
    ]
    if lines:
        lines[-1]["is_total"] = True
    return lines


def amount_words(stored: str) -> str:
    """Write a stored amount, such as `83676.0000 CNY`, as people read it: `¥83,676.00`."""
    figure, _space, unit = stored.partition(" ")
    try:
        amount = Decimal(figure)
    except InvalidOperation:
        return stored
    if is_currency(unit):
        whole, _point, part = f"{amount:,f}".partition(".")
        return f"{CURRENCY_SIGNS[unit]}{whole}.{part.rstrip('0'):0<2}"
    text = f"{amount:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if unit == "GPU-h":
        return _("%(hours)s GPU-hours") % {"hours": text}
    return f"{text} {unit}".strip()


def reason_lines(reasons: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return stored reasons in the language of the page, each with its clause."""
    return [
        {"text": in_language(reason["en"], reason["zh"]), "clause": reason["clause"]}
        for reason in reasons
    ]


def decided_by_words(decision: Decision) -> str:
    """Return who decided: a person's name, or which rule."""
    if decision.decided_by:
        return decision.decided_by.name
    if decision.application.upstream_award_id:
        return _("the rule that follows an award above")
    return _("the rule for small amounts")


def decision_shown(decision: Decision, unit: str, zone: str) -> dict[str, Any]:
    """Return one decision with its reasons and its working."""
    by = decided_by_words(decision)
    rows: list[dict[str, Any]] = [
        {"key": _("Decided"), "value": instant(decision.decided_at, zone)},
        {"key": _("By"), "value": by},
        {"key": _("Recommended by the policy"), "value": money(decision.recommended, unit)},
    ]
    if decision.outcome == Decision.Outcome.PASS:
        rows += [
            {"key": _("Awarded"), "value": money(decision.awarded, unit)},
            {"key": _("Valid for"), "value": _("%(count)s days") % _days(decision)},
        ]
    if decision.score is not None:
        rows.append({"key": _("Score of the reviews"), "value": f"{decision.score} / 100"})
    if decision.place is not None:
        rows.append({"key": _("Place in the round"), "value": decision.place})
    if decision.probability:
        rows.append({"key": _("Chance in the lottery"), "value": decision.probability})
    if decision.note:
        rows.append({"key": _("Note"), "value": decision.note})
    rows.append(
        {
            "key": _("Policy version"),
            "value": decision.policy_version.number,
        }
    )
    return {
        "heading": outcome_heading(decision),
        "rows": rows,
        "reasons": reason_lines(decision.reasons),
        "working": working_lines(decision.working),
    }


def _days(decision: Decision) -> dict[str, int]:
    return {"count": decision.validity_days}


def outcome_heading(decision: Decision) -> str:
    """Return in words what was decided."""
    return _HEADINGS[decision.outcome if not decision.undoes_id else "UNDONE"]()


_HEADINGS = {
    "PASS": lambda: _("Approved"),
    "FAIL": lambda: _("Not approved"),
    "REFER": lambda: _("Referred to an officer"),
    "WAIT": lambda: _("On the waiting list"),
    "UNDONE": lambda: _("An earlier decision was undone"),
}


def outcome_words(outcome: Outcome) -> str:
    """Return what the law says of an application, as staff read it."""
    return {
        "PASS": _("Every condition is met"),
        "FAIL": _("A condition is not met"),
        "REFER": _("An officer must judge"),
    }[outcome]
