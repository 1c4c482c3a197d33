"""Parts of a voucher for the teams of its holder."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0006_split'),
        ('parties', '0005_registers'),
        ('vouchers', '0009_targets_and_matches'),
    ]

    operations = [
        migrations.AddField(
            model_name='voucher',
            name='label',
            field=models.CharField(blank=True, default='', max_length=80),
        ),
        migrations.AddField(
            model_name='voucher',
            name='parent',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='vouchers.voucher'),
        ),
        migrations.AlterField(
            model_name='voucher',
            name='decision',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='voucher', to='vouchers.decision'),
        ),
        migrations.AddConstraint(
            model_name='voucher',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decision__isnull', False), ('label', ''), ('parent__isnull', True)), models.Q(('decision__isnull', True), ('parent__isnull', False), models.Q(('label', ''), _negated=True)), _connector='OR'), name='vouchers_voucher_is_whole_or_part'),
        ),
        migrations.AddConstraint(
            model_name='voucher',
            constraint=models.UniqueConstraint(models.F('parent'), models.F('label'), condition=models.Q(('parent__isnull', False)), name='vouchers_voucher_part_once'),
        ),
    ]
