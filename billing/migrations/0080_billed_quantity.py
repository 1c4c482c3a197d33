"""What is billed of a run: the metered part, and once what an increment adds to it."""

from django.db import migrations
from django.db.migrations.operations import RunSQL

BILLED_MS = """
-- The part of a run within [from, until), in resource-milliseconds; in the period in which it ends
-- it is billed up to its next whole increment that began (see `policy.metering.billed_ms`).
create function billing_billed_ms(
    p_thousandths bigint, p_started timestamptz, p_ended timestamptz,
    p_from timestamptz, p_until timestamptz, p_increment integer
) returns bigint language sql immutable parallel safe as $$
    select billing_clipped_ms(p_thousandths, p_started, p_ended, p_from, p_until)
        + case when p_increment > 0 and p_ended > p_from and p_ended <= p_until then
            div(p_thousandths * p_increment
                * ceil(extract(epoch from p_ended - p_started) / p_increment), 1)::bigint
            - billing_clipped_ms(p_thousandths, p_started, p_ended, p_started, p_ended)
        else 0 end
$$
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0079_recoveries")]
    operations = [
        RunSQL(
            BILLED_MS,
            "drop function billing_billed_ms("
            "bigint, timestamptz, timestamptz, timestamptz, timestamptz, integer)",
        ),
    ]
