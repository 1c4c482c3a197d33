"""Any number of accounts opened at once."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_lean_rows")]
    operations = [
        migrations.RunSQL(
            (SQL / "0005_accounts.sql").read_text(),
            "drop function ledger_open_accounts(bigint, text[], smallint, text)",
        )
    ]
