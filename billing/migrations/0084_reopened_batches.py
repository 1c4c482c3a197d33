"""A batch that was closed is at the bank again when what closed it is undone."""

from django.db import migrations
from django.db.migrations.operations import RunSQL

# As before, and one way back: people had said that the bank paid a payment, and take it back, so
# that it waits for the bank once more.
STAGES_IN_ORDER = """
create or replace function batch_stages_in_order() returns trigger language plpgsql
set search_path = public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        if new.status = 'OPEN' then return null; end if;
        raise exception 'batch % begins as %', new.id, new.status
            using errcode = '23514', constraint = 'batch_stages_in_order';
    end if;
    if (old.status, new.status) in (
        ('OPEN', 'LOCKED'), ('LOCKED', 'APPROVED'), ('APPROVED', 'AUTHORISED'),
        ('AUTHORISED', 'RELEASED'), ('RELEASED', 'SENT'), ('RELEASED', 'CLOSED'),
        ('SENT', 'CLOSED'),
        ('LOCKED', 'OPEN'), ('APPROVED', 'OPEN'), ('AUTHORISED', 'OPEN'),
        ('OPEN', 'CANCELLED'), ('LOCKED', 'CANCELLED'), ('APPROVED', 'CANCELLED'),
        ('AUTHORISED', 'CANCELLED')
    ) or (old.status = 'APPROVED' and new.status = 'RELEASED' and not new.needs_authorisation)
    or (old.status = 'CLOSED' and new.status = 'SENT' and exists (
        select from billing_payment where batch_id = new.id and status = 'SENT'))
    then
        return null;
    end if;
    raise exception 'batch % does not go from % to %', new.id, old.status, new.status
        using errcode = '23514', constraint = 'batch_stages_in_order';
end $$
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0083_payers_of_batches")]
    # Going back leaves the one way more, which no code then takes.
    operations = [RunSQL(STAGES_IN_ORDER, RunSQL.noop)]
