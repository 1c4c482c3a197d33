"""What was asked, decided and suspended stays as it was written; one word less for it."""

from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):
    dependencies = [("providers", "0011_accredited_so_far")]
    operations = [
        migrations.RemoveConstraint(
            model_name="provider", name="providers_provider_status_known"
        ),
        migrations.AlterField(
            model_name="provider",
            name="status",
            field=models.CharField(max_length=12, default="ACCREDITED"),
        ),
        migrations.RemoveField(model_name="provider", name="status"),
        *insert_only(
            "providers_accreditationapplication",
            "providers_accreditationdocument",
            "providers_accreditationdecision",
            "providers_accreditation",
            "providers_suspension",
            "providers_suspensionlift",
        ),
    ]
