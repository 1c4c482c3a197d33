-- The ledger's tables. Amounts are integer minor units of a currency, or GPU-milliseconds.

create table ledger_kind (
    kind smallint primary key,
    code text not null unique,
    guard smallint not null check (guard in (-1, 0, 1)),
    is_kept boolean not null
);

-- The legal roads: a balanced transfer on another road is refused.
create table ledger_flow (
    flow smallint not null,
    code text not null,
    debit_kind smallint not null references ledger_kind,
    credit_kind smallint not null references ledger_kind,
    primary key (flow, debit_kind, credit_kind)
);

create sequence ledger_act_id;
create sequence ledger_account_id;
create sequence ledger_transfer_id;

-- One thing that somebody did. Counts and totals say what belongs to it, so that a row that is
-- taken away or slipped in is noticed before the next seal.
create table ledger_act (
    id bigint primary key,
    kind text not null,
    actor text not null,
    about text not null,
    at timestamptz not null,
    reason text not null,
    details jsonb not null,
    openings integer not null,
    moves integer not null,
    total numeric(38, 0) not null,
    recorded_at timestamptz not null,
    txid bigint not null,
    digest bytea not null
);
create index ledger_act_about on ledger_act (about, id);
create index ledger_act_txid on ledger_act (txid);
create index ledger_act_kind_at on ledger_act (kind, at);

-- Who claims a key first does the act; the hash tells the same request from another one.
-- No foreign key to the act: the claim comes first, and each row bears witness of the other.
create table ledger_key (
    key text primary key,
    act_id bigint not null unique,
    payload_hash bytea not null
);

create table ledger_account (
    id bigint primary key,
    address text not null unique check (address ~ '^[a-z_]+(:[A-Za-z0-9._-]+)+$'),
    kind smallint not null references ledger_kind,
    unit text not null check (unit ~ '^([A-Z]{3}|GPU:[A-Z0-9-]{1,24})$'),
    act_id bigint not null references ledger_act,
    digest bytea not null
);
create index ledger_account_act on ledger_account (act_id);

-- Guarded balances, one narrow row an account. The CHECK is the cap, whoever races.
create table ledger_balance (
    account_id bigint primary key references ledger_account,
    guard smallint not null check (guard in (-1, 0, 1)),
    debit_posted bigint not null default 0 check (debit_posted >= 0),
    credit_posted bigint not null default 0 check (credit_posted >= 0),
    debit_pending bigint not null default 0 check (debit_pending >= 0),
    constraint ledger_balance_not_below_zero check (
        guard = 0
        or (guard = 1 and debit_posted + debit_pending <= credit_posted)
        or (guard = -1 and credit_posted <= debit_posted)
    )
) with (fillfactor = 50);

create table ledger_transfer (
    id bigint primary key,
    act_id bigint not null references ledger_act,
    position integer not null check (position >= 1),
    kind smallint not null check (kind between 1 and 6),
    flow smallint not null,
    debit_id bigint not null references ledger_account,
    credit_id bigint not null references ledger_account,
    amount bigint not null check (amount > 0),
    hold_id bigint references ledger_transfer,
    reverses_id bigint references ledger_transfer,
    expires_at timestamptz,
    at timestamptz not null,
    ref text not null,
    txid bigint not null,
    digest bytea not null,
    unique (act_id, position),
    check (debit_id <> credit_id),
    check ((kind in (3, 4, 6)) = (hold_id is not null)),
    check ((kind = 5) = (reverses_id is not null)),
    check ((kind = 2) = (expires_at is not null))
);
create unique index ledger_transfer_reversed_once on ledger_transfer (reverses_id)
    where reverses_id is not null;
create index ledger_transfer_debit on ledger_transfer (debit_id, txid);
create index ledger_transfer_credit on ledger_transfer (credit_id, txid);
create index ledger_transfer_hold on ledger_transfer (hold_id) where hold_id is not null;

-- What is left of a hold; its terms are the transfer of the same number.
create table ledger_hold (
    id bigint primary key references ledger_transfer,
    debit_id bigint not null references ledger_account,
    credit_id bigint not null references ledger_account,
    amount bigint not null check (amount > 0),
    remaining bigint not null check (remaining between 0 and amount),
    expires_at timestamptz not null,
    state smallint not null check (state in (1, 2, 3)),
    check ((state = 1) = (remaining > 0))
) with (fillfactor = 70);
create index ledger_hold_open on ledger_hold (expires_at) where state = 1;
create index ledger_hold_debit on ledger_hold (debit_id) where state = 1;

-- The sealed chain: a block covers the transactions [from_txid, to_txid), all ended when sealed.
create table ledger_block (
    seq bigint primary key,
    act_id bigint not null unique references ledger_act,
    from_txid bigint not null,
    to_txid bigint not null unique check (to_txid > from_txid),
    acts bigint not null,
    accounts bigint not null,
    transfers bigint not null,
    snapshots bigint not null,
    prev_hash bytea not null,
    hash bytea not null
);

-- Totals of a record-only account over all transactions below its block's end.
create table ledger_snapshot (
    account_id bigint not null references ledger_account,
    block_seq bigint not null references ledger_block,
    debit numeric(38, 0) not null,
    credit numeric(38, 0) not null,
    primary key (account_id, block_seq)
);

create function ledger_append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: add another row instead', tg_table_name
        using errcode = '23001';
end $$;

-- An act may be completed by the transaction that began it, while nobody else can see it.
create function ledger_act_same_transaction() returns trigger language plpgsql as $$
begin
    if old.txid <> pg_current_xact_id()::text::bigint or new.id <> old.id then
        raise exception 'ledger_act is append-only: act % is done', old.id using errcode = '23001';
    end if;
    return new;
end $$;

create trigger append_only before update on ledger_act
    for each row execute function ledger_act_same_transaction();
create trigger append_only_delete before delete or truncate on ledger_act
    for each statement execute function ledger_append_only();
create trigger append_only before update or delete or truncate on ledger_key
    for each statement execute function ledger_append_only();
create trigger append_only before update or delete or truncate on ledger_account
    for each statement execute function ledger_append_only();
create trigger append_only before update or delete or truncate on ledger_transfer
    for each statement execute function ledger_append_only();
create trigger append_only before update or delete or truncate on ledger_block
    for each statement execute function ledger_append_only();
create trigger append_only before update or delete or truncate on ledger_snapshot
    for each statement execute function ledger_append_only();
create trigger append_only before update or delete or truncate on ledger_kind
    for each statement execute function ledger_append_only();
create trigger append_only before update or delete or truncate on ledger_flow
    for each statement execute function ledger_append_only();
create trigger never_deleted before delete or truncate on ledger_balance
    for each statement execute function ledger_append_only();
create trigger never_deleted before delete or truncate on ledger_hold
    for each statement execute function ledger_append_only();
