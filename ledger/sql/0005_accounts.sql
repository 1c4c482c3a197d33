-- Opens any number of accounts of one kind in a constant number of statements. Those that are open
-- already under an address stay as they are; of another kind or unit they are refused.
create function ledger_open_accounts(p_act bigint, p_addresses text[], p_kind smallint, p_unit text)
returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
    k ledger_kind;
    taken text;
    opened int;
begin
    select * into strict k from ledger_kind where kind = p_kind;
    -- In the order of their addresses, so that two who open the same ones can't wait for each other.
    with asked as (
        select row(nextval('ledger_account_id'), address, p_kind, p_unit, p_act, ''::bytea)::ledger_account as a
        from (select distinct unnest(p_addresses) as address order by 1) addresses
    ), made as (
        insert into ledger_account
            select (a).id, (a).address, (a).kind, (a).unit, (a).act_id, ledger_account_digest(a) from asked
            on conflict (address) do nothing
            returning id
    ), balanced as (
        insert into ledger_balance (account_id, guard) select id, k.guard from made where k.is_kept
    )
    select count(*) into opened from made;
    select address into taken from ledger_account
        where address = any (p_addresses) and (kind <> p_kind or unit <> p_unit) order by address limit 1;
    if found then
        raise exception 'account % is of another kind or unit', taken using errcode = 'TL002',
            detail = json_build_object('account', taken, 'unit', p_unit)::text;
    end if;
    perform ledger_complete_internal(p_act, opened, 0, 0);
    return opened;
end $$;
