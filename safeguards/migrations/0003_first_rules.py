"""The first version of each rule, in force from the beginning of time."""

from datetime import UTC, datetime

from django.db import migrations

FIRST = {
    "billed_above_meter": {"tolerance_ms": "0"},
    "line_billed_before": {},
    "invoice_sent_before": {},
}


def add_rules(apps, schema_editor):
    """Add version 1 of each rule; no person released them, so they name no act."""
    rule_version = apps.get_model("safeguards", "RuleVersion")
    rule_version.objects.bulk_create(
        rule_version(
            code=code, number=1, parameters=parameters, from_at=datetime(1970, 1, 1, tzinfo=UTC)
        )
        for code, parameters in FIRST.items()
    )


class Migration(migrations.Migration):
    dependencies = [("safeguards", "0002_insert_only")]
    operations = [migrations.RunPython(add_rules, migrations.RunPython.noop)]
