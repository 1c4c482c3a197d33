"""Rows that say what happened stay as they were written."""

from django.db import migrations

from common.insert_only import insert_only


class Migration(migrations.Migration):
    dependencies = [("safeguards", "0001_initial"), ("ledger", "0001_tables")]
    operations = insert_only("safeguards_ruleversion", "safeguards_ruleresult")
