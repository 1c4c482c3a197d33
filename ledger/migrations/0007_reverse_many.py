"""Any number of transfers reversed at once."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_split")]
    operations = [
        migrations.RunSQL(
            (SQL / "0007_reverse_many.sql").read_text(),
            "drop function ledger_reverse_many(bigint, bigint[], text[])",
        )
    ]
