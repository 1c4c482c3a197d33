"""Recoveries: the case, the debtor's reply, what two people confirm, what was got back."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only
from common.two_people import two_people


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0078_period_close'),
        ('ledger', '0009_recovery'),
        ('parties', '0060_cooling_off'),
        ('vouchers', '0022_order_reference'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Recovery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=16, unique=True)),
                ('payable', models.CharField(max_length=120)),
                ('amount', models.BigIntegerField()),
                ('legal_basis', models.CharField(max_length=200)),
                ('reason', models.CharField(max_length=500)),
                ('returns_to', models.CharField(choices=[('VOUCHER', 'The voucher while it is valid'), ('BUDGET', 'The budget')], max_length=7)),
                ('is_offset', models.BooleanField()),
                ('reply_until', models.DateField()),
                ('status', models.CharField(choices=[('OPEN', 'Waiting for a decision'), ('UPHELD', 'Owed'), ('DROPPED', 'Dropped'), ('CLOSED', 'Nothing left')], max_length=7)),
                ('opened_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(null=True)),
                ('due_on', models.DateField(null=True)),
                ('upheld_amount', models.BigIntegerField(default=0)),
                ('recovered_amount', models.BigIntegerField(default=0)),
                ('written_off_amount', models.BigIntegerField(default=0)),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('debtor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recoveries', to='parties.organisation')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('line', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='recoveries', to='billing.billline')),
                ('opened_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('payment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='recoveries', to='billing.payment')),
                ('policy_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='vouchers.policyversion')),
                ('programme', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recoveries', to='vouchers.programme')),
                ('voucher', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='recoveries', to='vouchers.voucher')),
            ],
        ),
        migrations.CreateModel(
            name='CollectionProposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('REPAYMENT', 'Paid back'), ('WRITE_OFF', 'Written off')], max_length=9)),
                ('amount', models.BigIntegerField()),
                ('note', models.CharField(max_length=500)),
                ('proposed_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('recovery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='billing.recovery')),
            ],
        ),
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('OFFSET', 'Set off'), ('REPAYMENT', 'Paid back'), ('WRITE_OFF', 'Written off')], max_length=9)),
                ('amount', models.BigIntegerField()),
                ('refund_amount', models.BigIntegerField(default=0)),
                ('at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('proposed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('recorded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proposal', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='collections', to='billing.collectionproposal')),
                ('recovery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='collections', to='billing.recovery')),
            ],
        ),
        migrations.CreateModel(
            name='RecoveryReply',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=2000)),
                ('replied_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('recovery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replies', to='billing.recovery')),
                ('replied_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddConstraint(
            model_name='recovery',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['OPEN', 'UPHELD', 'DROPPED', 'CLOSED'])), name='billing_recovery_status_known'),
        ),
        migrations.AddConstraint(
            model_name='recovery',
            constraint=models.CheckConstraint(condition=models.Q(('returns_to__in', ['VOUCHER', 'BUDGET'])), name='billing_recovery_returns_to_known'),
        ),
        migrations.AddConstraint(
            model_name='recovery',
            constraint=models.CheckConstraint(condition=models.Q(('upheld_amount__gte', 0), ('recovered_amount__gte', 0), ('written_off_amount__gte', 0)), name='billing_recovery_upheld_amount_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='recovery',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('upheld_amount__lte', models.F('amount'))), name='billing_recovery_within_amount'),
        ),
        migrations.AddConstraint(
            model_name='recovery',
            constraint=models.CheckConstraint(condition=models.Q(('upheld_amount__gte', django.db.models.expressions.CombinedExpression(models.F('recovered_amount'), '+', models.F('written_off_amount')))), name='billing_recovery_never_more_than_owed'),
        ),
        migrations.AddConstraint(
            model_name='recovery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('line__isnull', True), ('payment__isnull', False)), models.Q(('line__isnull', False), ('payment__isnull', True)), _connector='OR'), name='billing_recovery_has_one_origin'),
        ),
        migrations.AddConstraint(
            model_name='recovery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_by__isnull', True), ('status', 'OPEN')), models.Q(models.Q(('status', 'OPEN'), _negated=True), ('decided_by__isnull', False)), _connector='OR'), name='billing_recovery_decided_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='collectionproposal',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['REPAYMENT', 'WRITE_OFF'])), name='billing_collectionproposal_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='collectionproposal',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='billing_collectionproposal_has_amount'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['OFFSET', 'REPAYMENT', 'WRITE_OFF'])), name='billing_collection_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0), ('refund_amount__gte', 0)), name='billing_collection_amount_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('refund_amount__gt', 0), _connector='OR'), name='billing_collection_has_amount'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'OFFSET'), ('proposal__isnull', True)), models.Q(models.Q(('kind', 'OFFSET'), _negated=True), ('proposal__isnull', False), ('proposed_by__isnull', False), ('recorded_by__isnull', False)), _connector='OR'), name='billing_collection_by_two_people'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.UniqueConstraint(models.F('proposal'), name='billing_collection_proposal_once'),
        ),
        *insert_only("billing_recoveryreply", "billing_collectionproposal", "billing_collection"),
        *two_people("billing_recovery", "opened_by_id", "decided_by_id"),
        *two_people("billing_collection", "proposed_by_id", "recorded_by_id"),
    ]
