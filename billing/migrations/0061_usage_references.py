"""Compare what new usage lines name as a set, where each line was asked four times."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL, SeparateDatabaseAndState

from common.references import never_deleted

# The file is still asked for line by line: its row is written after its lines, once it is known
# what became of them, so it can only be compared when all is done.
ROW_BY_ROW = """
alter table billing_usageline
    drop constraint billing_usageline_act_id_fkey,
    drop constraint billing_usageline_order_id_fkey,
    drop constraint billing_usageline_provider_id_fkey,
    drop constraint billing_usageline_voucher_id_fkey;
"""
ROW_BY_ROW_AGAIN = """
alter table billing_usageline
    add foreign key (act_id) references ledger_act deferrable initially deferred,
    add foreign key (order_id) references vouchers_order deferrable initially deferred,
    add foreign key (provider_id) references providers_provider deferrable initially deferred,
    add foreign key (voucher_id) references vouchers_voucher deferrable initially deferred;
"""
# As `references_exist`, with statements whose plans are kept: most requests add one line.
AS_A_SET = """
create function billing_usage_references_exist() returns trigger language plpgsql
set search_path = public, pg_temp as $$
declare
    missing record;
begin
    select * into missing from (
        select 'act_id' as name, 'ledger_act' as target, d.id
        from (select distinct act_id as id from added) d
        where not exists (select from ledger_act t where t.id = d.id)
        union all
        select 'order_id', 'vouchers_order', d.id
        from (select distinct order_id as id from added where order_id is not null) d
        where not exists (select from vouchers_order t where t.id = d.id)
        union all
        select 'provider_id', 'providers_provider', d.id
        from (select distinct provider_id as id from added) d
        where not exists (select from providers_provider t where t.id = d.id)
        union all
        select 'voucher_id', 'vouchers_voucher', d.id
        from (select distinct voucher_id as id from added) d
        where not exists (select from vouchers_voucher t where t.id = d.id)
    ) named limit 1;
    if missing.name is not null then
        raise exception 'insert on table "%" names % %, which is not in table "%"',
            tg_table_name, missing.name, missing.id, missing.target using errcode = '23503';
    end if;
    return null;
end $$;
create trigger references_exist after insert on billing_usageline
    referencing new table as added for each statement
    execute function billing_usage_references_exist();
"""
NOT_AS_A_SET = """
drop trigger references_exist on billing_usageline;
drop function billing_usage_references_exist();
"""
# As before; `offset 0` keeps each device's uses a walk of its index, whatever the planner knows of
# the table: taken apart it would look for the earliest use once for every row there is.
DEVICE_BY_DEVICE = """
create or replace function billing_devices_are_used_once(p_spans billing_device_span[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    found record;
begin
    select * into found from (
        select u.device, u.started_at, lag(u.ended_at) over (
            partition by u.provider_id, u.device order by u.started_at, u.ended_at) as busy_until
        from unnest(p_spans) s
        cross join lateral (
            select coalesce((select max(b.started_at) from billing_usagedevice b
                where b.provider_id = s.provider_id and b.device = s.device
                    and b.started_at < s.low and b.ended_at > b.started_at), s.low) as low
            offset 0
        ) since
        cross join lateral (
            select d.* from billing_usagedevice d
            where d.provider_id = s.provider_id and d.device = s.device
                and d.started_at >= since.low and d.started_at < s.high
                and d.ended_at > d.started_at
            offset 0
        ) u
    ) neighbours where busy_until > started_at limit 1;
    if found.device is not null then
        raise exception 'device % is in use until %, and again from %',
            found.device, found.busy_until, found.started_at using errcode = '23P01';
    end if;
end $$;
"""
NAMED = [
    ("act", "+", "ledger.act", False),
    ("order", "usage", "vouchers.order", True),
    ("provider", "usage_lines", "providers.provider", False),
    ("voucher", "usage", "vouchers.voucher", False),
]


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0060_usage_archive"),
        ("providers", "0034_price_lists"),
    ]
    operations = [
        SeparateDatabaseAndState(
            database_operations=[RunSQL(ROW_BY_ROW, ROW_BY_ROW_AGAIN), RunSQL(AS_A_SET, NOT_AS_A_SET)],
            state_operations=[
                migrations.AlterField(
                    "usageline",
                    name,
                    models.ForeignKey(db_constraint=False, db_index=False, null=is_null, on_delete=django.db.models.deletion.PROTECT, related_name=related, to=to),
                )
                for name, related, to, is_null in NAMED
            ],
        ),
        RunSQL(DEVICE_BY_DEVICE, RunSQL.noop),
        *never_deleted("providers_provider"),
    ]
