"""Why payments that look alike are both right, and who was refused which step."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0073_parts_of_batches'),
        ('ledger', '0006_split'),
        ('vouchers', '0022_order_reference'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DuplicateAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=500)),
                ('at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('answered_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.payment')),
                ('twin', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.payment')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('payment', 'twin'), name='billing_duplicateanswer_once'), models.CheckConstraint(condition=models.Q(('payment', models.F('twin')), _negated=True), name='billing_duplicateanswer_of_two'), models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='billing_duplicateanswer_has_reason')],
            },
        ),
        migrations.CreateModel(
            name='RefusedAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('about', models.CharField(max_length=120)),
                ('at', models.DateTimeField()),
                ('code', models.CharField(max_length=40)),
                ('words', models.JSONField()),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('programme', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='vouchers.programme')),
            ],
            options={
                'indexes': [models.Index(fields=['programme', '-id'], name='billing_refusedattempt_newest')],
            },
        ),
        *insert_only("billing_duplicateanswer", "billing_refusedattempt"),
    ]
