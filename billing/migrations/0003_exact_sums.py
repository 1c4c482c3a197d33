"""Lines that no meter knows, and the two exact sums that bills are made of."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL

CLIPPED_MS = """
-- The part of a usage line within [from, until), in resource-milliseconds, exactly.
create function billing_clipped_ms(
    p_thousandths bigint, p_started timestamptz, p_ended timestamptz,
    p_from timestamptz, p_until timestamptz
) returns bigint language sql immutable parallel safe as $$
    select case when least(p_ended, p_until) > greatest(p_started, p_from) then
        div(p_thousandths * extract(epoch from least(p_ended, p_until) - greatest(p_started, p_from))
            * 1000000, 1000000)::bigint
    else 0 end
$$
"""
PRICE = """
-- Rate x quantity / hour in minor units, rounded half up once; p_scale is 10 ^ decimals.
create function billing_price(p_rate numeric, p_ms bigint, p_scale bigint)
returns bigint language sql immutable parallel safe as $$
    select div(2 * p_rate * p_scale * p_ms + 3600000, 7200000)::bigint
$$
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_insert_only"), ("vouchers", "0002_insert_only")]
    operations = [
        migrations.AlterField(
            model_name="billline",
            name="voucher",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bill_lines",
                to="vouchers.voucher",
            ),
        ),
        RunSQL(
            CLIPPED_MS,
            "drop function billing_clipped_ms(bigint, timestamptz, timestamptz, timestamptz, timestamptz)",
        ),
        RunSQL(PRICE, "drop function billing_price(numeric, bigint, bigint)"),
    ]
