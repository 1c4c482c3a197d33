"""The trigger of tables whose rows say what happened: added, never changed, never taken away."""

from django.db.migrations.operations import RunSQL


def insert_only(*tables: str) -> list[RunSQL]:
    """Return migration operations that refuse UPDATE, DELETE and TRUNCATE on tables.

    Set-up also gives the application's role no such right, by the trigger's name.
    """
    return [
        RunSQL(
            f"create trigger insert_only before update or delete or truncate on {table} "
            "for each statement execute function ledger_append_only()",
            f"drop trigger insert_only on {table}",
        )
        for table in tables
    ]
