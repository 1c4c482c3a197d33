"""Price lists published as a whole, and the provider's own number of an offer."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0006_split"),
        ("providers", "0033_suspended_by"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField(
            model_name="offer",
            name="sku",
            field=models.CharField(blank=True, default="", max_length=80),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(
                models.F("provider"),
                models.F("sku"),
                condition=models.Q(("status", "PUBLISHED"), models.Q(("sku", ""), _negated=True)),
                name="providers_offer_sku_once",
            ),
        ),
        migrations.CreateModel(
            name="PriceList",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("file_name", models.CharField(max_length=120)),
                ("offers", models.IntegerField()),
                ("prices", models.IntegerField()),
                ("unchanged", models.IntegerField()),
                ("published_at", models.DateTimeField()),
                (
                    "act",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.act",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="price_lists",
                        to="providers.provider",
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="pricelist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("offers__gte", 0), ("prices__gte", 0), ("unchanged__gte", 0)
                )
                & (models.Q(("offers__gt", 0)) | models.Q(("prices__gt", 0))),
                name="providers_pricelist_says_something",
            ),
        ),
        *insert_only("providers_pricelist"),
    ]
