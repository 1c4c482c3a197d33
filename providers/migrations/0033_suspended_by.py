"""Which authority suspended a provider, and alone may lift that; unknown for what was before."""

from django.db import migrations, models
from django.db.models import PROTECT


class Migration(migrations.Migration):
    dependencies = [
        ("parties", "0060_cooling_off"),
        ("providers", "0032_agreements"),
    ]
    operations = [
        migrations.AddField(
            model_name="suspension",
            name="authority",
            field=models.ForeignKey(
                null=True, on_delete=PROTECT, related_name="+", to="parties.organisation"
            ),
        ),
    ]
