"""What every act on a single line of a bill shares: its words, and how it begins."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.models import BillLine
from common.errors import Refused
from ledger.actions import Act, begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import address_of

NOTE_CHARACTERS_MAX = 500


class NoteMissing(Refused):
    """A decision or an objection without a word why."""

    code = "note_missing"
    sentence = _("Say why, in at most %(most)s characters. The other side reads it.")


def checked_note(note: str, *, most: int = NOTE_CHARACTERS_MAX) -> str:
    """Return a note without space around it.

    :raises NoteMissing: if there are no words, or too many.
    """
    note = note.strip()
    if not 0 < len(note) <= most:
        raise NoteMissing(most=most)
    return note


def begin_on_line(
    kind: ActKind,
    line: BillLine,
    content: dict[str, object],
    actor: User | str,
    at: datetime,
    key: str,
) -> Act:
    """Begin an act on one line; its `note`, where there is one, is the act's reason.

    :raises KeyReused: if the key was used for another act.
    """
    return begin(
        kind=kind,
        key=key,
        actor=address_of(actor),
        about=line.bill.address,
        at=at,
        payload={"row": line.row, **content},
        reason=str(content.get("note", "")),
        details={"row": line.row},
    )
