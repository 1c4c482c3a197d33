"""The hot path in one call, seals that read what is new, a proof that reads each table once."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_initial")]
    operations = [
        migrations.RunSQL((SQL / name).read_text(), migrations.RunSQL.noop)
        for name in ("0003_requests.sql", "0003_seal.sql", "0003_proof.sql")
    ]
