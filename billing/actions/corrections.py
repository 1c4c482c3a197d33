"""Undo a settled transfer by the opposite one; nothing is ever taken away."""

from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.funding import take_back_shares
from billing.actions.later_facts import note_later_fact
from billing.actions.line_acts import NoteMissing
from billing.actions.notes import number_note
from billing.models import Recovery, Settlement
from billing.queries.funding import borne
from common.errors import Refused
from ledger.actions import await_closing, begin, reverse
from ledger.kinds import ActKind, Flow
from ledger.queries import transfer_of, transfers_of
from parties.models import Organisation, User
from parties.queries import require_role
from parties.roles import Role
from vouchers.models import Programme

# What a settlement moved. A payment is undone by the bank alone, a hold by its release.
CORRECTABLE = (Flow.REDEEM, Flow.CLAIM, Flow.DELIVER)
REASON_CHARACTERS_MAX = 500


class RecoveryStands(Refused):
    """What is to be undone is taken back by a recovery already."""

    code = "recovery_stands"
    sentence = _(
        "Case %(case)s takes back what transfer %(transfer)s moved. Drop the case first, or leave "
        "it to the case."
    )


class TransferNotCorrectable(Refused):
    """The transfer is no settlement's."""

    code = "transfer_not_correctable"
    sentence = _(
        "Transfer %(transfer)s is not one that a settlement made, so it can't be corrected here."
    )


@transaction.atomic
def correct_transfer(
    *, transfer_id: int, reason: str, actor: User, at: datetime, key: str
) -> int:
    """Reverse what a settlement moved, once, with a word why; return the new transfer's number.

    The value goes back to the voucher and is free there, and each funder's part with it. Of a
    bill for a closed month it is kept as a correction of that month. A provider's bill in money
    gets a credit note with a number of its own.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NoteMissing: if there are no words, or too many.
    :raises TransferNotCorrectable: if no settlement made the transfer.
    :raises RecoveryStands: if a recovery takes it back already.
    :raises NotReversible: if it is unknown, only held, or was reversed already.
    :raises NotEnough: if the value was sent to the bank already.
    :raises KeyReused: if the key was used for another transfer.
    """
    require_role(actor, Role.FINANCE)
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_CHARACTERS_MAX:
        raise NoteMissing(most=REASON_CHARACTERS_MAX)
    act = begin(
        kind=ActKind.CORRECT_TRANSFER,
        key=key,
        actor=actor.address,
        about=f"transfer:{transfer_id}",
        at=at,
        payload={"reason": reason},
        reason=reason,
    )
    if act.is_replay:
        return transfers_of(act.id).get(reverses_id=transfer_id).id
    settlement = _settlement_of(transfer_id)
    if settlement is not None:
        # As settling and recovering do, before anything is looked at: who corrects it meanwhile
        # has taken its shares back, and the ledger refuses to reverse it once more.
        Organisation.objects.select_for_update(no_key=True).get(pk=settlement.bill.payee_id)
        await_closing(settlement.bill.programme.code)
        if borne(settlement):
            _require_no_recovery(settlement, transfer_id)
            take_back_shares(settlement, settlement.covered, act)
    made = reverse(act, transfer_id, ref=str(transfer_id))
    transfer = transfers_of(act.id).get(id=made)
    if transfer.flow not in CORRECTABLE:
        raise TransferNotCorrectable(transfer=transfer_id)
    # Whose programme it is stands in the address of the account that gives the value back.
    programme = Programme.objects.select_related("authority").get(
        code=transfer.debit.address.split(":")[1]
    )
    require_role(
        actor,
        Role.FINANCE,
        organisation=programme.authority,
        programme_code=programme.code,
    )
    undone = transfer_of(transfer_id)
    settled = Settlement.objects.filter(act_id=undone.act_id).select_related("bill").first()
    belongs_at = settled.bill.period_from if settled else undone.at
    note_later_fact(act, programme, belongs_at, -undone.amount)
    if settled is not None:
        number_note(settled.bill, act)
    return made


def _require_no_recovery(settlement: Settlement, transfer_id: int) -> None:
    """Refuse while a case takes back a line of the settlement."""
    case = (
        Recovery.objects.filter(line__bill=settlement.bill, line__order=settlement.order_id)
        .exclude(status=Recovery.Status.DROPPED)
        .first()
    )
    if case is not None:
        raise RecoveryStands(case=case.code, transfer=transfer_id)


def _settlement_of(transfer_id: int) -> Settlement | None:
    """Return the settlement that a transfer moved the value of."""
    try:
        moved = transfer_of(transfer_id)
    except ObjectDoesNotExist:
        return None
    settlements = Settlement.objects.filter(act_id=moved.act_id, covered=moved.amount)
    if moved.hold_id is not None:
        settlements = settlements.filter(order__hold=moved.hold_id)
    elif moved.flow not in CORRECTABLE:
        return None
    return settlements.select_related(
        "bill__programme__authority", "bill__payee", "order", "policy_version"
    ).first()
