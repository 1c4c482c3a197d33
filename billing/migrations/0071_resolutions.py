"""What people say of odd entries of the bank: added and never changed; of value, by two people."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only
from common.two_people import two_people


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0070_bank_answers'),
        ('ledger', '0007_reverse_many'),
        ('parties', '0060_cooling_off'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BankResolution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.IntegerField()),
                ('kind', models.CharField(choices=[('THIS_PAYMENT', 'It is this payment'), ('PAID_IN_PART', 'Paid in part'), ('NOT_OURS', 'Not ours'), ('ASKED_BANK', 'The bank was asked'), ('DUPLICATE', 'Booked twice'), ('DEALT_WITH', 'Dealt with')], max_length=12)),
                ('step', models.CharField(choices=[('PROPOSED', 'Waiting for a second person'), ('DONE', 'Resolved'), ('UNDONE', 'Undone')], max_length=8)),
                ('note', models.CharField(max_length=1000)),
                ('made_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='resolutions', to='billing.bankline')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('payment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resolutions', to='billing.payment')),
                ('seconded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['THIS_PAYMENT', 'PAID_IN_PART', 'NOT_OURS', 'ASKED_BANK', 'DUPLICATE', 'DEALT_WITH'])), name='billing_bankresolution_kind_known'), models.CheckConstraint(condition=models.Q(('step__in', ['PROPOSED', 'DONE', 'UNDONE'])), name='billing_bankresolution_step_known'), models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['THIS_PAYMENT', 'PAID_IN_PART']), _negated=True), models.Q(('payment__isnull', False), models.Q(models.Q(('step', 'DONE'), _negated=True), ('seconded_by__isnull', False), _connector='OR')), _connector='OR'), name='billing_bankresolution_two_for_value'), models.UniqueConstraint(models.F('line'), models.F('number'), name='billing_bankresolution_once')],
            },
        ),
        *insert_only("billing_bankresolution"),
        *two_people("billing_bankresolution", "made_by_id", "seconded_by_id"),
    ]
