"""Who does what, about what, when and why: written down once a key, before anything moves."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from common.statements import quick_rows
from ledger.kinds import ActKind
from ledger.refusals import refusals

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Act:
    """An act of the running transaction, or the earlier one that answers the same request."""

    id: int
    is_replay: bool
    at: datetime


def one_row(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """Return the one row of a statement, the database's refusals as ours."""
    with refusals(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    assert row is not None
    return tuple(row)


def payload_hash(payload: Mapping[str, Any]) -> bytes:
    """Return the digest that tells one request from another, whatever the order of its fields."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """All that an act says, for what is done in the statement that begins it.

    The fields are those of `begin`.
    """

    kind: ActKind
    key: str
    actor: str
    about: str
    at: datetime
    payload: Mapping[str, Any]
    reason: str = ""
    details: Mapping[str, Any] | None = None

    def words(self) -> list[Any]:
        """Return what the functions of the database are told of the act."""
        return [
            self.kind.value,
            f"{self.kind.value}/{self.key}",
            payload_hash({"about": self.about, **self.payload}),
            self.actor,
            self.about,
            self.at,
            self.reason,
            json.dumps(self.details or {}, default=str),
        ]


def begin(
    *,
    kind: ActKind,
    key: str,
    actor: str,
    about: str,
    at: datetime,
    payload: Mapping[str, Any],
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> Act:
    """Write down who does what, about what, when and why; the key makes it happen once.

    Must be called inside the transaction of the action. When `is_replay` is true the same
    request was done before: the caller returns its first answer and moves nothing. A request
    that races with its twin waits here until the twin has committed or failed.

    :param key: chosen by whoever asks, unique within the kind of act.
    :param actor: an address such as `user:12`, or `SYSTEM` for a sweep.
    :raises KeyReused: if the key was used with another payload.
    """
    request = Request(
        kind=kind,
        key=key,
        actor=actor,
        about=about,
        at=at,
        payload=payload,
        reason=reason,
        details=details,
    )
    return begin_as(request)


def begin_as(request: Request) -> Act:
    """Begin an act as a request says it; all else is as `begin` has it."""
    assert connection.in_atomic_block, "an act belongs to the transaction of its action"
    act_id, is_replay = one_row(
        "select act_id, replayed from ledger_begin(%s, %s, %s, %s, %s, %s, %s, %s::jsonb)",
        request.words(),
    )
    return Act(act_id, is_replay, request.at)


# An act that a statement begins itself, for `ask_with_act`: its number, and whether it is a replay.
ACT_BEGUN = """
    ledger_begin(%(act_kind)s, %(act_key)s, %(act_payload)s, %(act_actor)s, %(act_about)s,
        %(act_at)s, %(act_reason)s, %(act_details)s::jsonb)
"""
_ACT_WORDS = ("kind", "key", "payload", "actor", "about", "at", "reason", "details")


def ask_with_act(
    sql: str, parameters: Mapping[str, Any], request: Request
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that begins its act itself, by `ACT_BEGUN`.

    Must be called inside the transaction of the action, as `begin` must.

    :raises KeyReused: if the key was used with another payload.
    """
    assert connection.in_atomic_block, "an act belongs to the transaction of its action"
    named = zip(_ACT_WORDS, request.words(), strict=True)
    with refusals():
        return quick_rows(sql, {**parameters, **{f"act_{name}": word for name, word in named}})
