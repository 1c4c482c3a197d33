"""More days for vouchers, and vouchers ended by decision."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0005_accounts'),
        ('parties', '0003_reviewers'),
        ('vouchers', '0006_deciding_together'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Extension',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('days', models.IntegerField()),
                ('reason', models.TextField()),
                ('asked_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ExtensionVerdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outcome', models.CharField(choices=[('GRANTED', 'Granted'), ('REFUSED', 'Refused')], max_length=8)),
                ('note', models.TextField()),
                ('until_on', models.DateField()),
                ('decided_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Revocation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField()),
                ('may_apply_again', models.BooleanField()),
                ('revoked_at', models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='voucher',
            name='vouchers_voucher_status_known',
        ),
        migrations.AddField(
            model_name='voucher',
            name='extended_act',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AlterField(
            model_name='voucher',
            name='status',
            field=models.CharField(choices=[('ACTIVE', 'Active'), ('SUSPENDED', 'On hold'), ('EXPIRED', 'Expired'), ('RETURNED', 'Returned'), ('REVOKED', 'Cancelled')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='voucher',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['ACTIVE', 'SUSPENDED', 'EXPIRED', 'RETURNED', 'REVOKED'])), name='vouchers_voucher_status_known'),
        ),
        migrations.AddField(
            model_name='extension',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='extension',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='extension',
            name='voucher',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='extensions', to='vouchers.voucher'),
        ),
        migrations.AddField(
            model_name='extensionverdict',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='extensionverdict',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='extensionverdict',
            name='extension',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='verdict', to='vouchers.extension'),
        ),
        migrations.AddField(
            model_name='revocation',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='revocation',
            name='revoked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='revocation',
            name='voucher',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='revocation', to='vouchers.voucher'),
        ),
        migrations.AddConstraint(
            model_name='extension',
            constraint=models.CheckConstraint(condition=models.Q(('days__gt', 0)), name='vouchers_extension_has_days'),
        ),
        migrations.AddConstraint(
            model_name='extensionverdict',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['GRANTED', 'REFUSED'])), name='vouchers_extensionverdict_outcome_known'),
        ),
        *insert_only(
            "vouchers_revocation", "vouchers_extension", "vouchers_extensionverdict"
        ),
    ]
