"""Rows that say what happened stay as they were written."""

from django.db import migrations

from common.insert_only import insert_only


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial"), ("ledger", "0001_tables")]
    operations = insert_only("providers_price")
