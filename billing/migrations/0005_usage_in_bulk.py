"""Usage lines know their price, and a session has a table of its own to lay rows out in."""

from django.db import migrations, models
from django.db.migrations.operations import RunSQL

# The portal's role may make no tables. This one, the owner's, lives in the session that asked
# for it and is empty at the end of each transaction; nothing of it is ever logged or shared.
LAY_OUT = """
create function billing_lay_out_usage() returns void
language plpgsql security definer set search_path = public, pg_temp
set client_min_messages = warning as $$
begin
    -- A role that may make tables could put one of its own here, with a trigger that this runs.
    if exists (select from pg_class where oid = to_regclass('pg_temp.billing_usage_row')
            and relowner <> current_user::regrole) then
        raise exception 'pg_temp.billing_usage_row is not the owner''s';
    end if;
    create temporary table if not exists billing_usage_row (
        "row" integer not null,
        account text not null,
        source text not null,
        key text not null,
        order_id bigint,
        voucher_id bigint not null,
        rate numeric(14, 4),
        resource text not null,
        resource_class text not null,
        count_thousandths bigint not null,
        started_at timestamptz not null,
        ended_at timestamptz not null,
        quantity_ms bigint not null,
        state text not null,
        amount bigint
    ) on commit delete rows;
    truncate pg_temp.billing_usage_row;
    execute format('grant select, insert on pg_temp.billing_usage_row to %I', session_user);
end $$
"""
PRICED = """
alter table billing_usageline disable trigger insert_only;
update billing_usageline u set rate = p.rate,
    amount = case when v.unit like 'GPU:%' then u.quantity_ms
        else billing_price(coalesce(p.rate, 0), u.quantity_ms,
            (10 ^ case v.unit when 'JPY' then 0 when 'KRW' then 0 else 2 end)::bigint) end
    from vouchers_order o
    left join providers_price p on p.id = o.price_id
    join (select w.id, g.unit from vouchers_voucher w join vouchers_programme g on g.id = w.programme_id) v
        on v.id = o.voucher_id
    where o.id = u.order_id;
alter table billing_usageline enable trigger insert_only;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_cancelled_batches")]
    operations = [
        migrations.AddField(
            model_name="usageline",
            name="rate",
            field=models.DecimalField(decimal_places=4, max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name="usageline",
            name="amount",
            field=models.BigIntegerField(null=True),
        ),
        RunSQL(PRICED, RunSQL.noop),
        RunSQL(LAY_OUT, "drop function billing_lay_out_usage()"),
    ]
