"""Rows that say what happened stay as they were written."""

from django.db import migrations

from common.insert_only import insert_only


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("ledger", "0001_tables")]
    operations = insert_only("billing_usagefile", "billing_usageline", "billing_billline", "billing_verdict", "billing_settlement", "billing_paymentfile", "billing_bankstatement", "billing_bankline")
