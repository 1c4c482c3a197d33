"""What is written about an objection until its line is decided, and its end by the holder."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.confirmations import note_agreed, require_unsettled
from billing.actions.line_acts import begin_on_line, checked_note
from billing.actions.settlement import locked
from billing.models import (
    BillLine,
    Objection,
    ObjectionFile,
    ObjectionReply,
    ObjectionWithdrawal,
    Verdict,
)
from billing.queries import line_verdict, open_objection, side_of
from common.errors import Refused
from common.files import CheckedFile
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import NotAllowed, require_role
from parties.roles import Role


class ObjectionOver(Refused):
    """The line has no objection that waits for anybody."""

    code = "objection_over"
    sentence = _(
        "Nothing is disputed about line %(row)s of bill %(bill)s any more. Open the line to see "
        "what was decided."
    )


@transaction.atomic
def reply_to_objection(
    *,
    line: BillLine,
    text: str,
    files: Sequence[CheckedFile] = (),
    actor: User,
    at: datetime,
    key: str,
) -> ObjectionReply:
    """Write about the objection to a line, with evidence, until the line is decided.

    The holder, the provider and officers of the programme may; each of them reads all of it.

    :raises NotAllowed: if the person is on none of the three sides.
    :raises NoteMissing: if there are no words, or too many.
    :raises ObjectionOver: if nothing is disputed any more.
    :raises KeyReused: if the key was used for other words or files.
    """
    side = side_of(actor, line)
    if side is None:
        programme = line.bill.programme
        raise NotAllowed(
            roles=Role.OFFICER.label,
            where=_(" in %(name)s") % {"name": programme.authority.name_here},
        )
    text = checked_note(text)
    digests = sorted(file.sha256 for file in files)
    content: dict[str, object] = {"note": text, "files": digests}
    act = begin_on_line(ActKind.REPLY_TO_OBJECTION, line, content, actor, at, key)
    if act.is_replay:
        return ObjectionReply.objects.get(act_id=act.id)
    objection = _undecided(line)
    reply = ObjectionReply.objects.create(
        objection=objection,
        side=side,
        text=text,
        written_by=actor,
        written_at=at,
        act_id=act.id,
    )
    # One file sent twice with a reply is one piece of evidence.
    ObjectionFile.objects.bulk_create(
        ObjectionFile(
            reply=reply,
            name=file.name,
            media_type=file.media_type,
            content=file.content,
            size=len(file.content),
            sha256=file.sha256,
        )
        for file in {file.sha256: file for file in files}.values()
    )
    return reply


@transaction.atomic
def withdraw_objection(
    *, line: BillLine, actor: User, at: datetime, key: str
) -> ObjectionWithdrawal:
    """Take an objection back, as the holder, before the bill is settled.

    Nothing is said of the line then: it can be confirmed, or disputed again.

    :raises NotAllowed: if the person is no applicant of the voucher's organisation.
    :raises BillSettled: if it is too late; an officer decides then.
    :raises ObjectionOver: if there is no objection.
    :raises KeyReused: if the key was used for another line.
    """
    holder = line.voucher.organisation if line.voucher else line.bill.programme.authority
    require_role(actor, Role.APPLICANT, organisation=holder)
    act = begin_on_line(ActKind.WITHDRAW_OBJECTION, line, {}, actor, at, key)
    if act.is_replay:
        return ObjectionWithdrawal.objects.get(act_id=act.id)
    bill = locked(line.bill)
    require_unsettled(bill)
    withdrawal = ObjectionWithdrawal.objects.create(
        objection=_undecided(line),
        withdrawn_by=actor.address,
        withdrawn_at=at,
        act_id=act.id,
    )
    note_agreed(bill, at)
    return withdrawal


def _undecided(line: BillLine) -> Objection:
    """Return the objection to a line that waits for a verdict, with its bill locked.

    :raises ObjectionOver: if there is none.
    """
    bill = locked(line.bill)
    objection, verdict = open_objection(line), line_verdict(line)
    is_decided = verdict is not None and verdict.outcome in (
        Verdict.Outcome.ACCEPTED,
        Verdict.Outcome.DECLINED,
    )
    if objection is None or is_decided:
        raise ObjectionOver(row=line.row, bill=bill.number)
    return objection
