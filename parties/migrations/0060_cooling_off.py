"""A changed bank detail is paid after its cooling-off; what was approved so far is paid at once."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0006_split'),
        ('parties', '0005_registers'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='bankdetail',
            name='parties_bankdetail_status_known',
        ),
        migrations.AddField(
            model_name='bankdetail',
            name='pays_from_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='bankdetail',
            name='pays_until_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='bankdetail',
            name='status',
            field=models.CharField(choices=[('PROPOSED', 'Proposed'), ('APPROVED', 'Approved'), ('REPLACED', 'Replaced'), ('STOPPED', 'Stopped')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='bankdetail',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['PROPOSED', 'APPROVED', 'REPLACED', 'STOPPED'])), name='parties_bankdetail_status_known'),
        ),
        migrations.RunSQL(
            "update parties_bankdetail set pays_from_at = approved_at"
            " where approved_at is not null",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name='bankdetail',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'APPROVED'), _negated=True), models.Q(('pays_from_at__gte', models.F('approved_at')), ('pays_from_at__isnull', False), ('pays_until_at__isnull', True)), _connector='OR'), name='parties_bankdetail_approved_pays'),
        ),
    ]
