"""Who was accredited so far is so for every service item; who was suspended stays so."""

from datetime import UTC
from typing import Any

from django.db import migrations

ITEMS = ("AI_COMPUTE", "GENERAL_COMPUTE", "SUPERCOMPUTE")


def carry_over(apps: Any, schema_editor: Any) -> None:
    """Write each provider's accreditation by the act that gave it, and its suspension by its own."""
    provider_model = apps.get_model("providers", "Provider")
    accreditation = apps.get_model("providers", "Accreditation")
    suspension = apps.get_model("providers", "Suspension")
    act = apps.get_model("ledger", "Act")
    for provider in provider_model.objects.select_related("organisation").order_by("pk"):
        first_on = provider.accredited_at.astimezone(UTC).date()
        accreditation.objects.bulk_create(
            accreditation(provider=provider, item=item, from_on=first_on, act_id=provider.act_id)
            for item in ITEMS
        )
        if provider.status != "SUSPENDED":
            continue
        about = f"organisation:{provider.organisation.code}"
        by = act.objects.filter(kind="suspend_provider", about=about).latest("at", "id")
        suspension.objects.create(
            provider=provider,
            stops_orders=True,
            holds="STAY",
            bills="CONTINUE",
            reason=by.reason,
            from_at=by.at,
            act_id=by.id,
        )


def carry_back(apps: Any, schema_editor: Any) -> None:
    """Mark as suspended whoever is, whatever it stops; the rest is accredited."""
    suspension = apps.get_model("providers", "Suspension")
    running = suspension.objects.filter(lift__isnull=True, until_at__isnull=True)
    provider_model = apps.get_model("providers", "Provider")
    provider_model.objects.filter(pk__in=running.values("provider")).update(status="SUSPENDED")


class Migration(migrations.Migration):
    dependencies = [("providers", "0010_accreditation")]
    operations = [migrations.RunPython(carry_over, carry_back)]
