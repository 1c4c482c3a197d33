"""What was on its way and not paid when a month ended: metered, billed, or settled."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import OuterRef, Q, Subquery, Sum

from billing.models import Bill, BillLine, Payment, PeriodAccrual, Verdict
from billing.models.usage import first_line_of_month
from billing.queries.payments import PAYABLE_KINDS
from common.money import is_currency
from ledger.queries import balances_as_of, statement
from parties.models import Organisation
from vouchers.models import Programme

Stage = PeriodAccrual.Stage
# What is before an instant is as of the last one before it.
LAST = timedelta(microseconds=1)


class Accrual(NamedTuple):
    """What of one party, by its key, was at a stage; `amount` is in the programme's unit."""

    stage: str
    payee: int
    amount: int


def accruals_at_end(
    programme: Programme, begins: datetime, ends: datetime
) -> Iterator[Accrual]:
    """Give what was not paid when the month [begins, ends) ended, by stage and payee.

    Metered: use that began in the month and was on no bill by then, priced as it was recorded
    (what was taken back is none). Billed: what was billed by then and neither accepted nor
    declined. Settled: what the ledger owed or had instructed by then, so that it is the sum of
    its payables and clearing accounts at that instant, to the unit. Nothing of nothing is given.
    """
    stages = {
        Stage.METERED: _metered(programme, begins, ends),
        Stage.BILLED: _billed(programme, ends),
        Stage.SETTLED: _settled(programme, ends),
    }
    for stage, sums in stages.items():
        for payee, amount in sorted(sums.items()):
            if amount:
                yield Accrual(stage, payee, amount)


def organisation_codes(organisations: Iterable[int]) -> dict[int, str]:
    """Return the codes of organisations by their keys."""
    found = Organisation.objects.filter(pk__in=set(organisations))
    return dict(found.values_list("pk", "code"))


_METERED = """
    select p.organisation_id, sum(case when %(is_money)s then coalesce(u.amount, 0)
        else u.quantity_ms end)
    from billing_usageline u
    join vouchers_voucher v on v.id = u.voucher_id and v.programme_id = %(programme)s
    join providers_provider p on p.id = u.provider_id
    where u.id >= %(low)s and u.id < %(high)s and u.order_id is not null
        and u.started_at >= %(from)s and u.started_at < %(until)s and u.corrects_id is null
        and not exists (select from billing_usagecorrection c where c.line_id = u.id)
        and not exists (
            select from billing_billline l join billing_bill b on b.id = l.bill_id
            where l.usage_line_id = u.id and b.sent_at < %(until)s)
    group by p.organisation_id
"""


def _metered(programme: Programme, begins: datetime, ends: datetime) -> dict[int, int]:
    parameters: dict[str, Any] = {
        "programme": programme.pk,
        "from": begins,
        "until": ends,
        "low": first_line_of_month(begins),
        # A line's number begins with its month in UTC, and the month may end in the next one.
        "high": first_line_of_month(ends + timedelta(days=31)),
        "is_money": is_currency(programme.unit),
    }
    with connection.cursor() as cursor:
        cursor.execute(_METERED, parameters)
        return {payee: int(amount) for payee, amount in cursor.fetchall()}


def _billed(programme: Programme, ends: datetime) -> Counter[int]:
    found: Counter[int] = Counter()
    sent = Bill.objects.filter(programme=programme, sent_at__lt=ends)
    unsettled = sent.filter(Q(settled_at__isnull=True) | Q(settled_at__gte=ends))
    for payee, amount in unsettled.values_list("payee").annotate(sum=Sum("total")):
        found[payee] += int(amount)
    last = Verdict.objects.filter(line=OuterRef("pk"), decided_at__lt=ends).order_by("-pk")
    withheld = (
        BillLine.objects.filter(bill__in=sent.filter(settled_at__lt=ends))
        .annotate(
            outcome=Subquery(last.values("outcome")[:1]),
            waiting=Subquery(last.values("withheld")[:1]),
        )
        .filter(outcome__in=[Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD])
        .values_list("bill__payee")
        .annotate(sum=Sum("waiting"))
    )
    for payee, amount in withheld:
        found[payee] += int(amount)
    return found


def _settled(programme: Programme, ends: datetime) -> Counter[int]:
    found: Counter[int] = Counter()
    prefixes = [programme.account(kind, "") for kind in PAYABLE_KINDS]
    owed = balances_as_of(prefixes, ends - LAST)
    payees = dict(
        Organisation.objects.filter(
            code__in={address.rpartition(":")[2] for address in owed}
        ).values_list("code", "pk")
    )
    for address, one in owed.items():
        found[payees[address.rpartition(":")[2]]] += one.net
    instructed = _instructed(programme, ends)
    payees_paid = Payment.objects.filter(end_to_end_id__in=instructed)
    for end_to_end_id, payee in payees_paid.values_list("end_to_end_id", "payee"):
        found[payee] += instructed[end_to_end_id]
    return found


def _instructed(programme: Programme, ends: datetime) -> Counter[str]:
    """Return what the clearing accounts held at the month's end, by the payments they were for."""
    clearing = balances_as_of([programme.account("clearing", "")], ends - LAST)
    found: Counter[str] = Counter()
    for address in [address for address, one in clearing.items() if one.net]:
        for entry in statement(address):
            if entry.at < ends:
                found[entry.ref] += entry.amount
    return +found
