"""The writing of a batch's file is a job, with a state apart from the batch's stage."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0074_duplicates_and_attempts'),
        ('ledger', '0006_split'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BatchJob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('WAITING', 'Waiting'), ('RUNNING', 'Running'), ('DONE', 'Done'), ('FAILED', 'Failed')], default='WAITING', max_length=7)),
                ('asked_at', models.DateTimeField()),
                ('seen', models.CharField(blank=True, max_length=64)),
                ('begun_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('runs', models.IntegerField(default=0)),
                ('refusal', models.JSONField(null=True)),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='billing.batch')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['WAITING', 'RUNNING', 'DONE', 'FAILED'])), name='billing_batchjob_status_known'), models.CheckConstraint(condition=models.Q(('runs__gte', 0)), name='billing_batchjob_runs_not_negative'), models.CheckConstraint(condition=models.Q(('status__in', ['DONE', 'FAILED']), ('ended_at__isnull', True), _connector='XOR'), name='billing_batchjob_ends_once'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'FAILED'), _negated=True), ('refusal__isnull', False), _connector='OR'), name='billing_batchjob_says_why'), models.UniqueConstraint(condition=models.Q(('status__in', ['WAITING', 'RUNNING'])), fields=('batch',), name='billing_batchjob_one_at_a_time')],
            },
        ),
    ]
