"""Months of a programme that were closed, for which nothing more is billed."""

import django.db.models.deletion
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0030_kept_files'),
        ('ledger', '0006_split'),
        ('parties', '0001_initial'),
        ('vouchers', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ClosedPeriod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period_from', models.DateTimeField()),
                ('period_until', models.DateTimeField()),
                ('closed_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('closed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='parties.user')),
                ('programme', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='closed_periods', to='vouchers.programme')),
            ],
        ),
        migrations.AddConstraint(
            model_name='closedperiod',
            constraint=models.UniqueConstraint(models.F('programme'), models.F('period_from'), name='billing_closedperiod_once'),
        ),
        migrations.AddConstraint(
            model_name='closedperiod',
            constraint=models.CheckConstraint(condition=models.Q(('period_until__gte', models.F('period_from'))), name='billing_closedperiod_period_from_in_order'),
        ),
    ] + insert_only("billing_closedperiod")
