"""Objections are answered, with evidence, and withdrawn; all of it stays."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from common.insert_only import insert_only

ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
ACT = ("act", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.act"))


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0084_reopened_batches"),
        ("parties", "0001_initial"),
    ]
    operations = [
        migrations.CreateModel(
            name="ObjectionWithdrawal",
            fields=[
                ID,
                ("withdrawn_by", models.CharField(max_length=40)),
                ("withdrawn_at", models.DateTimeField()),
                ACT,
                ("objection", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="withdrawal", to="billing.objection")),
            ],
        ),
        migrations.CreateModel(
            name="ObjectionReply",
            fields=[
                ID,
                ("side", models.CharField(choices=[("HOLDER", "Holder"), ("PROVIDER", "Provider"), ("AUTHORITY", "Authority")], max_length=9)),
                ("text", models.CharField(max_length=500)),
                ("written_at", models.DateTimeField()),
                ACT,
                ("objection", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="replies", to="billing.objection")),
                ("written_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="parties.user")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=Q(side__in=["HOLDER", "PROVIDER", "AUTHORITY"]), name="billing_objectionreply_side_known"),
                    models.CheckConstraint(condition=~Q(text=""), name="billing_objectionreply_has_words"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ObjectionFile",
            fields=[
                ID,
                ("name", models.CharField(max_length=120)),
                ("media_type", models.CharField(max_length=40)),
                ("content", models.BinaryField()),
                ("size", models.IntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("reply", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="files", to="billing.objectionreply")),
            ],
            options={
                "constraints": [models.UniqueConstraint(models.F("reply"), models.F("sha256"), name="billing_objectionfile_once")],
            },
        ),
        *insert_only(
            "billing_objectionwithdrawal", "billing_objectionreply", "billing_objectionfile"
        ),
    ]
