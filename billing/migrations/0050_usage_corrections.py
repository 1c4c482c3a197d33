"""A line of use is taken back by its opposite, once; only such a line may be below nothing."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL
from django.db.models import Q

from common.insert_only import insert_only

# Whoever writes it: an opposite is exactly that, of a line that is no opposite itself; that a
# line has one at most, the key of the narrow table says. Its GPUs are free from then on.
TAKEN_BACK = """
create function billing_usage_taken_back() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (select from added where corrects_id is not null) then
        return null;
    end if;
    if exists (
        select from added a left join billing_usageline l on l.id = a.corrects_id
        where a.corrects_id is not null and (l.id is null or l.corrects_id is not null
            or a.device <> '' or (a.provider_id, a.voucher_id, a.order_id, a.source, a.resource,
                a.resource_class, a.started_at, a.ended_at, a.rate, a.count_thousandths,
                a.quantity_ms, a.amount)
            is distinct from (l.provider_id, l.voucher_id, l.order_id, l.source, l.resource,
                l.resource_class, l.started_at, l.ended_at, l.rate, -l.count_thousandths,
                -l.quantity_ms, -l.amount))
    ) then
        raise exception 'a line that takes another one back is not its opposite'
            using errcode = '23514';
    end if;
    insert into billing_usagecorrection (line_id, opposite_id)
        select corrects_id, id from added where corrects_id is not null;
    delete from billing_usagedevice d using added a
        where a.corrects_id is not null and d.provider_id = a.provider_id
            and d.started_at = a.started_at and d.line_id = a.corrects_id;
    return null;
end $$;
create trigger usage_taken_back after insert on billing_usageline
    referencing new table as added for each statement execute function billing_usage_taken_back();
"""
SIGNS = Q(corrects__isnull=True, count_thousandths__gte=0, quantity_ms__gte=0) | Q(
    corrects__isnull=False, count_thousandths__lte=0, quantity_ms__lte=0
)


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0040_telemetry"),
    ]
    operations = [
        migrations.AddField(
            "usageline",
            "corrects",
            models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.usageline"),
        ),
        migrations.RemoveConstraint("usageline", "billing_usageline_count_thousandths_not_negative"),
        migrations.AddConstraint(
            "usageline",
            models.CheckConstraint(condition=SIGNS, name="billing_usageline_only_opposites_negative"),
        ),
        migrations.CreateModel(
            name="UsageCorrection",
            fields=[
                ("line", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="correction", serialize=False, to="billing.usageline")),
                ("opposite", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.usageline")),
            ],
        ),
        RunSQL(TAKEN_BACK, "drop trigger usage_taken_back on billing_usageline; drop function billing_usage_taken_back()"),
        *insert_only("billing_usagecorrection"),
    ]
