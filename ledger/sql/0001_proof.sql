-- Everything that could be wrong, one row each; it must be empty. Named by table and row.

create view ledger_broken as
select 'act' as table_name, a.id::text as row_id, 'its content differs from its digest' as what, 1 as rank
    from ledger_act a join ledger_key k on k.act_id = a.id
    where a.digest <> ledger_act_digest(a, k.key, k.payload_hash)
union all
select 'key', k.key, 'it, or its act ' || a.id || ', differs from that act''s digest', 2
    from ledger_act a join ledger_key k on k.act_id = a.id
    where a.digest <> ledger_act_digest(a, k.key, k.payload_hash)
union all
select 'act', a.id::text, 'no key claims it', 2
    from ledger_act a where not exists (select 1 from ledger_key k where k.act_id = a.id)
union all
select 'key', k.key, 'its act ' || k.act_id || ' is missing', 2
    from ledger_key k where not exists (select 1 from ledger_act a where a.id = k.act_id)
union all
select 'act', a.id::text, format('it says %s moves of %s, %s of %s are there', a.moves, a.total,
        coalesce(t.n, 0), coalesce(t.total, 0)), 3
    from ledger_act a
    left join (select act_id, count(*) n, sum(amount) total from ledger_transfer group by 1) t on t.act_id = a.id
    where a.moves <> coalesce(t.n, 0) or a.total <> coalesce(t.total, 0)
union all
select 'act', a.id::text, format('it says %s accounts opened, %s are there', a.openings, coalesce(c.n, 0)), 3
    from ledger_act a
    left join (select act_id, count(*) n from ledger_account group by 1) c on c.act_id = a.id
    where a.openings <> coalesce(c.n, 0)
union all
select 'account', c.id::text, 'its content differs from its digest', 1
    from ledger_account c where c.digest <> ledger_account_digest(c)
union all
select 'account', c.id::text, 'its act is missing', 2
    from ledger_account c where not exists (select 1 from ledger_act a where a.id = c.act_id)
union all
select 'transfer', t.id::text, 'its content differs from its digest', 1
    from ledger_transfer t where t.digest <> ledger_transfer_digest(t)
union all
select 'transfer', t.id::text, 'its act is missing, or of another transaction or instant', 2
    from ledger_transfer t left join ledger_act a on a.id = t.act_id
    where a.id is null or a.txid <> t.txid or a.at <> t.at
union all
select 'transfer', t.id::text, 'no legal road, or accounts of two units', 4
    from ledger_transfer t
    left join ledger_account d on d.id = t.debit_id left join ledger_account c on c.id = t.credit_id
    where d.id is null or c.id is null or d.unit <> c.unit or not exists (
        select 1 from ledger_flow f where f.flow = t.flow
        and ((t.kind <> 5 and (f.debit_kind, f.credit_kind) = (d.kind, c.kind))
          or (t.kind = 5 and (f.credit_kind, f.debit_kind) = (d.kind, c.kind))))
union all
select 'transfer', t.id::text, 'it does not reverse what it names', 4
    from ledger_transfer t left join ledger_transfer o on o.id = t.reverses_id
    where t.kind = 5 and (o.id is null or o.kind not in (1, 3)
        or (o.debit_id, o.credit_id, o.amount, o.flow) is distinct from (t.credit_id, t.debit_id, t.amount, t.flow))
union all
select 'balance', coalesce(b.account_id, c.id)::text, 'a kept account and its balance row do not match', 2
    from (select a.id, k.guard from ledger_account a join ledger_kind k using (kind) where k.is_kept) c
    full join ledger_balance b on b.account_id = c.id
    where b.account_id is null or c.id is null or b.guard <> c.guard
union all
select 'balance', b.account_id::text, format('it says debit %s, credit %s; the transfers say %s and %s',
        b.debit_posted, b.credit_posted, coalesce(d.sum, 0), coalesce(c.sum, 0)), 5
    from ledger_balance b
    left join (select debit_id, sum(amount) from ledger_transfer where kind in (1, 3, 5) group by 1) d
        on d.debit_id = b.account_id
    left join (select credit_id, sum(amount) from ledger_transfer where kind in (1, 3, 5) group by 1) c
        on c.credit_id = b.account_id
    where b.debit_posted <> coalesce(d.sum, 0) or b.credit_posted <> coalesce(c.sum, 0)
union all
select 'balance', b.account_id::text, format('it says %s pending, its open holds %s', b.debit_pending, coalesce(h.sum, 0)), 5
    from ledger_balance b
    left join (select t.debit_id, sum(case when t.kind = 2 then t.amount else -t.amount end)
               from ledger_transfer t where t.kind in (2, 3, 4, 6) group by 1) h on h.debit_id = b.account_id
    where b.debit_pending <> coalesce(h.sum, 0)
union all
select 'balance', b.account_id::text, 'it is below nothing', 5
    from ledger_balance b
    where (b.guard = 1 and b.debit_posted + b.debit_pending > b.credit_posted)
       or (b.guard = -1 and b.credit_posted > b.debit_posted)
union all
select 'account', s.account_id::text, 'its record-only balance is below nothing', 5
    from (select account_id, kind, sum(net) as net from (
              select t.credit_id as account_id, t.amount as net from ledger_transfer t where t.kind in (1, 3, 5)
              union all
              select t.debit_id, -t.amount from ledger_transfer t where t.kind in (1, 3, 5)) e
          join ledger_account a on a.id = e.account_id group by 1, 2) s
    join ledger_kind k using (kind) where not k.is_kept and k.guard = 1 and s.net < 0
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
    from ledger_block b
    left join ledger_block p on p.seq = b.seq - 1
    cross join lateral ledger_block_hash(b.seq, b.act_id, b.from_txid, b.to_txid, b.snapshots, b.prev_hash) x
    where x.hash <> b.hash or (x.acts, x.accounts, x.transfers) <> (b.acts, b.accounts, b.transfers)
       or b.prev_hash <> coalesce(p.hash, ''::bytea) or b.from_txid <> coalesce(p.to_txid, 0)
       or (p.seq is null and b.seq <> 1)
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
select 'snapshot', s.account_id || '/' || s.block_seq, 'it differs from the transfers below its block''s end', 5
    from ledger_snapshot s left join ledger_block b on b.seq = s.block_seq
    left join ledger_account c on c.id = s.account_id
    cross join lateral (
        select coalesce(sum(amount) filter (where debit_id = s.account_id), 0) as debit,
               coalesce(sum(amount) filter (where credit_id = s.account_id), 0) as credit
        from ledger_transfer t where (t.debit_id = s.account_id or t.credit_id = s.account_id)
            and t.txid < b.to_txid and t.kind in (1, 3, 5)) x
    where b.seq is null or c.id is null or x.debit <> s.debit or x.credit <> s.credit;

-- The accountant's view: two entries a transfer, holds excluded.
create view ledger_entry as
select t.id as transfer_id, v.account_id, v.debit, v.credit, t.at, t.flow, t.act_id, t.ref
from ledger_transfer t
cross join lateral (values (t.debit_id, t.amount, 0::bigint), (t.credit_id, 0::bigint, t.amount))
    as v (account_id, debit, credit)
where t.kind in (1, 3, 5);
