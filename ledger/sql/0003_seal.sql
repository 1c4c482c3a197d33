-- Seals that read what is new, and balances that read what came after the newest snapshot.

-- Totals of record-only accounts that the block's transactions touched, where at least
-- p_snapshot_after transfers came since their last snapshot: that one plus what followed.
create function ledger_snapshots_internal(p_low bigint, p_high bigint, p_snapshot_after int,
    out account_id bigint, out debit numeric, out credit numeric)
returns setof record language sql stable set search_path = public, pg_temp as $$
    with touched as materialized (
        select distinct v.account_id
        from ledger_act a join ledger_transfer t on t.act_id = a.id
        cross join lateral (values (t.debit_id), (t.credit_id)) as v (account_id)
        where a.txid >= p_low and a.txid < p_high
    ), since as materialized (
        select a.id, coalesce(s.debit, 0) as debit, coalesce(s.credit, 0) as credit,
            coalesce(s.to_txid, 0) as horizon
        from touched join ledger_account a on a.id = touched.account_id
        join ledger_kind k using (kind)
        left join lateral (
            select s.debit, s.credit, b.to_txid
            from ledger_snapshot s join ledger_block b on b.seq = s.block_seq
            where s.account_id = a.id order by s.block_seq desc limit 1) s on true
        where not k.is_kept
    )
    select since.id, since.debit + d.sum, since.credit + c.sum
    from since
    cross join lateral (
        select count(*) as n, coalesce(sum(t.amount) filter (where t.kind in (1, 3, 5)), 0) as sum
        from ledger_transfer t
        where t.debit_id = since.id and t.txid >= since.horizon and t.txid < p_high) d
    cross join lateral (
        select count(*) as n, coalesce(sum(t.amount) filter (where t.kind in (1, 3, 5)), 0) as sum
        from ledger_transfer t
        where t.credit_id = since.id and t.txid >= since.horizon and t.txid < p_high) c
    where d.n + c.n >= p_snapshot_after
    order by since.id
$$;

create or replace function ledger_seal(p_act bigint, p_snapshot_after int)
returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    prev ledger_block;
    made record;
    new_seq bigint;
    low bigint;
    high bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    accounts bigint[];
    debits numeric[];
    credits numeric[];
begin
    perform ledger_complete_internal(p_act, 0, 0, 0);
    select * into prev from ledger_block b order by b.seq desc limit 1;
    new_seq := coalesce(prev.seq, 0) + 1;
    low := coalesce(prev.to_txid, 0);
    select coalesce(array_agg(s.account_id), '{}'), array_agg(s.debit), array_agg(s.credit)
        into accounts, debits, credits
        from ledger_snapshots_internal(low, high, p_snapshot_after) s;
    select * into made from ledger_block_hash(new_seq, p_act, low, high, cardinality(accounts),
                                              coalesce(prev.hash, ''::bytea));
    insert into ledger_block values (new_seq, p_act, low, high, made.acts, made.accounts, made.transfers,
        cardinality(accounts), coalesce(prev.hash, ''::bytea), made.hash);
    insert into ledger_snapshot
        select s.account, new_seq, s.debit, s.credit
        from unnest(accounts, debits, credits) as s (account, debit, credit);
    return new_seq;
end $$;

-- One sealer at a time; whoever waited for another sees what that one sealed.
create function ledger_await_sealer() returns void
language sql security definer set search_path = public, pg_temp as $$
    select pg_advisory_xact_lock(727003, 0)
$$;
