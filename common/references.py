"""References of bulk tables, checked a statement at a time instead of a row at a time.

PostgreSQL asks for each new row, and each of its foreign keys, whether the row it names is
there: for a million rows that costs more than writing them. Here one statement's new rows are
compared as a set. That is as safe where what they name is never taken away, which the trigger
`never_deleted` or `insert_only` of the named table sees to.
"""

from django.db.migrations.operations import RunSQL

REFERENCES_EXIST = """
create function references_exist() returns trigger language plpgsql
set search_path = public, pg_temp as $$
declare
    missing text;
begin
    for i in 0 .. tg_nargs / 2 - 1 loop
        execute format(
            'select d.id::text from (select distinct %1$I as id from added) d'
            ' where d.id is not null and not exists (select from %2$I t where t.id = d.id) limit 1',
            tg_argv[2 * i], tg_argv[2 * i + 1]) into missing;
        if missing is not null then
            raise exception 'insert on table "%" names % %, which is not in table "%"',
                tg_table_name, tg_argv[2 * i], missing, tg_argv[2 * i + 1] using errcode = '23503';
        end if;
    end loop;
    return null;
end $$
"""


def references_exist(table: str, **targets: str) -> list[RunSQL]:
    """Return the migration operations that check what columns of new rows name.

    :param targets: the table that each column's values are ids of.
    """
    words = ", ".join(f"'{column}', '{target}'" for column, target in targets.items())
    return [
        RunSQL(
            f"create trigger references_exist after insert on {table} "
            "referencing new table as added for each statement "
            f"execute function references_exist({words})",
            f"drop trigger references_exist on {table}",
        )
    ]


def never_deleted(*tables: str) -> list[RunSQL]:
    """Return the migration operations that refuse DELETE and TRUNCATE on tables."""
    return [
        RunSQL(
            f"create trigger never_deleted before delete or truncate on {table} "
            "for each statement execute function ledger_append_only()",
            f"drop trigger never_deleted on {table}",
        )
        for table in tables
    ]
