"""Read what the bank did: each entry of a statement confirms, returns, or matches nothing."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.bank import camt053
from billing.bank.statement import Entry, Statement
from billing.models import BankLine, BankStatement, Batch, Funder, Payment
from common.errors import Refused
from ledger import actions as ledger
from ledger.actions import Act, Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from ledger.queries import acts_about, transfers_of
from parties.models import BankDetail, User
from parties.queries import organisations_of, require_role
from parties.roles import Role

Match = BankLine.Match
# Any number will do, as long as nothing else in the database locks it.
_LOCK = 727_101


class StatementOfNobody(Refused):
    """The statement is of an account that no authority of the person pays from."""

    code = "statement_of_nobody"
    sentence = _(
        "The statement is of account %(account)s, from which none of your programmes pays. "
        "Check that you chose the right file."
    )


@dataclass(slots=True)
class _Answer:
    """What one entry was matched to, and why not."""

    match: str
    reason: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    payment: Payment | None = None


@dataclass(slots=True)
class _Changes:
    """What the entries together do to the payments of one batch."""

    confirmed: list[Payment] = field(default_factory=list)
    returned: list[Payment] = field(default_factory=list)
    # Returned after an earlier statement had confirmed them.
    taken_back: list[Payment] = field(default_factory=list)


@transaction.atomic
def read_statement(
    *, name: str, data: bytes, actor: User, at: datetime, key: str
) -> BankStatement:
    """Read a bank statement (camt.053), and do what it says about our payments.

    An entry is ours when end-to-end id, amount and currency are all those of a payment that was
    sent from this account. Booked debits confirm a payment, returns make its value payable
    again; anything else is kept with the reason why it matches nothing. The same file again
    gives the statement that was read first, and changes nothing.

    :raises NotAllowed: if the person is no finance officer.
    :raises BankFileInvalid: in one of its kinds, if the file can't be read.
    :raises StatementOfNobody: if the account is of no authority of the person.
    :raises KeyReused: if the key was used for another file.
    """
    require_role(actor, Role.FINANCE)
    sha256 = hashlib.sha256(data).hexdigest()
    statement = camt053.read_statement(data)
    # Statements queue here: the same file twice, and two files with the same entry.
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    known = BankStatement.objects.filter(sha256=sha256).first()
    if known is not None:
        return known
    own = _accounts_of(actor)
    if statement.account.number not in own:
        raise StatementOfNobody(account=statement.account.number)
    act = begin(
        kind=ActKind.READ_STATEMENT,
        key=key,
        actor=actor.address,
        about=f"statement:{sha256[:16]}",
        at=at,
        payload={"sha256": sha256},
    )
    kept = _keep_statement(name, data, sha256, statement, actor, act)
    answers, changes = _answers(statement, own[statement.account.number])
    for batch, change in changes.items():
        _apply(batch, change, sha256, actor, at)
    BankLine.objects.bulk_create(
        _line(kept, position, entry, answer)
        for position, (entry, answer) in enumerate(
            zip(statement.entries, answers, strict=True), start=1
        )
    )
    return kept


def _accounts_of(actor: User) -> dict[str, set[int]]:
    """Return the accounts from which authorities of a finance officer pay, or ever paid.

    Those of the payers of their programmes are among them.
    """
    unpaid = (BankDetail.Status.PROPOSED, BankDetail.Status.STOPPED)
    own = organisations_of(actor, Role.FINANCE)
    payers = Funder.objects.filter(programme__authority__in=own).values("payer")
    details = BankDetail.objects.exclude(status__in=unpaid).filter(
        Q(organisation__in=own) | Q(organisation__in=payers)
    )
    accounts: dict[str, set[int]] = defaultdict(set)
    for number, organisation in details.values_list("number", "organisation"):
        accounts["".join(number.split()).upper()].add(organisation)
    return accounts


def _keep_statement(
    name: str, data: bytes, sha256: str, statement: Statement, actor: User, act: Act
) -> BankStatement:
    warnings = [
        {"code": one.code, "place": one.place, "values": _plain(one.values)}
        for one in statement.warnings
    ]
    return BankStatement.objects.create(
        sha256=sha256,
        name=name[:200],
        account=statement.account.number,
        unit=statement.currency,
        content=data,
        warnings=warnings,
        read_by=actor,
        read_at=act.at,
        act_id=act.id,
    )


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {
        name: value if isinstance(value, int | str) else str(value)
        for name, value in values.items()
    }


def _line(statement: BankStatement, position: int, entry: Entry, answer: _Answer) -> BankLine:
    return BankLine(
        statement=statement,
        position=position,
        end_to_end_id=(entry.end_to_end_id or "")[:35],
        amount=entry.amount_minor,
        unit=entry.currency,
        is_credit=entry.is_credit,
        booked_on=entry.booked_on,
        counterparty=entry.counterparty[:140],
        match=answer.match,
        reason=answer.reason,
        reason_values=dict(answer.values),
        payment=answer.payment,
    )


def _answers(
    statement: Statement, authorities: set[int]
) -> tuple[list[_Answer], dict[Batch, _Changes]]:
    ids = {entry.end_to_end_id for entry in statement.entries if entry.end_to_end_id}
    payments = {
        payment.end_to_end_id: payment
        for payment in Payment.objects.select_for_update(of=("self",))
        .filter(end_to_end_id__in=ids)
        .select_related("batch__programme__authority", "batch__payer")
        .order_by("pk")
    }
    changes: dict[Batch, _Changes] = defaultdict(_Changes)
    answers = []
    for entry in statement.entries:
        payment = payments.get(entry.end_to_end_id or "")
        answer = _mismatch(entry, payment, authorities)
        if answer is None:
            assert payment is not None
            answer = _matched(entry, payment, changes[payment.batch])
        answers.append(answer)
    return answers, changes


def _mismatch(entry: Entry, payment: Payment | None, authorities: set[int]) -> _Answer | None:
    """Return why an entry is not of a payment, or None if it is."""
    if not entry.end_to_end_id:
        return _Answer(Match.UNMATCHED, "bank_no_id")
    values: dict[str, Any] = {"end_to_end_id": entry.end_to_end_id[:35]}
    if payment is None:
        return _Answer(Match.UNMATCHED, "bank_matches_nothing", values)
    if payment.batch.debtor.pk not in authorities:
        return _Answer(Match.UNMATCHED, "bank_other_account", values)
    if not entry.is_booked:
        values["status"] = entry.status
        return _Answer(Match.UNMATCHED, "bank_not_booked", values)
    if payment.status in (Payment.Status.PREPARED, Payment.Status.CANCELLED):
        return _Answer(Match.UNMATCHED, "bank_not_sent", values)
    if (entry.amount_minor, entry.currency) != (payment.amount, payment.unit):
        values |= {
            "expected_amount": payment.amount,
            "found_amount": entry.amount_minor,
            "found_unit": entry.currency,
            "unit": payment.unit,
        }
        return _Answer(Match.UNMATCHED, "bank_amount_differs", values)
    if entry.is_credit and not entry.is_returned:
        return _Answer(Match.UNMATCHED, "bank_credit_unexpected", values)
    if entry.is_returned and not entry.is_credit:
        return _Answer(Match.UNMATCHED, "bank_debit_unexpected", values)
    return None


def _matched(entry: Entry, payment: Payment, changes: _Changes) -> _Answer:
    """Note what an entry changes; the payment's status is what the entries so far made it."""
    status = Payment.Status(payment.status)
    if entry.is_returned and status != Payment.Status.RETURNED:
        if payment in changes.confirmed:
            changes.confirmed.remove(payment)
            changes.returned.append(payment)
        elif status == Payment.Status.PAID:
            changes.taken_back.append(payment)
        else:
            changes.returned.append(payment)
        payment.status = Payment.Status.RETURNED
        payment.answer_reason = (entry.reason_code or "")[:140]
        return _Answer(Match.RETURNED, payment=payment)
    if not entry.is_returned and status == Payment.Status.SENT:
        changes.confirmed.append(payment)
        payment.status = Payment.Status.PAID
        return _Answer(Match.PAID, payment=payment)
    values = {"end_to_end_id": payment.end_to_end_id, "status": str(status)}
    return _Answer(Match.ANSWERED, "bank_answered_before", values, payment)


def _apply(batch: Batch, changes: _Changes, sha256: str, actor: User, at: datetime) -> None:
    """Move the value of one batch's answered payments, and close it when none is left open."""
    _confirm(batch, changes.confirmed, sha256, actor, at)
    _return(batch, changes, sha256, actor, at)
    answered = [*changes.confirmed, *changes.returned, *changes.taken_back]
    for payment in answered:
        payment.answered_at = at
    Payment.objects.bulk_update(answered, ["status", "answered_at", "answer_reason"])
    still_open = Payment.objects.filter(batch=batch, status=Payment.Status.SENT)
    if answered and not still_open.exists():
        Batch.objects.filter(pk=batch.pk, status=Batch.Status.RELEASED).update(
            status=Batch.Status.CLOSED
        )


def _confirm(
    batch: Batch, payments: list[Payment], sha256: str, actor: User, at: datetime
) -> None:
    if not payments:
        return
    act = _begin(ActKind.CONFIRM_PAYMENT, batch, payments, sha256, actor, at)
    programme = batch.programme
    clearing = programme.account("clearing", batch.code)
    paid = {one.payable: _paid_account(one) for one in payments}
    # In one order, so that two statements with the same new payees can wait for each other.
    for address in sorted(set(paid.values())):
        ledger.open_account(act, address, AccountKind.PAID, programme.unit)
    moves = [
        Move(Flow.PAY, clearing, paid[one.payable], one.amount, one.end_to_end_id)
        for one in payments
    ]
    ledger.post(act, moves)


def _return(batch: Batch, changes: _Changes, sha256: str, actor: User, at: datetime) -> None:
    payments = [*changes.returned, *changes.taken_back]
    if not payments:
        return
    act = _begin(ActKind.RETURN_PAYMENT, batch, payments, sha256, actor, at)
    for one in changes.taken_back:
        ledger.reverse(act, _confirmed_by(one), ref=one.end_to_end_id)
    clearing = batch.programme.account("clearing", batch.code)
    moves = [
        Move(Flow.RETURN_PAYMENT, clearing, one.payable, one.amount, one.end_to_end_id)
        for one in payments
    ]
    ledger.post(act, moves)


def _paid_account(payment: Payment) -> str:
    """Return where a payment is paid to: its payable's own address, of another kind."""
    return ":".join(["paid", *payment.payable.split(":")[1:]])


def _confirmed_by(payment: Payment) -> int:
    """Return the transfer by which a payment was confirmed."""
    acts = acts_about(payment.batch.address).filter(kind=ActKind.CONFIRM_PAYMENT.value)
    for act in acts:
        found = transfers_of(act.id).filter(ref=payment.end_to_end_id).first()
        if found is not None:
            return found.id
    raise AssertionError(f"{payment.end_to_end_id} is paid and no act confirmed it")


def _begin(
    kind: ActKind,
    batch: Batch,
    payments: list[Payment],
    sha256: str,
    actor: User,
    at: datetime,
) -> Act:
    ids = [payment.end_to_end_id for payment in payments]
    return begin(
        kind=kind,
        key=f"{sha256}/{batch.code}",
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={"payments": ids},
        details={"payments": ids},
    )
