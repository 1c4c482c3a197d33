"""A request that is sent twice is answered twice and done once: first answers are kept.

Nothing of value rests on it: an action's own key guards that. So what is written here may be
lost in a crash of the server, and is not waited for (`synchronous_commit` off).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _
from psycopg.types.numeric import Int8

from common.errors import Refused
from common.statements import quick_rows
from ledger.actions import KeyReused
from providers.models import ApiAnswer, Provider

KEPT_FOR = timedelta(hours=48)
# A request that was begun this long ago and not answered has died with its process.
DEAD_AFTER = timedelta(seconds=30)
RETRY_SECONDS = 1

_CLAIM = """
    with quiet as (select set_config('synchronous_commit', 'off', true))
    insert into providers_apianswer (provider_id, key, digest, begun_at, body)
    select %s, %s, %s, %s, '' from quiet
    on conflict (provider_id, key) do update set begun_at = excluded.begun_at
        where providers_apianswer.status is null
            and providers_apianswer.digest = excluded.digest
            and providers_apianswer.begun_at <= %s
    returning id
"""


class InFlight(Refused):
    """The first request with this key is still being worked on."""

    code = "in_flight"
    sentence = _(
        "The request with the key %(key)s is still being worked on. Send it again in a second; "
        "it gives the first answer."
    )
    retry_after = RETRY_SECONDS


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What a request was answered when it came first."""

    status: int
    body: str


def begin_answer(
    *, provider: Provider, key: str, digest: str, at: datetime
) -> int | FirstAnswer:
    """Return the number under which to keep the answer, or the answer that was given before.

    `note_call` keeps it, with its note in the log.

    :param key: the Idempotency-Key; each provider has its own.
    :param digest: SHA-256 (hexadecimal) of what is asked.
    :raises KeyReused: if the key was used for something else.
    :raises InFlight: if it is being worked on now.
    """
    claimed = quick_rows(_CLAIM, [Int8(provider.pk), key, digest, at, at - DEAD_AFTER])
    if claimed:
        return int(claimed[0][0])
    known = ApiAnswer.objects.filter(provider=provider, key=key).first()
    if known is None or (known.digest == digest and known.status is None):
        # Just forgotten by the one who worked on it, or not answered yet.
        raise InFlight(key=key)
    if known.digest != digest or known.status is None:
        raise KeyReused(key=key)
    return FirstAnswer(known.status, known.body)


def forget_answer(*, number: int) -> None:
    """Let a request be tried again under its key: it could not be read, or we failed."""
    ApiAnswer.objects.filter(pk=number, status__isnull=True).delete()


def forget_old_answers(*, at: datetime) -> int:
    """Take away the answers that were kept long enough, and return how many."""
    count, _by_kind = ApiAnswer.objects.filter(begun_at__lt=at - KEPT_FOR).delete()
    return count
