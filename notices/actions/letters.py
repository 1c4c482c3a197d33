"""Letters are written from what was done, kept in an inbox, and e-mailed once."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from ledger.kinds import ActKind
from ledger.queries import ended_below
from notices.actions.events import write_events
from notices.events import EVENTS_OF, events_of
from notices.letters import (
    LETTERS,
    Deed,
    Letter,
    letters_about,
    lines_unconfirmed,
    objection_unreplied,
    order_unanswered,
    recovery_due,
    voucher_expires,
)
from notices.models import Horizon, Message, Told
from notices.queries import (
    UNANSWERED,
    UNCONFIRMED,
    UNREPLIED,
    bills_unconfirmed,
    deeds_untold,
    horizon,
    messages_to_send,
    objections_unreplied,
    orders_unanswered,
    recoveries_owed,
    vouchers_expiring,
)

# The kinds of acts that people or programs are told of.
TOLD = frozenset(LETTERS) | frozenset(EVENTS_OF)
CHUNK = 200
SUBJECT_MOST = 200

log = logging.getLogger(__name__)

_TELL_NOBODY = """
    insert into notices_told (act_id, told_at)
    select a.id, %s from ledger_act a
    where a.txid >= %s and a.kind <> all(%s)
    on conflict do nothing
"""


def write_letters(*, at: datetime) -> int:
    """Write the letters and events of every act that nobody was told of; return how many letters.

    May be run twice at once, and may die anywhere: an act is noted as told in the transaction
    that writes its letters, and a person gets one letter an act. An act whose letters can't be
    written is logged and tried again; it holds up no other.
    """
    ended = ended_below()
    if horizon() > ended:
        # A restored database counts its transactions anew: look at every act once more.
        _move_horizon(0)
    _tell_nobody(at)
    written, failed, after = 0, 0, 0
    while deeds := deeds_untold(TOLD, after=after, most=CHUNK):
        for deed in deeds:
            count = _write(deed, at)
            written += count or 0
            failed += count is None
        after = deeds[-1].id
    if not failed:
        _move_horizon(ended)
    return written


@transaction.atomic
def _tell_nobody(at: datetime) -> None:
    """Note the acts of kinds that nobody is told of, all in one statement."""
    kinds = [*TOLD, ActKind.SEAL.value]
    with connection.cursor() as cursor:
        cursor.execute(_TELL_NOBODY, [at, horizon(), kinds])


@transaction.atomic
def _move_horizon(txid: int) -> None:
    Horizon.objects.update_or_create(pk=1, defaults={"txid": txid})


def _write(deed: Deed, at: datetime) -> int | None:
    try:
        with transaction.atomic():
            count = _keep(letters_about(deed), deed.id, at)
            write_events(events_of(deed), deed, at)
            Told.objects.bulk_create([Told(act_id=deed.id, told_at=at)], ignore_conflicts=True)
    except Exception:
        # One letter that can't be written must not silence all others.
        log.exception("No letters about act %s, %s", deed.id, deed.kind)
        return None
    return count


def _keep(letters: Sequence[Letter], act_id: int, at: datetime) -> int:
    """Keep the letters of one act: one a person, with the news of all that concern them."""
    messages: dict[tuple[int, str], Message] = {}
    for letter in letters:
        for user in letter.recipients:
            with translation.override(user.language):
                words = letter.words()
            known = messages.get((user.pk, letter.kind))
            if known is None:
                messages[user.pk, letter.kind] = Message(
                    user=user,
                    act_id=act_id,
                    kind=letter.kind,
                    subject=words.subject[:SUBJECT_MOST],
                    body=words.body,
                    path=letter.path,
                    written_at=at,
                )
            elif words.body not in known.body:
                known.body = f"{known.body}\n\n{words.subject}\n\n{words.body}"
    kept = Message.objects.bulk_create(
        messages.values(), batch_size=1_000, ignore_conflicts=True
    )
    return len(kept)


def write_reminders(*, at: datetime) -> int:
    """Remind holders of vouchers that expire soon with value free; return how many letters.

    Providers are reminded of orders that lapse within a day if nobody answers, holders of lines
    of bills that they have neither confirmed nor disputed, providers of objections to which
    they have not replied, debtors of what they owe back before and after the day until which it
    is paid.
    """
    written = 0
    for one in vouchers_expiring(at):
        letter = voucher_expires(one.voucher, one.days_left, one.free, one.kind)
        with transaction.atomic():
            # After an extension the reminders of the new last day are others.
            act_id = one.voucher.extended_act_id or one.voucher.act_id
            written += _keep([letter], act_id, at)
    for order in orders_unanswered(at):
        with transaction.atomic():
            written += _keep([order_unanswered(order, UNANSWERED)], order.act_id, at)
    for late in bills_unconfirmed(at):
        with transaction.atomic():
            letter = lines_unconfirmed(late.bill, late.said, UNCONFIRMED)
            written += _keep([letter], late.bill.act_id, at)
    for owed in recoveries_owed(at):
        with transaction.atomic():
            written += _keep([recovery_due(owed.case, owed.kind)], owed.case.act_id, at)
    # Lines may have been disputed together: of one act a person gets one letter.
    letters: dict[int, list[Letter]] = {}
    for unreplied in objections_unreplied(at):
        letter = objection_unreplied(unreplied, UNREPLIED)
        letters.setdefault(unreplied.objection.act_id, []).append(letter)
    for act_id, some in letters.items():
        with transaction.atomic():
            written += _keep(some, act_id, at)
    return written


def send_messages(*, at: datetime) -> int:
    """E-mail the letters that were not e-mailed yet, and return how many.

    Each is taken in hand first, so that two senders never send one twice; a letter whose sender
    died is taken again after ten minutes. Nothing is sent inside a transaction.
    """
    sent = 0
    for message in messages_to_send(at)[:CHUNK]:
        is_ours = messages_to_send(at).filter(pk=message.pk).update(sending_at=at)
        if is_ours and _send(message):
            Message.objects.filter(pk=message.pk).update(emailed_at=at)
            sent += 1
    return sent


def _send(message: Message) -> bool:
    with translation.override(message.user.language):
        ending = _("Read it, and what to do, at %(address)s") % {
            "address": f"{settings.PUBLIC_URL}{message.path}"
        }
    mail = EmailMessage(
        subject=message.subject,
        body=f"{message.body}\n\n{ending}\n",
        to=[message.user.email],
    )
    try:
        mail.send()
    except OSError:
        # No mail server, or it refuses: the letter is in the inbox, and is sent later.
        log.exception("Message %s was not e-mailed", message.pk)
        return False
    return True


@transaction.atomic
def mark_read(*, messages: Iterable[Message], at: datetime) -> None:
    """Note that a person has opened letters; the first time counts."""
    wanted = [message.pk for message in messages]
    Message.objects.filter(pk__in=wanted, read_at__isnull=True).update(read_at=at)
