-- The only ways to move value. Each runs as the owner, inside the caller's transaction.
-- Refusals carry an SQLSTATE of class TL and their facts as JSON in the detail:
--   TL001 key used for another request    TL002 no such road, account or unit
--   TL003 hold not open or too small      TL004 act is not of this transaction
--   TL005 record-only account too small   TL006 transfer can't be reversed

create function ledger_instant_text(p timestamptz) returns text
language sql immutable parallel safe as $$ select (extract(epoch from p) * 1000000)::bigint::text $$;

create function ledger_act_digest(a ledger_act, p_key text, p_hash bytea) returns bytea
language sql immutable parallel safe as $$
    select sha256(convert_to(json_build_array(
        a.id, a.kind, a.actor, a.about, ledger_instant_text(a.at), a.reason, a.details::text,
        a.openings, a.moves, a.total, ledger_instant_text(a.recorded_at), a.txid,
        p_key, encode(p_hash, 'hex'))::text, 'UTF8'))
$$;

create function ledger_account_digest(a ledger_account) returns bytea
language sql immutable parallel safe as $$
    select sha256(convert_to(
        json_build_array(a.id, a.address, a.kind, a.unit, a.act_id)::text, 'UTF8'))
$$;

create function ledger_transfer_digest(t ledger_transfer) returns bytea
language sql immutable parallel safe as $$
    select sha256(convert_to(json_build_array(
        t.id, t.act_id, t.position, t.kind, t.flow, t.debit_id, t.credit_id, t.amount,
        t.hold_id, t.reverses_id, ledger_instant_text(t.expires_at), ledger_instant_text(t.at),
        t.ref, t.txid)::text, 'UTF8'))
$$;

-- Claims a key and writes the act, or tells that the same request was done before.
create function ledger_begin(
    p_kind text, p_key text, p_hash bytea, p_actor text, p_about text, p_at timestamptz,
    p_reason text, p_details jsonb, out act_id bigint, out replayed boolean
) language plpgsql security definer set search_path = public, pg_temp as $$
declare
    known ledger_key;
    a ledger_act;
begin
    act_id := nextval('ledger_act_id');
    replayed := false;
    insert into ledger_key as k (key, act_id, payload_hash) values (p_key, act_id, p_hash)
        on conflict (key) do nothing;
    if not found then
        select * into known from ledger_key k where k.key = p_key;
        if known.payload_hash <> p_hash then
            raise exception 'key % was used for another request', p_key
                using errcode = 'TL001', detail = json_build_object('key', p_key)::text;
        end if;
        act_id := known.act_id;
        replayed := true;
        return;
    end if;
    a := row(act_id, p_kind, p_actor, p_about, p_at, p_reason, p_details, 0, 0, 0,
             clock_timestamp(), pg_current_xact_id()::text::bigint, ''::bytea)::ledger_act;
    a.digest := ledger_act_digest(a, p_key, p_hash);
    insert into ledger_act select (a).*;
end $$;

-- Adds to what an act of this very transaction holds, and renews its digest.
create function ledger_complete_internal(p_act bigint, p_openings int, p_moves int, p_total numeric)
returns ledger_act language plpgsql set search_path = public, pg_temp as $$
declare
    a ledger_act;
    k ledger_key;
begin
    select * into a from ledger_act where id = p_act;
    if a.id is null or a.txid <> pg_current_xact_id()::text::bigint then
        raise exception 'act % is not of this transaction', p_act using errcode = 'TL004',
            detail = json_build_object('act', p_act)::text;
    end if;
    select * into k from ledger_key where act_id = p_act;
    a.openings := a.openings + p_openings;
    a.moves := a.moves + p_moves;
    a.total := a.total + p_total;
    a.digest := ledger_act_digest(a, k.key, k.payload_hash);
    update ledger_act set openings = a.openings, moves = a.moves, total = a.total, digest = a.digest
        where id = p_act;
    return a;
end $$;

create function ledger_open_account(p_act bigint, p_address text, p_kind smallint, p_unit text)
returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    a ledger_account;
    k ledger_kind;
begin
    select * into a from ledger_account where address = p_address;
    if a.id is null then
        a := row(nextval('ledger_account_id'), p_address, p_kind, p_unit, p_act, ''::bytea)::ledger_account;
        a.digest := ledger_account_digest(a);
        insert into ledger_account select (a).* on conflict (address) do nothing;
        if found then
            select * into strict k from ledger_kind where kind = p_kind;
            if k.is_kept then
                insert into ledger_balance (account_id, guard) values (a.id, k.guard);
            end if;
            perform ledger_complete_internal(p_act, 1, 0, 0);
            return a.id;
        end if;
        select * into strict a from ledger_account where address = p_address;
    end if;
    if a.kind <> p_kind or a.unit <> p_unit then
        raise exception 'account % is of another kind or unit', p_address using errcode = 'TL002',
            detail = json_build_object('account', p_address, 'unit', a.unit)::text;
    end if;
    return a.id;
end $$;

-- Newest snapshot plus the transfers after it; the plain counters for kept accounts.
create function ledger_balance_of(p_account bigint, out debit numeric, out credit numeric, out pending numeric)
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
    s ledger_snapshot;
    horizon bigint := 0;
begin
    select b.debit_posted, b.credit_posted, b.debit_pending into debit, credit, pending
        from ledger_balance b where b.account_id = p_account;
    if found then return; end if;
    select * into s from ledger_snapshot where account_id = p_account order by block_seq desc limit 1;
    if found then
        select to_txid into horizon from ledger_block where seq = s.block_seq;
    end if;
    select coalesce(s.debit, 0) + coalesce(sum(amount), 0) into debit from ledger_transfer
        where debit_id = p_account and txid >= horizon and kind in (1, 3, 5);
    select coalesce(s.credit, 0) + coalesce(sum(amount), 0) into credit from ledger_transfer
        where credit_id = p_account and txid >= horizon and kind in (1, 3, 5);
    pending := 0;
end $$;

-- Debits of a record-only guarded account queue here; its credits never wait.
create function ledger_lock_internal(p_accounts bigint[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare r bigint;
begin
    for r in select distinct a.id from ledger_account a join ledger_kind k using (kind)
             where a.id = any (p_accounts) and not k.is_kept and k.guard = 1 order by 1
    loop
        perform pg_advisory_xact_lock(727002, (r % 2147483647)::int);
    end loop;
end $$;

-- Must come after the lock and after the insert: READ COMMITTED then sees every earlier debit.
create function ledger_assert_internal(p_accounts bigint[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare short record;
begin
    select a.address, b.credit - b.debit as net into short
        from (select distinct unnest(p_accounts) as id) d
        join ledger_account a using (id) join ledger_kind k using (kind)
        cross join lateral ledger_balance_of(a.id) b
        where not k.is_kept and k.guard = 1 and b.credit < b.debit order by a.id limit 1;
    if found then
        raise exception 'account % would be short', short.address using errcode = 'TL005',
            detail = json_build_object('account', short.address, 'short_by', -short.net)::text;
    end if;
end $$;

-- One aggregated change of all kept balances touched, locked in one order: no deadlocks.
create function ledger_apply_internal(p_accounts bigint[], p_debits bigint[], p_credits bigint[], p_pendings bigint[])
returns void language plpgsql set search_path = public, pg_temp as $$
begin
    with change as (
        select account, sum(d)::bigint as d, sum(c)::bigint as c, sum(p)::bigint as p
        from unnest(p_accounts, p_debits, p_credits, p_pendings) as u (account, d, c, p)
        group by account
    ), locked as materialized (
        select b.account_id from ledger_balance b join change on change.account = b.account_id
        order by b.account_id for update of b
    )
    update ledger_balance b
        set debit_posted = b.debit_posted + change.d,
            credit_posted = b.credit_posted + change.c,
            debit_pending = b.debit_pending + change.p
        from change join locked on locked.account_id = change.account
        where b.account_id = change.account;
end $$;

create function ledger_check_roads_internal(p_flows smallint[], p_debits bigint[], p_credits bigint[])
returns void language plpgsql set search_path = public, pg_temp as $$
declare bad record;
begin
    select u.flow, d.address as debit, c.address as credit into bad
        from (select distinct * from unnest(p_flows, p_debits, p_credits) as u (flow, debit, credit)) u
        left join ledger_account d on d.id = u.debit
        left join ledger_account c on c.id = u.credit
        left join ledger_flow f on f.flow = u.flow and f.debit_kind = d.kind and f.credit_kind = c.kind
        where f.flow is null or d.unit <> c.unit limit 1;
    if found then
        raise exception 'no road for flow % from % to %', bad.flow, bad.debit, bad.credit
            using errcode = 'TL002',
            detail = json_build_object('flow', bad.flow, 'debit', bad.debit, 'credit', bad.credit)::text;
    end if;
end $$;

-- Posts any number of moves of one act in a constant number of statements.
create function ledger_post(p_act bigint, p_flows smallint[], p_debits bigint[], p_credits bigint[],
                            p_amounts bigint[], p_refs text[])
returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
    a ledger_act;
    n int := cardinality(p_amounts);
    first_position int;
begin
    perform ledger_check_roads_internal(p_flows, p_debits, p_credits);
    a := ledger_complete_internal(p_act, 0, n, (select sum(x) from unnest(p_amounts) x));
    first_position := a.moves - n;
    perform ledger_lock_internal(p_debits);
    insert into ledger_transfer
        select r.id, r.act_id, r.position, r.kind, r.flow, r.debit_id, r.credit_id, r.amount,
               r.hold_id, r.reverses_id, r.expires_at, r.at, r.ref, r.txid, ledger_transfer_digest(r)
        from (
            select row(nextval('ledger_transfer_id'), p_act, first_position + u.n, 1, u.flow, u.debit,
                       u.credit, u.amount, null, null, null, a.at, u.ref, a.txid, null)::ledger_transfer as t
            from unnest(p_flows, p_debits, p_credits, p_amounts, p_refs)
                 with ordinality as u (flow, debit, credit, amount, ref, n)
            offset 0
        ) made cross join lateral (select (made.t).*) r;
    perform ledger_apply_internal(
        p_debits || p_credits, p_amounts || array_fill(0::bigint, array[n]),
        array_fill(0::bigint, array[n]) || p_amounts, array_fill(0::bigint, array[2 * n]));
    perform ledger_assert_internal(p_debits);
end $$;

create function ledger_insert_internal(p ledger_transfer) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
    p.digest := ledger_transfer_digest(p);
    insert into ledger_transfer select (p).*;
end $$;

-- Sets value aside: pending, so it already counts against the balance.
create function ledger_place_hold(p_act bigint, p_flow smallint, p_debit bigint, p_credit bigint,
                                  p_amount bigint, p_expires_at timestamptz, p_ref text)
returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    a ledger_act;
    id bigint := nextval('ledger_transfer_id');
begin
    perform ledger_check_roads_internal(array[p_flow], array[p_debit], array[p_credit]);
    a := ledger_complete_internal(p_act, 0, 1, p_amount);
    perform ledger_insert_internal(row(id, p_act, a.moves, 2, p_flow, p_debit, p_credit, p_amount,
        null, null, p_expires_at, a.at, p_ref, a.txid, null)::ledger_transfer);
    insert into ledger_hold values (id, p_debit, p_credit, p_amount, p_amount, p_expires_at, 1);
    update ledger_balance b set debit_pending = b.debit_pending + p_amount where b.account_id = p_debit;
    if not found then
        raise exception 'account % keeps no balance to hold from', p_debit using errcode = 'TL002',
            detail = json_build_object('account', p_debit)::text;
    end if;
    return id;
end $$;

-- Captures amounts of holds (0 with final releases all); a final capture frees the rest.
-- p_rest_kind is 4 for a release and 6 for a lapse.
create function ledger_capture_internal(p_act bigint, p_holds bigint[], p_amounts bigint[],
                                        p_finals boolean[], p_rest_kind smallint)
returns bigint language plpgsql set search_path = public, pg_temp as $$
declare
    a ledger_act;
    bad record;
    moved bigint;
    n int;
    total numeric;
    base int;
begin
    perform 1 from ledger_hold where id = any (p_holds) order by id for update;
    select u.hold, u.amount, coalesce(h.remaining, 0) as remaining, count(*) over () as asked into bad
        from (select hold, sum(amount) as amount, count(*) as times
              from unnest(p_holds, p_amounts) as u (hold, amount) group by hold) u
        left join ledger_hold h on h.id = u.hold
        where h.id is null or h.state <> 1 or h.remaining < u.amount or u.times > 1 or u.amount < 0
        order by u.hold limit 1;
    if found then
        raise exception 'hold % has % left, % asked', bad.hold, bad.remaining, bad.amount
            using errcode = 'TL003', detail = json_build_object(
                'hold', bad.hold, 'remaining', bad.remaining, 'amount', bad.amount)::text;
    end if;
    select count(*) filter (where u.amount > 0) + count(*) filter (where u.final and h.remaining > u.amount),
           coalesce(sum(u.amount), 0) + coalesce(sum(h.remaining - u.amount) filter (where u.final), 0),
           coalesce(sum(u.amount), 0)
        into n, total, moved
        from unnest(p_holds, p_amounts, p_finals) as u (hold, amount, final) join ledger_hold h on h.id = u.hold;
    a := ledger_complete_internal(p_act, 0, n, total);
    base := a.moves - n;
    insert into ledger_transfer
        select r.id, r.act_id, r.position, r.kind, r.flow, r.debit_id, r.credit_id, r.amount,
               r.hold_id, r.reverses_id, r.expires_at, r.at, r.ref, r.txid, ledger_transfer_digest(r)
        from (
            select row(nextval('ledger_transfer_id'), p_act, base + row_number() over (order by m.hold, m.kind),
                       m.kind, t.flow, h.debit_id, h.credit_id, m.amount, h.id, null, null, a.at, t.ref,
                       a.txid, null)::ledger_transfer as made
            from (
                select u.hold, 3 as kind, u.amount
                    from unnest(p_holds, p_amounts) as u (hold, amount) where u.amount > 0
                union all
                select u.hold, p_rest_kind, g.remaining - u.amount
                    from unnest(p_holds, p_amounts, p_finals) as u (hold, amount, final)
                    join ledger_hold g on g.id = u.hold where u.final and g.remaining > u.amount
            ) m join ledger_hold h on h.id = m.hold join ledger_transfer t on t.id = m.hold
            offset 0
        ) made cross join lateral (select (made.made).*) r;
    perform ledger_apply_internal(
        array_agg(x.account), array_agg(x.d), array_agg(x.c), array_agg(x.p))
        from (
            select h.debit_id as account, u.amount as d, 0::bigint as c,
                   -(case when u.final then h.remaining else u.amount end) as p
                from unnest(p_holds, p_amounts, p_finals) as u (hold, amount, final)
                join ledger_hold h on h.id = u.hold
            union all
            select h.credit_id, 0, u.amount, 0
                from unnest(p_holds, p_amounts) as u (hold, amount) join ledger_hold h on h.id = u.hold
        ) x;
    update ledger_hold h
        set remaining = case when u.final then 0 else h.remaining - u.amount end,
            state = case when u.final and h.remaining > u.amount and p_rest_kind = 6 then 3
                         when u.final or h.remaining = u.amount then 2 else 1 end
        from unnest(p_holds, p_amounts, p_finals) as u (hold, amount, final) where h.id = u.hold;
    return moved;
end $$;

create function ledger_capture(p_act bigint, p_holds bigint[], p_amounts bigint[], p_finals boolean[])
returns bigint language sql security definer set search_path = public, pg_temp as $$
    select ledger_capture_internal(p_act, p_holds, p_amounts, p_finals, 4::smallint)
$$;

create function ledger_release(p_act bigint, p_holds bigint[])
returns bigint language sql security definer set search_path = public, pg_temp as $$
    select ledger_capture_internal(p_act, p_holds, array_fill(0::bigint, array[cardinality(p_holds)]),
                                   array_fill(true, array[cardinality(p_holds)]), 4::smallint)
$$;

-- Frees holds whose time has passed at the act's instant; an earlier one is refused.
create function ledger_lapse(p_act bigint, p_holds bigint[])
returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare early ledger_hold;
begin
    select h.* into early from ledger_hold h, ledger_act a
        where a.id = p_act and h.id = any (p_holds) and h.expires_at > a.at limit 1;
    if found then
        raise exception 'hold % has not lapsed', early.id using errcode = 'TL003',
            detail = json_build_object('hold', early.id, 'remaining', early.remaining, 'amount', 0)::text;
    end if;
    return ledger_capture_internal(p_act, p_holds, array_fill(0::bigint, array[cardinality(p_holds)]),
                                   array_fill(true, array[cardinality(p_holds)]), 6::smallint);
end $$;

-- The way back, once: another transfer in the opposite direction; the guards still apply.
create function ledger_reverse(p_act bigint, p_transfer bigint, p_ref text)
returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    a ledger_act;
    t ledger_transfer;
    new_id bigint := nextval('ledger_transfer_id');
begin
    select * into t from ledger_transfer where id = p_transfer and kind in (1, 3);
    if not found or exists (select 1 from ledger_transfer where reverses_id = p_transfer) then
        raise exception 'transfer % can''t be reversed', p_transfer using errcode = 'TL006',
            detail = json_build_object('transfer', p_transfer)::text;
    end if;
    perform ledger_lock_internal(array[t.credit_id]);
    a := ledger_complete_internal(p_act, 0, 1, t.amount);
    perform ledger_insert_internal(row(new_id, p_act, a.moves, 5, t.flow, t.credit_id, t.debit_id, t.amount,
        null, t.id, null, a.at, p_ref, a.txid, null)::ledger_transfer);
    perform ledger_apply_internal(array[t.credit_id, t.debit_id], array[t.amount, 0], array[0, t.amount],
                                  array[0::bigint, 0]);
    perform ledger_assert_internal(array[t.credit_id]);
    return new_id;
end $$;

-- How many acts below the horizon of ended transactions wait for a seal; seals don't count.
create function ledger_unsealed() returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
    select count(*) from ledger_act
    where kind <> 'seal' and txid >= coalesce((select max(to_txid) from ledger_block), 0)
      and txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
$$;

create function ledger_block_hash(p_seq bigint, p_act bigint, p_from bigint, p_to bigint, p_snapshots bigint,
    p_prev bytea, out acts bigint, out accounts bigint, out transfers bigint, out hash bytea)
language plpgsql stable set search_path = public, pg_temp as $$
declare
    act_digests bytea;
    account_digests bytea;
    transfer_digests bytea;
begin
    select count(*), coalesce(string_agg(digest, ''::bytea order by id), ''::bytea)
        into acts, act_digests from ledger_act where txid >= p_from and txid < p_to;
    select count(*), coalesce(string_agg(c.digest, ''::bytea order by c.id), ''::bytea)
        into accounts, account_digests from ledger_account c join ledger_act a on a.id = c.act_id
        where a.txid >= p_from and a.txid < p_to;
    select count(*), coalesce(string_agg(t.digest, ''::bytea order by t.id), ''::bytea)
        into transfers, transfer_digests from ledger_transfer t join ledger_act a on a.id = t.act_id
        where a.txid >= p_from and a.txid < p_to;
    hash := sha256(p_prev || convert_to(json_build_array(p_seq, p_act, p_from, p_to, acts, accounts,
        transfers, p_snapshots)::text, 'UTF8') || act_digests || account_digests || transfer_digests);
end $$;

-- Seals all ended transactions into the next block, with snapshots of the record-only accounts
-- that have p_snapshot_after transfers since their last one. The act of the seal lies above the
-- horizon and is sealed by the next one.
create function ledger_seal(p_act bigint, p_snapshot_after int)
returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    prev ledger_block;
    made record;
    new_seq bigint;
    low bigint;
    high bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    grown bigint[];
begin
    perform ledger_complete_internal(p_act, 0, 0, 0);
    select * into prev from ledger_block b order by b.seq desc limit 1;
    new_seq := coalesce(prev.seq, 0) + 1;
    low := coalesce(prev.to_txid, 0);
    grown := array(
        select a.id
        from ledger_account a join ledger_kind k using (kind)
        left join lateral (
            select b.to_txid from ledger_snapshot s join ledger_block b on b.seq = s.block_seq
            where s.account_id = a.id order by b.seq desc limit 1) s on true
        cross join lateral (
            select (select count(*) from ledger_transfer t where t.debit_id = a.id
                    and t.txid >= coalesce(s.to_txid, 0) and t.txid < high)
                 + (select count(*) from ledger_transfer t where t.credit_id = a.id
                    and t.txid >= coalesce(s.to_txid, 0) and t.txid < high) as n) since
        where not k.is_kept and since.n >= p_snapshot_after order by a.id);
    select * into made from ledger_block_hash(new_seq, p_act, low, high, cardinality(grown),
                                              coalesce(prev.hash, ''::bytea));
    insert into ledger_block values (new_seq, p_act, low, high, made.acts, made.accounts, made.transfers,
        cardinality(grown), coalesce(prev.hash, ''::bytea), made.hash);
    insert into ledger_snapshot
        select g.id, new_seq,
            coalesce((select sum(amount) from ledger_transfer t where t.debit_id = g.id
                      and t.txid < high and t.kind in (1, 3, 5)), 0),
            coalesce((select sum(amount) from ledger_transfer t where t.credit_id = g.id
                      and t.txid < high and t.kind in (1, 3, 5)), 0)
        from unnest(grown) as g (id);
    return new_seq;
end $$;
