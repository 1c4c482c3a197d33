"""Bill lines and verdicts without what a million of them need not carry."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL

from common.references import REFERENCES_EXIST, never_deleted, references_exist

NAMED = """
alter table billing_verdict disable trigger insert_only;
update billing_verdict w set usage_line_id = l.usage_line_id, usage_from = b.period_from
    from billing_billline l join billing_bill b on b.id = l.bill_id
    where l.id = w.line_id and w.usage_key is not null;
alter table billing_verdict enable trigger insert_only;
"""


class Migration(migrations.Migration):

    dependencies = [
        ("billing", "0005_usage_in_bulk"),
        ("ledger", "0002_initial"),
        ("vouchers", "0002_insert_only"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="verdict",
            name="billing_verdict_usage_accepted_once",
        ),
        migrations.AddField(
            model_name="verdict",
            name="usage_from",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="verdict",
            name="usage_line",
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.usageline"),
        ),
        RunSQL(NAMED, RunSQL.noop),
        migrations.RemoveField(
            model_name="verdict",
            name="usage_key",
        ),
        migrations.AlterField(
            model_name="billline",
            name="bill",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="billing.bill"),
        ),
        migrations.AlterField(
            model_name="billline",
            name="order",
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="bill_lines", to="vouchers.order"),
        ),
        migrations.AlterField(
            model_name="billline",
            name="voucher",
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="bill_lines", to="vouchers.voucher"),
        ),
        migrations.AlterField(
            model_name="verdict",
            name="act",
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.act"),
        ),
        migrations.AlterField(
            model_name="verdict",
            name="line",
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="verdicts", to="billing.billline"),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.UniqueConstraint(models.F("usage_line"), models.F("usage_from"), name="billing_verdict_usage_accepted_once"),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.CheckConstraint(condition=models.Q(models.Q(("usage_from__isnull", True), ("usage_line__isnull", True)), models.Q(("usage_from__isnull", False), ("usage_line__isnull", False)), _connector="OR"), name="billing_verdict_usage_has_period"),
        ),
        RunSQL(REFERENCES_EXIST, "drop function references_exist()"),
        *references_exist(
            "billing_billline", voucher_id="vouchers_voucher", order_id="vouchers_order"
        ),
        *references_exist(
            "billing_verdict",
            line_id="billing_billline",
            usage_line_id="billing_usageline",
            act_id="ledger_act",
        ),
        *never_deleted("vouchers_voucher", "vouchers_order"),
    ]
