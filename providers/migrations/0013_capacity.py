"""What compute a provider has registered, list after list, each as it was entered."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0006_split'),
        ('providers', '0012_accreditation_stays'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CapacityVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.IntegerField()),
                ('source', models.CharField(choices=[('PAGE', 'Typed'), ('FILE', 'File')], max_length=4)),
                ('file_name', models.CharField(blank=True, default='', max_length=120)),
                ('entries', models.IntegerField()),
                ('gpus', models.BigIntegerField()),
                ('recorded_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='capacity_versions', to='providers.provider')),
                ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='CapacityNode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('node', models.CharField(max_length=80)),
                ('resource_class', models.CharField(max_length=24)),
                ('gpus', models.IntegerField()),
                ('region', models.CharField(max_length=80)),
                ('from_at', models.DateTimeField()),
                ('until_at', models.DateTimeField(null=True)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='nodes', to='providers.capacityversion')),
            ],
        ),
        migrations.AddConstraint(
            model_name='capacityversion',
            constraint=models.CheckConstraint(condition=models.Q(('source__in', ['PAGE', 'FILE'])), name='providers_capacityversion_source_known'),
        ),
        migrations.AddConstraint(
            model_name='capacityversion',
            constraint=models.UniqueConstraint(models.F('provider'), models.F('number'), name='providers_capacityversion_once'),
        ),
        migrations.AddIndex(
            model_name='capacitynode',
            index=models.Index(fields=['version', 'resource_class'], name='providers_capacitynode_class'),
        ),
        migrations.AddConstraint(
            model_name='capacitynode',
            constraint=models.CheckConstraint(condition=models.Q(('gpus__gt', 0)), name='providers_capacitynode_has_gpus'),
        ),
        migrations.AddConstraint(
            model_name='capacitynode',
            constraint=models.CheckConstraint(condition=models.Q(('until_at__isnull', True), ('until_at__gt', models.F('from_at')), _connector='OR'), name='providers_capacitynode_instants_in_order'),
        ),
        migrations.AddConstraint(
            model_name='capacitynode',
            constraint=models.UniqueConstraint(models.F('version'), models.F('node'), models.F('from_at'), name='providers_capacitynode_once'),
        ),
        *insert_only("providers_capacityversion", "providers_capacitynode"),
    ]
