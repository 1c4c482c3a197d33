"""A holder proves that it paid its own share of a claim, and an officer says whether that counts."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from common.insert_only import insert_only

ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
ACT = ("act", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.act"))


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0085_objections"),
        ("parties", "0001_initial"),
    ]
    operations = [
        migrations.CreateModel(
            name="OwnShareProof",
            fields=[
                ID,
                ("amount", models.BigIntegerField()),
                ("paid_on", models.DateField()),
                ("paid_to", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=120)),
                ("media_type", models.CharField(max_length=40)),
                ("content", models.BinaryField()),
                ("size", models.IntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("given_at", models.DateTimeField()),
                ACT,
                ("bill", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="own_share_proofs", to="billing.bill")),
                ("given_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="parties.user")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=Q(amount__gt=0), name="billing_ownshareproof_amount_above_0"),
                    models.CheckConstraint(condition=~Q(paid_to=""), name="billing_ownshareproof_says_who_was_paid"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OwnShareDecision",
            fields=[
                ID,
                ("is_proof", models.BooleanField()),
                ("note", models.CharField(max_length=500)),
                ("accepted_sha256", models.CharField(max_length=64, null=True)),
                ("decided_at", models.DateTimeField()),
                ACT,
                ("decided_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="parties.user")),
                ("proof", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="decision", to="billing.ownshareproof")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=~Q(note=""), name="billing_ownsharedecision_has_words"),
                    models.CheckConstraint(
                        condition=Q(is_proof=True, accepted_sha256__isnull=False) | Q(is_proof=False, accepted_sha256__isnull=True),
                        name="billing_ownsharedecision_accepts_a_document",
                    ),
                    models.UniqueConstraint(models.F("accepted_sha256"), name="billing_ownsharedecision_document_once"),
                ],
            },
        ),
        *insert_only("billing_ownshareproof", "billing_ownsharedecision"),
    ]
