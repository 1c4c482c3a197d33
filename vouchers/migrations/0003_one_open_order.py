"""An offer and a reference are one open order of a voucher: what a capture is of is no question."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0002_insert_only")]
    operations = [
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(
                models.F("voucher"),
                models.F("offer"),
                models.F("provider_reference"),
                condition=models.Q(status="OPEN"),
                name="vouchers_order_open_once",
            ),
        ),
    ]
