"""Know when each GPU was in use and what each hour's GPUs came to, so that none is paid twice."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL, SeparateDatabaseAndState

DEVICE = """
alter table billing_usageline add column device varchar(400) not null default '';
"""
ONCE = """
create type billing_device_span as (
    provider_id bigint, device text, low timestamptz, high timestamptz
);
-- A GPU runs one job at a time. Uses of one device in the order of their starts overlap if two
-- neighbours do; those before the first new one are represented by the last of them.
create function billing_devices_are_used_once(p_spans billing_device_span[]) returns void
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
        ) since
        join billing_usagedevice u on u.provider_id = s.provider_id and u.device = s.device
            and u.started_at >= since.low and u.started_at < s.high
        where u.ended_at > u.started_at
    ) neighbours where busy_until > started_at limit 1;
    if found.device is not null then
        raise exception 'device % is in use until %, and again from %',
            found.device, found.busy_until, found.started_at using errcode = '23P01';
    end if;
end $$;
"""
# What a statement adds is named once, summed, and seen to be of no GPU that is in use.
ADDED = """
create or replace function billing_usage_added() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into billing_usagekey (provider_id, source, key, line_id)
        select provider_id, source, key, id from added;
    insert into billing_usagesum (
            voucher_id, provider_id, resource, resource_class, month, lines, quantity_ms, amount,
            recorded_at)
        select a.voucher_id, a.provider_id, a.resource, a.resource_class,
            date_trunc('month', a.started_at at time zone p.zone)::date,
            count(*), sum(a.quantity_ms), sum(coalesce(a.amount, 0)), max(a.recorded_at)
        from added a
        join vouchers_voucher v on v.id = a.voucher_id
        join vouchers_programme p on p.id = v.programme_id
        group by 1, 2, 3, 4, 5
        order by 1, 2, 3, 4, 5
    on conflict (voucher_id, provider_id, resource, resource_class, month) do update
        set lines = billing_usagesum.lines + excluded.lines,
            quantity_ms = billing_usagesum.quantity_ms + excluded.quantity_ms,
            amount = billing_usagesum.amount + excluded.amount,
            recorded_at = greatest(billing_usagesum.recorded_at, excluded.recorded_at);
    if exists (select from added where device <> '') then
        insert into billing_usagedevice (provider_id, device, started_at, ended_at, line_id)
            select provider_id, named.device, started_at, ended_at, id
            from added cross join lateral unnest(string_to_array(added.device, ' ')) named (device)
            where added.device <> '';
        perform billing_devices_are_used_once(array(
            select distinct (a.provider_id, named.device, min(a.started_at), max(a.ended_at))::billing_device_span
            from added a cross join lateral unnest(string_to_array(a.device, ' ')) named (device)
            where a.device <> '' group by a.provider_id, named.device));
    end if;
    return null;
end $$;
"""
LAY_OUT = """
create or replace function billing_lay_out_usage() returns void
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
        id bigint not null,
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
        amount bigint,
        device text not null
    ) on commit delete rows;
    truncate pg_temp.billing_usage_row;
    execute format('grant select, insert, delete on pg_temp.billing_usage_row to %I', session_user);
end $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_usage_by_month"),
        ("providers", "0001_initial"),
    ]
    operations = [
        migrations.CreateModel(
            name="UsageDevice",
            fields=[
                ("pk", models.CompositePrimaryKey("provider", "device", "started_at", "line", blank=True, editable=False, primary_key=True, serialize=False)),
                ("device", models.CharField(max_length=120)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("line", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.usageline")),
                ("provider", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="providers.provider")),
            ],
        ),
        migrations.CreateModel(
            name="UsageHour",
            fields=[
                ("pk", models.CompositePrimaryKey("provider", "resource_class", "hour", blank=True, editable=False, primary_key=True, serialize=False)),
                ("resource_class", models.CharField(max_length=24)),
                ("hour", models.DateTimeField()),
                ("quantity_ms", models.BigIntegerField()),
                ("provider", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="providers.provider")),
            ],
        ),
        SeparateDatabaseAndState(
            database_operations=[RunSQL(DEVICE)],
            state_operations=[
                migrations.AddField(
                    "usageline", "device", models.CharField(blank=True, default="", max_length=400)
                ),
            ],
        ),
        RunSQL(ONCE),
        RunSQL(ADDED),
        RunSQL(LAY_OUT),
    ]
