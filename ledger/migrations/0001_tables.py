"""The ledger's tables, functions, proof, and the rows of its vocabulary."""

from pathlib import Path

from django.db import migrations

from ledger.kinds import ACCOUNT_KINDS, FLOWS

SQL = Path(__file__).resolve().parent.parent / "sql"


def write_vocabulary(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.executemany(
            "insert into ledger_kind values (%s, %s, %s, %s)",
            [(row.kind.value, row.kind.name, row.guard, row.is_kept) for row in ACCOUNT_KINDS],
        )
        cursor.executemany(
            "insert into ledger_flow values (%s, %s, %s, %s)",
            [(flow.value, flow.name, debit.value, credit.value) for flow, debit, credit in FLOWS],
        )


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL((SQL / name).read_text(), migrations.RunSQL.noop)
        for name in ("0001_tables.sql", "0001_functions.sql", "0001_proof.sql")
    ] + [migrations.RunPython(write_vocabulary, migrations.RunPython.noop)]
