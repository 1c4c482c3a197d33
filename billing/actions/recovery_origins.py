"""What a case takes back from: a payment, or a line of a settled bill with each payer's part."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.utils.translation import gettext_lazy as _

from billing.actions.bank_moves import ANSWERED
from billing.models import Bill, BillLine, FunderShare, Payment, RecoveryPart
from billing.queries import is_own_claim, line_verdict
from billing.queries.funding import payer_account
from billing.queries.rated import borne_by_payer
from common.errors import Refused
from common.money import is_currency
from parties.models import Organisation
from policy.funding import among_first
from vouchers.models import Programme, Voucher


class OriginNotPaid(Refused):
    """What is to be taken back was never paid, or is in kind."""

    code = "origin_not_paid"
    sentence = _(
        "Nothing of %(origin)s was paid or settled in money, so nothing of it can be recovered. "
        "Undo a settlement that is not paid yet in the ledger."
    )


@dataclass(frozen=True, slots=True)
class Origin:
    """What a case takes back from: what each payer bears of it, and when it belongs to.

    `parts` are minor units by the payer's number; `kind` is that of the payables.
    """

    programme: Programme
    debtor: Organisation
    kind: str
    voucher: Voucher | None
    parts: dict[int, int]
    belongs_at: datetime
    name: str

    @property
    def most(self) -> int:
        """All of it, in minor units."""
        return sum(self.parts.values())


def origin_of(thing: Payment | BillLine) -> Origin:
    """Return what can be taken back of a payment or of a line of a settled bill.

    :raises OriginNotPaid: if it was not paid or settled, or not in money.
    """
    if isinstance(thing, Payment):
        return _origin_of_payment(thing)
    bill = thing.bill
    name = f"{bill.number}/{thing.row}"
    is_settled = bill.status == Bill.Status.SETTLED and line_verdict(thing) is not None
    if not is_settled or not is_currency(bill.unit):
        raise OriginNotPaid(origin=name)
    return Origin(
        programme=bill.programme,
        debtor=bill.payee,
        kind="beneficiary_payable" if is_own_claim(bill) else "provider_payable",
        voucher=thing.voucher,
        parts=borne_by_payer(thing),
        belongs_at=bill.period_from,
        name=name,
    )


def _origin_of_payment(payment: Payment) -> Origin:
    released_at = payment.batch.released_at
    if payment.status not in ANSWERED or released_at is None:
        raise OriginNotPaid(origin=payment.end_to_end_id)
    return Origin(
        programme=payment.batch.programme,
        debtor=payment.payee,
        kind=payment.payable.partition(":")[0],
        voucher=None,
        parts={payment.batch.debtor.pk: payment.answered_amount},
        belongs_at=released_at,
        name=payment.end_to_end_id,
    )


def parts_left(thing: Payment | BillLine, origin: Origin) -> dict[int, int]:
    """Return what can still be taken back of each payer's part, less what other cases take.

    A line and the payment that paid it are one money: of each payer, all cases together take
    back at most what was ever settled for the debtor, less what was undone.
    """
    of_thing = (
        Q(recovery__payment=thing) if isinstance(thing, Payment) else Q(recovery__line=thing)
    )
    everything = RecoveryPart.objects.filter(
        recovery__programme=origin.programme, recovery__debtor=origin.debtor
    )
    settled = _settled_for(origin.programme, origin.debtor)
    taken, here = _taken(everything), _taken(everything.filter(of_thing))
    left = {
        payer: min(part - here[payer], settled[payer] - taken[payer])
        for payer, part in origin.parts.items()
    }
    return {payer: part for payer, part in left.items() if part > 0}


def parts_of_case(origin: Origin, left: dict[int, int], amount: int) -> list[RecoveryPart]:
    """Split the amount of a case to its payers by what is left of each; they add up to it."""
    payers = Organisation.objects.in_bulk(left)
    parts = among_first(amount, list(left.values()))
    return [
        RecoveryPart(
            payer=payers[payer],
            payable=payer_account(origin.programme, origin.kind, payers[payer], origin.debtor),
            amount=part,
        )
        for payer, part in zip(left, parts, strict=True)
        if part
    ]


def _settled_for(programme: Programme, debtor: Organisation) -> Counter[int]:
    """Return what each payer bears of what was covered for a party and not undone since."""
    shares = FunderShare.objects.filter(
        settlement__bill__programme=programme, settlement__bill__payee=debtor
    )
    return Counter(dict(shares.values_list("payer").annotate(sum=Sum("amount"))))


def _taken(parts: QuerySet[RecoveryPart]) -> Counter[int]:
    """Return what cases take back: what is asked of the open ones, what was upheld of others."""
    asked = Case(When(Q(recovery__status="OPEN"), then=F("amount")), default=F("upheld_amount"))
    return Counter(dict(parts.values_list("payer").annotate(sum=Sum(asked))))
