-- A day in the ledger's life, written by the ledger's own functions: a batch of vouchers issued
-- in one act, many single redemptions, some held still, and one bill that captures all the rest
-- of the day's holds. Amounts are small, so that no voucher runs out.

create function bench_begin(p_kind text, p_key text) returns bigint language sql as $$
    select act_id from ledger_begin(p_kind, p_kind || '/' || p_key,
        sha256(convert_to(p_key, 'UTF8')), 'user:1', 'programme:P', '2025-06-02 12:00+00', '', '{}')
$$;

-- The accounts of one kind, by their number in the address.
create function bench_accounts(p_prefix text) returns bigint[] language sql stable as $$
    select array_agg(id order by id) from ledger_account where address like p_prefix || '%'
$$;

-- One act that issues or pays many times over.
create function bench_post(p_key text, p_kind text, p_flow smallint, p_debits bigint[],
                           p_credits bigint[], p_count int) returns void language plpgsql as $$
declare
    d int := cardinality(p_debits);
    c int := cardinality(p_credits);
begin
    perform ledger_post(bench_begin(p_kind, p_key), array_agg(p_flow),
            array_agg(p_debits[1 + n % d]), array_agg(p_credits[1 + n % c]),
            array_agg(1 + n % 97), array_agg('line ' || n))
        from generate_series(0::bigint, p_count - 1) as n;
end $$;

-- A day of about p_transfers: one in twenty from single redemptions, a quarter from a bill over
-- many holds, the rest from large acts.
create function bench_day(p_day int, p_transfers int) returns void language plpgsql as $$
declare
    budget bigint[] := bench_accounts('available:P');
    vouchers bigint[] := bench_accounts('voucher:P:');
    payables bigint[] := bench_accounts('provider_payable:P:');
    v int := cardinality(vouchers);
    p int := cardinality(payables);
    held bigint[] := '{}';
    single int := p_transfers / 50;
    billed int := p_transfers / 10;
    h bigint;
    i int;
begin
    perform bench_post('issue ' || p_day, 'issue_voucher', 2::smallint, budget, vouchers,
                       p_transfers * 4 / 10);
    perform bench_post('claim ' || p_day, 'settle_bill', 3::smallint, vouchers, payables,
                       p_transfers * 3 / 10);
    for i in 1 .. single loop
        h := ledger_place_hold(bench_begin('place_hold', p_day || '/' || i), 3::smallint,
            vouchers[1 + (p_day * 7919 + i * 31) % v], payables[1 + i % p], 100,
            '2025-07-02 12:00+00', 'single');
        -- Captured in full, in part with the rest freed, or in part with the rest still held.
        perform ledger_capture(bench_begin('settle_bill', p_day || '/' || i), array[h],
            array[case i % 3 when 0 then 100 else 60 end], array[i % 3 <> 2]);
    end loop;
    for i in 1 .. billed loop
        held := held || ledger_place_hold(bench_begin('place_hold', p_day || '/b/' || i), 3::smallint,
            vouchers[1 + (p_day * 6007 + i * 17) % v], payables[1 + p_day % p], 100,
            '2025-07-02 12:00+00', 'of a bill');
    end loop;
    perform ledger_capture(bench_begin('settle_bill', p_day || '/bill'), held,
        array_agg(80::bigint), array_agg(n % 2 = 0)) from generate_series(1, billed) as n;
end $$;
