"""Statements that are asked often and answered quickly: the connection keeps them prepared."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection


def quick_rows(
    sql: str, parameters: Sequence[Any] | Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Return a statement's rows, past Django's own cursor, which plans it anew each time.

    For a statement whose plan does not depend on what is asked. A number is sent in the
    smallest type that holds it, each of which is prepared by itself; `psycopg.types.numeric`
    has those of one size.

    :raises django.db.Error: in its kinds, as Django's own cursor does.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    session = connection.connection
    if session.prepare_threshold is None:
        # Django turns this off for poolers of transactions; its own cursors never use it.
        session.prepare_threshold = 0
    with connection.wrap_database_errors:
        return psycopg.Cursor(session).execute(sql, parameters, prepare=True).fetchall()
