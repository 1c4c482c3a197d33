"""Files of usage as they came, what a look over them found, and what their columns mean."""

import django.db.models.deletion
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0009_devices_and_hours'),
        ('ledger', '0006_split'),
        ('providers', '0002_insert_only'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeptFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('sha256', models.CharField(max_length=64)),
                ('size', models.BigIntegerField()),
                ('received_by', models.CharField(max_length=40)),
                ('received_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='providers.provider')),
            ],
        ),
        migrations.CreateModel(
            name='FileCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('format', models.CharField(max_length=16)),
                ('sheet', models.CharField(blank=True, max_length=80)),
                ('source', models.CharField(max_length=80)),
                ('resource', models.CharField(blank=True, max_length=3)),
                ('columns', models.JSONField()),
                ('unused_columns', models.JSONField()),
                ('rows', models.IntegerField()),
                ('recorded', models.IntegerField()),
                ('known_before', models.IntegerField()),
                ('skipped', models.JSONField()),
                ('errors', models.JSONField()),
                ('errors_total', models.IntegerField()),
                ('warnings', models.JSONField()),
                ('bills', models.JSONField()),
                ('checked_by', models.CharField(max_length=40)),
                ('checked_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='checks', to='billing.keptfile')),
            ],
        ),
        migrations.CreateModel(
            name='KeptFilePart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.IntegerField()),
                ('content', models.BinaryField()),
                ('file', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='billing.keptfile')),
            ],
        ),
        migrations.CreateModel(
            name='ColumnMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(max_length=64)),
                ('header', models.JSONField()),
                ('columns', models.JSONField()),
                ('named_by', models.CharField(max_length=40)),
                ('named_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='providers.provider')),
            ],
            options={
                'indexes': [models.Index(fields=['provider', 'fingerprint', '-id'], name='billing_col_provide_ad1353_idx')],
            },
        ),
        migrations.AddConstraint(
            model_name='keptfile',
            constraint=models.UniqueConstraint(models.F('provider'), models.F('sha256'), name='billing_keptfile_once'),
        ),
        migrations.AddConstraint(
            model_name='keptfile',
            constraint=models.CheckConstraint(condition=models.Q(('size__gte', 0)), name='billing_keptfile_size_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='filecheck',
            constraint=models.CheckConstraint(condition=models.Q(('resource__in', ['', 'GPU', 'CPU'])), name='billing_filecheck_resource_known'),
        ),
        migrations.AddConstraint(
            model_name='filecheck',
            constraint=models.CheckConstraint(condition=models.Q(('rows__gte', 0), ('recorded__gte', 0), ('known_before__gte', 0), ('errors_total__gte', 0)), name='billing_filecheck_rows_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='keptfilepart',
            constraint=models.UniqueConstraint(models.F('file'), models.F('number'), name='billing_keptfilepart_once'),
        ),
        migrations.AddConstraint(
            model_name='keptfilepart',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 0)), name='billing_keptfilepart_number_not_negative'),
        ),
    ] + insert_only("billing_keptfile", "billing_keptfilepart", "billing_filecheck", "billing_columnmapping")
