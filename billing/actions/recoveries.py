"""Take back what was paid and not owed: the debtor is heard, and a second person decides."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.utils.translation import gettext_lazy as _

from billing.actions.bank_moves import ANSWERED
from billing.actions.later_facts import note_later_fact
from billing.actions.line_acts import checked_note
from billing.models import Bill, BillLine, FunderShare, Payment, Recovery, RecoveryReply
from billing.queries import line_verdict
from common.days import day_of
from common.errors import Refused
from common.formatting import day_text, money
from common.money import is_currency
from ledger import actions as ledger
from ledger.actions import Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import Organisation, User
from parties.queries import require_apart, require_role
from parties.roles import Role
from vouchers.models import Programme, Voucher
from vouchers.queries import policy_in_force, read_policy, unused_code

LEGAL_BASIS_CHARACTERS_MAX = 200
REPLY_CHARACTERS_MAX = 2000


class RecoveryNotInLaw(Refused):
    """The programme's document says nothing of recoveries."""

    code = "recovery_not_in_law"
    sentence = _(
        "The document of %(programme)s has no section [recovery], so nothing can be recovered. "
        "Release a version with it first."
    )


class OriginNotPaid(Refused):
    """What is to be taken back was never paid, or is in kind."""

    code = "origin_not_paid"
    sentence = _(
        "Nothing of %(origin)s was paid or settled in money, so nothing of it can be recovered. "
        "Undo a settlement that is not paid yet in the ledger."
    )


class RecoveryTooMuch(Refused):
    """More than was paid, less what other cases take back already."""

    code = "recovery_too_much"
    sentence = _("At most %(most)s can be recovered here. Give an amount from 1 to that.")


class LegalBasisMissing(Refused):
    """A case without the provision that it rests on."""

    code = "legal_basis_missing"
    sentence = _("Name the provision that it rests on, in at most %(most)s characters.")


class RecoveryDecided(Refused):
    """The case does not wait for a reply or a decision any more."""

    code = "recovery_decided"
    sentence = _("Case %(case)s is “%(status)s”, so this step can't be done now.")


class ReplyAwaited(Refused):
    """The debtor has not replied, and still may."""

    code = "reply_awaited"
    sentence = _(
        "The debtor of case %(case)s may reply until %(day)s. Decide when it has, or after that "
        "day."
    )


class ReplyTooLate(Refused):
    """The days for a reply are over."""

    code = "reply_too_late"
    sentence = _("A reply could be sent until %(day)s. Write to the authority.")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a case takes back from: where it was paid from, how much, and when it belongs to."""

    programme: Programme
    debtor: Organisation
    payable: str
    voucher: Voucher | None
    most: int
    belongs_at: datetime
    name: str


def origin_of(thing: Payment | BillLine) -> Origin:
    """Return what can be taken back of a payment or of a line of a settled bill.

    :raises OriginNotPaid: if it was not paid or settled, or not in money.
    """
    if isinstance(thing, Payment):
        return _origin_of_payment(thing)
    bill, verdict = thing.bill, line_verdict(thing)
    name = f"{bill.number}/{thing.row}"
    is_settled = bill.status == Bill.Status.SETTLED and verdict is not None
    if not is_settled or not is_currency(bill.unit):
        raise OriginNotPaid(origin=name)
    assert verdict is not None
    kind = "provider_payable" if bill.kind == Bill.Kind.BILL else "beneficiary_payable"
    return Origin(
        programme=bill.programme,
        debtor=bill.payee,
        payable=bill.programme.account(kind, bill.payee.code),
        voucher=thing.voucher,
        most=verdict.covered,
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
        payable=payment.payable,
        voucher=None,
        most=payment.answered_amount,
        belongs_at=released_at,
        name=payment.end_to_end_id,
    )


@transaction.atomic
def open_recovery(
    *,
    thing: Payment | BillLine,
    amount: int,
    legal_basis: str,
    reason: str,
    actor: User,
    at: datetime,
    key: str,
) -> Recovery:
    """Open a case and give the debtor notice of it; nothing is owed until it is decided.

    :param amount: minor units, at most what was paid less what other cases take back.
    :raises NotAllowed: if the person is no officer or finance officer of the programme.
    :raises OriginNotPaid: if the origin was not paid or settled, or not in money.
    :raises RecoveryNotInLaw: if the law in force says nothing of recoveries.
    :raises LegalBasisMissing: if no provision is named, or with too many words.
    :raises NoteMissing: if there is no reason, or too many words.
    :raises RecoveryTooMuch: naming the most.
    :raises KeyReused: if the key was used for another case.
    """
    origin = origin_of(thing)
    programme = origin.programme
    _require_staff(programme, actor)
    reason, legal_basis = checked_note(reason), legal_basis.strip()
    if not 0 < len(legal_basis) <= LEGAL_BASIS_CHARACTERS_MAX:
        raise LegalBasisMissing(most=LEGAL_BASIS_CHARACTERS_MAX)
    act = begin(
        kind=ActKind.OPEN_RECOVERY,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"origin": origin.name, "amount": amount, "basis": legal_basis, "why": reason},
        reason=reason,
    )
    if act.is_replay:
        return Recovery.objects.get(act_id=act.id)
    today = day_of(at, programme.zone)
    version, law = policy_in_force(programme, today)
    if law.recovery is None:
        raise RecoveryNotInLaw(programme=programme.title_here)
    # Cases against one debtor queue here, so that together they take back no more than was paid.
    Organisation.objects.select_for_update(no_key=True).get(pk=origin.debtor.pk)
    origin = origin_of(type(thing).objects.get(pk=thing.pk))
    of = {"payment": thing} if isinstance(thing, Payment) else {"line": thing}
    most = origin.most - _taken(Recovery.objects.filter(**of))
    # A line and the payment that paid it are one money: all cases together take back at most what
    # was ever settled for the debtor, less what was undone.
    everything = Recovery.objects.filter(programme=programme, debtor=origin.debtor)
    most = min(most, _settled_for(programme, origin.debtor) - _taken(everything))
    if not 0 < amount <= most:
        raise RecoveryTooMuch(most=money(max(most, 0), programme.unit))
    return Recovery.objects.create(
        **of,
        code=unused_code(Recovery, "RC"),
        programme=programme,
        debtor=origin.debtor,
        payable=origin.payable,
        voucher=origin.voucher,
        amount=amount,
        legal_basis=legal_basis,
        reason=reason,
        policy_version=version,
        returns_to=law.recovery.returns_to,
        is_offset=law.recovery.offset,
        reply_until=law.recovery.reply_until(today),
        status=Recovery.Status.OPEN,
        opened_by=actor,
        opened_at=at,
        act_id=act.id,
    )


def _settled_for(programme: Programme, debtor: Organisation) -> int:
    """Return what was covered for a party in a programme and not undone since."""
    shares = FunderShare.objects.filter(
        settlement__bill__programme=programme, settlement__bill__payee=debtor
    )
    return int(shares.aggregate(sum=Sum("amount"))["sum"] or 0)


def _taken(cases: QuerySet[Recovery]) -> int:
    """Return what cases take back: what is asked of the open ones, what was upheld of others."""
    asked = Case(When(Q(status="OPEN"), then=F("amount")), default=F("upheld_amount"))
    return int(cases.aggregate(sum=Sum(asked))["sum"] or 0)


@transaction.atomic
def reply_to_recovery(
    *, recovery: Recovery, text: str, actor: User, at: datetime, key: str
) -> RecoveryReply:
    """Say, as the debtor, what speaks against a case, before it is decided.

    :raises NotAllowed: if the person does not act for the debtor.
    :raises NoteMissing: if there are no words, or too many.
    :raises RecoveryDecided: if the case is decided.
    :raises ReplyTooLate: if the days for it are over.
    :raises KeyReused: if the key was used for another reply.
    """
    require_role(
        actor, Role.PROVIDER, Role.APPLICANT, Role.FINANCE, organisation=recovery.debtor
    )
    text = checked_note(text, most=REPLY_CHARACTERS_MAX)
    act = begin(
        kind=ActKind.REPLY_TO_RECOVERY,
        key=key,
        actor=actor.address,
        about=recovery.address,
        at=at,
        payload={"text": text},
    )
    if act.is_replay:
        return RecoveryReply.objects.get(act_id=act.id)
    recovery = locked_case(recovery)
    _require_status(recovery, Recovery.Status.OPEN)
    if day_of(at, recovery.programme.zone) > recovery.reply_until:
        raise ReplyTooLate(day=day_text(recovery.reply_until))
    return RecoveryReply.objects.create(
        recovery=recovery, text=text, replied_by=actor, replied_at=at, act_id=act.id
    )


@transaction.atomic
def decide_recovery(
    *, recovery: Recovery, amount: int, note: str, actor: User, at: datetime, key: str
) -> Recovery:
    """Uphold a case in whole or in part, or drop it with an amount of nothing, as another person.

    What is upheld is owed from then on: receivable → recovered. It counts to the budget again
    only as it is got back. Of a closed month it is kept as a correction.

    :raises NotAllowed: if the person is no officer or finance officer of the programme.
    :raises SamePerson: if the person opened it.
    :raises NoteMissing: if there are no words, or too many.
    :raises RecoveryDecided: if it was decided before.
    :raises ReplyAwaited: if the debtor may still reply and has not.
    :raises RecoveryTooMuch: if the amount is more than the case's, or below nothing.
    :raises KeyReused: if the key was used for another decision.
    """
    programme = recovery.programme
    _require_staff(programme, actor)
    note = checked_note(note)
    act = begin(
        kind=ActKind.DECIDE_RECOVERY,
        key=key,
        actor=actor.address,
        about=recovery.address,
        at=at,
        payload={"amount": amount, "note": note},
        reason=note,
        details={"upheld": amount},
    )
    if act.is_replay:
        return Recovery.objects.get(pk=recovery.pk)
    recovery = locked_case(recovery)
    _require_status(recovery, Recovery.Status.OPEN)
    law = read_policy(recovery.policy_version.text)
    require_apart("decide_recovery", actor, {"open_recovery": recovery.opened_by.address}, law)
    today = day_of(at, programme.zone)
    if today <= recovery.reply_until and not recovery.replies.exists():
        raise ReplyAwaited(case=recovery.code, day=day_text(recovery.reply_until))
    if not 0 <= amount <= recovery.amount:
        raise RecoveryTooMuch(most=money(recovery.amount, programme.unit))
    recovery.decided_by, recovery.decided_at = actor, at
    recovery.status = Recovery.Status.UPHELD if amount else Recovery.Status.DROPPED
    if amount:
        assert law.recovery is not None, "a case is opened under a law that speaks of it"
        recovery.upheld_amount = amount
        recovery.due_on = law.recovery.due_on(today)
        owed, back = accounts_of(recovery)
        ledger.open_account(act, owed, AccountKind.RECEIVABLE, programme.unit)
        ledger.open_account(act, back, AccountKind.RECOVERED, programme.unit)
        ledger.post(act, [Move(Flow.RECOVER, owed, back, amount, recovery.code)])
        thing = recovery.payment or recovery.line
        assert thing is not None, "a case has an origin"
        note_later_fact(act, programme, origin_of(thing).belongs_at, -amount)
    recovery.save(
        update_fields=["decided_by", "decided_at", "status", "upheld_amount", "due_on"]
    )
    return recovery


def locked_case(recovery: Recovery) -> Recovery:
    """Return a case as it is now; whatever else happens to it waits behind us."""
    return (
        Recovery.objects.select_for_update(of=("self",), no_key=True)
        .select_related("programme__authority", "debtor", "opened_by", "policy_version")
        .select_related("payment__batch__programme", "line__bill__programme", "voucher")
        .get(pk=recovery.pk)
    )


def _require_status(recovery: Recovery, *statuses: str) -> None:
    if recovery.status not in statuses:
        label = Recovery.Status(recovery.status).label
        raise RecoveryDecided(case=recovery.code, status=label)


def _require_staff(programme: Programme, actor: User) -> None:
    require_role(
        actor,
        Role.OFFICER,
        Role.FINANCE,
        organisation=programme.authority,
        programme_code=programme.code,
    )


def accounts_of(recovery: Recovery) -> tuple[str, str]:
    """Return the ledger accounts of what a debtor owes, and of what a programme got back."""
    programme = recovery.programme
    debtor = recovery.payable.rpartition(":")[2]
    return programme.account("receivable", debtor), programme.account("recovered")
