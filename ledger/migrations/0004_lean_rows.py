"""The same promises at less cost for each row."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_at_the_limit")]
    operations = [
        migrations.RunSQL((SQL / "0004_lean_rows.sql").read_text(), migrations.RunSQL.noop)
    ]
