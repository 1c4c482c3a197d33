"""A status report of the bank (pain.002): what it rejects is due again, what it takes is noted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.actions.bank_moves import Changes
from billing.actions.matching import Answer, locked
from billing.bank.amounts import minor_units
from billing.bank.pain002 import REJECTED, TAKEN, PaymentStatus, StatusReport
from billing.models import BankLine, BankStatement, Batch, Payment
from billing.queries import NEVER_SENT
from common.errors import Refused
from parties.queries import bank_detail_in_force

Match, Found, Oddity = BankLine.Match, BankLine.Found, BankLine.Oddity
Status = Payment.Status


class ReportOfNobody(Refused):
    """A report on a payment file that no authority of the person sent."""

    code = "report_of_nobody"
    sentence = _(
        "The report answers the payment file “%(payment_file)s”, which none of your programmes "
        "sent. Check that you chose the right file."
    )


@dataclass(slots=True)
class _Item:
    """One payment of a report, or one that a rejected file stands for."""

    place: str
    told: PaymentStatus | None
    end_to_end_id: str
    answer: Answer


@dataclass(slots=True)
class Reported:
    """A report beside the batch that it answers, and what it does to the batch's payments."""

    report: StatusReport
    batch: Batch
    account: str
    items: list[_Item] = field(default_factory=list)
    changes: Mapping[Batch, Changes] = field(default_factory=dict)

    def lines(self, kept: BankStatement) -> Iterator[BankLine]:
        """Give a line for each payment of the report."""
        for position, item in enumerate(self.items, start=1):
            told, payment = item.told, item.answer.payment
            known = payment.amount if payment else 0
            told_minor = told.amount_minor if told else None
            yield BankLine(
                statement=kept,
                position=position,
                place=item.place[:120],
                end_to_end_id=item.end_to_end_id[:35],
                reference=(told.reference if told else "")[:70],
                amount=known if told_minor is None else told_minor,
                unit=(told.currency if told else "") or self.batch.programme.unit,
                is_credit=False,
                booked_on=self.report.created_on,
                remittance=(told.words if told else "")[:280],
                bank_code=_code(self.report, told)[:35],
                match=item.answer.match,
                found_by=item.answer.found_by,
                oddity=item.answer.oddity,
                reason=item.answer.reason,
                reason_values=dict(item.answer.values),
                payment=payment,
            )


def reported(report: StatusReport, own: Mapping[str, frozenset[int]], at: datetime) -> Reported:
    """Match a report to the payments of the batch whose file it answers.

    A rejection returns a payment that was sent and not answered yet: its id stands in the very
    file that the report names, and the amount must agree where the report tells one. A rejection
    of the whole file must agree with the file's count and sum where it tells them.

    :param own: the accounts that the reader's authorities pay from, with their owners.
    :raises ReportOfNobody: if no such authority sent the payment file.
    """
    owners = {authority for authorities in own.values() for authority in authorities}
    batch = (
        Batch.objects.filter(
            Q(payer__in=owners) | Q(payer=None, programme__authority__in=owners),
            code=report.payment_file,
        )
        .exclude(released_at=None)
        .select_related("programme__authority", "payer")
        .first()
    )
    if batch is None:
        raise ReportOfNobody(payment_file=report.payment_file[:40])
    detail = bank_detail_in_force(batch.debtor, batch.released_at or at)
    account = "".join(detail.number.split()).upper() if detail else next(iter(own))
    found = Reported(report, batch, account)
    numbers = Payment.objects.filter(batch=batch).values_list("pk", flat=True)
    payments = {one.end_to_end_id: one for one in locked(list(numbers)).values()}
    changes: dict[Batch, Changes] = defaultdict(Changes)
    for told in report.payments:
        answer = _answer(told, payments.get(told.end_to_end_id), batch, changes)
        found.items.append(_Item(told.place, told, told.end_to_end_id, answer))
    if report.rejects_all:
        found.items += _all_rejected(report, payments, batch, changes)
    found.changes = changes
    return found


def _answer(
    told: PaymentStatus,
    payment: Payment | None,
    batch: Batch,
    changes: dict[Batch, Changes],
) -> Answer:
    values: dict[str, Any] = {"end_to_end_id": told.end_to_end_id[:35]}
    if payment is None:
        values["batch"] = batch.code
        is_known = Payment.objects.filter(end_to_end_id=told.end_to_end_id[:35]).exists()
        code = "bank_other_file" if is_known else "bank_matches_nothing"
        oddity = Oddity.FOREIGN if is_known else Oddity.UNMATCHED
        return Answer(Match.UNMATCHED, code, values, oddity=oddity)
    if told.amount_minor is not None and (told.amount_minor, told.currency) != (
        payment.amount,
        payment.unit,
    ):
        values |= {
            "expected_amount": payment.amount,
            "found_amount": told.amount_minor,
            "found_unit": told.currency,
            "unit": payment.unit,
        }
        return Answer(Match.UNMATCHED, "bank_amount_differs", values, oddity=Oddity.UNMATCHED)
    if payment.status in NEVER_SENT:
        return Answer(Match.UNMATCHED, "bank_not_sent", values, oddity=Oddity.FOREIGN)
    if told.status == REJECTED:
        return _rejected(payment, told.reason_code, changes[batch])
    values["status"] = told.status[:40]
    if told.status in TAKEN:
        # That the bank has taken an order is no payment: only a booking confirms it.
        return Answer(Match.TAKEN, "bank_took_order", values, payment, Found.PAYMENT_FILE)
    return Answer(Match.UNMATCHED, "bank_status_unknown", values, oddity=Oddity.UNMATCHED)


def _rejected(payment: Payment, code: str, changes: Changes) -> Answer:
    values = {
        "end_to_end_id": payment.end_to_end_id,
        "status": str(Status(payment.status)),
    }
    if payment.status == Status.SENT:
        changes.give_back(payment, code)
        return Answer(
            Match.RETURNED,
            payment=payment,
            found_by=Found.PAYMENT_FILE,
            oddity=Oddity.RETURNED,
        )
    if payment.status == Status.RETURNED:
        return Answer(
            Match.ANSWERED, "bank_answered_before", values, payment, Found.PAYMENT_FILE
        )
    # A booking says that it was paid: one of the two is wrong, and a person asks the bank which.
    return Answer(
        Match.ANSWERED,
        "bank_rejected_after_booking",
        values,
        payment,
        Found.PAYMENT_FILE,
        Oddity.UNMATCHED,
    )


def _all_rejected(
    report: StatusReport,
    payments: Mapping[str, Payment],
    batch: Batch,
    changes: dict[Batch, Changes],
) -> Iterator[_Item]:
    named = {told.end_to_end_id for told in report.payments}
    place = f"OrgnlGrpInfAndSts {report.payment_file}"
    if not _agrees(report, payments.values(), batch):
        values = {
            "batch": batch.code,
            "count": report.count if report.count is not None else "–",
            "found": report.total or "–",
            "expected_count": len(payments),
            "expected_amount": sum(one.amount for one in payments.values()),
            "unit": batch.programme.unit,
        }
        answer = Answer(Match.UNMATCHED, "bank_file_differs", values, oddity=Oddity.UNMATCHED)
        yield _Item(place, None, "", answer)
        return
    for end_to_end_id, payment in sorted(payments.items()):
        if end_to_end_id not in named and payment.status not in NEVER_SENT:
            answer = _rejected(payment, report.reason_code, changes[batch])
            yield _Item(place, None, end_to_end_id, answer)


def _agrees(report: StatusReport, payments: Iterable[Payment], batch: Batch) -> bool:
    """Say whether the count and the sum that a report tells are those of the file."""
    sent = [one for one in payments if one.status not in NEVER_SENT]
    if report.count is not None and report.count != len(sent):
        return False
    if not report.total:
        return True
    text = f"{Decimal(report.total).normalize():f}"
    return minor_units(text, batch.programme.unit) == sum(one.amount for one in sent)


def _code(report: StatusReport, told: PaymentStatus | None) -> str:
    return (told.reason_code if told else "") or report.reason_code
