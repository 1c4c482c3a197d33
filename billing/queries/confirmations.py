"""What holders said of the lines of a bill that is not settled yet, and what they still may say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.models import Bill, BillLine, LineConfirmation
from billing.queries.bills import is_own_claim, law_when_sent, open_to, with_words
from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import Role

# Whether the line `l` of a statement is confirmed, or disputed, by its holder.
CONFIRMED: Final = """coalesce((select c.is_confirmed from billing_lineconfirmation c
    where c.line_id = l.id order by c.id desc limit 1), false)"""
DISPUTED: Final = """exists (select from billing_objection o where o.line_id = l.id
    and not exists (select from billing_objectionwithdrawal w where w.objection_id = o.id))"""
_UNCONFIRMED = """
    select l.id from billing_billline l
    where %(silence)s and l.bill_id = %(bill)s and l.voucher_id is not null
        and not {confirmed}
"""
# The lines that settlement withholds because their holder did not confirm them: none where the
# programme takes silence for acceptance (`silence` is false). Parameters: `silence`, `bill`.
UNCONFIRMED: Final = _UNCONFIRMED.format(confirmed=CONFIRMED)
_HAS_UNSAID = """
    select exists (select from billing_billline l
        where l.bill_id = %s and l.voucher_id is not null
            and not {confirmed} and not {disputed})
"""


def withholds_silence(bill: Bill) -> bool:
    """Say whether a line of which its holder says nothing is withheld at settlement.

    :raises NoPolicyInForce: if the programme had no policy on the day when the bill was sent.
    """
    return not is_own_claim(bill) and law_when_sent(bill).settlement.silence == "WITHHOLDS"


def is_unconfirmed(line: BillLine) -> bool:
    """Say whether settlement withholds one line because its holder did not confirm it."""
    if line.voucher_id is None or not withholds_silence(line.bill):
        return False
    return not is_confirmed(line)


def is_confirmed(line: BillLine) -> bool:
    """Say whether a line's holder confirmed it and did not take that back."""
    newest = LineConfirmation.objects.filter(line=line).order_by("-pk").first()
    return newest is not None and newest.is_confirmed


def has_unsaid(bill: Bill) -> bool:
    """Say whether any line of a bill is neither confirmed nor disputed by its holder."""
    with connection.cursor() as cursor:
        asked = _HAS_UNSAID.format(confirmed=CONFIRMED, disputed=DISPUTED)
        cursor.execute(asked, [bill.pk])
        return bool(cursor.fetchone()[0])


def may_speak(bill: Bill, at: datetime) -> bool:
    """Say whether holders may still confirm lines of a bill or object to them."""
    return bill.status == Bill.Status.SENT and not is_own_claim(bill) and at < open_to(bill)


def holders_of(person: User) -> QuerySet[Organisation]:
    """Return the organisations for which a person may confirm lines and object to them."""
    return organisations_of(person, Role.APPLICANT)


def lines_to_confirm(person: User, bill: Bill) -> QuerySet[BillLine]:
    """Return the lines of a bill that a person may speak of, in order, with what was said."""
    own = BillLine.objects.filter(bill=bill, voucher__organisation__in=holders_of(person))
    return with_words(own.select_related("bill__programme", "voucher", "order")).order_by("row")


@dataclass(frozen=True, slots=True)
class Said:
    """Lines and amounts that one holder confirmed, disputed and said nothing of."""

    holder: Organisation
    confirmed: int
    confirmed_amount: int
    disputed: int
    disputed_amount: int
    unsaid: int
    unsaid_amount: int

    @property
    def lines(self) -> int:
        """How many lines the holder has on the bill."""
        return self.confirmed + self.disputed + self.unsaid


def said_by_holders(bill: Bill) -> list[Said]:
    """Return what each holder with lines on a bill said of them, by the holders' names."""
    lines = with_words(BillLine.objects.filter(bill=bill, voucher__isnull=False))
    states = {
        "confirmed": Q(confirmed=True),
        "disputed": Q(disputed=True),
        "unsaid": Q(confirmed=False, disputed=False),
    }
    figures: dict[str, Any] = {}
    for name, state in states.items():
        figures[f"{name}_count"] = Count("pk", filter=state)
        figures[f"{name}_amount"] = Coalesce(Sum("amount", filter=state), 0)
    found: list[Any] = list(
        lines.order_by().values(owner=F("voucher__organisation")).annotate(**figures)
    )
    holders = Organisation.objects.in_bulk([row["owner"] for row in found])
    said = [
        Said(
            holders[row["owner"]],
            **{name: row[f"{name}_count"] for name in states},
            **{f"{name}_amount": int(row[f"{name}_amount"]) for name in states},
        )
        for row in found
    ]
    return sorted(said, key=lambda one: (one.holder.name, one.holder.pk))
