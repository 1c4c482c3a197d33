"""A provider's own invoice is attached to the bill that it is for."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from common.insert_only import insert_only

KEEP = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [("billing", "0087_correction_notes")]
    operations = [
        migrations.CreateModel(
            name="ProviderInvoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("UBL", "UBL 2.1"), ("FAPIAO", "Fapiao")], max_length=6)),
                ("series", models.CharField(blank=True, max_length=16)),
                ("number", models.CharField(max_length=100)),
                ("issued_on", models.DateField(null=True)),
                ("amount", models.BigIntegerField()),
                ("name", models.CharField(max_length=120)),
                ("content", models.BinaryField()),
                ("size", models.IntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("attached_by", models.CharField(max_length=40)),
                ("attached_at", models.DateTimeField()),
                ("act", models.ForeignKey(on_delete=KEEP, related_name="+", to="ledger.act")),
                ("bill", models.OneToOneField(on_delete=KEEP, related_name="provider_invoice", to="billing.bill")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=Q(kind__in=["UBL", "FAPIAO"]), name="billing_providerinvoice_kind_known"),
                    models.UniqueConstraint(F("kind"), F("series"), F("number"), name="billing_providerinvoice_number_once"),
                    models.CheckConstraint(condition=~Q(number=""), name="billing_providerinvoice_has_number"),
                ],
            },
        ),
        *insert_only("billing_providerinvoice"),
    ]
