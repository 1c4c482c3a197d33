"""An entry of the bank may be the repayment of a recovery: two people say so, and it is used once."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

KEEP = django.db.models.deletion.PROTECT
KINDS = [
    ("THIS_PAYMENT", "It is this payment"),
    ("PAID_IN_PART", "Paid in part"),
    ("NOT_OURS", "Not ours"),
    ("ASKED_BANK", "The bank was asked"),
    ("DUPLICATE", "Booked twice"),
    ("DEALT_WITH", "Dealt with"),
    ("REPAYMENT", "Repayment of a recovery"),
]


class Migration(migrations.Migration):
    dependencies = [("billing", "0088_provider_invoices")]
    operations = [
        migrations.AddField(
            model_name="bankresolution",
            name="recovery",
            field=models.ForeignKey(null=True, on_delete=KEEP, related_name="resolutions", to="billing.recovery"),
        ),
        migrations.AlterField(
            model_name="bankresolution",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=12),
        ),
        migrations.RemoveConstraint(model_name="bankresolution", name="billing_bankresolution_kind_known"),
        migrations.AddConstraint(
            model_name="bankresolution",
            constraint=models.CheckConstraint(condition=Q(kind__in=[kind for kind, _label in KINDS]), name="billing_bankresolution_kind_known"),
        ),
        migrations.AddConstraint(
            model_name="bankresolution",
            constraint=models.CheckConstraint(
                condition=~Q(kind="REPAYMENT") | Q(recovery__isnull=False) & (~Q(step="DONE") | Q(seconded_by__isnull=False)),
                name="billing_bankresolution_two_for_repayment",
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="bank_line",
            field=models.OneToOneField(null=True, on_delete=KEEP, related_name="collection", to="billing.bankline"),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=Q(bank_line__isnull=True) | Q(kind="REPAYMENT"),
                name="billing_collection_bank_line_of_repayment",
            ),
        ),
    ]
