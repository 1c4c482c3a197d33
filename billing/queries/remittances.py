"""What one payment was made of, for whoever is paid."""

from dataclasses import dataclass

from django.db.models import Sum

from billing.models import Bill, Payment, Settlement, Verdict
from billing.models.payments import NEVER_SENT
from billing.queries.bills import programmes_overseen
from billing.queries.owed import payment_parts
from billing.queries.payments import payments_to
from common.errors import NotFound
from ledger.queries.entries import Moved
from parties.models import User


@dataclass(frozen=True, slots=True)
class RemittanceLine:
    """A settlement's part of a payment; `bill` is None where the bank had sent something back.

    `billed`, `withheld`, `own` and `covered` are the settlement's own sums, and `amount` what
    this payment pays of `covered`, all in minor units; `lines` is how many were decided.
    """

    entry: Moved
    bill: Bill | None
    lines: int
    billed: int
    withheld: int
    own: int
    covered: int
    amount: int


@dataclass(frozen=True, slots=True)
class Remittance:
    """A payment, what it is made of, and what was offset since the payment before it."""

    payment: Payment
    lines: tuple[RemittanceLine, ...]
    offsets: tuple[Moved, ...]

    @property
    def offset(self) -> int:
        """All that was offset, in minor units."""
        return -sum(one.amount for one in self.offsets)


def remittance_of(person: User, end_to_end_id: str) -> Remittance:
    """Return the advice of a payment that was given to the bank.

    The payee's people may see it, and who has a part in the programme for its authority.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    payment = payments_to(person).filter(end_to_end_id=end_to_end_id).first()
    if payment is None:
        sent = Payment.objects.filter(
            end_to_end_id=end_to_end_id, batch__released_at__isnull=False
        ).exclude(status__in=NEVER_SENT)
        overseen = sent.filter(batch__programme__in=programmes_overseen(person))
        payment = overseen.select_related("batch__programme__authority", "payee").first()
    if payment is None:
        raise NotFound(what=end_to_end_id)
    programme = payment.batch.programme
    parts, offsets = payment_parts(programme, payment.payee, end_to_end_id)
    lines = tuple(_line(entry, amount) for entry, amount in parts)
    return Remittance(payment, lines, tuple(offsets))


def _line(entry: Moved, amount: int) -> RemittanceLine:
    kind, _colon, number = entry.about.partition(":")
    bill = Bill.objects.filter(number=number).first() if kind == "bill" else None
    if bill is None:
        return RemittanceLine(entry, None, 0, 0, 0, 0, entry.amount, amount)
    sums = Settlement.objects.filter(bill=bill, act_id=entry.act_id).aggregate(
        billed=Sum("billed"),
        withheld=Sum("withheld"),
        own=Sum("co_payment") + Sum("beyond_hold"),
        covered=Sum("covered"),
    )
    return RemittanceLine(
        entry,
        bill,
        Verdict.objects.filter(act_id=entry.act_id, line__bill=bill).count(),
        sums["billed"] or 0,
        sums["withheld"] or 0,
        sums["own"] or 0,
        sums["covered"] or 0,
        amount,
    )
