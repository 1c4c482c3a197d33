"""What is owed to a party may go on to what one funder owes it, in the same programme."""

from django.db import migrations

from ledger.kinds import AccountKind, Flow

# A database that is made anew has it from the first migration, which writes the whole list.
_ADD = "insert into ledger_flow values " + ", ".join(
    f"({Flow.APPORTION}, 'APPORTION', {kind}, {kind})"
    for kind in (AccountKind.PROVIDER_PAYABLE, AccountKind.BENEFICIARY_PAYABLE)
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_recovery")]
    operations = [
        migrations.RunSQL(f"{_ADD} on conflict do nothing", migrations.RunSQL.noop)
    ]
