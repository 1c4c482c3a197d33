"""Count and note what programs ask; like first answers, nothing of value rests on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from psycopg.types.numeric import Int4, Int8

from common.errors import Refused
from common.statements import quick_rows
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
    with quiet as (select set_config('synchronous_commit', 'off', true)), kept as (
        update providers_apianswer set status = %(status)s, body = %(body)s from quiet
        where id = %(answer)s and providers_apianswer.status is null
    )
    insert into providers_apicall
        (provider_id, api_key_id, request_id, at, method, path, status, code, took_ms, address)
    select %(provider)s, %(api_key)s, %(request)s, %(at)s, %(method)s, %(path)s, %(status)s,
        %(code)s, %(took_ms)s, %(address)s
    from quiet returning id
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
    ((count,),) = quick_rows(_COUNT, [Int8(api_key.pk), minute])
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
    answer: tuple[int, str] | None = None,
) -> None:
    """Note one request in the log of its provider, and keep its answer where one is to be kept.

    :param asked: method and path; what stands after the question mark is not kept.
    :param code: of the refusal; empty where nothing was refused.
    :param answer: the number that `begin_answer` gave, and the body of the answer.
    """
    method, path = asked
    number, body = answer or (0, "")
    noted = {
        "provider": Int8(api_key.provider_id),
        "api_key": Int8(api_key.pk),
        "request": request_id,
        "at": at,
        "method": method,
        "path": path[:PATH_MOST],
        "status": Int4(status),
        "code": code,
        "took_ms": Int4(took_ms),
        "address": address,
        "answer": Int8(number),
        "body": body,
    }
    quick_rows(_NOTE, noted)


def forget_old_calls(*, at: datetime) -> int:
    """Take away what was noted longer ago than it is kept, and return how many."""
    count, _by_kind = ApiCall.objects.filter(at__lt=at - LOG_KEPT_FOR).delete()
    return count
