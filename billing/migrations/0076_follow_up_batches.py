"""A batch may follow an earlier one, payment by payment of what came back."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0075_jobs_of_batches'),
        ('parties', '0060_cooling_off'),
    ]

    operations = [
        migrations.AddField(
            model_name='batch',
            name='follows',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='followers', to='billing.batch'),
        ),
        migrations.AddField(
            model_name='payment',
            name='follows',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='followers', to='billing.payment'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['REMOVED', 'CANCELLED']), _negated=True), fields=('follows',), name='billing_payment_followed_once'),
        ),
    ]
