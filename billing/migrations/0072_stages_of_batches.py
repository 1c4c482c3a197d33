"""A batch is open, locked, approved, authorised, released, sent and closed, step by step."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.two_people import two_people


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0071_resolutions'),
        ('ledger', '0006_split'),
        ('parties', '0060_cooling_off'),
        ('vouchers', '0022_order_reference'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BatchStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('OPENED', 'Opened'), ('REMOVED', 'Payment removed'), ('ADDED', 'Payment added again'), ('LOCKED', 'Locked'), ('APPROVED', 'Approved'), ('AUTHORISED', 'Authorised'), ('RELEASED', 'Released'), ('SENT_BACK', 'Sent back'), ('SENT', 'Sent to bank'), ('CANCELLED', 'Cancelled')], max_length=10)),
                ('at', models.DateTimeField()),
                ('note', models.CharField(blank=True, default='', max_length=500)),
                ('list', models.JSONField(null=True)),
                ('list_sha256', models.CharField(blank=True, default='', max_length=64)),
            ],
        ),
        # The parts that people have are told anew in the migration that follows.
        *[
            migrations.RunSQL(one.reverse_sql, one.sql)
            for one in two_people(
                "billing_batch", "prepared_by_id", "approved_by_id", "released_by_id"
            )
        ],
        migrations.RemoveConstraint(
            model_name='batch',
            name='billing_batch_has_total',
        ),
        migrations.RemoveConstraint(
            model_name='batch',
            name='billing_batch_three_people',
        ),
        migrations.RemoveConstraint(
            model_name='batch',
            name='billing_batch_status_known',
        ),
        migrations.RemoveConstraint(
            model_name='batch',
            name='billing_batch_released_by_somebody',
        ),
        migrations.RemoveConstraint(
            model_name='payment',
            name='billing_payment_status_known',
        ),
        migrations.AddField(
            model_name='batch',
            name='authorised_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='batch',
            name='authorised_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='batch',
            name='needs_authorisation',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='payment',
            name='reference',
            field=models.CharField(blank=True, default='', max_length=25),
        ),
        migrations.AlterField(
            model_name='batch',
            name='status',
            field=models.CharField(choices=[('OPEN', 'Open'), ('LOCKED', 'Waiting for second approval'), ('APPROVED', 'Approved'), ('AUTHORISED', 'Authorised'), ('RELEASED', 'Released'), ('SENT', 'Sent to bank'), ('CLOSED', 'Paid'), ('CANCELLED', 'Cancelled')], max_length=10),
        ),
        migrations.AlterField(
            model_name='payment',
            name='status',
            field=models.CharField(choices=[('PREPARED', 'Prepared'), ('REMOVED', 'Removed'), ('SENT', 'Sent to bank'), ('PAID', 'Paid'), ('RETURNED', 'Returned'), ('CANCELLED', 'Cancelled'), ('PART', 'Paid in part')], max_length=9),
        ),
        # What waited for a second person had its list already; no later step was ever skipped.
        migrations.RunSQL(
            "update billing_batch set status = 'LOCKED' where status = 'PREPARED'",
            "update billing_batch set status = 'PREPARED' where status in ('OPEN', 'LOCKED')",
        ),
        migrations.AddConstraint(
            model_name='batch',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['OPEN', 'LOCKED', 'APPROVED', 'AUTHORISED', 'RELEASED', 'SENT', 'CLOSED', 'CANCELLED'])), name='billing_batch_status_known'),
        ),
        migrations.AddConstraint(
            model_name='batch',
            constraint=models.CheckConstraint(condition=models.Q(('total__gt', 0), models.Q(('status__in', ['OPEN', 'CANCELLED']), ('total', 0)), _connector='OR'), name='billing_batch_has_total'),
        ),
        migrations.AddConstraint(
            model_name='batch',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['OPEN', 'LOCKED', 'CANCELLED']), ('approved_by__isnull', False), _connector='OR'), name='billing_batch_approved_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='batch',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['OPEN', 'LOCKED', 'APPROVED', 'CANCELLED']), ('needs_authorisation', False), ('authorised_by__isnull', False), _connector='OR'), name='billing_batch_authorised_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='batch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['RELEASED', 'SENT', 'CLOSED']), _negated=True), ('released_by__isnull', False), _connector='OR'), name='billing_batch_released_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['PREPARED', 'REMOVED', 'SENT', 'PAID', 'RETURNED', 'CANCELLED', 'PART'])), name='billing_payment_status_known'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('reference', ''), _negated=True), fields=('reference',), name='billing_payment_reference_once'),
        ),
        migrations.AddField(
            model_name='batchstep',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='batchstep',
            name='batch',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='billing.batch'),
        ),
        migrations.AddField(
            model_name='batchstep',
            name='doer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='batchstep',
            name='payment',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.payment'),
        ),
        migrations.AddField(
            model_name='batchstep',
            name='stands_for',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='batchstep',
            index=models.Index(fields=['batch', 'id'], name='billing_batchstep_of_batch'),
        ),
        migrations.AddConstraint(
            model_name='batchstep',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['OPENED', 'REMOVED', 'ADDED', 'LOCKED', 'APPROVED', 'AUTHORISED', 'RELEASED', 'SENT_BACK', 'SENT', 'CANCELLED'])), name='billing_batchstep_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='batchstep',
            constraint=models.CheckConstraint(condition=models.Q(('stands_for__isnull', True), models.Q(('stands_for', models.F('doer')), _negated=True), _connector='OR'), name='billing_batchstep_stands_for_another'),
        ),
        migrations.AddConstraint(
            model_name='batchstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'LOCKED'), _negated=True), models.Q(('list__isnull', False), models.Q(('list_sha256', ''), _negated=True)), _connector='OR'), name='billing_batchstep_keeps_the_list'),
        ),
        migrations.AddConstraint(
            model_name='batchstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['REMOVED', 'ADDED']), _negated=True), ('payment__isnull', False), _connector='OR'), name='billing_batchstep_says_which_payment'),
        ),
        migrations.AddConstraint(
            model_name='batchstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['REMOVED', 'SENT_BACK', 'CANCELLED']), _negated=True), models.Q(('note', ''), _negated=True), _connector='OR'), name='billing_batchstep_says_why'),
        ),
        migrations.AddConstraint(
            model_name='batchstep',
            constraint=models.UniqueConstraint(fields=('act',), name='billing_batchstep_once_an_act'),
        ),
    ]
