"""Orders wait for their provider, are changed, cancelled, and used by the people of teams."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0006_split'),
        ('providers', '0020_catalogue'),
        ('vouchers', '0010_parts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='OrderChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity_ms_before', models.BigIntegerField()),
                ('quantity_ms', models.BigIntegerField()),
                ('hold_amount_before', models.BigIntegerField()),
                ('hold_amount', models.BigIntegerField()),
                ('hold_before', models.BigIntegerField(unique=True)),
                ('reason', models.CharField(max_length=500)),
                ('changed_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='OrderUser',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('email', models.EmailField(blank=True, max_length=200)),
                ('login', models.CharField(blank=True, max_length=80)),
                ('named_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='order',
            name='vouchers_order_status_known',
        ),
        migrations.RemoveConstraint(
            model_name='order',
            name='vouchers_order_open_once',
        ),
        migrations.AddField(
            model_name='order',
            name='accept_by',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='end_note',
            field=models.CharField(blank=True, default='', max_length=500),
        ),
        migrations.AlterField(
            model_name='order',
            name='status',
            field=models.CharField(choices=[('OPEN', 'Open'), ('CLOSED', 'Closed'), ('RELEASED', 'Released'), ('LAPSED', 'Lapsed'), ('PLACED', 'Waiting for the provider'), ('DECLINED', 'Declined'), ('CANCELLED', 'Cancelled')], max_length=9),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['OPEN', 'CLOSED', 'RELEASED', 'LAPSED', 'PLACED', 'DECLINED', 'CANCELLED'])), name='vouchers_order_status_known'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'PLACED'), _negated=True), ('accept_by__isnull', False), _connector='OR'), name='vouchers_order_placed_waits_until'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['DECLINED', 'CANCELLED']), _negated=True), models.Q(('end_note', ''), _negated=True), _connector='OR'), name='vouchers_order_end_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(models.F('voucher'), models.F('offer'), models.F('provider_reference'), condition=models.Q(('status__in', ['PLACED', 'OPEN'])), name='vouchers_order_open_once'),
        ),
        migrations.AddField(
            model_name='orderchange',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='orderchange',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='vouchers.order'),
        ),
        migrations.AddField(
            model_name='orderuser',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='orderuser',
            name='ended_act',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='orderuser',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='users', to='vouchers.order'),
        ),
        migrations.AddConstraint(
            model_name='orderchange',
            constraint=models.CheckConstraint(condition=models.Q(('quantity_ms_before__gte', 0), ('quantity_ms__gte', 0), ('hold_amount_before__gte', 0)), name='vouchers_orderchange_quantity_ms_before_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='orderchange',
            constraint=models.CheckConstraint(condition=models.Q(('hold_amount__gt', 0)), name='vouchers_orderchange_holds_something'),
        ),
        migrations.AddConstraint(
            model_name='orderchange',
            constraint=models.CheckConstraint(condition=models.Q(('quantity_ms', models.F('quantity_ms_before')), _negated=True), name='vouchers_orderchange_changes'),
        ),
        migrations.AddConstraint(
            model_name='orderuser',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('email', ''), _negated=True), models.Q(('login', ''), _negated=True), _connector='OR'), name='vouchers_orderuser_can_be_found'),
        ),
        migrations.AddConstraint(
            model_name='orderuser',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_act__isnull', True), ('ended_at__isnull', True)), models.Q(('ended_act__isnull', False), ('ended_at__isnull', False)), _connector='OR'), name='vouchers_orderuser_end_has_act'),
        ),
        migrations.AddConstraint(
            model_name='orderuser',
            constraint=models.UniqueConstraint(models.F('order'), models.F('email'), models.F('login'), condition=models.Q(('ended_at__isnull', True)), name='vouchers_orderuser_named_once'),
        ),
        *insert_only("vouchers_orderchange"),
    ]
