"""How vouchers and orders are put before people's eyes, and what happened to them."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.charts import Mark, balance_bar
from common.formatting import day, gpu_hours, instant, money
from common.statuses import Status
from ledger import queries as ledger
from ledger.queries import Balance
from parties.models import Organisation, User
from vouchers import queries, statuses
from vouchers.models import (
    ExtensionVerdict,
    Order,
    Voucher,
)
from vouchers.queries import OrderUse

SOON = timedelta(days=30)


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
