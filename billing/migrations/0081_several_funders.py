"""Who pays each funder's part, and what each bears of a settlement."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL

from common.insert_only import insert_only

ADD_UP = """
-- What a settlement began with adds up to what it covers; no funder gives back more than it bears.
create function billing_shares_add_up() returns trigger language plpgsql
set search_path = public, pg_temp as $$
begin
    if exists (select from billing_settlement s where s.id = new.settlement_id
        and s.act_id = new.act_id and s.covered <> (select sum(f.amount) from billing_fundershare f
            where f.settlement_id = s.id and f.act_id = s.act_id)) then
        raise exception 'the shares of settlement % do not add up', new.settlement_id
            using errcode = '23514';
    end if;
    if (select sum(f.amount) < 0 from billing_fundershare f
        where f.settlement_id = new.settlement_id and f.name = new.name) then
        raise exception 'funder % would bear less than nothing of settlement %', new.name,
            new.settlement_id using errcode = '23514';
    end if;
    return null;
end $$;
create constraint trigger shares_add_up after insert on billing_fundershare
deferrable initially deferred for each row execute function billing_shares_add_up()
"""
NO_MORE = """
drop trigger shares_add_up on billing_fundershare;
drop function billing_shares_add_up()
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0080_billed_quantity'),
        ('ledger', '0010_apportion'),
        ('parties', '0060_cooling_off'),
        ('vouchers', '0022_order_reference'),
    ]

    operations = [
        migrations.CreateModel(
            name='Funder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('named_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('named_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='parties.user')),
                ('payer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='funds', to='parties.organisation')),
                ('programme', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='funders', to='vouchers.programme')),
            ],
        ),
        migrations.CreateModel(
            name='FunderShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('amount', models.BigIntegerField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('payer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='parties.organisation')),
                ('settlement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shares', to='billing.settlement')),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.F('settlement'), models.F('name'), models.F('act'), name='billing_fundershare_once_an_act'), models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='billing_fundershare_has_amount')],
            },
        ),
    ] + insert_only("billing_funder", "billing_fundershare") + [RunSQL(ADD_UP, NO_MORE)]
