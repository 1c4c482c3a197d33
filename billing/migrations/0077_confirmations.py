"""Holders confirm lines; an objection is a row of its own, and no verdict before settlement."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL
from django.db.models import Q

from common.insert_only import insert_only
from common.references import references_exist

# What was disputed so far stands as a verdict of the objection's own act.
SAID_BEFORE = """
insert into billing_objection (line_id, text, raised_by, raised_at, act_id)
    select v.line_id, v.reason_values ->> 'note', v.decided_by, v.decided_at, v.act_id
    from billing_verdict v join ledger_act a on a.id = v.act_id
    where v.reason = 'objected' and a.kind = 'object_to_line'
    order by v.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0076_follow_up_batches"),
        ("ledger", "0002_initial"),
    ]
    operations = [
        migrations.AddField("bill", "agreed_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="LineConfirmation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_confirmed", models.BooleanField()),
                ("act", models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.act")),
                ("line", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="confirmations", to="billing.billline")),
            ],
            options={
                "indexes": [models.Index(fields=["line", "-id"], name="billing_confirmation_newest")],
            },
        ),
        migrations.CreateModel(
            name="Objection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=500)),
                ("raised_by", models.CharField(max_length=40)),
                ("raised_at", models.DateTimeField()),
                ("act", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.act")),
                ("line", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="objections", to="billing.billline")),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=~Q(text=""), name="billing_objection_has_words")],
            },
        ),
        RunSQL(SAID_BEFORE, RunSQL.noop),
        *references_exist(
            "billing_lineconfirmation", line_id="billing_billline", act_id="ledger_act"
        ),
        *insert_only("billing_lineconfirmation", "billing_objection"),
    ]
