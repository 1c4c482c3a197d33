"""Which payment an entry of the bank is of, and what it does to it.

The order is that of the bank's own references, from the surest: the end-to-end id, the bank's
reference (which an earlier entry or report gave a payment), the structured reference of ISO 11649.
Amount and currency must agree as well. Nothing is ever matched by likeness: a payment of the same
amount, party and days is only suggested, to a person (`billing.queries.oddities`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Value
from django.db.models.functions import Replace

from billing.actions.bank_moves import ANSWERED, Changes
from billing.bank.references import body_of
from billing.bank.statement import Entry
from billing.models import BankLine, BankStatement, Batch, Payment
from billing.queries import NEVER_SENT

Match, Found, Oddity = BankLine.Match, BankLine.Found, BankLine.Oddity
Status = Payment.Status


@dataclass(frozen=True, slots=True)
class Told:
    """An entry, the format and account that it came in, and whose account that is."""

    entry: Entry
    format: str
    account: str
    authorities: frozenset[int]


@dataclass(slots=True)
class Answer:
    """What one entry was matched to, by what, and why not."""

    match: str
    reason: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    payment: Payment | None = None
    found_by: str = ""
    oddity: str = ""


@dataclass(frozen=True, slots=True)
class _Fact:
    """An answer that is known already: enough to tell it when it is told again."""

    is_credit: bool
    reference: str
    format: str
    booked_on: date


@dataclass(slots=True)
class _Known:
    """The payments that entries may be of, and by what each is found."""

    payments: dict[int, Payment]
    by_id: dict[str, int]
    by_reference: dict[tuple[str, str], int]
    by_body: dict[str, int]
    facts: dict[int, list[_Fact]]


def match_entries(told: Sequence[Told]) -> tuple[list[Answer], dict[Batch, Changes]]:
    """Match entries, in a number of statements that does not grow with them.

    The payments are locked until the transaction ends. Debits come before credits, in whatever
    order the bank lists them: what came back had gone out first.

    :returns: an answer for each entry, and what they do to the payments of each batch.
    """
    known = _known_payments(told)
    changes: dict[Batch, Changes] = defaultdict(Changes)
    answers: list[Answer | None] = [None] * len(told)
    for place in sorted(range(len(told)), key=lambda one: told[one].entry.is_credit):
        answers[place] = _answer(told[place], known, changes)
    return [one for one in answers if one is not None], changes


def _known_payments(told: Sequence[Told]) -> _Known:
    entries = [one.entry for one in told]
    ids = {entry.end_to_end_id for entry in entries if entry.end_to_end_id}
    by_id = dict(
        Payment.objects.filter(end_to_end_id__in=ids).values_list("end_to_end_id", "pk")
    )
    by_reference = _by_bank_reference(told)
    bodies = {body for entry in entries if (body := body_of(entry.creditor_reference))}
    by_body = _by_body(bodies)
    numbers = {*by_id.values(), *by_reference.values(), *by_body.values()}
    payments = locked(numbers)
    answered = [one.pk for one in payments.values() if one.status != Status.SENT]
    return _Known(payments, by_id, by_reference, by_body, _facts(answered))


def locked(numbers: Iterable[int]) -> dict[int, Payment]:
    """Return payments by number, locked in one order, each with its batch and programme."""
    payments = {
        payment.pk: payment
        for payment in Payment.objects.select_for_update()
        .filter(pk__in=list(numbers))
        .order_by("pk")
    }
    batches = Batch.objects.select_related("programme").in_bulk(
        {payment.batch_id for payment in payments.values()}
    )
    for payment in payments.values():
        payment.batch = batches[payment.batch_id]
    return payments


def _by_bank_reference(told: Sequence[Told]) -> dict[tuple[str, str], int]:
    """Return the one payment that the bank gave a reference to, by account and reference.

    A reference that several payments share, as those of one booked batch do, is left out.
    """
    wanted = {
        (one.account, one.entry.reference)
        for one in told
        if one.entry.reference and not one.entry.end_to_end_id
    }
    if not wanted:
        return {}
    rows = (
        BankLine.objects.filter(
            reference__in={reference for _account, reference in wanted},
            statement__account__in={account for account, _reference in wanted},
            payment__isnull=False,
        )
        .values_list("statement__account", "reference", "payment_id")
        .distinct()
    )
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for account, reference, payment in rows:
        found[account, reference].add(payment)
    return {key: next(iter(ones)) for key, ones in found.items() if len(ones) == 1}


def _by_body(bodies: set[str]) -> dict[str, int]:
    if not bodies:
        return {}
    body = Replace("end_to_end_id", Value("-"), Value(""))
    rows = Payment.objects.annotate(body=body).filter(body__in=bodies)
    return dict(rows.values_list("body", "pk"))


def _facts(payments: Sequence[int]) -> dict[int, list[_Fact]]:
    facts: dict[int, list[_Fact]] = defaultdict(list)
    if payments:
        # A report announces; only statements and notices tell of bookings.
        rows = (
            BankLine.objects.filter(
                payment__in=payments, match__in=[Match.PAID, Match.RETURNED, Match.ANSWERED]
            )
            .exclude(oddity=Oddity.DUPLICATE)
            .exclude(statement__format=BankStatement.Format.REPORT)
        )
        for payment, is_credit, reference, source, booked_on in rows.values_list(
            "payment_id", "is_credit", "reference", "statement__format", "booked_on"
        ):
            # What was matched to no payment is not among them.
            facts[payment or 0].append(_Fact(is_credit, reference, source, booked_on))
    return facts


def _answer(told: Told, known: _Known, changes: dict[Batch, Changes]) -> Answer:
    entry = told.entry
    number, found_by = _found(told, known)
    if number is None:
        return _unknown(entry)
    payment = known.payments[number]
    other = known.by_body.get(body_of(entry.creditor_reference) or "")
    if other is not None and other != number:
        values = {
            "end_to_end_id": payment.end_to_end_id,
            "other": known.payments[other].end_to_end_id,
        }
        return Answer(
            Match.UNMATCHED, "bank_references_differ", values, oddity=Oddity.UNMATCHED
        )
    answer = _mismatch(entry, payment, told.authorities)
    if answer is None:
        answer = _matched(told, payment, known.facts[number], changes[payment.batch])
    answer.found_by = found_by if answer.payment else ""
    return answer


def _found(told: Told, known: _Known) -> tuple[int | None, str]:
    entry = told.entry
    # An id of no payment contradicts whatever else the entry carries.
    if entry.end_to_end_id:
        return known.by_id.get(entry.end_to_end_id), Found.END_TO_END_ID
    number = known.by_reference.get((told.account, entry.reference))
    if number is not None:
        return number, Found.BANK_REFERENCE
    return known.by_body.get(body_of(entry.creditor_reference) or ""), Found.RF_REFERENCE


def _unknown(entry: Entry) -> Answer:
    if entry.end_to_end_id:
        values = {"end_to_end_id": entry.end_to_end_id[:35]}
        return Answer(Match.UNMATCHED, "bank_matches_nothing", values, oddity=Oddity.UNMATCHED)
    return Answer(Match.UNMATCHED, "bank_no_id", oddity=Oddity.UNMATCHED)


def _mismatch(entry: Entry, payment: Payment, authorities: frozenset[int]) -> Answer | None:
    """Return why an entry can't be of a payment that it names, or None if it is."""
    values: dict[str, Any] = {"end_to_end_id": payment.end_to_end_id}
    if payment.batch.debtor.pk not in authorities:
        return Answer(Match.UNMATCHED, "bank_other_account", values, oddity=Oddity.FOREIGN)
    if not entry.is_booked:
        values["status"] = entry.status[:40]
        return Answer(Match.UNMATCHED, "bank_not_booked", values)
    if payment.status in NEVER_SENT:
        return Answer(Match.UNMATCHED, "bank_not_sent", values, oddity=Oddity.FOREIGN)
    wrong = amount_differs(entry, payment)
    if wrong is not None:
        return wrong
    if entry.is_credit and not entry.is_returned:
        return Answer(
            Match.UNMATCHED, "bank_credit_unexpected", values, oddity=Oddity.UNMATCHED
        )
    if entry.is_returned and not entry.is_credit:
        return Answer(Match.UNMATCHED, "bank_debit_unexpected", values, oddity=Oddity.UNMATCHED)
    return None


def amount_differs(entry: Entry, payment: Payment) -> Answer | None:
    """Return what is wrong with an entry's amount or currency, or None."""
    values: dict[str, Any] = {"end_to_end_id": payment.end_to_end_id, "unit": payment.unit}
    if entry.currency != payment.unit:
        values["found_unit"] = entry.currency
        return Answer(Match.UNMATCHED, "bank_currency_differs", values, oddity=Oddity.FOREIGN)
    # What comes back of a payment in part is what was paid of it.
    expected = payment.answered_amount if entry.is_credit else payment.amount
    if entry.amount_minor == expected:
        return None
    values |= {
        "expected_amount": expected,
        "found_amount": entry.amount_minor,
        "found_unit": entry.currency,
    }
    is_part = 0 < entry.amount_minor < expected
    return Answer(
        Match.UNMATCHED,
        "bank_amount_differs" if entry.amount_minor else "bank_amount_nothing",
        values,
        oddity=Oddity.PARTIAL if is_part else Oddity.UNMATCHED,
    )


def _matched(told: Told, payment: Payment, facts: list[_Fact], changes: Changes) -> Answer:
    """Note what an entry changes; the payment's status is what the entries so far made it."""
    entry = told.entry
    fact = _Fact(entry.is_credit, entry.reference, told.format, entry.booked_on)
    values = {
        "end_to_end_id": payment.end_to_end_id,
        "status": str(Status(payment.status)),
    }
    earlier = [one for one in facts if one.is_credit == fact.is_credit]
    if entry.is_returned and payment.status != Status.RETURNED:
        changes.give_back(payment, entry.reason_code or "")
        facts.append(fact)
        return Answer(Match.RETURNED, payment=payment, oddity=Oddity.RETURNED)
    if not entry.is_returned and payment.status == Status.SENT:
        changes.confirm(payment)
        facts.append(fact)
        return Answer(Match.PAID, payment=payment)
    is_more = payment.status == Status.PART and not entry.is_returned
    # Of a payment in part the rest is due again: whatever else is booked of it is too much.
    if is_more or _is_new(fact, earlier):
        return Answer(
            Match.ANSWERED, "bank_booked_twice", values, payment, oddity=Oddity.DUPLICATE
        )
    if not earlier and not entry.is_returned and payment.status not in ANSWERED:
        # It was rejected, so it is due again, and now the bank books it all the same.
        came_back = any(one.is_credit for one in facts)
        if not came_back:
            return Answer(
                Match.ANSWERED,
                "bank_paid_after_return",
                values,
                payment,
                oddity=Oddity.UNMATCHED,
            )
    facts.append(fact)
    return Answer(Match.ANSWERED, "bank_answered_before", values, payment)


def _is_new(fact: _Fact, earlier: Sequence[_Fact]) -> bool:
    """Say whether the bank tells of another booking, as against the same one again.

    The same reference is the same booking. Formats number bookings each in its own way, so only
    within one format does another reference, or without references another day, tell two apart.
    """
    if any(one.reference and one.reference == fact.reference for one in earlier):
        return False
    same_format = [one for one in earlier if one.format == fact.format]
    return any(
        one.reference != fact.reference
        if one.reference and fact.reference
        else one.booked_on != fact.booked_on
        for one in same_format
    )
