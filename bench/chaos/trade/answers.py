"""What may come back of a step: an answer, no answer, or one that no step may get."""

from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError

from bench.chaos.sending import forget_connection, is_broken, pause
from common.errors import Refused

TRIES_MAX = 400
_T = TypeVar("_T")


class Contradiction(Exception):
    """An answer that no step of the trade may get."""


class Lost(Exception):
    """Nobody knows whether it was done."""


def called(ask: Callable[[], _T]) -> _T:
    """Call an action once; a broken connection gives an answer that is lost."""
    try:
        return ask()
    except Refused as refused:
        raise Contradiction(f"refused: {refused.code}, {refused}") from refused
    except (OperationalError, InterfaceError) as error:
        forget_connection()
        if is_broken(error):
            raise Lost from error
        raise Contradiction(f"{error}") from error
    except DatabaseError as error:
        forget_connection()
        raise Contradiction(f"{error}") from error


def patient(ask: Callable[[], _T]) -> _T:
    """Read something, again until the server is there."""
    for tries in range(1, TRIES_MAX):
        try:
            return called(ask)
        except Lost:
            pause(tries)
    raise Contradiction("the server does not come back")
