"""Holders dispute lines of a bill: what is disputed is withheld, and the rest is settled."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.confirmations import LineDisputed, note_agreed, require_days
from billing.actions.line_acts import begin_on_line, checked_note
from billing.actions.settlement import locked
from billing.models import Bill, BillLine, Objection
from billing.queries import is_confirmed, open_objection
from common.errors import NotFound, Refused
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import organisations_of, require_role
from parties.roles import Role


class LineConfirmed(Refused):
    """The line's holder has confirmed it."""

    code = "line_confirmed"
    sentence = _(
        "Line %(row)s of bill %(bill)s was confirmed. Take that back first; once the bill is "
        "settled, only a correction changes a confirmed line."
    )


@transaction.atomic
def object_to_line(
    *, line: BillLine, note: str, actor: User, at: datetime, key: str
) -> Objection:
    """Dispute a line, as the holder, before its bill is settled: it will be withheld whole.

    :raises NotAllowed: if the person is no applicant of the voucher's organisation.
    :raises NoteMissing: if there are no words, or too many.
    :raises BillSettled: if it is too late.
    :raises DaysOver: if the programme's days are over.
    :raises LineConfirmed: if the line was confirmed.
    :raises LineDisputed: if the line was objected to already.
    :raises KeyReused: if the key was used for another line.
    """
    holder = line.voucher.organisation if line.voucher else line.bill.programme.authority
    require_role(actor, Role.APPLICANT, organisation=holder)
    note = checked_note(note)
    act = begin_on_line(ActKind.OBJECT_TO_LINE, line, {"note": note}, actor, at, key)
    if act.is_replay:
        return Objection.objects.get(act_id=act.id)
    bill = locked(line.bill)
    require_days(bill, at)
    _require_open(bill, line)
    objection = Objection.objects.create(
        line=line, text=note, raised_by=actor.address, raised_at=at, act_id=act.id
    )
    note_agreed(bill, at)
    return objection


@transaction.atomic
def object_to_lines(
    *, bill: Bill, notes: Mapping[int, str], actor: User, at: datetime, key: str
) -> list[Objection]:
    """Dispute several lines of a bill at once, each with words of its own: all or none.

    :param notes: what is wrong, by the line's row.
    :raises NotAllowed: if the person is nobody's applicant.
    :raises NoteMissing: if a line has no words, or too many.
    :raises NotFound: if a row is none of the person's.
    :raises BillSettled: if it is too late.
    :raises DaysOver: if the programme's days are over.
    :raises LineConfirmed: naming the first line that was confirmed.
    :raises LineDisputed: naming the first line that was objected to already.
    :raises KeyReused: if the key was used for other lines.
    """
    require_role(actor, Role.APPLICANT)
    checked = {row: checked_note(note) for row, note in sorted(notes.items())}
    act = begin(
        kind=ActKind.OBJECT_TO_LINE,
        key=key,
        actor=actor.address,
        about=bill.address,
        at=at,
        payload={"notes": [[row, note] for row, note in checked.items()]},
        details={"rows": list(checked)},
    )
    if act.is_replay:
        return list(Objection.objects.filter(act_id=act.id).order_by("pk"))
    bill = locked(bill)
    require_days(bill, at)
    own = BillLine.objects.filter(
        bill=bill,
        row__in=list(checked),
        voucher__organisation__in=organisations_of(actor, Role.APPLICANT),
    )
    lines = {line.row: line for line in own}
    for row in checked:
        if row not in lines:
            raise NotFound(what=f"{bill.number}/{row}")
        _require_open(bill, lines[row])
    objections = Objection.objects.bulk_create(
        Objection(
            line=lines[row],
            text=note,
            raised_by=actor.address,
            raised_at=at,
            act_id=act.id,
        )
        for row, note in checked.items()
    )
    note_agreed(bill, at)
    return objections


def _require_open(bill: Bill, line: BillLine) -> None:
    """Refuse a line of which its holder has said something.

    :raises LineConfirmed: if it was confirmed.
    :raises LineDisputed: if it was objected to.
    """
    if is_confirmed(line):
        raise LineConfirmed(row=line.row, bill=bill.number)
    if open_objection(line) is not None:
        raise LineDisputed(row=line.row, bill=bill.number)
