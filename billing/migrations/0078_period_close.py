"""Two people close a month; what was not paid at its end, and what came later, is kept."""

import django.db.models.deletion
from django.db import migrations, models

from common.insert_only import insert_only
from common.two_people import two_people

PROTECT = django.db.models.deletion.PROTECT


def _id():
    return ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


def _to(model, **more):
    return models.ForeignKey(on_delete=PROTECT, to=model, **{"related_name": "+", **more})


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0077_confirmations"),
        ("ledger", "0008_periods"),
        ("parties", "0004_persons"),
        ("vouchers", "0001_initial"),
    ]

    operations = [
        migrations.AddField("closedperiod", "proposed_by", _to("parties.user", null=True)),
        migrations.CreateModel(
            name="PeriodProposal",
            fields=[
                _id(),
                ("period_from", models.DateTimeField()),
                ("proposed_at", models.DateTimeField()),
                ("note", models.CharField(blank=True, default="", max_length=500)),
                ("act", _to("ledger.act")),
                ("programme", _to("vouchers.programme", related_name="period_proposals")),
                ("proposed_by", _to("parties.user")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(models.F("programme"), models.F("period_from"), name="billing_periodproposal_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PeriodAccrual",
            fields=[
                _id(),
                ("stage", models.CharField(choices=[("METERED", "Metered and not billed"), ("BILLED", "Billed and not settled"), ("SETTLED", "Settled and not paid")], max_length=7)),
                ("amount", models.BigIntegerField()),
                ("payee", _to("parties.organisation")),
                ("period", _to("billing.closedperiod", related_name="accruals")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("stage__in", ["METERED", "BILLED", "SETTLED"])), name="billing_periodaccrual_stage_known"),
                    models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="billing_periodaccrual_amount_not_negative"),
                    models.UniqueConstraint(models.F("period"), models.F("stage"), models.F("payee"), name="billing_periodaccrual_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PeriodCorrection",
            fields=[
                _id(),
                ("amount", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("act", _to("ledger.act")),
                ("period", _to("billing.closedperiod", related_name="corrections")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(models.F("period"), models.F("act"), name="billing_periodcorrection_once"),
                ],
            },
        ),
        *insert_only("billing_periodproposal", "billing_periodaccrual", "billing_periodcorrection"),
        *two_people("billing_closedperiod", "proposed_by_id", "closed_by_id"),
    ]
