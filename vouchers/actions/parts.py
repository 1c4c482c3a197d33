"""Parts of a voucher for the holder's teams: value set apart, and taken back."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from common.formatting import money
from ledger import actions as ledger
from ledger.actions import NotEnough
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from vouchers.actions.issuing import redemption_code
from vouchers.actions.terms import require_usable
from vouchers.actions.vouchers import ReturnTooMuch, locked_voucher
from vouchers.models import Voucher
from vouchers.queries import (
    holding_rule,
    unused_code,
    voucher_account,
    voucher_balance,
)

LABEL_LENGTH_MAX = 80


class NotSplit(Refused):
    """The law keeps vouchers whole, or this one is a part itself."""

    code = "not_split"
    sentence = _(
        "The voucher %(voucher)s can't be split: its policy keeps it whole, or it is a part "
        "already. Use it as it is."
    )


class NotAPart(Refused):
    """The voucher is no part of another."""

    code = "not_a_part"
    sentence = _(
        "The voucher %(voucher)s is no part of another. Give it back to the programme instead."
    )


class PartUnnamed(Refused):
    """A part needs a name that tells it from the others."""

    code = "part_unnamed"
    sentence = _(
        "Name the team or project that this part is for, in up to %(most)s characters."
    )


@transaction.atomic
def split_voucher(
    *, voucher: Voucher, label: str, amount: int, actor: User, at: datetime, key: str
) -> Voucher:
    """Set value of a voucher apart for a team: a voucher of its own, with a code of its own.

    It lasts as long and is used under the same law. Asked for a team that has a part already,
    that part gets more. All parts together never hold more than the voucher had.

    :raises NotAllowed: if the person does not act for the holder.
    :raises PartUnnamed: without a name, or with too long a one.
    :raises NotSplit: if the law keeps it whole, or it is a part itself.
    :raises VoucherExpired: if its last day has passed.
    :raises VoucherSuspended: if it is suspended.
    :raises VoucherOver: if it was returned or revoked.
    :raises ReturnTooMuch: if the amount is nothing or more than is free; nothing has moved.
    """
    require_role(actor, Role.APPLICANT, organisation=voucher.organisation)
    name = label.strip()
    if not 0 < len(name) <= LABEL_LENGTH_MAX:
        raise PartUnnamed(most=LABEL_LENGTH_MAX)
    act = ledger.begin(
        kind=ActKind.SPLIT_VOUCHER,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={"label": name, "amount": amount},
        reason=name,
    )
    row = locked_voucher(voucher)
    if act.is_replay:
        return Voucher.objects.get(parent=row, label=name)
    if row.parent_id is not None or holding_rule(row).split != "ALLOW":
        raise NotSplit(voucher=row.code)
    require_usable(row, day_of(at, row.programme.zone))
    if amount <= 0:
        raise _too_much(row, amount)
    part = Voucher.objects.filter(parent=row, label=name).first()
    if part is None:
        part = _new_part(row, name, amount, act)
        ledger.open_account(act, voucher_account(part), AccountKind.VOUCHER, row.unit)
    _move(act, row, part, amount)
    return part


def _new_part(row: Voucher, name: str, amount: int, act: ledger.Act) -> Voucher:
    return Voucher.objects.create(
        code=unused_code(Voucher, "V"),
        redemption_code=redemption_code(),
        parent=row,
        label=name,
        programme=row.programme,
        organisation=row.organisation,
        amount=amount,
        unit=row.unit,
        valid_from_on=row.valid_from_on,
        valid_until_on=row.valid_until_on,
        status=Voucher.Status.ACTIVE,
        issued_at=act.at,
        act_id=act.id,
    )


def _move(act: ledger.Act, giver: Voucher, taker: Voucher, amount: int) -> None:
    move = ledger.Move(
        Flow.SPLIT, voucher_account(giver), voucher_account(taker), amount, giver.code
    )
    too_much = _too_much(giver, amount)
    try:
        ledger.post(act, [move])
    except NotEnough as error:
        raise too_much from error


def _too_much(voucher: Voucher, amount: int) -> ReturnTooMuch:
    """Return the refusal of an amount, with what is free now: once refused nothing can be read."""
    return ReturnTooMuch(
        voucher=voucher.code,
        free=money(voucher_balance(voucher).free, voucher.unit),
        amount=money(amount, voucher.unit),
    )


@transaction.atomic
def take_back(
    *, voucher: Voucher, amount: int | None, actor: User, at: datetime, key: str
) -> Voucher:
    """Move a part's free value back to the voucher it came from, some or, without an amount, all.

    :raises NotAllowed: if the person does not act for the holder.
    :raises NotAPart: if it is no part of another voucher.
    :raises VoucherExpired: if its last day has passed.
    :raises VoucherSuspended: if it is suspended.
    :raises VoucherOver: if it was returned or revoked.
    :raises ReturnTooMuch: if the amount is nothing or more than is free; nothing has moved.
    """
    require_role(actor, Role.APPLICANT, organisation=voucher.organisation)
    act = ledger.begin(
        kind=ActKind.TAKE_BACK,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={"amount": amount},
    )
    if act.is_replay:
        return Voucher.objects.get(pk=voucher.pk)
    if voucher.parent is None:
        raise NotAPart(voucher=voucher.code)
    # The whole first, then the part: everybody locks them in this order.
    whole, row = locked_voucher(voucher.parent), locked_voucher(voucher)
    today = day_of(at, row.programme.zone)
    require_usable(whole, today)
    require_usable(row, today)
    asked = voucher_balance(row).free if amount is None else amount
    if asked <= 0:
        raise _too_much(row, asked)
    _move(act, row, whole, asked)
    return row
