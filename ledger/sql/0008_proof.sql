-- Everything that could be wrong, one row each; it must be empty. Named by table and row.
-- That of 0003 with closed periods: none has a transfer that was not there when it was closed.
-- Every table is read a fixed number of times, however many rows, blocks and snapshots there are.

create or replace view ledger_broken as
with thresholds as materialized (
    select coalesce(array_agg(to_txid order by seq), '{}') as ends from ledger_block
), totals as materialized (
    select account_id, sum(debit) as debit, sum(credit) as credit, sum(pending) as pending
    from (
        select debit_id as account_id, sum(amount) filter (where kind in (1, 3, 5)) as debit,
            null::numeric as credit,
            sum(case when kind = 2 then amount else -amount end)
                filter (where kind in (2, 3, 4, 6)) as pending
        from ledger_transfer group by debit_id
        union all
        select credit_id, null, sum(amount), null from ledger_transfer where kind in (1, 3, 5)
        group by credit_id
    ) sides group by account_id
), acts as (
    select a.id, a.openings, a.moves, a.total, k.key, k.act_id as claimed,
        k.act_id is not null and a.digest <> ledger_act_digest(a, k.key, k.payload_hash) as differs
    from ledger_act a full join ledger_key k on k.act_id = a.id
), transfers as (
    select t.id, t.digest <> ledger_transfer_digest(t) as differs,
        a.id is null or a.txid <> t.txid or a.at <> t.at as is_stray,
        d.id is null or c.id is null or d.unit <> c.unit
            or split_part(d.address, ':', 2) <> split_part(c.address, ':', 2)
            or f.flow is null as is_off_road
    from ledger_transfer t
    left join ledger_act a on a.id = t.act_id
    left join ledger_account d on d.id = t.debit_id
    left join ledger_account c on c.id = t.credit_id
    left join ledger_flow f on f.flow = t.flow
        and f.debit_kind = case when t.kind = 5 then c.kind else d.kind end
        and f.credit_kind = case when t.kind = 5 then d.kind else c.kind end
), sealed as (
    select b.*, p.seq as prev_seq, p.hash as prev_block_hash, p.to_txid as prev_to_txid,
        coalesce(a.n, 0) as acts_there, coalesce(c.n, 0) as accounts_there,
        coalesce(t.n, 0) as transfers_there,
        sha256(b.prev_hash || convert_to(json_build_array(b.seq, b.act_id, b.from_txid, b.to_txid,
            coalesce(a.n, 0), coalesce(c.n, 0), coalesce(t.n, 0), b.snapshots)::text, 'UTF8')
            || coalesce(a.digests, ''::bytea) || coalesce(c.digests, ''::bytea)
            || coalesce(t.digests, ''::bytea) || coalesce(e.digests, ''::bytea)) as hash_there
    from ledger_block b
    left join ledger_block p on p.seq = b.seq - 1
    left join (
        select width_bucket(txid, (select ends from thresholds)) + 1 as seq, count(*) as n,
            string_agg(digest, ''::bytea order by id) as digests
        from ledger_act group by 1) a on a.seq = b.seq
    left join (
        select width_bucket(a.txid, (select ends from thresholds)) + 1 as seq, count(*) as n,
            string_agg(c.digest, ''::bytea order by c.id) as digests
        from ledger_account c join ledger_act a on a.id = c.act_id group by 1) c on c.seq = b.seq
    left join (
        select width_bucket(txid, (select ends from thresholds)) + 1 as seq, count(*) as n,
            string_agg(digest, ''::bytea order by id) as digests
        from ledger_transfer group by 1) t on t.seq = b.seq
    left join (
        select width_bucket(a.txid, (select ends from thresholds)) + 1 as seq,
            string_agg(p.digest, ''::bytea order by p.act_id) as digests
        from ledger_period p join ledger_act a on a.id = p.act_id group by 1) e on e.seq = b.seq
), periods as (
    select p.act_id, p.programme, p.begins, p.ends, p.transfers, p.total,
        p.digest <> ledger_period_digest(p) as differs, a.id is null or a.at < p.ends as is_stray,
        coalesce(t.n, 0) as transfers_there, coalesce(t.total, 0) as total_there
    from ledger_period p
    left join ledger_act a on a.id = p.act_id
    left join (
        select q.act_id, count(*) as n, sum(t.amount) as total
        from ledger_transfer t
        join ledger_account d on d.id = t.debit_id
        join ledger_period q on q.programme = split_part(d.address, ':', 2)
            and t.at >= q.begins and t.at < q.ends
        group by 1) t on t.act_id = p.act_id
), snapshots as (
    select account_id, seq, said_debit, said_credit, is_snapshot,
        sum(debit) over upto as debit, sum(credit) over upto as credit
    from (
        select account_id, seq, sum(debit) as debit, sum(credit) as credit,
            sum(said_debit) as said_debit, sum(said_credit) as said_credit,
            bool_or(is_snapshot) as is_snapshot
        from (
            select debit_id as account_id,
                width_bucket(txid, (select ends from thresholds)) + 1 as seq,
                amount as debit, 0 as credit, null::numeric as said_debit,
                null::numeric as said_credit, false as is_snapshot
            from ledger_transfer where kind in (1, 3, 5)
                and debit_id in (select account_id from ledger_snapshot)
            union all
            select credit_id, width_bucket(txid, (select ends from thresholds)) + 1,
                0, amount, null, null, false
            from ledger_transfer where kind in (1, 3, 5)
                and credit_id in (select account_id from ledger_snapshot)
            union all
            select account_id, block_seq, 0, 0, debit, credit, true from ledger_snapshot
        ) moves group by account_id, seq
    ) grouped
    window upto as (partition by account_id order by seq)
)
select 'act' as table_name, id::text as row_id, 'its content differs from its digest' as what, 1 as rank
    from acts where differs
union all
select 'key', key, 'it, or its act ' || id || ', differs from that act''s digest', 2
    from acts where differs
union all
select 'act', id::text, 'no key claims it', 2 from acts where claimed is null
union all
select 'key', key, 'its act ' || claimed || ' is missing', 2 from acts where id is null
union all
select 'act', a.id::text, format('it says %s moves of %s, %s of %s are there', a.moves, a.total,
        coalesce(t.n, 0), coalesce(t.total, 0)), 3
    from ledger_act a
    left join (select act_id, count(*) n, sum(amount) total from ledger_transfer group by 1) t on t.act_id = a.id
    where a.moves <> coalesce(t.n, 0) or a.total <> coalesce(t.total, 0)
union all
select 'act', a.id::text, format('it says %s accounts opened or periods closed, %s are there',
        a.openings, coalesce(c.n, 0)), 3
    from ledger_act a
    left join (
        select act_id, count(*) n from (
            select act_id from ledger_account union all select act_id from ledger_period) made
        group by 1) c on c.act_id = a.id
    where a.openings <> coalesce(c.n, 0)
union all
select 'period', p.act_id::text, v.what, v.rank
    from periods p
    cross join lateral (values
        (p.differs, 'its content differs from its digest', 1),
        (p.is_stray, 'its act is missing, or came before it was over', 2),
        (p.transfers_there <> p.transfers or p.total_there <> p.total, format(
            'closed with %s transfers of %s in it, %s of %s are there', p.transfers, p.total,
            p.transfers_there, p.total_there), 4)
    ) as v (is_so, what, rank)
    where v.is_so
union all
select 'period', p.act_id::text, 'it overlaps that of act ' || q.act_id, 4
    from ledger_period p join ledger_period q on q.programme = p.programme
        and q.act_id < p.act_id and q.begins < p.ends and p.begins < q.ends
union all
select 'account', c.id::text, 'its content differs from its digest', 1
    from ledger_account c where c.digest <> ledger_account_digest(c)
union all
select 'account', c.id::text, 'its act is missing', 2
    from ledger_account c where not exists (select 1 from ledger_act a where a.id = c.act_id)
union all
select 'transfer', t.id::text, v.what, v.rank
    from transfers t
    cross join lateral (values
        (t.differs, 'its content differs from its digest', 1),
        (t.is_stray, 'its act is missing, or of another transaction or instant', 2),
        (t.is_off_road, 'no legal road, or accounts of two units or programmes', 4)
    ) as v (is_so, what, rank)
    where (t.differs or t.is_stray or t.is_off_road) and v.is_so
union all
select 'transfer', t.id::text, 'it does not reverse what it names', 4
    from ledger_transfer t left join ledger_transfer o on o.id = t.reverses_id
    where t.kind = 5 and (o.id is null or o.kind not in (1, 3)
        or (o.debit_id, o.credit_id, o.amount, o.flow) is distinct from (t.credit_id, t.debit_id, t.amount, t.flow))
union all
select 'transfer', reverses_id::text, format('it is reversed %s times', count(*)), 4
    from ledger_transfer where reverses_id is not null group by reverses_id having count(*) > 1
union all
select 'balance', coalesce(b.account_id, c.id)::text, 'a kept account and its balance row do not match', 2
    from (select a.id, k.guard from ledger_account a join ledger_kind k using (kind) where k.is_kept) c
    full join ledger_balance b on b.account_id = c.id
    where b.account_id is null or c.id is null or b.guard <> c.guard
union all
select 'balance', b.account_id::text, format('it says debit %s, credit %s; the transfers say %s and %s',
        b.debit_posted, b.credit_posted, coalesce(t.debit, 0), coalesce(t.credit, 0)), 5
    from ledger_balance b left join totals t using (account_id)
    where b.debit_posted <> coalesce(t.debit, 0) or b.credit_posted <> coalesce(t.credit, 0)
union all
select 'balance', b.account_id::text, format('it says %s pending, its open holds %s', b.debit_pending, coalesce(t.pending, 0)), 5
    from ledger_balance b left join totals t using (account_id)
    where b.debit_pending <> coalesce(t.pending, 0)
union all
select 'balance', b.account_id::text, 'it is below nothing', 5
    from ledger_balance b
    where (b.guard = 1 and b.debit_posted + b.debit_pending > b.credit_posted)
       or (b.guard = -1 and b.credit_posted > b.debit_posted)
union all
select 'account', t.account_id::text, 'its record-only balance is below nothing', 5
    from totals t join ledger_account a on a.id = t.account_id join ledger_kind k using (kind)
    where not k.is_kept and k.guard = 1 and coalesce(t.credit, 0) < coalesce(t.debit, 0)
union all
select 'hold', coalesce(h.id, t.id)::text, 'it differs from its transfer', 2
    from (select * from ledger_transfer where kind = 2) t full join ledger_hold h on h.id = t.id
    where h.id is null or t.id is null
       or (h.debit_id, h.credit_id, h.amount, h.expires_at)
          is distinct from (t.debit_id, t.credit_id, t.amount, t.expires_at)
union all
select 'hold', h.id::text, format('%s remains and state %s; its transfers leave %s', h.remaining, h.state,
        h.amount - coalesce(u.used, 0)), 5
    from ledger_hold h
    left join (select hold_id, sum(amount) as used, bool_or(kind = 6) as lapsed
               from ledger_transfer where hold_id is not null group by 1) u on u.hold_id = h.id
    where h.remaining <> h.amount - coalesce(u.used, 0)
       or h.state <> case when h.amount > coalesce(u.used, 0) then 1 when u.lapsed then 3 else 2 end
union all
select 'transfer', t.id::text, 'it is not of the accounts of its hold', 4
    from ledger_transfer t left join ledger_transfer o on o.id = t.hold_id
    where t.hold_id is not null and (o.kind is distinct from 2
        or (o.debit_id, o.credit_id, o.flow) is distinct from (t.debit_id, t.credit_id, t.flow))
union all
select 'block', b.seq::text, 'its content or a row sealed in it was changed, added or taken away', 6
    from sealed b
    where b.hash_there <> b.hash
       or (b.acts_there, b.accounts_there, b.transfers_there) <> (b.acts, b.accounts, b.transfers)
       or b.prev_hash <> coalesce(b.prev_block_hash, ''::bytea)
       or b.from_txid <> coalesce(b.prev_to_txid, 0)
       or (b.prev_seq is null and b.seq <> 1)
       or not exists (select 1 from ledger_act a where a.id = b.act_id and a.kind = 'seal')
union all
select 'block', a.about, 'the block of seal ' || a.id || ' is missing', 2
    from ledger_act a where a.kind = 'seal' and not exists (select 1 from ledger_block b where b.act_id = a.id)
union all
select 'snapshot', 'of block ' || b.seq, format('the block says %s, %s are there', b.snapshots, coalesce(s.n, 0)), 3
    from ledger_block b
    left join (select block_seq, count(*) n from ledger_snapshot group by 1) s on s.block_seq = b.seq
    where b.snapshots <> coalesce(s.n, 0)
union all
select 'snapshot', s.account_id || '/' || s.seq, 'it differs from the transfers below its block''s end', 5
    from snapshots s
    where s.is_snapshot and (s.debit <> s.said_debit or s.credit <> s.said_credit
        or not exists (select from ledger_block b where b.seq = s.seq)
        or not exists (select from ledger_account c where c.id = s.account_id));
