"""How applications, decisions, vouchers and orders are put before people's eyes."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.charts import Mark, balance_bar
from common.formatting import CURRENCY_SIGNS, day, gpu_hours, instant, money
from common.languages import in_language
from common.money import is_currency
from common.statuses import Status
from ledger import queries as ledger
from ledger.queries import Balance
from parties.models import Organisation, User
from policy.answers import Outcome
from vouchers import queries, statuses
from vouchers.models import (
    Decision,
    ExtensionVerdict,
    Lot,
    Order,
    Round,
    RoundDecision,
    Voucher,
)
from vouchers.queries import OrderUse

SOON = timedelta(days=30)


# --- words in the language of the page -------------------------------------------------------


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


# --- vouchers and orders ---------------------------------------------------------------------


def voucher_status(voucher: Voucher, balance: Balance, on: date) -> Status:
    """Return a voucher's status on a day: what it is, or what its balance and days make it."""
    if voucher.status == Voucher.Status.ACTIVE:
        if balance.free <= 0:
            return statuses.VOUCHER["USED_UP"]
        if voucher.valid_until_on - on <= SOON:
            return statuses.VOUCHER["EXPIRES_SOON"]
    return statuses.VOUCHER[voucher.status]


def voucher_bar(voucher: Voucher, balance: Balance) -> SafeString:
    """Draw how much of a voucher is spent, held and free."""
    unit = voucher.unit
    marks = [
        Mark(_("Spent or gone back"), balance.debit, money(balance.debit, unit)),
        Mark(_("Held for orders"), balance.pending, money(balance.pending, unit)),
    ]
    total = Mark(_("Voucher"), balance.credit, money(balance.credit, unit))
    return balance_bar(
        marks,
        total=total,
        id="balance",
        title=_("%(free)s of %(total)s are free")
        % {"free": money(balance.free, unit), "total": money(balance.credit, unit)},
    )


def days_words(count: int) -> str:
    """Write a number of days."""
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}


def extensions_shown(found: Voucher) -> dict[str, Any]:
    """Return what was asked for and answered about a voucher's days, as a table."""
    rows = []
    for one in queries.extensions_of(found):
        verdict = getattr(one, "verdict", None)
        said = _("Not decided yet")
        if verdict is not None:
            granted = verdict.outcome == ExtensionVerdict.Outcome.GRANTED
            said = _("Given") if granted else _("Not given")
        note = verdict.note if verdict else ""
        rows.append([days_words(one.days), one.reason, said, note])
    columns = [_("Asked for"), _("Why"), _("Answer"), _("Reason")]
    return {"caption": _("More days"), "columns": columns, "rows": rows}


def order_status(order: Order, use: OrderUse) -> Status:
    """Return an order's status: what it is, or that part of an open one was used."""
    if order.status == Order.Status.OPEN and use.used_ms:
        return statuses.ORDER["PARTLY_USED"]
    return statuses.ORDER[order.status]


def order_bar(order: Order, use: OrderUse) -> SafeString:
    """Draw how much of an order was billed, used and not billed, and how much is left."""
    billed = min(use.billed_ms, use.used_ms)
    whole = max(use.ordered_ms, use.used_ms)
    marks = [
        Mark(_("Used and billed"), billed, gpu_hours(billed)),
        Mark(_("Used, not billed yet"), use.used_ms - billed, gpu_hours(use.used_ms - billed)),
    ]
    return balance_bar(
        marks,
        total=Mark(_("Ordered"), whole, gpu_hours(use.ordered_ms)),
        id="use",
        title=_("%(left)s of %(ordered)s are left")
        % {"left": gpu_hours(use.left_ms), "ordered": gpu_hours(use.ordered_ms)},
    )


def order_rows(orders: Iterable[Order], zone: str) -> list[list[Any]]:
    """Return orders as rows of a table, each with what was used and what its hold has left."""
    found = list(orders)
    left = ledger.holds_remaining(order.hold for order in found)
    uses = queries.order_uses(found)
    return [
        [
            {"text": order.code, "url": reverse("order", args=[order.code])},
            order.offer.title,
            instant(order.placed_at, zone),
            money(order.hold_amount, order.voucher.unit),
            money(left.get(order.hold, 0), order.voucher.unit),
            gpu_hours(uses[order.pk].left_ms),
            order_status(order, uses[order.pk]).label,
        ]
        for order in found
    ]


def order_columns() -> list[Any]:
    """Return the columns of `order_rows`."""
    return [
        _("Order"),
        _("Offer"),
        _("Placed"),
        {"label": _("Held"), "numeric": True},
        {"label": _("Still held"), "numeric": True},
        {"label": _("Time left"), "numeric": True},
        _("Status"),
    ]


# --- what happened ---------------------------------------------------------------------------


def timeline(
    about: str, *, order: str = "", also: Iterable[int] = (), is_public: bool = False
) -> list[dict[str, Any]]:
    """Return what was done about a thing, newest first, with who did it.

    :param order: the code of the one order that is looked at.
    :param is_public: leave out what the authority does among its own people.
    :param also: acts that made the thing or what came of it, where they were about another.
    """
    acts = ledger.acts_about(about)
    found = list(acts.filter(details__order=order) if order else acts)
    known = {act.id for act in found}
    found += [ledger.act_of(act_id) for act_id in set(also) - known]
    if is_public:
        found = [act for act in found if act.kind not in _INTERNAL]
    found.sort(key=lambda act: (act.at, act.id))
    names = _names_of({act.actor for act in found})
    return [
        {
            "title": _ACTS[act.kind]() if act.kind in _ACTS else act.kind,
            "at": act.at,
            "by": names.get(act.actor, act.actor),
            "body": act.reason,
        }
        for act in reversed(found)
    ]


def _names_of(actors: set[str]) -> dict[str, str]:
    """Return whom addresses name: people, providers, and the portal itself."""
    named = {"system": _("the portal itself")}
    people = {actor.removeprefix("user:"): actor for actor in actors if actor[:5] == "user:"}
    for user in User.objects.filter(pk__in=[int(number) for number in people]):
        named[user.address] = user.name
    codes = {actor.partition(":")[2] for actor in actors if actor.startswith("provider:")}
    for organisation in Organisation.objects.filter(code__in=codes):
        named[f"provider:{organisation.code}"] = organisation.name_here
    return named


# Who judges an application, and how, is not its applicant's to read.
_INTERNAL = frozenset(
    {
        "assign_application",
        "declare_conflict",
        "submit_review",
        "admit_application",
        "confirm_decision",
    }
)
_ACTS = {
    "ask_registers": lambda: _("Registers asked"),
    "submit_application": lambda: _("Application sent"),
    "withdraw_application": lambda: _("Application withdrawn"),
    "request_information": lambda: _("The applicant was asked for information"),
    "answer_request": lambda: _("The applicant answered"),
    "assign_application": lambda: _("Given to a person"),
    "declare_conflict": lambda: _("A person stepped back"),
    "submit_review": lambda: _("A review came in"),
    "admit_application": lambda: _("Admitted to the round"),
    "decide_application": lambda: _("Application decided"),
    "decide_round": lambda: _("The round was decided"),
    "confirm_decision": lambda: _("Award confirmed"),
    "award_waiting": lambda: _("The waiting list was served"),
    "appeal_decision": lambda: _("Appeal sent"),
    "decide_appeal": lambda: _("Appeal decided"),
    "commit_lot": lambda: _("Seed of the lottery committed to"),
    "undo_decision": lambda: _("Decision undone"),
    "issue_voucher": lambda: _("Voucher issued"),
    "issue_vouchers": lambda: _("Vouchers issued"),
    "place_hold": lambda: _("Order placed, value held"),
    "accept_order": lambda: _("Order accepted by the provider"),
    "decline_order": lambda: _("Order declined by the provider"),
    "change_order": lambda: _("Order changed"),
    "cancel_order": lambda: _("Order cancelled"),
    "name_order_user": lambda: _("A person may use the order"),
    "end_order_user": lambda: _("A person may not use the order any more"),
    "release_hold": lambda: _("Order released"),
    "lapse_hold": lambda: _("Order lapsed"),
    "return_voucher": lambda: _("Value given back"),
    "expire_voucher": lambda: _("Voucher expired"),
    "split_voucher": lambda: _("Part set apart for a team"),
    "take_back": lambda: _("Part taken back"),
    "request_extension": lambda: _("More days asked for"),
    "decide_extension": lambda: _("More days decided"),
    "revoke_voucher": lambda: _("Voucher revoked"),
    "suspend_voucher": lambda: _("Voucher put on hold"),
    "resume_voucher": lambda: _("Voucher active again"),
    "record_assessment": lambda: _("Target assessed"),
    "record_usage": lambda: _("Usage recorded"),
    "correct_usage": lambda: _("Usage corrected"),
    "ask_about_use": lambda: _("Question about use"),
    "answer_about_use": lambda: _("Answer about use"),
    "settle_bill": lambda: _("Bill settled"),
    "submit_claim": lambda: _("Claim sent"),
    "report_outcome": lambda: _("Outcome reported"),
    "score_voucher": lambda: _("Voucher scored"),
    "create_programme": lambda: _("Programme created"),
    "propose_policy": lambda: _("Policy version proposed"),
    "release_policy": lambda: _("Policy version put in force"),
    "open_round": lambda: _("Round opened"),
    "record_upstream_awards": lambda: _("Awards above recorded"),
    "prepare_batch": lambda: _("Batch prepared"),
}


def by_words(name: str, at: datetime, zone: str) -> str:
    """Write who did something, and when."""
    return format_html("{}, {}", name, instant(at, zone))


def day_words(on: date) -> str:
    """Write a day in the language of the page."""
    return day(on)


def outcome_words(outcome: Outcome) -> str:
    """Return what the law says of an application, as staff read it."""
    return {
        "PASS": _("Every condition is met"),
        "FAIL": _("A condition is not met"),
        "REFER": _("An officer must judge"),
    }[outcome]
