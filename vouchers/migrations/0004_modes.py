"""Six of the eight modes of redemption can be run."""

from django.db import migrations, models

MODES = ["M1", "M2", "M3", "M4", "M5", "M6"]


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0003_one_open_order")]
    operations = [
        migrations.RemoveConstraint("programme", "vouchers_programme_mode_known"),
        migrations.AlterField(
            model_name="programme",
            name="mode",
            field=models.CharField(
                choices=[
                    ("M1", "Paid to the user after use"),
                    ("M2", "Claimed with the contract, paid after use"),
                    ("M3", "Offset at the point of sale"),
                    ("M4", "Paid in full by the user, then claimed by both sides"),
                    ("M5", "GPU-hours in kind"),
                    ("M6", "A share of costs, claimed after use"),
                ],
                max_length=2,
            ),
        ),
        migrations.AddConstraint(
            "programme",
            models.CheckConstraint(
                condition=models.Q(mode__in=MODES), name="vouchers_programme_mode_known"
            ),
        ),
    ]
