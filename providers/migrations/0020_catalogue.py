"""Offers say more; prices may be withdrawn; caps and equivalents that they are measured by."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0006_split'),
        ('parties', '0005_registers'),
        ('providers', '0013_capacity'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AcceptanceChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_at_once', models.BooleanField()),
                ('chosen_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Equivalent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource_class', models.CharField(max_length=24)),
                ('precision', models.CharField(choices=[('FP64', 'FP64'), ('FP32', 'FP32'), ('TF32', 'TF32'), ('BF16', 'BF16'), ('FP16', 'FP16'), ('FP8', 'FP8'), ('INT8', 'INT8'), ('FP4', 'FP4')], max_length=4)),
                ('teraflops', models.DecimalField(decimal_places=3, max_digits=12)),
                ('factor', models.DecimalField(decimal_places=6, max_digits=12)),
                ('source', models.CharField(max_length=300)),
                ('sourced_on', models.DateField()),
                ('from_on', models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name='PriceCap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('programme_code', models.CharField(blank=True, default='', max_length=40)),
                ('resource', models.CharField(choices=[('GPU', 'GPU'), ('CPU', 'CPU core')], max_length=3)),
                ('resource_class', models.CharField(max_length=24)),
                ('currency', models.CharField(max_length=3)),
                ('rate', models.DecimalField(decimal_places=4, max_digits=14, null=True)),
                ('from_at', models.DateTimeField()),
                ('reason', models.CharField(max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='PriceWithdrawal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='price',
            name='providers_price_one_an_instant',
        ),
        migrations.AddField(
            model_name='offer',
            name='is_domestic',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='offer',
            name='queue_hours',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='offer',
            name='service_level',
            field=models.CharField(choices=[('ON_DEMAND', 'On demand: starts when asked, runs until stopped'), ('RESERVED', 'Reserved: the same accelerators for an agreed time'), ('QUEUED', 'Queued: jobs wait for their turn'), ('INTERRUPTIBLE', 'Interruptible: may be stopped for others')], default='ON_DEMAND', max_length=13),
        ),
        migrations.AddField(
            model_name='price',
            name='turn',
            field=models.IntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(('service_level__in', ['ON_DEMAND', 'RESERVED', 'QUEUED', 'INTERRUPTIBLE'])), name='providers_offer_service_level_known'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(('queue_hours__gte', 0)), name='providers_offer_queue_hours_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.UniqueConstraint(models.F('offer'), models.F('currency'), models.F('from_at'), models.F('turn'), name='providers_price_one_an_instant'),
        ),
        migrations.AddField(
            model_name='acceptancechoice',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='acceptancechoice',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='acceptance_choices', to='providers.provider'),
        ),
        migrations.AddField(
            model_name='equivalent',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='equivalent',
            name='recorded_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='pricecap',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='pricecap',
            name='authority',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='price_caps', to='parties.organisation'),
        ),
        migrations.AddField(
            model_name='pricecap',
            name='set_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='pricewithdrawal',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='pricewithdrawal',
            name='price',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='withdrawal', to='providers.price'),
        ),
        migrations.AddConstraint(
            model_name='equivalent',
            constraint=models.CheckConstraint(condition=models.Q(('precision__in', ['FP64', 'FP32', 'TF32', 'BF16', 'FP16', 'FP8', 'INT8', 'FP4'])), name='providers_equivalent_precision_known'),
        ),
        migrations.AddConstraint(
            model_name='equivalent',
            constraint=models.CheckConstraint(condition=models.Q(('factor__gt', 0), ('teraflops__gt', 0)), name='providers_equivalent_is_something'),
        ),
        migrations.AddConstraint(
            model_name='pricecap',
            constraint=models.CheckConstraint(condition=models.Q(('resource__in', ['GPU', 'CPU'])), name='providers_pricecap_resource_known'),
        ),
        migrations.AddConstraint(
            model_name='pricecap',
            constraint=models.CheckConstraint(condition=models.Q(('rate__gte', 0)), name='providers_pricecap_rate_not_negative'),
        ),
        *insert_only("providers_pricewithdrawal", "providers_pricecap", "providers_equivalent", "providers_acceptancechoice"),
    ]
