"""What nobody was told yet, what is still to be sent, and a person's letters."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from billing.models import Bill, Recovery
from billing.queries import (
    Said,
    SettlementRules,
    Undecided,
    bills_to_settle,
    is_own_claim,
    objections_undecided,
    open_to,
    said_by_holders,
    undecided_of,
)
from common.days import day_of
from common.errors import NotFound, Refused
from notices.letters import RECOVERY_DUE, RECOVERY_LATE, Deed
from notices.models import Horizon, Message, WebhookMessage
from parties.models import User
from providers.models import WebhookEndpoint
from vouchers.models import Order, Voucher
from vouchers.queries import voucher_balances

# Reminders of a voucher's end, the most pressing first.
REMINDERS = ((1, "expires_1"), (7, "expires_7"), (14, "expires_14"), (30, "expires_30"))
# The reminder of an order that waits for its provider's word.
UNANSWERED = "unanswered"
# The reminder of lines of a bill that their holder has not spoken of.
UNCONFIRMED = "unconfirmed"
# How many days before what is owed back is due its debtor is reminded.
RECOVERY_DAYS = 7
# The reminder of an objection that the provider has not replied to.
UNREPLIED = "unreplied"
A_DAY = timedelta(days=1)
SENDING_LASTS = timedelta(minutes=10)

# Acts of the sealer are the ledger's own housekeeping: nobody is told, and nothing is noted.
_UNTOLD = """
    select a.id, a.kind, a.actor, a.about, a.at, a.details::text
    from ledger_act a
    where a.txid >= %s and a.kind = any(%s) and a.id > %s
        and not exists (select from notices_told t where t.act_id = a.id)
    order by a.id limit %s
"""


def deeds_untold(kinds: Collection[str], *, after: int, most: int) -> list[Deed]:
    """Return acts of some kinds that nobody was told of, oldest number first.

    Acts take their numbers before they commit, so one with a lower number may come later: the
    next sweep starts from the horizon again, not from the last number.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNTOLD, [horizon(), sorted(kinds), after, most])
        rows = cursor.fetchall()
    return [
        Deed(id, kind, actor, about, at, json.loads(details))
        for id, kind, actor, about, at, details in rows
    ]


def horizon() -> int:
    """Return the transaction below which everybody was told of every act."""
    found = Horizon.objects.filter(pk=1).values_list("txid", flat=True).first()
    return found or 0


def messages_to_send(at: datetime) -> QuerySet[Message]:
    """Return the letters not e-mailed yet that no sender has in hand, oldest first."""
    return (
        Message.objects.filter(emailed_at__isnull=True)
        .filter(Q(sending_at__isnull=True) | Q(sending_at__lte=at - SENDING_LASTS))
        .select_related("user")
        .order_by("pk")
    )


@dataclass(frozen=True, slots=True)
class Expiring:
    """A voucher that expires soon with value free on it, and which reminder is due."""

    voucher: Voucher
    days_left: int
    free: int
    kind: str


def vouchers_expiring(at: datetime) -> list[Expiring]:
    """Return the vouchers whose holders are to be reminded, each reminder once."""
    soon = day_of(at) + timedelta(days=REMINDERS[-1][0] + 1)
    found = list(
        Voucher.objects.filter(status=Voucher.Status.ACTIVE, valid_until_on__lte=soon)
        .annotate(end_set_by=Coalesce("extended_act", "act"))
        .annotate(
            **{
                kind: Exists(Message.objects.filter(act=OuterRef("end_set_by"), kind=kind))
                for _days, kind in REMINDERS
            }
        )
        .select_related("programme", "organisation")
        .order_by("pk")
    )
    balances = voucher_balances(found)
    return [
        one for voucher in found for one in _expiring(voucher, at, balances[voucher.code].free)
    ]


def _expiring(voucher: Voucher, at: datetime, free: int) -> Iterable[Expiring]:
    left = (voucher.valid_until_on - day_of(at, voucher.programme.zone)).days
    kind = next((kind for days, kind in REMINDERS if 0 <= left <= days), "")
    # A voucher issued for so short a time was announced with its end.
    is_new = at - voucher.issued_at < timedelta(days=1)
    if kind and free > 0 and not is_new and not getattr(voucher, kind):
        yield Expiring(voucher, left, free, kind)


def orders_unanswered(at: datetime) -> list[Order]:
    """Return the orders that lapse unanswered within a day and have waited for one, each once."""
    reminded = Message.objects.filter(act=OuterRef("act"), kind=UNANSWERED)
    return list(
        Order.objects.filter(
            ~Exists(reminded),
            status=Order.Status.PLACED,
            accept_by__gt=at,
            accept_by__lte=at + A_DAY,
            placed_at__lte=at - A_DAY,
        )
        .select_related(
            "voucher__programme", "voucher__organisation", "offer__provider__organisation"
        )
        .order_by("pk")
    )


class Unconfirmed(NamedTuple):
    """A bill whose days end soon, and a holder who has not spoken of all of its lines."""

    bill: Bill
    said: Said


def bills_unconfirmed(at: datetime) -> list[Unconfirmed]:
    """Return the bills whose holders have two days left to speak of their lines, each once.

    Where a programme gives less than four days, half of them are left.
    """
    reminded = Message.objects.filter(act=OuterRef("act"), kind=UNCONFIRMED)
    waiting = bills_to_settle().filter(~Exists(reminded), agreed_at__isnull=True)
    found = []
    for bill in waiting.select_related("programme", "provider__organisation"):
        if is_own_claim(bill):
            continue
        try:
            until = open_to(bill)
        except Refused:
            # Without a law nobody knows the days; one bill must not silence all others.
            continue
        if _is_soon(bill.sent_at, until, at):
            found += [Unconfirmed(bill, said) for said in said_by_holders(bill) if said.unsaid]
    return found


class Owed(NamedTuple):
    """A recovery of which something is owed, and which reminder of it is due."""

    case: Recovery
    kind: str


def recoveries_owed(at: datetime) -> list[Owed]:
    """Return the recoveries whose debtors are to be reminded, once before their day and once after.

    The first is written in the week before. A debtor who was told of the
    decision less than a day ago knows of the day.
    """
    found = Recovery.objects.filter(
        status=Recovery.Status.UPHELD,
        decided_at__lte=at - A_DAY,
        due_on__lte=day_of(at) + timedelta(days=RECOVERY_DAYS + 1),
    ).annotate(
        **{
            kind: Exists(Message.objects.filter(act=OuterRef("act"), kind=kind))
            for kind in (RECOVERY_DUE, RECOVERY_LATE)
        }
    )
    owed = []
    for case in found.select_related("programme", "debtor").order_by("pk"):
        assert case.due_on is not None, "an upheld case has a day"
        left = (case.due_on - day_of(at, case.programme.zone)).days
        kind = RECOVERY_LATE if left < 0 else RECOVERY_DUE
        if left <= RECOVERY_DAYS and not getattr(case, kind):
            owed.append(Owed(case, kind))
    return owed


def objections_unreplied(at: datetime) -> list[Undecided]:
    """Return the objections that providers have two days left to reply to, each once.

    Where a programme gives less than four days, half of them are left.
    """
    reminded = Message.objects.filter(act=OuterRef("act"), kind=UNREPLIED)
    rules, found = SettlementRules(), []
    undecided: QuerySet[Any] = objections_undecided()
    for objection in undecided.filter(~Exists(reminded), replied_at=None):
        try:
            one = undecided_of(objection, rules)
        except Refused:
            # As above: one bill without a law must not silence all others.
            continue
        until = one.reply_until
        if until is not None and _is_soon(objection.raised_at, until, at):
            found.append(one)
    return found


def _is_soon(since: datetime, until: datetime, at: datetime) -> bool:
    """Say whether an end is at most two days away, or half of the time where that is less."""
    return until - min(2 * A_DAY, (until - since) / 2) <= at < until


def inbox(person: User) -> QuerySet[Message]:
    """Return all letters to a person, newest first."""
    return Message.objects.filter(user=person).order_by("-written_at", "-pk")


def unread_count(person: User) -> int:
    """Return how many letters a person has not opened."""
    return Message.objects.filter(user=person, read_at__isnull=True).count()


def message_of(person: User, number: int) -> Message:
    """Return one letter to a person.

    :raises NotFound: if it doesn't exist or is somebody else's.
    """
    found = inbox(person).filter(pk=number).first()
    if found is None:
        raise NotFound(what=str(number))
    return found


def events_to_send(at: datetime) -> QuerySet[WebhookMessage]:
    """Return the events that are due at addresses that are not disabled, the oldest due first."""
    return (
        WebhookMessage.objects.filter(
            next_attempt_at__lte=at, endpoint__status=WebhookEndpoint.Status.ACTIVE
        )
        .select_related("endpoint")
        .order_by("next_attempt_at", "pk")
    )


def events_at(endpoint: WebhookEndpoint) -> QuerySet[WebhookMessage]:
    """Return the events for an address, newest first."""
    return WebhookMessage.objects.filter(endpoint=endpoint).order_by("-pk")


def event_at(endpoint: WebhookEndpoint, number: str) -> WebhookMessage:
    """Return one event for an address, with its attempts.

    :raises NotFound: if there is none.
    """
    found = events_at(endpoint).filter(number=number).prefetch_related("attempts").first()
    if found is None:
        raise NotFound(what=number)
    return found
