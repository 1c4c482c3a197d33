"""Look orders up by the provider's own name for them, in whatever case a meter writes it."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0021_questions")]
    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                django.db.models.functions.text.Lower("provider_reference"),
                name="vouchers_order_reference",
            ),
        ),
    ]
