"""A closed period refuses what is dated in it, and the proof sees whether anything came."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_reverse_many")]
    operations = [
        migrations.RunSQL((SQL / name).read_text(), migrations.RunSQL.noop)
        for name in ("0008_periods.sql", "0008_proof.sql")
    ] + [
        migrations.CreateModel(
            name="Period",
            fields=[
                ("act", models.OneToOneField(on_delete=models.PROTECT, primary_key=True, related_name="period", serialize=False, to="ledger.act")),
                ("programme", models.TextField()),
                ("begins", models.DateTimeField()),
                ("ends", models.DateTimeField()),
                ("transfers", models.BigIntegerField()),
                ("total", models.DecimalField(decimal_places=0, max_digits=38)),
                ("digest", models.BinaryField()),
            ],
            options={"db_table": "ledger_period", "managed": False},
        )
    ]
