"""Months of usage lines that nobody decides any more lie in files; what they came to stays here."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL

from common.insert_only import insert_only

# A line is open while somebody may still bill it, settle it, or decide on it: it has a line of a
# bill that is not decided for good, or part of its time is on no settled bill and in no closed
# period. Use without an order is claimed by the holder, while the voucher lasts. What was taken
# back and what takes it back are billed never, and come to nothing together.
OPEN = """
create function billing_usage_open(p_low bigint, p_high bigint) returns bigint
language sql stable set search_path = public, pg_temp as $$
    with on_bills as materialized (
        select l.usage_line_id,
            bool_or(not coalesce(b.status = 'SETTLED'
                and w.outcome in ('ACCEPTED', 'DECLINED'), false)) as is_open,
            range_agg(tstzrange(b.period_from, b.period_until))
                filter (where w.reason <> 'invoice_sent_before') as billed
        from billing_billline l
        join billing_bill b on b.id = l.bill_id
        left join lateral (select outcome, reason from billing_verdict
            where line_id = l.id order by id desc limit 1) w on true
        where l.usage_line_id >= p_low and l.usage_line_id < p_high
        group by l.usage_line_id
    ), closed as materialized (
        select programme_id, range_agg(tstzrange(period_from, period_until)) as periods
        from billing_closedperiod group by programme_id
    ), claimed as materialized (
        select distinct l.voucher_id from billing_billline l
        join billing_bill b on b.id = l.bill_id
        left join lateral (select outcome from billing_verdict
            where line_id = l.id order by id desc limit 1) w on true
        where b.kind = 'CLAIM' and not coalesce(
            b.status = 'SETTLED' and w.outcome in ('ACCEPTED', 'DECLINED'), false)
    )
    select count(*) from billing_usageline u
    join vouchers_voucher v on v.id = u.voucher_id
    left join on_bills o on o.usage_line_id = u.id
    left join closed c on c.programme_id = v.programme_id
    where u.id >= p_low and u.id < p_high and (coalesce(o.is_open, false) or case
        when u.quantity_ms = 0 or u.corrects_id is not null
            or exists (select from billing_usagecorrection k where k.line_id = u.id) then false
        when u.order_id is null then v.status in ('ACTIVE', 'SUSPENDED')
            or u.voucher_id in (select voucher_id from claimed where voucher_id is not null)
        else not coalesce(o.billed, '{}') + coalesce(c.periods, '{}')
            @> tstzrange(u.started_at, u.ended_at) end)
$$
"""
# What the lines between two numbers are: how many, their sums, and a digest of all their content
# that does not depend on their order. The file must say the same (billing/actions/archive.py).
SEAL = """
create function billing_usage_seal(p_low bigint, p_high bigint,
    out lines bigint, out quantity_ms numeric, out amount numeric, out digest numeric)
language sql stable set search_path = public, pg_temp as $$
    select count(*), coalesce(sum(quantity_ms), 0), coalesce(sum(amount), 0),
        coalesce(sum(('x' || left(md5(concat_ws('|', id, source, key, resource, resource_class,
            count_thousandths, (extract(epoch from started_at) * 1000000)::bigint,
            (extract(epoch from ended_at) * 1000000)::bigint, quantity_ms, state, device,
            coalesce(rate::text, '-'), coalesce(amount::text, '-'),
            (extract(epoch from recorded_at) * 1000000)::bigint, act_id,
            coalesce(file_id::text, '-'), coalesce(order_id::text, '-'), provider_id,
            voucher_id, coalesce(corrects_id::text, '-'))), 15))::bit(60)::bigint), 0)
    from billing_usageline where id >= p_low and id < p_high
$$
"""
# The one way out for lines: into a file that was read back, with its row written down in the
# same transaction. What waits for the lock is seen by the checks behind it.
ARCHIVE = """
create function billing_archive_usage(p_month date, p_part integer, p_file text, p_bytes bigint,
    p_sha256 text, p_lines bigint, p_quantity_ms numeric, p_amount numeric, p_digest numeric,
    p_act bigint, p_at timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp
set client_min_messages = warning as $$
declare
    low bigint := billing_usage_first(p_month);
    next date := (p_month + interval '1 month')::date;
    high bigint := billing_usage_first(next);
    place text := 'billing_usageline_' || to_char(p_month, 'YYYY_MM');
    sealed record;
    number bigint;
begin
    if p_month <> date_trunc('month', p_month)::date
            or least(p_at, now()) < next::timestamp at time zone 'UTC' + interval '93 days' then
        raise exception 'usage of % is too new for the archive', p_month using errcode = '55000';
    end if;
    perform pg_advisory_xact_lock(hashtext('billing_keep_usage_months'));
    if to_regclass(place) is null then
        place := 'billing_usageline_before';
    end if;
    sealed := billing_usage_seal(low, high);
    if sealed.lines = 0 or (sealed.lines, sealed.quantity_ms, sealed.amount, sealed.digest)
            is distinct from (p_lines, p_quantity_ms, p_amount, p_digest) then
        raise exception 'the file does not hold the lines of %', p_month using errcode = '55000';
    end if;
    set constraints all immediate;
    execute format('lock table %I in access exclusive mode', place);
    -- Lines are only ever added: as many as before are the same. A bill that was being sent over
    -- them has been waited for, and is seen now.
    if (select count(*) from billing_usageline where id >= low and id < high) <> p_lines then
        raise exception 'a line of % came meanwhile', p_month using errcode = '55000';
    end if;
    if billing_usage_open(low, high) > 0 then
        raise exception 'lines of % are not decided', p_month using errcode = '55000';
    end if;
    insert into billing_usagearchive (month, part, file, bytes, sha256, lines, quantity_ms, amount,
            digest, act_id, archived_at)
        values (p_month, p_part, p_file, p_bytes, p_sha256, p_lines, p_quantity_ms, p_amount,
            p_digest, p_act, p_at)
        returning id into number;
    insert into billing_archivedsum (archive_id, voucher_id, order_id, provider_id, resource,
            resource_class, month, recorded_at, is_opposite, taken_back_at, started_at, lines,
            quantity_ms, amount)
        select number, u.voucher_id, u.order_id, u.provider_id, u.resource, u.resource_class,
            date_trunc('month', u.started_at at time zone p.zone)::date, u.recorded_at,
            u.corrects_id is not null, o.recorded_at, min(u.started_at), count(*), sum(u.quantity_ms), sum(coalesce(u.amount, 0))
        from billing_usageline u
        join vouchers_voucher v on v.id = u.voucher_id
        join vouchers_programme p on p.id = v.programme_id
        left join billing_usagecorrection c on c.line_id = u.id
        left join billing_usageline o on o.id = c.opposite_id
        where u.id >= low and u.id < high
        -- What takes use back, and what was taken back at an instant, have sums of their own.
        group by 2, 3, 4, 5, 6, 7, 8, 9, 10;
    execute format('alter table %I disable trigger insert_only', place);
    if place = 'billing_usageline_before' then
        delete from billing_usageline_before where id >= low and id < high;
    else
        -- Its place stays, for a line that comes late; detaching would lock all other months too.
        execute format('truncate %I', place);
    end if;
    execute format('alter table %I enable trigger insert_only', place);
    return number;
end $$
"""
# What was metered, wherever its lines lie: a line as it is, lines in the archive summed by when
# they were recorded, so that figures as of any instant are the same before and after.
METERED = """
create view billing_metereduse as
    select id, voucher_id, order_id, provider_id, resource, resource_class, started_at,
        recorded_at, quantity_ms, corrects_id is not null as is_opposite,
        (select o.recorded_at from billing_usagecorrection c
            join billing_usageline o on o.id = c.opposite_id
            where c.line_id = l.id) as taken_back_at
    from billing_usageline l
    union all
    select -id, voucher_id, order_id, provider_id, resource, resource_class, started_at,
        recorded_at, quantity_ms, is_opposite, taken_back_at
    from billing_archivedsum
"""
PROTECT = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0050_usage_corrections"),
        ("ledger", "0006_split"),
        ("providers", "0001_initial"),
        ("vouchers", "0010_parts"),
    ]
    operations = [
        migrations.CreateModel(
            name="UsageArchive",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField()),
                ("part", models.IntegerField()),
                ("file", models.CharField(max_length=80, unique=True)),
                ("bytes", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("lines", models.BigIntegerField()),
                ("quantity_ms", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("digest", models.DecimalField(decimal_places=0, max_digits=40)),
                ("archived_at", models.DateTimeField()),
                ("act", models.ForeignKey(on_delete=PROTECT, related_name="+", to="ledger.act")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint("month", "part", name="billing_usagearchive_part_once")
                ]
            },
        ),
        migrations.CreateModel(
            name="ArchivedSum",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("resource", models.CharField(max_length=3)),
                ("resource_class", models.CharField(max_length=24)),
                ("month", models.DateField()),
                ("recorded_at", models.DateTimeField()),
                ("is_opposite", models.BooleanField()),
                ("taken_back_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField()),
                ("lines", models.BigIntegerField()),
                ("quantity_ms", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("archive", models.ForeignKey(on_delete=PROTECT, related_name="sums", to="billing.usagearchive")),
                ("order", models.ForeignKey(null=True, on_delete=PROTECT, related_name="archived_sums", to="vouchers.order")),
                ("provider", models.ForeignKey(db_index=False, on_delete=PROTECT, related_name="+", to="providers.provider")),
                ("voucher", models.ForeignKey(on_delete=PROTECT, related_name="archived_sums", to="vouchers.voucher")),
            ],
        ),
        migrations.CreateModel(
            name="MeteredUse",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("resource", models.CharField(max_length=3)),
                ("resource_class", models.CharField(max_length=24)),
                ("started_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("quantity_ms", models.BigIntegerField()),
                ("is_opposite", models.BooleanField()),
                ("taken_back_at", models.DateTimeField(null=True)),
                ("order", models.ForeignKey(db_constraint=False, null=True, on_delete=PROTECT, related_name="+", to="vouchers.order")),
                ("provider", models.ForeignKey(db_constraint=False, on_delete=PROTECT, related_name="+", to="providers.provider")),
                ("voucher", models.ForeignKey(db_constraint=False, on_delete=PROTECT, related_name="+", to="vouchers.voucher")),
            ],
            options={"managed": False},
        ),
        *insert_only("billing_usagearchive", "billing_archivedsum"),
        RunSQL(OPEN, "drop function billing_usage_open(bigint, bigint)"),
        RunSQL(SEAL, "drop function billing_usage_seal(bigint, bigint)"),
        RunSQL(ARCHIVE, "drop function billing_archive_usage"),
        RunSQL(METERED, "drop view billing_metereduse"),
    ]
