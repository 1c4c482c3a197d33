"""A batch, and with it its payments, that was called off before it went to the bank."""

from django.db import migrations, models


def known(model, values):
    """Return the change of which values a status has."""
    name = f"billing_{model}_status_known"
    condition = models.Q(("status__in", values))
    return [
        migrations.RemoveConstraint(model_name=model, name=name),
        migrations.AddConstraint(
            model_name=model,
            constraint=models.CheckConstraint(condition=condition, name=name),
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_exact_sums")]
    operations = [
        migrations.AlterField(
            model_name="batch",
            name="status",
            field=models.CharField(
                choices=[
                    ("PREPARED", "Waiting for second approval"),
                    ("APPROVED", "Approved"),
                    ("RELEASED", "Sent to bank"),
                    ("CLOSED", "Paid"),
                    ("CANCELLED", "Cancelled"),
                ],
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="payment",
            name="status",
            field=models.CharField(
                choices=[
                    ("PREPARED", "Prepared"),
                    ("SENT", "Sent to bank"),
                    ("PAID", "Paid"),
                    ("RETURNED", "Returned"),
                    ("CANCELLED", "Cancelled"),
                ],
                max_length=9,
            ),
        ),
        *known("batch", ["PREPARED", "APPROVED", "RELEASED", "CLOSED", "CANCELLED"]),
        *known("payment", ["PREPARED", "SENT", "PAID", "RETURNED", "CANCELLED"]),
        migrations.RemoveConstraint(
            model_name="batch", name="billing_batch_released_by_somebody"
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["PREPARED", "APPROVED", "CANCELLED"]),
                    ("released_by__isnull", False),
                    _connector="OR",
                ),
                name="billing_batch_released_by_somebody",
            ),
        ),
    ]
