"""What was got back returns to a voucher, what can't be is written off, too much is a refund due."""

from django.db import migrations

from ledger.kinds import AccountKind, Flow

K = AccountKind
# A database that is made anew has them from the first migration, which writes the whole list.
_ADD = "insert into ledger_flow values ({}, '{}', {}, {}) on conflict do nothing"
_ROADS = (
    (Flow.REALLOT, K.RECOVERED, K.VOUCHER),
    (Flow.WRITE_OFF, K.RECOVERED, K.RECEIVABLE),
    (Flow.REFUND, K.PAID, K.PROVIDER_PAYABLE),
    (Flow.REFUND, K.PAID, K.BENEFICIARY_PAYABLE),
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_periods")]
    operations = [
        migrations.RunSQL(
            _ADD.format(flow.value, flow.name, debit.value, credit.value),
            migrations.RunSQL.noop,
        )
        for flow, debit, credit in _ROADS
    ]
