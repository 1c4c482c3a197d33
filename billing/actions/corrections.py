"""Undo a settled transfer by the opposite one; nothing is ever taken away."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.line_acts import NoteMissing
from common.errors import Refused
from ledger.actions import begin, reverse
from ledger.kinds import ActKind, Flow
from ledger.queries import transfers_of
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from vouchers.models import Programme

# What a settlement moved. A payment is undone by the bank alone, a hold by its release.
CORRECTABLE = (Flow.REDEEM, Flow.CLAIM, Flow.DELIVER)
REASON_CHARACTERS_MAX = 500


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

    The value goes back to the voucher and is free there.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NoteMissing: if there are no words, or too many.
    :raises TransferNotCorrectable: if no settlement made the transfer.
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
        return transfers_of(act.id).get().id
    made = reverse(act, transfer_id, ref=str(transfer_id))
    transfer = transfers_of(act.id).get()
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
    return made
