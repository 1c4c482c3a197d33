-- Closed periods: no transfer of a programme is dated in one, whoever writes it.
--   TL007 dated in a closed period    TL008 a period that can't be closed

-- Counts and sum say what was in it when it was closed, so that what comes later is noticed.
create table ledger_period (
    act_id bigint primary key references ledger_act,
    programme text not null,
    begins timestamptz not null,
    ends timestamptz not null,
    transfers bigint not null,
    total numeric(38, 0) not null,
    digest bytea not null,
    constraint ledger_period_once unique (programme, begins),
    constraint ledger_period_in_order check (begins < ends)
);
create index ledger_period_ends on ledger_period (ends);
create trigger append_only before update or delete or truncate on ledger_period
    for each statement execute function ledger_append_only();

create function ledger_period_digest(p ledger_period) returns bytea
language plpgsql immutable parallel safe as $$
begin
    return sha256(convert_to(json_build_array(p.act_id, p.programme,
        (extract(epoch from p.begins) * 1000000)::bigint::text,
        (extract(epoch from p.ends) * 1000000)::bigint::text,
        p.transfers, p.total)::text, 'UTF8'));
end $$;

-- Whoever closes a period and whoever dates something in it are one after the other, by a lock on
-- each day (of UTC). Who dates something today never waits for the closing of a month.
create function ledger_day_internal(p_at timestamptz) returns int
language sql immutable parallel safe as $$ select floor(extract(epoch from p_at) / 86400)::int $$;

-- For what moves no value and must not come into a closed period: waits for a closing of this
-- programme, and keeps one from beginning until the commit.
create function ledger_await_closing(p_programme text) returns void
language sql security definer set search_path = public, pg_temp as $$
    select pg_advisory_xact_lock_shared(727005, hashtext(p_programme))
$$;

create function ledger_await_days_internal(p_from timestamptz, p_until timestamptz) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
    for day in ledger_day_internal(p_from) .. ledger_day_internal(p_until) loop
        perform pg_advisory_xact_lock_shared(727004, day);
    end loop;
end $$;

-- A statement's transfers are refused together if one of them is dated in a closed period. It has
-- the lock before it looks: READ COMMITTED then sees every earlier closing.
create function ledger_refuse_closed() returns trigger language plpgsql as $$
declare
    first timestamptz;
    last timestamptz;
    bad record;
    waited text;
begin
    select min(at), max(at) into first, last from made;
    if first is null then
        return null;
    elsif first = last then
        waited := pg_advisory_xact_lock_shared(727004, floor(extract(epoch from first) / 86400)::int);
    else
        waited := public.ledger_await_days_internal(first, last);
    end if;
    if not exists (select from public.ledger_period where ends > first and begins <= last) then
        return null;
    end if;
    select p.programme, p.begins, p.ends, t.at into bad
        from made t
        join public.ledger_account d on d.id = t.debit_id
        join public.ledger_period p on p.programme = split_part(d.address, ':', 2)
            and t.at >= p.begins and t.at < p.ends
        order by t.id limit 1;
    if found then
        raise exception 'a transfer of % is dated in a closed period', bad.programme
            using errcode = 'TL007', detail = json_build_object('programme', bad.programme,
                'begins', bad.begins, 'ends', bad.ends, 'at', bad.at)::text;
    end if;
    return null;
end $$;

create trigger refuse_closed after insert on ledger_transfer referencing new table as made
    for each statement execute function ledger_refuse_closed();

-- Closes a programme's period for good, and counts what is in it.
create function ledger_close_period(p_act bigint, p_programme text, p_begins timestamptz, p_ends timestamptz)
returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
    a ledger_act;
    p ledger_period;
begin
    perform pg_advisory_xact_lock(727005, hashtext(p_programme));
    for day in ledger_day_internal(p_begins) .. ledger_day_internal(p_ends) loop
        perform pg_advisory_xact_lock(727004, day);
    end loop;
    a := ledger_complete_internal(p_act, 1, 0, 0);
    if a.at < p_ends or exists (
        select from ledger_period q
        where q.programme = p_programme and q.begins < p_ends and p_begins < q.ends
    ) then
        raise exception 'the period of % is not over, or closed already', p_programme
            using errcode = 'TL008', detail = json_build_object('programme', p_programme,
                'begins', p_begins, 'ends', p_ends)::text;
    end if;
    p := row(p_act, p_programme, p_begins, p_ends, 0, 0, null)::ledger_period;
    select count(*), coalesce(sum(t.amount), 0) into p.transfers, p.total
        from ledger_act c join ledger_transfer t on t.act_id = c.id
        join ledger_account d on d.id = t.debit_id
        where c.at >= p_begins and c.at < p_ends and split_part(d.address, ':', 2) = p_programme;
    p.digest := ledger_period_digest(p);
    insert into ledger_period values (p.*);
end $$;

-- A block covers the periods that its acts closed; one without them hashes as it always did.
create or replace function ledger_block_hash(p_seq bigint, p_act bigint, p_from bigint, p_to bigint,
    p_snapshots bigint, p_prev bytea, out acts bigint, out accounts bigint, out transfers bigint, out hash bytea)
language plpgsql stable set search_path = public, pg_temp as $$
declare
    act_digests bytea;
    account_digests bytea;
    transfer_digests bytea;
    period_digests bytea;
begin
    select count(*), coalesce(string_agg(digest, ''::bytea order by id), ''::bytea)
        into acts, act_digests from ledger_act where txid >= p_from and txid < p_to;
    select count(*), coalesce(string_agg(c.digest, ''::bytea order by c.id), ''::bytea)
        into accounts, account_digests from ledger_account c join ledger_act a on a.id = c.act_id
        where a.txid >= p_from and a.txid < p_to;
    select count(*), coalesce(string_agg(t.digest, ''::bytea order by t.id), ''::bytea)
        into transfers, transfer_digests from ledger_transfer t join ledger_act a on a.id = t.act_id
        where a.txid >= p_from and a.txid < p_to;
    select coalesce(string_agg(p.digest, ''::bytea order by p.act_id), ''::bytea)
        into period_digests from ledger_period p join ledger_act a on a.id = p.act_id
        where a.txid >= p_from and a.txid < p_to;
    hash := sha256(p_prev || convert_to(json_build_array(p_seq, p_act, p_from, p_to, acts, accounts,
        transfers, p_snapshots)::text, 'UTF8')
        || act_digests || account_digests || transfer_digests || period_digests);
end $$;
