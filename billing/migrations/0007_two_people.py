"""A batch is prepared, approved and released by three people, and not only by three accounts."""

from django.db import migrations

from common.two_people import two_people


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_verdicts_in_bulk"), ("parties", "0004_persons")]
    operations = two_people("billing_batch", "prepared_by_id", "approved_by_id", "released_by_id")
