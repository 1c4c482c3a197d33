"""Count and note what programs ask; like first answers, nothing of value rests on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from providers.models import ApiCall, ApiKey

LOG_KEPT_FOR = timedelta(days=30)
MINUTE = 60
PATH_MOST = 200

_COUNT = """
    insert into providers_apicount (api_key_id, minute, requests_count) values (%s, %s, 1)
    on conflict (api_key_id) do update set
        minute = excluded.minute,
        requests_count = case
            when providers_apicount.minute = excluded.minute
            then providers_apicount.requests_count + 1 else 1 end
    returning requests_count
"""
_NOTE = """
    with quiet as (select set_config('synchronous_commit', 'off', true))
    insert into providers_apicall
        (provider_id, api_key_id, request_id, at, method, path, status, code, took_ms, address)
    select %s, %s, %s, %s, %s, %s, %s, %s, %s, %s from quiet
"""


class TooManyRequests(Refused):
    """A key made more requests within a minute than it may."""

    code = "too_many_requests"
    sentence = _(
        "This key has made its %(limit)s requests of this minute. Wait %(seconds)s seconds; "
        "send usage in batches of up to 1,000 records."
    )

    def __init__(self, *, limit: int, seconds: int) -> None:
        super().__init__(limit=limit, seconds=seconds)
        self.retry_after = seconds


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests a key may make in a minute, how many are left, and for how long."""

    limit: int
    left: int
    seconds: int


def count_call(*, api_key: ApiKey, at: datetime) -> Allowance:
    """Count one request of a key, whichever process serves it, and return what is left.

    Minutes are those of the clock; the limit is the setting API_REQUESTS_A_MINUTE.
    """
    minute = at.replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [api_key.pk, minute])
        (count,) = cursor.fetchone()
    limit = settings.API_REQUESTS_A_MINUTE
    return Allowance(limit, limit - count, MINUTE - at.second)


def note_call(
    *,
    api_key: ApiKey,
    request_id: UUID,
    at: datetime,
    asked: tuple[str, str],
    status: int,
    code: str,
    took_ms: int,
    address: str | None,
) -> None:
    """Note one request in the log of its provider.

    :param asked: method and path; what stands after the question mark is not kept.
    :param code: of the refusal; empty where nothing was refused.
    """
    method, path = asked
    row: list[Any] = [api_key.provider_id, api_key.pk, request_id, at, method]
    row += [path[:PATH_MOST], status, code, took_ms, address]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, row)


def forget_old_calls(*, at: datetime) -> int:
    """Take away what was noted longer ago than it is kept, and return how many."""
    count, _by_kind = ApiCall.objects.filter(at__lt=at - LOG_KEPT_FOR).delete()
    return count
