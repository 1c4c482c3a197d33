"""What the ledger refuses, in words: the database's refusals turned into ours."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _

from common.errors import Refused


class NotEnough(Refused):
    """A guarded balance would fall below nothing."""

    code = "not_enough"
    sentence = _("%(account)s has %(short_by)s less than this needs.")


class KeyReused(Refused):
    """A key came again with other content."""

    code = "key_reused"
    sentence = _(
        "The key %(key)s was already used for another request. "
        "Send the same content again, or use a new key."
    )


class NoSuchRoad(Refused):
    """Value may not move between these accounts for this reason."""

    code = "no_such_road"
    sentence = _("Value can't move this way: %(detail)s.")


class HoldClosed(Refused):
    """A hold is not open, or has less left than asked."""

    code = "hold_closed"
    sentence = _("The hold %(hold)s has %(remaining)s left; %(amount)s was asked.")


class NotReversible(Refused):
    """A transfer is unknown, only held, or reversed already."""

    code = "not_reversible"
    sentence = _("The transfer %(transfer)s can't be reversed, or was reversed already.")


class PeriodLocked(Refused):
    """Value would be dated in a closed period."""

    code = "period_locked"
    sentence = _(
        "%(programme)s closed its books from %(begins)s until %(ends)s, so nothing is dated "
        "%(at)s any more. Date it in an open month: there it is a correction of the closed one."
    )


class PeriodNotLockable(Refused):
    """A period that is not over, or of which some is closed."""

    code = "period_not_lockable"
    sentence = _(
        "The books of %(programme)s can't be closed from %(begins)s until %(ends)s: that is not "
        "over, or some of it is closed already. Close a month that is over and open."
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the database's refusals into ours; anything else stays a bug."""
    try:
        yield
    except DatabaseError as error:
        cause = error.__cause__
        if not isinstance(cause, psycopg.Error):
            raise
        refusal = _refusal_of(cause)
        if refusal is None:
            raise
        raise refusal from error


def _refusal_of(cause: psycopg.Error) -> Refused | None:
    diag = cause.diag
    if diag.constraint_name == "ledger_balance_not_below_zero":
        return _not_enough(diag.message_detail or "")
    if diag.constraint_name == "ledger_transfer_reversed_once":
        return _reversed_meanwhile(diag.message_detail or "")
    state = cause.sqlstate or ""
    if not state.startswith("TL"):
        return None
    facts: dict[str, Any] = json.loads(diag.message_detail or "{}")
    kinds: dict[str, type[Refused]] = {
        "TL001": KeyReused,
        "TL003": HoldClosed,
        "TL005": NotEnough,
        "TL006": NotReversible,
        "TL007": PeriodLocked,
        "TL008": PeriodNotLockable,
    }
    if state in kinds:
        return kinds[state](**facts)
    return NoSuchRoad(detail=diag.message_primary)


def _not_enough(detail: str) -> NotEnough:
    """Read the failing balance row: account, guard, debit, credit, pending."""
    numbers = detail[detail.rindex("(") + 1 : detail.rindex(")")].split(", ")
    account, guard, debit, credit, pending = (int(number) for number in numbers)
    return NotEnough(account=account, short_by=guard * (debit - credit) + pending)


def _reversed_meanwhile(detail: str) -> NotReversible:
    """Read the key that two reversals raced for: "Key (reverses_id)=(7) already exists."."""
    number = detail.partition("=(")[2].partition(")")[0]
    return NotReversible(transfer=int(number))
