"""More days for a voucher, within what its law allows."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_apart, require_role
from parties.roles import Role
from policy.process_rules import VoucherRule
from vouchers.actions.decisions import NoteMissing
from vouchers.actions.reviews import ReasonMissing, require_no_conflict
from vouchers.actions.terms import require_usable
from vouchers.actions.vouchers import locked_voucher
from vouchers.models import Extension, ExtensionVerdict, Voucher
from vouchers.queries import (
    extension_open,
    extensions_left,
    holding_rule,
    parts_of,
    require_officer,
)


class NoMoreExtensions(Refused):
    """The law gives this voucher no more days."""

    code = "no_more_extensions"
    sentence = _(
        "The policy gives the voucher %(voucher)s no more days. Use it until %(until)s, or give "
        "back what you won't use."
    )


class ExtensionTooLong(Refused):
    """More days than the law gives at once."""

    code = "extension_too_long"
    sentence = _("%(days)s days can't be given. Ask for 1 to %(most)s days.")


class ExtensionOpen(Refused):
    """A request for more days waits already."""

    code = "extension_open"
    sentence = _("More days for %(voucher)s were asked for already. Wait for the answer.")


class ExtensionDecided(Refused):
    """The request for more days has its answer."""

    code = "extension_decided"
    sentence = _("This request about %(voucher)s was answered already.")


@transaction.atomic
def request_extension(
    *, voucher: Voucher, days: int, reason: str, actor: User, at: datetime, key: str
) -> Extension:
    """Ask for more days; where the law needs nobody, they are given at once.

    :raises NotAllowed: if the person does not act for the holder.
    :raises ReasonMissing: without a reason.
    :raises VoucherExpired: if the last day has passed.
    :raises VoucherSuspended: if it is suspended.
    :raises VoucherOver: if it was returned or revoked.
    :raises NoMoreExtensions: if the law gives no more days.
    :raises ExtensionTooLong: if it gives fewer days at once.
    :raises ExtensionOpen: if an earlier request waits.
    """
    require_role(actor, Role.APPLICANT, organisation=voucher.organisation)
    if not reason.strip():
        raise ReasonMissing
    act = ledger.begin(
        kind=ActKind.REQUEST_EXTENSION,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={"days": days, "reason": reason},
        reason=reason.strip(),
        details={"days": days},
    )
    row = locked_voucher(voucher)
    if act.is_replay:
        return Extension.objects.get(act_id=act.id)
    rule = _require_extendable(row, days, at)
    if extension_open(row) is not None:
        raise ExtensionOpen(voucher=row.code)
    extension = Extension.objects.create(
        voucher=row,
        days=days,
        reason=reason.strip(),
        asked_by=actor,
        asked_at=at,
        act_id=act.id,
    )
    if rule.extension_by == "RULE":
        _grant(row, extension, "", None, act)
    return extension


def _require_extendable(voucher: Voucher, days: int, at: datetime) -> VoucherRule:
    require_usable(voucher, day_of(at, voucher.programme.zone))
    rule = holding_rule(voucher)
    if voucher.parent_id is not None:
        raise NoMoreExtensions(voucher=voucher.code, until=voucher.valid_until_on)
    if extensions_left(voucher) <= 0:
        raise NoMoreExtensions(voucher=voucher.code, until=voucher.valid_until_on)
    if not 0 < days <= rule.extension_days_max:
        raise ExtensionTooLong(days=days, most=rule.extension_days_max)
    return rule


def _grant(
    voucher: Voucher, extension: Extension, note: str, actor: User | None, act: ledger.Act
) -> ExtensionVerdict:
    voucher.valid_until_on += timedelta(days=extension.days)
    voucher.extended_act_id = act.id
    voucher.save(update_fields=["valid_until_on", "extended_act"])
    # Parts last as long as what they are parts of.
    parts_of(voucher).update(
        valid_until_on=voucher.valid_until_on, extended_act=voucher.extended_act_id
    )
    return _verdict(extension, ExtensionVerdict.Outcome.GRANTED, voucher, note, actor, act)


def _verdict(
    extension: Extension,
    outcome: ExtensionVerdict.Outcome,
    voucher: Voucher,
    note: str,
    actor: User | None,
    act: ledger.Act,
) -> ExtensionVerdict:
    return ExtensionVerdict.objects.create(
        extension=extension,
        outcome=outcome,
        note=note,
        until_on=voucher.valid_until_on,
        decided_by=actor,
        decided_at=act.at,
        act_id=act.id,
    )


@transaction.atomic
def decide_extension(
    *, extension: Extension, outcome: str, note: str, actor: User, at: datetime, key: str
) -> ExtensionVerdict:
    """Give a voucher the days that its holder asked for, or don't.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises SamePerson: if the person asked for them.
    :raises ConflictOfInterest: if the person is too close to the holder.
    :raises NoteMissing: if they are refused without a reason.
    :raises ExtensionDecided: if it was answered before.
    :raises VoucherExpired: if they are to be given and the last day has passed meanwhile.
    :raises VoucherSuspended: if they are to be given and it is suspended.
    :raises VoucherOver: if they are to be given and it was returned or revoked.
    :raises NoMoreExtensions: if the law gives no more days.
    """
    voucher = extension.voucher
    require_officer(actor, voucher.programme)
    wanted = ExtensionVerdict.Outcome(outcome)
    if wanted == ExtensionVerdict.Outcome.REFUSED and not note.strip():
        raise NoteMissing
    act = ledger.begin(
        kind=ActKind.DECIDE_EXTENSION,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={"extension": extension.pk, "outcome": outcome, "note": note},
        reason=note.strip(),
        details={"outcome": outcome},
    )
    row = locked_voucher(voucher)
    if act.is_replay:
        return ExtensionVerdict.objects.get(act_id=act.id)
    asked_by = f"user:{extension.asked_by_id}"
    require_apart("decide_application", actor, {"submit_application": asked_by})
    require_no_conflict(actor, voucher.award.application)
    if ExtensionVerdict.objects.filter(extension=extension).exists():
        raise ExtensionDecided(voucher=row.code)
    if wanted == ExtensionVerdict.Outcome.REFUSED:
        return _verdict(extension, wanted, row, note.strip(), actor, act)
    _require_extendable(row, extension.days, at)
    return _grant(row, extension, note.strip(), actor, act)
