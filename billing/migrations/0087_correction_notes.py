"""Each correction of a settled bill gets a credit or debit note with a number of its own."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from common.insert_only import insert_only

KEEP = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0086_own_shares"),
        ("parties", "0001_initial"),
    ]
    operations = [
        migrations.CreateModel(
            name="CorrectionNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("CREDIT", "Credit note"), ("DEBIT", "Debit note")], max_length=6)),
                ("sequence", models.BigIntegerField()),
                ("number", models.CharField(max_length=40, unique=True)),
                ("amount", models.BigIntegerField()),
                ("seller", models.JSONField()),
                ("buyer", models.JSONField()),
                ("issued_at", models.DateTimeField()),
                ("act", models.ForeignKey(on_delete=KEEP, related_name="+", to="ledger.act")),
                ("bill", models.ForeignKey(on_delete=KEEP, related_name="notes", to="billing.bill")),
                ("issuer", models.ForeignKey(on_delete=KEEP, related_name="+", to="parties.organisation")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=Q(kind__in=["CREDIT", "DEBIT"]), name="billing_correctionnote_kind_known"),
                    models.UniqueConstraint(F("issuer"), F("kind"), F("sequence"), name="billing_correctionnote_in_series_once"),
                    models.UniqueConstraint(F("bill"), F("act"), name="billing_correctionnote_act_once"),
                    models.CheckConstraint(condition=Q(amount__gt=0, sequence__gt=0), name="billing_correctionnote_has_amount_and_place"),
                ],
            },
        ),
        *insert_only("billing_correctionnote"),
    ]
