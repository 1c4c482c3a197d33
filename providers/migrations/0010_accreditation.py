"""Accreditation by batch and service item, and suspensions with what they stop."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0006_split'),
        ('parties', '0005_registers'),
        ('providers', '0002_insert_only'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Accreditation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('batch', models.CharField(blank=True, default='', max_length=40)),
                ('item', models.CharField(choices=[('AI_COMPUTE', 'AI compute (GPU)'), ('GENERAL_COMPUTE', 'General compute (CPU)'), ('SUPERCOMPUTE', 'Supercomputing')], max_length=16)),
                ('from_on', models.DateField()),
                ('until_on', models.DateField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='AccreditationApplication',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=16, unique=True)),
                ('items', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), size=None)),
                ('regions', models.CharField(max_length=200)),
                ('description', models.TextField()),
                ('contact_name', models.CharField(max_length=120)),
                ('contact_email', models.EmailField(max_length=254)),
                ('sent_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AccreditationDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outcome', models.CharField(choices=[('GRANTED', 'Granted'), ('REFUSED', 'Refused')], max_length=8)),
                ('reasons', models.TextField(blank=True, default='')),
                ('decided_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AccreditationDocument',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('media_type', models.CharField(max_length=40)),
                ('content', models.BinaryField()),
                ('size', models.IntegerField()),
                ('sha256', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='Suspension',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stops_orders', models.BooleanField()),
                ('holds', models.CharField(choices=[('STAY', 'Open orders go on, and their holds stay'), ('RELEASE', 'Holds of orders without use go back to their vouchers')], max_length=8)),
                ('bills', models.CharField(choices=[('CONTINUE', 'Bills are taken and settled'), ('WAIT', 'Bills are taken, and their settlement waits')], max_length=8)),
                ('reason', models.TextField()),
                ('from_at', models.DateTimeField()),
                ('until_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SuspensionLift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField(blank=True, default='')),
                ('lifted_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='accreditation',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='accreditation',
            name='authority',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='parties.organisation'),
        ),
        migrations.AddField(
            model_name='accreditation',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accreditations', to='providers.provider'),
        ),
        migrations.AddField(
            model_name='accreditationapplication',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='accreditationapplication',
            name='authority',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='parties.organisation'),
        ),
        migrations.AddField(
            model_name='accreditationapplication',
            name='organisation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accreditation_applications', to='parties.organisation'),
        ),
        migrations.AddField(
            model_name='accreditationapplication',
            name='sent_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accreditation',
            name='application',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='accreditations', to='providers.accreditationapplication'),
        ),
        migrations.AddField(
            model_name='accreditationdecision',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='accreditationdecision',
            name='application',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='decision', to='providers.accreditationapplication'),
        ),
        migrations.AddField(
            model_name='accreditationdecision',
            name='decided_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accreditationdocument',
            name='application',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='documents', to='providers.accreditationapplication'),
        ),
        migrations.AddField(
            model_name='suspension',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='suspension',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='suspensions', to='providers.provider'),
        ),
        migrations.AddField(
            model_name='suspensionlift',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='suspensionlift',
            name='suspension',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='lift', to='providers.suspension'),
        ),
        migrations.AddConstraint(
            model_name='accreditationapplication',
            constraint=models.CheckConstraint(condition=models.Q(('items__contained_by', ['AI_COMPUTE', 'GENERAL_COMPUTE', 'SUPERCOMPUTE']), models.Q(('items', []), _negated=True)), name='providers_accreditationapplication_items_known'),
        ),
        migrations.AddIndex(
            model_name='accreditation',
            index=models.Index(fields=['item', 'from_on', 'until_on'], name='providers_accreditation_days'),
        ),
        migrations.AddConstraint(
            model_name='accreditation',
            constraint=models.CheckConstraint(condition=models.Q(('item__in', ['AI_COMPUTE', 'GENERAL_COMPUTE', 'SUPERCOMPUTE'])), name='providers_accreditation_item_known'),
        ),
        migrations.AddConstraint(
            model_name='accreditation',
            constraint=models.CheckConstraint(condition=models.Q(('until_on__isnull', True), ('until_on__gte', models.F('from_on')), _connector='OR'), name='providers_accreditation_days_in_order'),
        ),
        migrations.AddConstraint(
            model_name='accreditation',
            constraint=models.UniqueConstraint(models.F('provider'), models.F('authority'), models.F('batch'), models.F('item'), models.F('from_on'), name='providers_accreditation_once'),
        ),
        migrations.AddConstraint(
            model_name='accreditationdecision',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['GRANTED', 'REFUSED'])), name='providers_accreditationdecision_outcome_known'),
        ),
        migrations.AddConstraint(
            model_name='accreditationdecision',
            constraint=models.CheckConstraint(condition=models.Q(('outcome', 'GRANTED'), models.Q(('reasons', ''), _negated=True), _connector='OR'), name='providers_accreditationdecision_refused_with_reasons'),
        ),
        migrations.AddConstraint(
            model_name='accreditationdocument',
            constraint=models.UniqueConstraint(models.F('application'), models.F('sha256'), name='providers_accreditationdocument_once'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('holds__in', ['STAY', 'RELEASE'])), name='providers_suspension_holds_known'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('bills__in', ['CONTINUE', 'WAIT'])), name='providers_suspension_bills_known'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('until_at__isnull', True), ('until_at__gt', models.F('from_at')), _connector='OR'), name='providers_suspension_instants_in_order'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('stops_orders', True), ('holds', 'RELEASE'), ('bills', 'WAIT'), _connector='OR'), name='providers_suspension_stops_something'),
        ),
    ]
