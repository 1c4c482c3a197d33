"""Entries of the bank that a person has to look at: which wait, since when, what they may be."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, QuerySet, Subquery

from billing.models import BankLine, BankResolution, Payment
from billing.queries.payments import statements_visible_to
from common.errors import NotFound
from parties.models import User

Kind, Step = BankResolution.Kind, BankResolution.Step
# By when somebody should have looked, in days from when the file was read: sooner where money has
# left twice or from elsewhere. A promise of the house to itself; no law asks for it.
DAYS = 5
DAYS_OF = {BankLine.Oddity.DUPLICATE: 2, BankLine.Oddity.FOREIGN: 2}
# How long before its booking a payment may have been sent, to be suggested for an entry.
WINDOW = timedelta(days=10)
SUGGESTIONS_MAX = 5
STATES = ("OPEN", "PROPOSED", "ASKED", "DONE")


@dataclass(frozen=True, slots=True)
class Clock:
    """Since when an entry waits, and by when it should have been looked at."""

    age_days: int
    due_at: datetime
    is_late: bool


def odd_lines(person: User, state: str = "") -> QuerySet[BankLine]:
    """Return the odd entries that a person may see, oldest first, each with where it stands.

    Each has `step` and `kind` of what was last said of it, both None where nothing was.

    :param state: one of `STATES`, or all that waits for somebody (what is not DONE).
    """
    newest = BankResolution.objects.filter(line=OuterRef("pk")).order_by("-number")
    lines = (
        BankLine.objects.filter(statement__in=statements_visible_to(person).order_by())
        .exclude(oddity="")
        .annotate(
            step=Subquery(newest.values("step")[:1]), kind=Subquery(newest.values("kind")[:1])
        )
        .select_related("statement", "payment__batch")
        .defer("statement__content")
        .order_by("statement__read_at", "statement_id", "position")
    )
    is_open = Q(step__isnull=True) | Q(step=Step.UNDONE)
    is_asked = Q(step=Step.DONE, kind=Kind.ASKED_BANK)
    wanted = {
        "OPEN": is_open,
        "PROPOSED": Q(step=Step.PROPOSED),
        "ASKED": is_asked,
        "DONE": Q(step=Step.DONE) & ~Q(kind=Kind.ASKED_BANK),
    }
    return lines.filter(wanted.get(state, is_open | is_asked | Q(step=Step.PROPOSED)))


def state_of(step: str | None, kind: str | None) -> str:
    """Return where an entry stands, one of `STATES`, by what was last said of it."""
    if step == Step.PROPOSED:
        return "PROPOSED"
    if step == Step.DONE:
        return "ASKED" if kind == Kind.ASKED_BANK else "DONE"
    return "OPEN"


def bank_line_of(person: User, number: int) -> BankLine:
    """Return one entry of the bank that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    visible = statements_visible_to(person).order_by()
    line = (
        BankLine.objects.filter(statement__in=visible, pk=number)
        .select_related("statement", "payment__batch")
        .defer("statement__content")
        .first()
    )
    if line is None:
        raise NotFound(what=number)
    return line


def resolutions_of(line: BankLine) -> list[BankResolution]:
    """Return what was said of an entry, newest first."""
    return list(
        BankResolution.objects.filter(line=line)
        .select_related("made_by", "seconded_by", "payment__batch", "recovery")
        .order_by("-number")
    )


def clock_of(line: BankLine, now: datetime) -> Clock:
    """Return since when an entry waits at an instant, and by when it is due."""
    read_at = line.statement.read_at
    due_at = read_at + timedelta(days=DAYS_OF.get(BankLine.Oddity(line.oddity), DAYS))
    return Clock(max(0, (now - read_at).days), due_at, now > due_at)


def suggestions_for(line: BankLine, authorities: Iterable[int]) -> list[Payment]:
    """Return payments that an entry may be of; nothing is ever done by that.

    The one that it names and that does not fit comes first; then those that wait for the bank,
    are of the same amount and currency, were sent in the days before, and go to the same party
    by account or name. Each is for a person to compare.
    """
    if line.is_credit:
        return []
    waiting = Payment.objects.filter(
        Q(batch__payer__in=list(authorities))
        | Q(batch__payer=None, batch__programme__authority__in=list(authorities)),
        status=Payment.Status.SENT,
    ).select_related("batch", "payee", "bank_detail")
    named = line.reason_values.get("end_to_end_id") or line.end_to_end_id
    found = list(waiting.filter(end_to_end_id=named)) if named else []
    party = Q()
    if line.counterparty_account:
        party |= Q(bank_detail__number=line.counterparty_account)
    if line.counterparty:
        party |= Q(bank_detail__holder__iexact=line.counterparty)
        party |= Q(payee__name__iexact=line.counterparty)
    if party:
        day = line.booked_on
        alike = waiting.filter(
            party,
            amount=line.amount,
            unit=line.unit,
            batch__released_at__date__gte=day - WINDOW,
            batch__released_at__date__lte=day + timedelta(days=1),
        ).exclude(pk__in=[one.pk for one in found])
        found += alike.order_by("batch__released_at", "pk")[:SUGGESTIONS_MAX]
    return found
