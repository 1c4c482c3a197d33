"""A reviewer works at an authority."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0005_accounts'),
        ('parties', '0002_identifier_scheme_known'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='membership',
            name='parties_membership_role_known',
        ),
        migrations.AlterField(
            model_name='membership',
            name='role',
            field=models.CharField(choices=[('APPLICANT', 'Applicant'), ('PROVIDER', 'Provider'), ('OFFICER', 'Programme officer'), ('REVIEWER', 'Reviewer'), ('FINANCE', 'Finance officer'), ('INVESTIGATOR', 'Investigator'), ('REGULATOR', 'Regulator'), ('ADMIN', 'Administrator')], max_length=16),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['APPLICANT', 'PROVIDER', 'OFFICER', 'REVIEWER', 'FINANCE', 'INVESTIGATOR', 'REGULATOR', 'ADMIN'])), name='parties_membership_role_known'),
        ),
    ]
