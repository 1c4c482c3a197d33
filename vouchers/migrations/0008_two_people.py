"""A policy version is released by another person than proposed it, and not only by another account."""

from django.db import migrations
from django.db.migrations.operations import RunSQL

RELEASED_BY_ANOTHER = """
create function released_by_another() returns trigger language plpgsql
set search_path = public, pg_temp as $$
begin
    if one_person(new.released_by_id,
        (select v.proposed_by_id from vouchers_policyversion v where v.id = new.version_id)) then
        raise exception 'row % of "%" names the person who proposed the version as released_by_id',
            new.id, tg_table_name using errcode = '23514', constraint = 'two_people';
    end if;
    return null;
end $$
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0007_extensions_and_revocations"), ("parties", "0004_persons")]
    # The table is insert-only: no row changes its two people later.
    operations = [
        RunSQL(RELEASED_BY_ANOTHER, "drop function released_by_another()"),
        RunSQL(
            "create constraint trigger two_people after insert on vouchers_policyrelease "
            "for each row execute function released_by_another()",
            "drop trigger two_people on vouchers_policyrelease",
        ),
    ]
