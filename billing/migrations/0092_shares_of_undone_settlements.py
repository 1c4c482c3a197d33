"""What was undone before settlements had shares is borne by nobody: its shares are taken back."""

from django.db import migrations

from ledger.kinds import Flow

# The transfer of a settlement is told as a correction tells it: by the act, the amount, the hold.
TAKE_BACK = f"""
insert into billing_fundershare (settlement_id, name, payer_id, amount, act_id)
select s.id, f.name, f.payer_id, -sum(f.amount), back.act_id
from billing_settlement s
join billing_fundershare f on f.settlement_id = s.id
left join vouchers_order o on o.id = s.order_id
join ledger_transfer t on t.act_id = s.act_id and t.amount = s.covered and t.reverses_id is null
    and t.flow in ({Flow.REDEEM}, {Flow.CLAIM}, {Flow.DELIVER})
    and (o.id is null or t.hold_id = o.hold)
join ledger_transfer back on back.reverses_id = t.id
group by s.id, f.name, f.payer_id, back.act_id
having sum(f.amount) > 0
order by s.id, min(f.id)
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0091_locks_of_earlier_months")]
    operations = [migrations.RunSQL(TAKE_BACK, migrations.RunSQL.noop)]
