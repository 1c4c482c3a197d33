"""Several statements a file, notices and reports, and why a person has to look at an entry."""

import django.db.models.functions.text
from django.db import migrations, models
from django.db.migrations.operations import RunSQL

# What matched nothing before there was a word for it waits for a person as well. The rows say
# what happened and stay so: the new column is filled in once, with the table's guard set aside.
ODD_BEFORE = """
alter table billing_bankline disable trigger insert_only;
update billing_bankline set oddity = 'UNMATCHED'
    where match = 'UNMATCHED' and reason <> 'bank_not_booked';
alter table billing_bankline enable trigger insert_only;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0061_usage_references'),
        ('ledger', '0007_reverse_many'),
        ('parties', '0060_cooling_off'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='bankline',
            name='billing_bankline_match_known',
        ),
        migrations.RemoveConstraint(
            model_name='payment',
            name='billing_payment_status_known',
        ),
        migrations.AddField(
            model_name='bankline',
            name='bank_code',
            field=models.CharField(blank=True, default='', max_length=35),
        ),
        migrations.AddField(
            model_name='bankline',
            name='counterparty_account',
            field=models.CharField(blank=True, default='', max_length=40),
        ),
        migrations.AddField(
            model_name='bankline',
            name='creditor_reference',
            field=models.CharField(blank=True, default='', max_length=35),
        ),
        migrations.AddField(
            model_name='bankline',
            name='found_by',
            field=models.CharField(blank=True, choices=[('END_TO_END_ID', 'End-to-end id'), ('BANK_REFERENCE', "Bank's reference"), ('RF_REFERENCE', 'RF reference'), ('PAYMENT_FILE', 'Payment file')], default='', max_length=14),
        ),
        migrations.AddField(
            model_name='bankline',
            name='oddity',
            field=models.CharField(blank=True, choices=[('PARTIAL', 'Less than the payment'), ('RETURNED', 'Payment came back'), ('UNMATCHED', 'Matches nothing'), ('DUPLICATE', 'Booked twice'), ('FOREIGN', 'Not of this account')], default='', max_length=9),
        ),
        migrations.AddField(
            model_name='bankline',
            name='place',
            field=models.CharField(blank=True, default='', max_length=120),
        ),
        migrations.AddField(
            model_name='bankline',
            name='reference',
            field=models.CharField(blank=True, default='', max_length=70),
        ),
        migrations.AddField(
            model_name='bankline',
            name='remittance',
            field=models.CharField(blank=True, default='', max_length=280),
        ),
        migrations.AddField(
            model_name='bankstatement',
            name='format',
            field=models.CharField(choices=[('STATEMENT', 'camt.053'), ('NOTICE', 'camt.054'), ('REPORT', 'pain.002'), ('MT940', 'MT940'), ('CSV', 'CSV')], default='STATEMENT', max_length=9),
        ),
        migrations.AddField(
            model_name='bankstatement',
            name='message',
            field=models.CharField(blank=True, default='', max_length=20),
        ),
        migrations.AddField(
            model_name='bankstatement',
            name='number',
            field=models.IntegerField(default=1),
        ),
        migrations.AddField(
            model_name='bankstatement',
            name='statement_id',
            field=models.CharField(blank=True, default='', max_length=70),
        ),
        migrations.AddField(
            model_name='payment',
            name='paid_amount',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='bankline',
            name='match',
            field=models.CharField(choices=[('PAID', 'Payment confirmed'), ('RETURNED', 'Payment returned'), ('UNMATCHED', 'Matches nothing'), ('ANSWERED', 'Payment was answered before'), ('TAKEN', 'Bank took the order')], max_length=9),
        ),
        migrations.AlterField(
            model_name='bankstatement',
            name='sha256',
            field=models.CharField(max_length=64),
        ),
        migrations.AlterField(
            model_name='payment',
            name='status',
            field=models.CharField(choices=[('PREPARED', 'Prepared'), ('SENT', 'Sent to bank'), ('PAID', 'Paid'), ('RETURNED', 'Returned'), ('CANCELLED', 'Cancelled'), ('PART', 'Paid in part')], max_length=9),
        ),
        migrations.AddIndex(
            model_name='bankline',
            index=models.Index(condition=models.Q(models.Q(('reference', ''), _negated=True), ('payment__isnull', False)), fields=['reference'], name='billing_bankline_reference'),
        ),
        migrations.AddIndex(
            model_name='bankline',
            index=models.Index(condition=models.Q(('oddity', ''), _negated=True), fields=['statement'], name='billing_bankline_odd'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(django.db.models.functions.text.Replace('end_to_end_id', models.Value('-'), models.Value('')), name='billing_payment_reference'),
        ),
        migrations.AddConstraint(
            model_name='bankline',
            constraint=models.CheckConstraint(condition=models.Q(('match__in', ['PAID', 'RETURNED', 'UNMATCHED', 'ANSWERED', 'TAKEN'])), name='billing_bankline_match_known'),
        ),
        migrations.AddConstraint(
            model_name='bankline',
            constraint=models.CheckConstraint(condition=models.Q(('found_by__in', ['', 'END_TO_END_ID', 'BANK_REFERENCE', 'RF_REFERENCE', 'PAYMENT_FILE'])), name='billing_bankline_found_by_known'),
        ),
        migrations.AddConstraint(
            model_name='bankline',
            constraint=models.CheckConstraint(condition=models.Q(('oddity__in', ['', 'PARTIAL', 'RETURNED', 'UNMATCHED', 'DUPLICATE', 'FOREIGN'])), name='billing_bankline_oddity_known'),
        ),
        migrations.AddConstraint(
            model_name='bankstatement',
            constraint=models.CheckConstraint(condition=models.Q(('format__in', ['STATEMENT', 'NOTICE', 'REPORT', 'MT940', 'CSV'])), name='billing_bankstatement_format_known'),
        ),
        migrations.AddConstraint(
            model_name='bankstatement',
            constraint=models.UniqueConstraint(models.F('sha256'), models.F('number'), name='billing_bankstatement_once'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['PREPARED', 'SENT', 'PAID', 'RETURNED', 'CANCELLED', 'PART'])), name='billing_payment_status_known'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('paid_amount__gt', 0), ('paid_amount__lt', models.F('amount'))), models.Q(('paid_amount__isnull', True), models.Q(('status', 'PART'), _negated=True)), _connector='OR'), name='billing_payment_part_is_less'),
        ),
        RunSQL(ODD_BEFORE, RunSQL.noop),
    ]
