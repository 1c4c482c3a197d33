"""Telemetry as evidence: meters' keys, batches, and minutes of devices; none is ever changed."""

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0032_file_tasks'),
        ('ledger', '0006_split'),
        ('providers', '0032_agreements'),
    ]

    operations = [
        migrations.CreateModel(
            name='MeterKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=80)),
                ('public_key', models.CharField(max_length=44)),
                ('registered_by', models.CharField(max_length=40)),
                ('registered_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='providers.provider')),
            ],
        ),
        migrations.CreateModel(
            name='TelemetryBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=80)),
                ('rank', models.SmallIntegerField(choices=[(1, 'Signed'), (2, 'Pushed'), (3, 'File')])),
                ('name', models.CharField(blank=True, max_length=200)),
                ('taken_at', models.DateTimeField()),
                ('page_sha256', models.CharField(max_length=64)),
                ('digest', models.CharField(max_length=64)),
                ('sequence', models.BigIntegerField(null=True)),
                ('signature', models.CharField(blank=True, max_length=88)),
                ('samples', models.IntegerField()),
                ('blank', models.IntegerField()),
                ('unreadable', models.IntegerField()),
                ('minutes', models.IntegerField()),
                ('received_by', models.CharField(max_length=40)),
                ('received_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='providers.provider')),
                ('signed_with', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.meterkey')),
            ],
        ),
        migrations.CreateModel(
            name='TelemetryMinute',
            fields=[
                ('pk', models.CompositePrimaryKey('provider', 'device', 'minute', 'batch', blank=True, editable=False, primary_key=True, serialize=False)),
                ('device', models.CharField(max_length=120)),
                ('minute', models.DateTimeField()),
                ('rank', models.SmallIntegerField(choices=[(1, 'Signed'), (2, 'Pushed'), (3, 'File')])),
                ('samples', models.IntegerField()),
                ('utilisation_total', models.BigIntegerField()),
                ('power_samples', models.IntegerField()),
                ('power_total', models.BigIntegerField()),
                ('batch', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='by_minute', to='billing.telemetrybatch')),
                ('provider', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='providers.provider')),
            ],
        ),
        migrations.AddConstraint(
            model_name='meterkey',
            constraint=models.UniqueConstraint(models.F('provider'), models.F('source'), models.F('public_key'), name='billing_meterkey_once'),
        ),
        migrations.AddConstraint(
            model_name='telemetrybatch',
            constraint=models.UniqueConstraint(models.F('provider'), models.F('source'), models.F('digest'), name='billing_telemetrybatch_once'),
        ),
        migrations.AddConstraint(
            model_name='telemetrybatch',
            constraint=models.UniqueConstraint(models.F('provider'), models.F('source'), models.F('sequence'), name='billing_telemetrybatch_number_once'),
        ),
        migrations.AddConstraint(
            model_name='telemetrybatch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('rank', 1), ('sequence__gte', 1), ('signed_with__isnull', False), models.Q(('signature', ''), _negated=True)), models.Q(('rank__in', [2, 3]), ('sequence__isnull', True), ('signature', ''), ('signed_with__isnull', True)), _connector='OR'), name='billing_telemetrybatch_rank_is_proved'),
        ),
        migrations.AddConstraint(
            model_name='telemetrybatch',
            constraint=models.CheckConstraint(condition=models.Q(('samples__gte', 0), ('blank__gte', 0), ('unreadable__gte', 0), ('minutes__gte', 0)), name='billing_telemetrybatch_samples_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='telemetryminute',
            constraint=models.CheckConstraint(condition=models.Q(('rank__in', [1, 2, 3])), name='billing_telemetryminute_rank_known'),
        ),
        migrations.AddConstraint(
            model_name='telemetryminute',
            constraint=models.CheckConstraint(condition=models.Q(('utilisation_total__lte', django.db.models.expressions.CombinedExpression(models.F('samples'), '*', models.Value(1000)))), name='billing_telemetryminute_at_most_full'),
        ),
        migrations.AddConstraint(
            model_name='telemetryminute',
            constraint=models.CheckConstraint(condition=models.Q(('samples__gt', 0), ('power_samples__gt', 0), _connector='OR'), name='billing_telemetryminute_says_something'),
        ),
        migrations.AddConstraint(
            model_name='telemetryminute',
            constraint=models.CheckConstraint(condition=models.Q(('samples__gte', 0), ('utilisation_total__gte', 0), ('power_samples__gte', 0), ('power_total__gte', 0)), name='billing_telemetryminute_samples_not_negative'),
        ),
    ] + insert_only("billing_meterkey", "billing_telemetrybatch", "billing_telemetryminute")
