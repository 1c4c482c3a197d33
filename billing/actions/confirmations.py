"""Holders say that lines of a bill are right, while it is not settled."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.settlement import BillSettled, locked
from billing.models import Bill, BillLine, LineConfirmation
from billing.queries import (
    CONFIRMED,
    DISPUTED,
    has_unsaid,
    is_own_claim,
    open_to,
)
from common.errors import NotFound, Refused
from common.formatting import instant_text
from ledger.actions import Act, begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import organisations_of, require_role
from parties.roles import Role


class DaysOver(Refused):
    """The days in which lines are confirmed or disputed are over."""

    code = "days_over"
    sentence = _(
        "Lines of bill %(bill)s could be confirmed or disputed until %(until)s. Ask the authority "
        "if something is still wrong."
    )


class NothingToConfirm(Refused):
    """No line of this person is left to be confirmed, or none was confirmed."""

    code = "nothing_to_confirm"
    sentence = _(
        "Bill %(bill)s has no line of yours of which this can be said. Open the bill to see what "
        "was said of each line."
    )


class LineDisputed(Refused):
    """The line's holder objects to it."""

    code = "line_disputed"
    sentence = _("There is an objection to line %(row)s of bill %(bill)s already.")


@transaction.atomic
def confirm_lines(
    *, bill: Bill, rows: Collection[int] | None, actor: User, at: datetime, key: str
) -> int:
    """Say, as a holder, that lines are right, and return how many were confirmed now.

    Without `rows`: all of the person's lines that are neither confirmed nor disputed. Lines
    that were confirmed before stay so. Once every line of every holder is confirmed or
    disputed, nobody is waited for: the sweep settles the bill.

    :raises NotAllowed: if the person is nobody's applicant.
    :raises NotFound: if a row is none of the person's.
    :raises BillSettled: if it is too late.
    :raises DaysOver: if the programme's days are over.
    :raises LineDisputed: naming the first row to which there is an objection.
    :raises NothingToConfirm: if no line is left, or nobody confirms this claim but its sender.
    :raises KeyReused: if the key was used for other lines.
    """
    act = _begin(ActKind.CONFIRM_LINES, bill, rows, actor, at, key)
    if act.is_replay:
        return LineConfirmation.objects.filter(act_id=act.id).count()
    bill = locked(bill)
    require_days(bill, at)
    _require_own(bill, rows, actor)
    count = _say(bill, rows, actor, act, is_confirmed=True)
    note_agreed(bill, at)
    return count


@transaction.atomic
def take_back_confirmation(
    *, bill: Bill, rows: Collection[int] | None, actor: User, at: datetime, key: str
) -> int:
    """Take back what was confirmed, while the bill is not settled; return of how many lines.

    Without `rows`: of all of the person's lines.

    :raises NotAllowed: if the person is nobody's applicant.
    :raises NotFound: if a row is none of the person's.
    :raises BillSettled: if it is too late.
    :raises NothingToConfirm: if none of the lines is confirmed.
    :raises KeyReused: if the key was used for other lines.
    """
    act = _begin(ActKind.TAKE_BACK_CONFIRMATION, bill, rows, actor, at, key)
    if act.is_replay:
        return LineConfirmation.objects.filter(act_id=act.id).count()
    bill = locked(bill)
    require_unsettled(bill)
    _require_own(bill, rows, actor)
    count = _say(bill, rows, actor, act, is_confirmed=False)
    note_agreed(bill, at)
    return count


def require_unsettled(bill: Bill) -> None:
    """Refuse a bill that was settled.

    :raises BillSettled: if it was.
    """
    if bill.status != Bill.Status.SENT:
        raise BillSettled(bill=bill.number)


def require_days(bill: Bill, at: datetime) -> None:
    """Refuse what comes after settlement, or after the programme's days; a claim has no days.

    :raises BillSettled: if the bill was settled.
    :raises DaysOver: if the days are over.
    """
    require_unsettled(bill)
    until = open_to(bill)
    if not is_own_claim(bill) and at >= until:
        raise DaysOver(bill=bill.number, until=instant_text(until, bill.programme.zone))


def note_agreed(bill: Bill, at: datetime) -> None:
    """Note on a locked bill since when nobody is waited for, or that somebody is."""
    is_agreed = not has_unsaid(bill)
    if is_agreed != (bill.agreed_at is not None):
        bill.agreed_at = at if is_agreed else None
        bill.save(update_fields=["agreed_at"])


def _begin(
    kind: ActKind,
    bill: Bill,
    rows: Collection[int] | None,
    actor: User,
    at: datetime,
    key: str,
) -> Act:
    require_role(actor, Role.APPLICANT)
    return begin(
        kind=kind,
        key=key,
        actor=actor.address,
        about=bill.address,
        at=at,
        payload={"rows": None if rows is None else sorted(set(rows))},
    )


def _require_own(bill: Bill, rows: Collection[int] | None, actor: User) -> None:
    """Refuse rows that are not on vouchers of the person's organisations, or disputed."""
    if is_own_claim(bill):
        raise NothingToConfirm(bill=bill.number)
    if rows is None:
        return
    own = BillLine.objects.filter(bill=bill, row__in=rows).filter(
        voucher__organisation__in=organisations_of(actor, Role.APPLICANT)
    )
    strange = set(rows) - set(own.values_list("row", flat=True))
    if strange:
        raise NotFound(what=f"{bill.number}/{min(strange)}")
    open_to_verdict = own.filter(objections__isnull=False, objections__withdrawal=None)
    disputed = open_to_verdict.order_by("row").first()
    if disputed is not None:
        raise LineDisputed(row=disputed.row, bill=bill.number)


_SAY = """
    insert into billing_lineconfirmation (line_id, is_confirmed, act_id)
    select l.id, %(is_confirmed)s, %(act)s
    from billing_billline l join vouchers_voucher v on v.id = l.voucher_id
    where l.bill_id = %(bill)s and v.organisation_id = any(%(holders)s)
        and (%(rows)s::int[] is null or l.row = any(%(rows)s::int[]))
        and {confirmed} <> %(is_confirmed)s and not {disputed}
    order by l.row
"""


def _say(
    bill: Bill, rows: Collection[int] | None, actor: User, act: Act, *, is_confirmed: bool
) -> int:
    holders = organisations_of(actor, Role.APPLICANT).values_list("pk", flat=True)
    asked: dict[str, Any] = {
        "is_confirmed": is_confirmed,
        "act": act.id,
        "bill": bill.pk,
        "holders": list(holders),
        "rows": None if rows is None else sorted(set(rows)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SAY.format(confirmed=CONFIRMED, disputed=DISPUTED), asked)
        count = int(cursor.rowcount)
    if not count:
        raise NothingToConfirm(bill=bill.number)
    return count
