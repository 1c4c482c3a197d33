"""Take back what was paid and not owed: the debtor is heard, and a second person decides."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing.actions.later_facts import note_later_fact
from billing.actions.line_acts import checked_note
from billing.actions.recovery_origins import origin_of, parts_left, parts_of_case
from billing.models import BillLine, Payment, Recovery, RecoveryPart, RecoveryReply
from billing.queries.recoveries import parts_of
from common.days import day_of
from common.errors import Refused
from common.formatting import day_text, money
from ledger import actions as ledger
from ledger.actions import Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import Organisation, User
from parties.queries import require_apart, require_role
from parties.roles import Role
from policy.funding import among_first
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

    Its parts say what it takes back for each payer of what was paid: of a line, in proportion to
    what each bears of it.

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
    left = parts_left(thing, origin)
    most = sum(left.values())
    if not 0 < amount <= most:
        raise RecoveryTooMuch(most=money(most, programme.unit))
    case = Recovery.objects.create(
        payment=thing if isinstance(thing, Payment) else None,
        line=thing if isinstance(thing, BillLine) else None,
        code=unused_code(Recovery, "RC"),
        programme=programme,
        debtor=origin.debtor,
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
    parts = parts_of_case(origin, left, amount)
    for part in parts:
        part.recovery = case
    RecoveryPart.objects.bulk_create(parts)
    return case


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

    What is upheld is owed from then on: receivable → recovered; its parts are each payer's, in
    proportion to what was asked. It counts to the budget again only as it is got back. Of a closed
    month it is kept as a correction.

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
        parts = parts_of(recovery)
        upheld = among_first(amount, [part.amount for part in parts])
        for part, part_upheld in zip(parts, upheld, strict=True):
            part.upheld_amount = part_upheld
        RecoveryPart.objects.bulk_update(parts, ["upheld_amount"])
        owed, back = accounts_of(recovery)
        ledger.await_closing(programme.code)
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


def locked_cases(programme: Programme, cases: Iterable[int]) -> list[Recovery]:
    """Return cases of a programme as they are now, with all that getting them back moves locked.

    The programme, so that no batch pays what is set off; the debtors, with their settlements; the
    cases; and their vouchers, whose end waits for us. In that order, and each by number, whoever
    gets back how many: so nobody who waits for another is waited for by that one.
    """
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
    found = Recovery.objects.filter(programme=programme, pk__in=list(cases))
    _lock(Organisation.objects.filter(pk__in=found.values("debtor")))
    _lock(found)
    _lock(Voucher.objects.filter(pk__in=found.values("voucher")))
    return list(
        found.select_related(
            "programme__authority", "debtor", "policy_version", "voucher"
        ).order_by("decided_at", "pk")
    )


def _lock(rows: QuerySet[Any]) -> None:
    list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk"))


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
    owed = programme.account("receivable", recovery.debtor.code)
    return owed, programme.account("recovered")
