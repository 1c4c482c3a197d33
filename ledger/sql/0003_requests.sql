-- The hot path in one call, and digests without a function in a function.

-- Whoever writes a transfer or a hold has just read the accounts and the act that it names, and
-- none of these is ever deleted; a foreign key would look again at each and lock it, and on an
-- account that everybody pays into these locks are what everybody waits for. The proof looks.
alter table ledger_transfer
    drop constraint ledger_transfer_act_id_fkey,
    drop constraint ledger_transfer_debit_id_fkey,
    drop constraint ledger_transfer_credit_id_fkey,
    drop constraint ledger_transfer_hold_id_fkey;
alter table ledger_hold
    drop constraint ledger_hold_id_fkey,
    drop constraint ledger_hold_debit_id_fkey,
    drop constraint ledger_hold_credit_id_fkey;

-- PostgreSQL reads the text of each CHECK again for each statement: one says what several said.
alter table ledger_transfer
    drop constraint ledger_transfer_position_check,
    drop constraint ledger_transfer_kind_check,
    drop constraint ledger_transfer_amount_check,
    drop constraint ledger_transfer_check,
    drop constraint ledger_transfer_check1,
    drop constraint ledger_transfer_check2,
    drop constraint ledger_transfer_check3,
    add constraint ledger_transfer_has_its_shape check (
        position >= 1 and amount > 0 and debit_id <> credit_id and case kind
            when 1 then hold_id is null and reverses_id is null and expires_at is null
            when 2 then hold_id is null and reverses_id is null and expires_at is not null
            when 5 then hold_id is null and reverses_id is not null and expires_at is null
            else kind in (3, 4, 6) and hold_id is not null and reverses_id is null and expires_at is null
        end);
alter table ledger_hold
    drop constraint ledger_hold_amount_check,
    drop constraint ledger_hold_check,
    drop constraint ledger_hold_check1,
    drop constraint ledger_hold_state_check,
    add constraint ledger_hold_has_its_shape check (
        remaining between 0 and amount and case state when 1 then remaining > 0
            else state in (2, 3) and remaining = 0 and amount > 0 end);

-- In PL/pgSQL these are evaluated as they stand, in SQL they would be planned at each call.
create or replace function ledger_act_digest(a ledger_act, p_key text, p_hash bytea) returns bytea
language plpgsql immutable parallel safe as $$
begin
    return sha256(convert_to(json_build_array(
        a.id, a.kind, a.actor, a.about, (extract(epoch from a.at) * 1000000)::bigint::text,
        a.reason, a.details::text, a.openings, a.moves, a.total,
        (extract(epoch from a.recorded_at) * 1000000)::bigint::text, a.txid,
        p_key, encode(p_hash, 'hex'))::text, 'UTF8'));
end $$;

-- Declared so that PostgreSQL puts its body in the place of the call.
create function ledger_transfer_digest_of(
    id bigint, act_id bigint, "position" integer, kind smallint, flow smallint, debit_id bigint,
    credit_id bigint, amount bigint, hold_id bigint, reverses_id bigint, expires_at timestamptz,
    at timestamptz, ref text, txid bigint
) returns bytea language sql stable parallel safe as $$
    select sha256(convert_to(json_build_array(
        id, act_id, "position", kind, flow, debit_id, credit_id, amount, hold_id, reverses_id,
        (extract(epoch from expires_at) * 1000000)::bigint::text,
        (extract(epoch from at) * 1000000)::bigint::text, ref, txid)::text, 'UTF8'))
$$;

create or replace function ledger_transfer_digest(t ledger_transfer) returns bytea
language plpgsql immutable parallel safe as $$
begin
    return ledger_transfer_digest_of(t.id, t.act_id, t.position, t.kind, t.flow, t.debit_id,
        t.credit_id, t.amount, t.hold_id, t.reverses_id, t.expires_at, t.at, t.ref, t.txid);
end $$;

-- The act that a key did, if it is the same request.
create function ledger_replayed_internal(p_key text, p_hash bytea) returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
    known ledger_key;
begin
    select * into known from ledger_key where key = p_key;
    if known.payload_hash <> p_hash then
        raise exception 'key % was used for another request', p_key
            using errcode = 'TL001', detail = json_build_object('key', p_key)::text;
    end if;
    return known.act_id;
end $$;

create or replace function ledger_begin(
    p_kind text, p_key text, p_hash bytea, p_actor text, p_about text, p_at timestamptz,
    p_reason text, p_details jsonb, out act_id bigint, out replayed boolean
) language plpgsql security definer set search_path = public, pg_temp as $$
declare
    a ledger_act;
begin
    act_id := nextval('ledger_act_id');
    replayed := false;
    insert into ledger_key as k (key, act_id, payload_hash) values (p_key, act_id, p_hash)
        on conflict (key) do nothing;
    if not found then
        act_id := ledger_replayed_internal(p_key, p_hash);
        replayed := true;
        return;
    end if;
    a := row(act_id, p_kind, p_actor, p_about, p_at, p_reason, p_details, 0, 0, 0,
             clock_timestamp(), pg_current_xact_id()::text::bigint, ''::bytea)::ledger_act;
    a.digest := ledger_act_digest(a, p_key, p_hash);
    insert into ledger_act values (a.*);
end $$;

-- Value stays within a programme, the second part of every address.
create or replace function ledger_check_roads_internal(p_flows smallint[], p_debits bigint[], p_credits bigint[])
returns void language plpgsql set search_path = public, pg_temp as $$
declare bad record;
begin
    select u.flow, d.address as debit, c.address as credit into bad
        from (select distinct * from unnest(p_flows, p_debits, p_credits) as u (flow, debit, credit)) u
        left join ledger_account d on d.id = u.debit
        left join ledger_account c on c.id = u.credit
        left join ledger_flow f on f.flow = u.flow and f.debit_kind = d.kind and f.credit_kind = c.kind
        where f.flow is null or d.unit <> c.unit
            or split_part(d.address, ':', 2) <> split_part(c.address, ':', 2) limit 1;
    if found then
        raise exception 'no road for flow % from % to %', bad.flow, bad.debit, bad.credit
            using errcode = 'TL002',
            detail = json_build_object('flow', bad.flow, 'debit', bad.debit, 'credit', bad.credit)::text;
    end if;
end $$;

-- One act that places one hold, in one call: what ledger_begin and ledger_place_hold do.
create function ledger_request_hold(
    p_kind text, p_key text, p_hash bytea, p_actor text, p_about text, p_at timestamptz,
    p_reason text, p_details jsonb, p_flow smallint, p_debit text, p_credit text, p_amount bigint,
    p_expires_at timestamptz, p_ref text, out act_id bigint, out replayed boolean, out hold_id bigint
) language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    new_act bigint := nextval('ledger_act_id');
    new_hold bigint;
    debited bigint;
    credited bigint;
    a ledger_act;
    t ledger_transfer;
begin
    insert into ledger_key (key, act_id, payload_hash) values (p_key, new_act, p_hash)
        on conflict (key) do nothing;
    if not found then
        act_id := ledger_replayed_internal(p_key, p_hash);
        replayed := true;
        hold_id := (select x.id from ledger_transfer x where x.act_id = ledger_request_hold.act_id and x.kind = 2);
        if hold_id is null then
            raise exception 'key % was used for an act without a hold', p_key
                using errcode = 'TL001', detail = json_build_object('key', p_key)::text;
        end if;
        return;
    end if;
    select d.id, c.id into debited, credited
        from ledger_account d join ledger_account c on c.address = p_credit
        join ledger_flow f on f.flow = p_flow and f.debit_kind = d.kind and f.credit_kind = c.kind
        where d.address = p_debit and d.unit = c.unit
            and split_part(p_debit, ':', 2) = split_part(p_credit, ':', 2);
    if not found then
        raise exception 'no road for flow % from % to %', p_flow, p_debit, p_credit using errcode = 'TL002',
            detail = json_build_object('flow', p_flow, 'debit', p_debit, 'credit', p_credit)::text;
    end if;
    a := row(new_act, p_kind, p_actor, p_about, p_at, p_reason, p_details, 0, 1, p_amount,
             clock_timestamp(), pg_current_xact_id()::text::bigint, ''::bytea)::ledger_act;
    a.digest := ledger_act_digest(a, p_key, p_hash);
    insert into ledger_act values (a.*);
    new_hold := nextval('ledger_transfer_id');
    t := row(new_hold, new_act, 1, 2, p_flow, debited, credited, p_amount, null, null, p_expires_at,
             p_at, p_ref, a.txid, null)::ledger_transfer;
    t.digest := ledger_transfer_digest(t);
    insert into ledger_transfer values (t.*);
    insert into ledger_hold values (new_hold, debited, credited, p_amount, p_amount, p_expires_at, 1);
    -- Last, because whoever else wants of this balance waits from here to the commit.
    update ledger_balance set debit_pending = debit_pending + p_amount where account_id = debited;
    if not found then
        raise exception 'account % keeps no balance to hold from', p_debit using errcode = 'TL002',
            detail = json_build_object('account', p_debit)::text;
    end if;
    act_id := new_act;
    replayed := false;
    hold_id := new_hold;
end $$;

-- One act that captures of one hold, in one call: what ledger_begin and ledger_capture do.
create function ledger_request_capture(
    p_kind text, p_key text, p_hash bytea, p_actor text, p_about text, p_at timestamptz,
    p_reason text, p_details jsonb, p_hold bigint, p_amount bigint, p_final boolean,
    out act_id bigint, out replayed boolean, out captured bigint
) language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    new_act bigint := nextval('ledger_act_id');
    h record;
    rest bigint;
    a ledger_act;
    t ledger_transfer;
begin
    insert into ledger_key (key, act_id, payload_hash) values (p_key, new_act, p_hash)
        on conflict (key) do nothing;
    if not found then
        act_id := ledger_replayed_internal(p_key, p_hash);
        replayed := true;
        captured := (select coalesce(sum(x.amount), 0) from ledger_transfer x
            where x.act_id = ledger_request_capture.act_id and x.kind = 3);
        return;
    end if;
    select x.id, x.debit_id, x.credit_id, x.remaining, x.state, o.flow, o.ref,
            b.account_id is not null as is_kept into h
        from ledger_hold x join ledger_transfer o on o.id = x.id
        left join ledger_balance b on b.account_id = x.credit_id
        where x.id = p_hold for update of x;
    if not found or h.state <> 1 or h.remaining < p_amount or p_amount < 0 then
        raise exception 'hold % has % left, % asked', p_hold, coalesce(h.remaining, 0), p_amount
            using errcode = 'TL003', detail = json_build_object(
                'hold', p_hold, 'remaining', coalesce(h.remaining, 0), 'amount', p_amount)::text;
    end if;
    rest := case when p_final then h.remaining - p_amount else 0 end;
    a := row(new_act, p_kind, p_actor, p_about, p_at, p_reason, p_details, 0,
             (p_amount > 0)::int + (rest > 0)::int, p_amount + rest,
             clock_timestamp(), pg_current_xact_id()::text::bigint, ''::bytea)::ledger_act;
    a.digest := ledger_act_digest(a, p_key, p_hash);
    insert into ledger_act values (a.*);
    if p_amount > 0 then
        t := row(nextval('ledger_transfer_id'), new_act, 1, 3, h.flow, h.debit_id, h.credit_id, p_amount,
                 p_hold, null, null, p_at, h.ref, a.txid, null)::ledger_transfer;
        t.digest := ledger_transfer_digest(t);
        insert into ledger_transfer values (t.*);
    end if;
    if rest > 0 then
        t := row(nextval('ledger_transfer_id'), new_act, a.moves, 4, h.flow, h.debit_id, h.credit_id, rest,
                 p_hold, null, null, p_at, h.ref, a.txid, null)::ledger_transfer;
        t.digest := ledger_transfer_digest(t);
        insert into ledger_transfer values (t.*);
    end if;
    update ledger_hold set remaining = remaining - p_amount - rest,
            state = case when remaining = p_amount + rest then 2 else 1 end
        where id = p_hold;
    if h.is_kept then
        perform ledger_apply_internal(array[h.debit_id, h.credit_id], array[p_amount, 0],
            array[0, p_amount], array[-p_amount - rest, 0]);
    else
        update ledger_balance set debit_posted = debit_posted + p_amount,
                debit_pending = debit_pending - p_amount - rest
            where account_id = h.debit_id;
    end if;
    act_id := new_act;
    replayed := false;
    captured := p_amount;
end $$;

-- Posts any number of moves of one act in a constant number of statements.
create or replace function ledger_post(p_act bigint, p_flows smallint[], p_debits bigint[], p_credits bigint[],
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
        select m.id, p_act, m.position, 1::smallint, m.flow, m.debit, m.credit, m.amount,
            null, null, null, a.at, m.ref, a.txid,
            ledger_transfer_digest_of(m.id, p_act, m.position, 1::smallint, m.flow, m.debit,
                m.credit, m.amount, null, null, null, a.at, m.ref, a.txid)
        from (
            select nextval('ledger_transfer_id') as id, (first_position + u.n)::int as position,
                u.flow, u.debit, u.credit, u.amount, u.ref
            from unnest(p_flows, p_debits, p_credits, p_amounts, p_refs)
                 with ordinality as u (flow, debit, credit, amount, ref, n)
            offset 0
        ) m;
    perform ledger_apply_internal(
        p_debits || p_credits, p_amounts || array_fill(0::bigint, array[n]),
        array_fill(0::bigint, array[n]) || p_amounts, array_fill(0::bigint, array[2 * n]));
    perform ledger_assert_internal(p_debits);
end $$;

-- Every index is written with every act, hold or key: those that no question uses are dropped, and
-- the one by transaction number, which only grows, keeps a range of them a page instead of each.
drop index ledger_hold_debit;
drop index ledger_act_txid;
create index ledger_act_txid on ledger_act using brin (txid) with (pages_per_range = 16, autosummarize = on);
drop index ledger_act_kind_at;
create index ledger_act_at on ledger_act (at, id);
