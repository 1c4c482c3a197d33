"""A batch is paid by one payer; those of before by the programme's authority."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0082_shares_of_earlier_settlements"),
        ("parties", "0060_cooling_off"),
    ]
    operations = [
        migrations.AddField(
            model_name="batch",
            name="payer",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="batches_paid",
                to="parties.organisation",
            ),
        ),
    ]
