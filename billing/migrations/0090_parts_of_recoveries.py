"""A case takes back from each payer's part; those of before from the account that they named."""

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models
from django.db.migrations.operations import RunSQL

EARLIER = """
insert into billing_recoverypart (recovery_id, payer_id, payable, amount, upheld_amount,
    recovered_amount, written_off_amount)
select r.id, coalesce(b.payer_id, p.authority_id), r.payable, r.amount, r.upheld_amount,
    r.recovered_amount, r.written_off_amount
from billing_recovery r join vouchers_programme p on p.id = r.programme_id
left join billing_payment m on m.id = r.payment_id left join billing_batch b on b.id = m.batch_id
order by r.id
"""
ADD_UP = """
-- A case's parts add up to it: what was claimed, upheld, got back and given up.
create function billing_parts_add_up() returns trigger language plpgsql
set search_path = public, pg_temp as $$
declare
    one bigint := case when tg_table_name = 'billing_recovery' then to_jsonb(new) ->> 'id'
        else to_jsonb(new) ->> 'recovery_id' end;
begin
    if exists (select from billing_recovery r cross join lateral (
            select sum(amount) as amount, sum(upheld_amount) as upheld,
                sum(recovered_amount) as recovered, sum(written_off_amount) as written_off
            from billing_recoverypart where recovery_id = r.id) p
        where r.id = one and (r.amount, r.upheld_amount, r.recovered_amount, r.written_off_amount)
            is distinct from (p.amount, p.upheld, p.recovered, p.written_off)) then
        raise exception 'the parts of recovery % do not add up', one using errcode = '23514';
    end if;
    return null;
end $$;
create constraint trigger parts_add_up after insert or update on billing_recovery
deferrable initially deferred for each row execute function billing_parts_add_up();
create constraint trigger parts_add_up after insert or update on billing_recoverypart
deferrable initially deferred for each row execute function billing_parts_add_up()
"""
NO_MORE = """
drop trigger parts_add_up on billing_recovery;
drop trigger parts_add_up on billing_recoverypart;
drop function billing_parts_add_up()
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0089_repayments_at_bank'),
        ('parties', '0060_cooling_off'),
    ]

    operations = [
        migrations.CreateModel(
            name='RecoveryPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('payable', models.CharField(max_length=120)),
                ('amount', models.BigIntegerField()),
                ('upheld_amount', models.BigIntegerField(default=0)),
                ('recovered_amount', models.BigIntegerField(default=0)),
                ('written_off_amount', models.BigIntegerField(default=0)),
                ('payer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='parties.organisation')),
                ('recovery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='billing.recovery')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(models.F('recovery'), models.F('payer'), name='billing_recoverypart_once'),
                    models.CheckConstraint(condition=models.Q(('upheld_amount__gte', 0), ('recovered_amount__gte', 0), ('written_off_amount__gte', 0)), name='billing_recoverypart_upheld_amount_not_negative'),
                    models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('upheld_amount__lte', models.F('amount'))), name='billing_recoverypart_within_amount'),
                    models.CheckConstraint(condition=models.Q(('upheld_amount__gte', django.db.models.expressions.CombinedExpression(models.F('recovered_amount'), '+', models.F('written_off_amount')))), name='billing_recoverypart_never_more_than_owed'),
                ],
            },
        ),
        RunSQL(EARLIER, RunSQL.noop),
        migrations.RemoveField(model_name='recovery', name='payable'),
        RunSQL(ADD_UP, NO_MORE),
    ]
