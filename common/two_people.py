"""The trigger of tables in whose rows two columns must name two people, whoever writes them.

A CHECK can compare the two accounts; that both belong to one person stands in another table.
"""

from django.db.migrations.operations import RunSQL

# Nothing is locked here: an action has locked its doer's account already, and one lock more, in
# no order, would be waited for by a join that waits for the first.
ONE_PERSON = """
create function one_person(one bigint, other bigint) returns boolean language sql stable
set search_path = public, pg_temp as $$
    select exists (
        select from parties_user a join parties_user b on b.person_id = a.person_id
        where a.id = one and b.id = other)
$$
"""

TWO_PEOPLE = """
create function two_people() returns trigger language plpgsql
set search_path = public, pg_temp as $$
declare
    written jsonb = to_jsonb(new);
begin
    for i in 0 .. tg_nargs - 2 loop
        for j in i + 1 .. tg_nargs - 1 loop
            if one_person((written ->> tg_argv[i])::bigint, (written ->> tg_argv[j])::bigint) then
                raise exception 'row % of "%" names one person as % and as %',
                    written ->> 'id', tg_table_name, tg_argv[i], tg_argv[j]
                    using errcode = '23514', constraint = 'two_people';
            end if;
        end loop;
    end loop;
    return null;
end $$
"""


def two_people(table: str, *columns: str) -> list[RunSQL]:
    """Return the migration operations that refuse rows in which one person stands twice.

    It is asked when a row is added or one of the columns is written, and of rows that were
    written before their two accounts were joined no more than that.

    :param columns: the columns that hold accounts, any two of which must be two people's.
    """
    words = ", ".join(f"'{column}'" for column in columns)
    return [
        RunSQL(
            f"create constraint trigger two_people after insert or update of {', '.join(columns)} "
            f"on {table} for each row execute function two_people({words})",
            f"drop trigger two_people on {table}",
        )
    ]
