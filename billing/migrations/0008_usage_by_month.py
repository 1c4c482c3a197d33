"""Usage lines lie in one table a month; what names them once is a narrow table beside them."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL, SeparateDatabaseAndState

from common.references import references_exist

# A line's id says its month: months since 1970 in UTC, then 48 bits of a number of its own. So
# the id alone finds the partition, and stays the primary key (docs/decisions/0022).
MONTH_OF = """
create function billing_usage_month(p_at timestamptz) returns integer
language sql immutable parallel safe as $$
    select ((extract(year from p_at at time zone 'UTC') - 1970) * 12
        + extract(month from p_at at time zone 'UTC') - 1)::integer
$$
"""
BY_MONTH = """
alter table billing_billline
    drop constraint billing_billline_usage_line_id_af42fe24_fk_billing_usageline_id;
drop index billing_usa_voucher_80bce6_idx;
drop index billing_usa_order_i_bbcb72_idx;
drop index billing_usageline_file_id_50960ab2;
alter table billing_usageline rename to billing_usageline_whole;
create table billing_usageline (
    like billing_usageline_whole including constraints
) partition by range (id);
alter table billing_usageline
    add constraint billing_usageline_id_says_month check (id >> 48 = billing_usage_month(started_at)),
    add primary key (id),
    add foreign key (act_id) references ledger_act deferrable initially deferred,
    add foreign key (file_id) references billing_usagefile deferrable initially deferred,
    add foreign key (order_id) references vouchers_order deferrable initially deferred,
    add foreign key (provider_id) references providers_provider deferrable initially deferred,
    add foreign key (voucher_id) references vouchers_voucher deferrable initially deferred;
create sequence billing_usageline_block minvalue 64 increment by 64;
"""
# Months are made ahead, by the sweep and once here. Usage from before them lies in one partition
# and usage from after them in another, so that a line always has a place.
MONTHS = """
create function billing_usage_partition(p_name text) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
    execute format('create table %I (like billing_usageline including all)', p_name);
    execute format('create trigger insert_only before update or delete or truncate on %I'
        ' for each statement execute function ledger_append_only()', p_name);
end $$;
create function billing_usage_first(p_month date) returns bigint language sql immutable as $$
    select billing_usage_month(p_month::timestamp at time zone 'UTC')::bigint << 48
$$;
create function billing_keep_usage_months(p_until date) returns integer
language plpgsql security definer set search_path = public, pg_temp
set client_min_messages = warning as $$
declare
    made integer := 0;
    place text;
    month date;
begin
    if p_until > now() + interval '25 months' then
        raise exception 'Months of usage are made two years ahead at most, not until %', p_until;
    end if;
    perform pg_advisory_xact_lock(hashtext('billing_keep_usage_months'));
    select (max(to_date(right(relname, 7), 'YYYY_MM')) + interval '1 month')::date into month
        from pg_inherits join pg_class on pg_class.oid = inhrelid
        where inhparent = 'billing_usageline'::regclass
            and relname ~ '^billing_usageline_[0-9]{4}_[0-9]{2}$';
    if month is null or month > p_until then
        return 0;
    end if;
    -- What is still to be checked of this transaction's own lines would be in the way.
    set constraints all immediate;
    alter table billing_usageline detach partition billing_usageline_after;
    alter table billing_usageline_after disable trigger insert_only;
    while month <= p_until loop
        place := 'billing_usageline_' || to_char(month, 'YYYY_MM');
        perform billing_usage_partition(place);
        execute format('with moved as (delete from billing_usageline_after where id < %s returning *)'
            ' insert into %I select * from moved',
            billing_usage_first((month + interval '1 month')::date), place);
        execute format('alter table billing_usageline attach partition %I for values from (%s) to (%s)',
            place, billing_usage_first(month),
            billing_usage_first((month + interval '1 month')::date));
        made := made + 1;
        month := (month + interval '1 month')::date;
    end loop;
    alter table billing_usageline_after enable trigger insert_only;
    execute format('alter table billing_usageline attach partition billing_usageline_after'
        ' for values from (%s) to (maxvalue)', billing_usage_first(month));
    return made;
end $$
"""
FIRST_MONTHS = """
do $$
declare
    first date := date_trunc('month', now() at time zone 'UTC')::date - interval '12 months';
    place text := 'billing_usageline_' || to_char(first, 'YYYY_MM');
    next date := first + interval '1 month';
begin
    perform billing_usage_partition('billing_usageline_before');
    perform billing_usage_partition(place);
    perform billing_usage_partition('billing_usageline_after');
    execute format('alter table billing_usageline attach partition billing_usageline_before'
        ' for values from (minvalue) to (%s)', billing_usage_first(first));
    execute format('alter table billing_usageline attach partition %I for values from (%s) to (%s)',
        place, billing_usage_first(first), billing_usage_first(next));
    execute format('alter table billing_usageline attach partition billing_usageline_after'
        ' for values from (%s) to (maxvalue)', billing_usage_first(next));
    perform billing_keep_usage_months((next + interval '14 months')::date);
end $$
"""
MOVED = """
alter table billing_billline disable trigger insert_only;
alter table billing_verdict disable trigger insert_only;
create temporary table moved_usage on commit drop as
    select id as old_id, (billing_usage_month(started_at)::bigint << 48)
        + 64 * row_number() over (order by id) as new_id
    from billing_usageline_whole;
select setval('billing_usageline_block', 64 * (select count(*) + 1 from moved_usage));
insert into billing_usageline (
        id, source, key, resource, resource_class, count_thousandths, started_at, ended_at,
        quantity_ms, state, recorded_at, act_id, file_id, order_id, provider_id, voucher_id, rate,
        amount)
    select new_id, source, key, resource, resource_class, count_thousandths, started_at, ended_at,
        quantity_ms, state, recorded_at, act_id, file_id, order_id, provider_id, voucher_id, rate,
        amount
    from moved_usage join billing_usageline_whole w on w.id = old_id;
update billing_billline l set usage_line_id = new_id from moved_usage where usage_line_id = old_id;
update billing_verdict w set usage_line_id = new_id from moved_usage where usage_line_id = old_id;
set constraints all immediate;
drop table billing_usageline_whole;
alter table billing_billline enable trigger insert_only;
alter table billing_verdict enable trigger insert_only;
create trigger insert_only before update or delete or truncate on billing_usageline
    for each statement execute function ledger_append_only();
"""
INDEXES = """
create index billing_usa_voucher_80bce6_idx on billing_usageline (voucher_id, started_at);
create index billing_usa_order_i_bbcb72_idx on billing_usageline (order_id, started_at);
create index billing_usa_provide_start_idx on billing_usageline (provider_id, started_at);
create index billing_usageline_file_id_50960ab2 on billing_usageline (file_id);
"""
# What a statement adds is named once, and summed, by the statement itself: no line can be there
# without its key, and no sum can be told of what is not there.
ADDED = """
create function billing_usage_added() returns trigger
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
    return null;
end $$;
create trigger usage_added after insert on billing_usageline
    referencing new table as added for each statement execute function billing_usage_added();
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
        amount bigint
    ) on commit delete rows;
    truncate pg_temp.billing_usage_row;
    execute format('grant select, insert on pg_temp.billing_usage_row to %I', session_user);
end $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_two_people"),
        ("ledger", "0006_split"),
        ("providers", "0001_initial"),
        ("vouchers", "0010_parts"),
    ]
    operations = [
        migrations.CreateModel(
            name="UsageKey",
            fields=[
                ("pk", models.CompositePrimaryKey("provider", "source", "key", blank=True, editable=False, primary_key=True, serialize=False)),
                ("source", models.CharField(max_length=80)),
                ("key", models.CharField(max_length=160)),
                ("line", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.usageline")),
                ("provider", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="providers.provider")),
            ],
        ),
        migrations.CreateModel(
            name="UsageSum",
            fields=[
                ("pk", models.CompositePrimaryKey("voucher", "provider", "resource", "resource_class", "month", blank=True, editable=False, primary_key=True, serialize=False)),
                ("resource", models.CharField(max_length=3)),
                ("resource_class", models.CharField(max_length=24)),
                ("month", models.DateField()),
                ("lines", models.BigIntegerField()),
                ("quantity_ms", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField()),
                ("provider", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="usage_sums", to="providers.provider")),
                ("voucher", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="usage_sums", to="vouchers.voucher")),
            ],
        ),
        RunSQL(MONTH_OF, "drop function billing_usage_month(timestamptz)"),
        SeparateDatabaseAndState(
            database_operations=[
                RunSQL(BY_MONTH),
                RunSQL(INDEXES),
                RunSQL(MONTHS),
                RunSQL(FIRST_MONTHS),
                RunSQL(ADDED),
                RunSQL(MOVED),
                RunSQL(LAY_OUT),
                RunSQL("drop trigger references_exist on billing_billline"),
                *references_exist(
                    "billing_billline",
                    voucher_id="vouchers_voucher",
                    order_id="vouchers_order",
                    usage_line_id="billing_usageline",
                ),
            ],
            state_operations=[
                migrations.RemoveConstraint("usageline", "billing_usageline_once"),
                migrations.AlterField(
                    "usageline", "id", models.BigIntegerField(primary_key=True, serialize=False)
                ),
                *[
                    migrations.AlterField(
                        "usageline",
                        name,
                        models.ForeignKey(db_index=False, null=name == "order", on_delete=django.db.models.deletion.PROTECT, related_name=related, to=to),
                    )
                    for name, related, to in [
                        ("provider", "usage_lines", "providers.provider"),
                        ("order", "usage", "vouchers.order"),
                        ("voucher", "usage", "vouchers.voucher"),
                        ("act", "+", "ledger.act"),
                    ]
                ],
                migrations.AddIndex(
                    "usageline",
                    models.Index(fields=["provider", "started_at"], name="billing_usa_provide_start_idx"),
                ),
                migrations.AlterField(
                    "billline",
                    "usage_line",
                    models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.usageline"),
                ),
            ],
        ),
    ]
