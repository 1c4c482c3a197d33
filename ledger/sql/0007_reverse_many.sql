-- Undoes any number of transfers in one statement, each by its opposite and once: what
-- ledger_reverse does for one. That none is reversed twice at once, the unique index says.
create function ledger_reverse_many(p_act bigint, p_transfers bigint[], p_refs text[])
returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
    a ledger_act;
    how_many int := cardinality(p_transfers);
    total numeric;
    wrong bigint;
    debits bigint[];
    credits bigint[];
    amounts bigint[];
begin
    select u.id into wrong from unnest(p_transfers) with ordinality u (id, n)
        left join ledger_transfer t on t.id = u.id and t.kind in (1, 3)
        where t.id is null or exists (select from ledger_transfer r where r.reverses_id = u.id)
        order by u.n limit 1;
    if found then
        raise exception 'transfer % can''t be reversed', wrong using errcode = 'TL006',
            detail = json_build_object('transfer', wrong)::text;
    end if;
    select sum(t.amount), array_agg(t.credit_id order by u.n), array_agg(t.debit_id order by u.n),
            array_agg(t.amount order by u.n) into total, debits, credits, amounts
        from unnest(p_transfers) with ordinality u (id, n) join ledger_transfer t on t.id = u.id;
    perform ledger_lock_internal(debits);
    a := ledger_complete_internal(p_act, 0, how_many, total);
    insert into ledger_transfer
        select r.id, r.act_id, r.position, r.kind, r.flow, r.debit_id, r.credit_id, r.amount,
               r.hold_id, r.reverses_id, r.expires_at, r.at, r.ref, r.txid, ledger_transfer_digest(r)
        from (
            select row(nextval('ledger_transfer_id'), p_act, a.moves - how_many + u.n, 5, t.flow, t.credit_id,
                       t.debit_id, t.amount, null, t.id, null, a.at, u.ref, a.txid, null)::ledger_transfer as t
            from unnest(p_transfers, p_refs) with ordinality as u (id, ref, n)
            join ledger_transfer t on t.id = u.id
            order by u.n
            offset 0
        ) made cross join lateral (select (made.t).*) r;
    perform ledger_apply_internal(
        debits || credits, amounts || array_fill(0::bigint, array[how_many]),
        array_fill(0::bigint, array[how_many]) || amounts, array_fill(0::bigint, array[2 * how_many]));
    perform ledger_assert_internal(debits);
end $$;
