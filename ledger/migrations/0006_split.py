"""Value may go from one voucher to another one of the same programme."""

from django.db import migrations

from ledger.kinds import AccountKind, Flow

# A database that is made anew has it from the first migration, which writes the whole list.
_ADD = (
    f"insert into ledger_flow values ({Flow.SPLIT}, 'SPLIT', {AccountKind.VOUCHER}, "
    f"{AccountKind.VOUCHER}) on conflict do nothing"
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_accounts")]
    operations = [migrations.RunSQL(_ADD, migrations.RunSQL.noop)]
