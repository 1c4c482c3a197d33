"""Who may do what to a batch, and when, is held by the database too, whoever writes."""

from django.db import migrations
from django.db.migrations.operations import RunSQL

from common.insert_only import insert_only
from common.references import never_deleted

# A person has one part in a batch: maker, checker, authoriser or releaser. Their accounts count
# as one person, and whom they stood in for counts as having acted too. As `two_people` does, it
# looks at what is written and locks nothing.
PARTS_APART = """
create function batch_parts_apart() returns trigger language plpgsql
set search_path = public, pg_temp as $$
declare
    which bigint = case tg_table_name when 'billing_batch' then new.id
        else (to_jsonb(new) ->> 'batch_id')::bigint end;
    twice record;
begin
    with done(part, account) as (
        select case kind when 'APPROVED' then 'checker' when 'AUTHORISED' then 'authoriser'
            when 'RELEASED' then 'releaser' else 'maker' end, account
        from billing_batchstep, lateral (values (doer_id), (stands_for_id)) as one(account)
        where batch_id = which and kind not in ('SENT_BACK', 'SENT', 'CANCELLED')
        union
        select part, account
        from billing_batch, lateral (values ('maker', prepared_by_id), ('checker', approved_by_id),
            ('authoriser', authorised_by_id), ('releaser', released_by_id)) as one(part, account)
        where id = which
    )
    select a.part as one, b.part as other into twice
    from done a join parties_user ua on ua.id = a.account
    join done b on a.part < b.part join parties_user ub on ub.id = b.account
    where ua.person_id = ub.person_id limit 1;
    if found then
        raise exception 'batch % has one person as % and as %', which, twice.one, twice.other
            using errcode = '23514', constraint = 'two_people';
    end if;
    return null;
end $$
"""

STAGES_IN_ORDER = """
create function batch_stages_in_order() returns trigger language plpgsql
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
    then
        return null;
    end if;
    raise exception 'batch % does not go from % to %', new.id, old.status, new.status
        using errcode = '23514', constraint = 'batch_stages_in_order';
end $$
"""

LIST_FROZEN = """
create function batch_list_frozen() returns trigger language plpgsql
set search_path = public, pg_temp as $$
begin
    if exists (select from billing_batch where id = new.batch_id and status <> 'OPEN') then
        raise exception 'the list of batch % is locked', new.batch_id
            using errcode = '23514', constraint = 'batch_list_frozen';
    end if;
    return null;
end $$
"""

# What a payment is, and whether it is in the list; its bank detail is told anew on release.
_OF_THE_LIST = ("batch_id", "payee_id", "payable", "amount", "unit", "end_to_end_id", "reference")
_CHANGED = " or ".join(f"old.{one} is distinct from new.{one}" for one in _OF_THE_LIST)


class Migration(migrations.Migration):
    dependencies = [("billing", "0072_stages_of_batches")]
    operations = [
        RunSQL(PARTS_APART, "drop function batch_parts_apart()"),
        RunSQL(
            "create constraint trigger two_people after insert or update of prepared_by_id,"
            " approved_by_id, authorised_by_id, released_by_id on billing_batch for each row"
            " when (new.approved_by_id is not null or new.authorised_by_id is not null"
            " or new.released_by_id is not null) execute function batch_parts_apart()",
            "drop trigger two_people on billing_batch",
        ),
        RunSQL(
            "create constraint trigger two_people after insert on billing_batchstep for each row"
            " when (new.kind not in ('SENT_BACK', 'SENT', 'CANCELLED'))"
            " execute function batch_parts_apart()",
            "drop trigger two_people on billing_batchstep",
        ),
        RunSQL(STAGES_IN_ORDER, "drop function batch_stages_in_order()"),
        RunSQL(
            "create trigger stages_in_order_new after insert on billing_batch for each row"
            " execute function batch_stages_in_order()",
            "drop trigger stages_in_order_new on billing_batch",
        ),
        RunSQL(
            "create trigger stages_in_order after update on billing_batch for each row"
            " when (old.status is distinct from new.status)"
            " execute function batch_stages_in_order()",
            "drop trigger stages_in_order on billing_batch",
        ),
        RunSQL(LIST_FROZEN, "drop function batch_list_frozen()"),
        RunSQL(
            "create trigger list_frozen_new after insert on billing_payment for each row"
            " execute function batch_list_frozen()",
            "drop trigger list_frozen_new on billing_payment",
        ),
        RunSQL(
            "create trigger list_frozen after update on billing_payment for each row"
            f" when ({_CHANGED} or (old.status is distinct from new.status"
            " and 'REMOVED' in (old.status, new.status)))"
            " execute function batch_list_frozen()",
            "drop trigger list_frozen on billing_payment",
        ),
        *never_deleted("billing_payment"),
        *insert_only("billing_batchstep"),
    ]
