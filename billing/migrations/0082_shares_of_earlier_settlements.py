"""What was settled earlier is shared as its law said; the authority of the programme paid it."""

from django.db import migrations

from policy.funding import split
from policy.programme import read

AT_ONCE = 2_000


def share_earlier(apps, _editor):
    """Write the shares of every settlement that covers something."""
    share, settlement = (apps.get_model("billing", name) for name in ("FunderShare", "Settlement"))
    found = settlement.objects.filter(covered__gt=0).select_related(
        "policy_version", "bill__programme"
    )
    laws, shares = {}, []
    for one in found.order_by("pk").iterator(chunk_size=AT_ONCE):
        text = one.policy_version.text
        rules = laws.get(text) or laws.setdefault(text, read(text))
        shares += [
            share(
                settlement_id=one.pk,
                name=name,
                payer_id=one.bill.programme.authority_id,
                amount=part,
                act_id=one.act_id,
            )
            for name, part in split(one.covered, rules)
            if part
        ]
    share.objects.bulk_create(shares, batch_size=None)


class Migration(migrations.Migration):
    dependencies = [("billing", "0081_several_funders")]
    operations = [migrations.RunPython(share_earlier, migrations.RunPython.noop)]
