"""A deputy stands in for an officer or, in payments, for a finance officer."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0006_split'),
        ('vouchers', '0022_order_reference'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='deputy',
            name='role',
            field=models.CharField(choices=[('OFFICER', 'Applications'), ('FINANCE', 'Payments')], default='OFFICER', max_length=7),
        ),
        migrations.AddConstraint(
            model_name='deputy',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['OFFICER', 'FINANCE'])), name='vouchers_deputy_role_known'),
        ),
    ]
